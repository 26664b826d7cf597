"""`make setup`: brings what the development environment needs and this machine lacks.

`python -m dormparty_sse.dev.provision` does all of it, with `web-client` that part alone, anew.
"""

import signal
import sys

from dormparty_sse.dev.errors import DevError, from_os_error
from dormparty_sse.dev.programs import livekit_program, redis_program
from dormparty_sse.dev.web_client import WEB_CLIENT, install_web_client


def provision() -> None:
    """Find or get Redis, livekit-server and the web client. Raises DevError, OSError."""
    redis_program()
    livekit_program()
    if not all(file.exists() for file in WEB_CLIENT):
        install_web_client()


def main(arguments: list[str]) -> int:
    """Return the exit status; what went wrong is one line on stderr."""
    try:
        if arguments == ["web-client"]:
            install_web_client()
        else:
            provision()
    except KeyboardInterrupt:
        return 128 + signal.SIGINT
    except DevError as error:
        print(error, file=sys.stderr)
    except OSError as error:
        remedy = "free some space, or set XDG_CACHE_HOME to another place"
        print(from_os_error(error, remedy), file=sys.stderr)
    else:
        return 0
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
