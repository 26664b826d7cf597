"""The command line of the service, in a process whose clock is wrong by the seconds that come before it."""

import sys
import time

import time_machine

from dormparty_sse.__main__ import main

if __name__ == "__main__":
    with time_machine.travel(time.time() + float(sys.argv.pop(1))):
        sys.exit(main())
