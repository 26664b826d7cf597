"""Children that do not outlive the process that started them, whatever way it ends.

A parent that is killed with SIGKILL cannot stop its children, and no child notices by itself; only Linux has
this, so elsewhere a killed parent leaves its children.
"""

import ctypes
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def dying_with_parent(command: Sequence[str | Path], signum: signal.Signals) -> Sequence[str | Path]:
    """The same command, for a child to whom the kernel sends `signum` once its parent is gone.

    The "parent" is the thread that starts the child: start it from one that lives as long as it should.
    """
    # This file asks for the signal in the child, and then becomes the command. A preexec_fn would need no
    # other program, and hang now and then where the parent has threads.
    if sys.platform != "linux":
        return command
    return [sys.executable, "-I", "-S", __file__, str(int(signum)), str(os.getpid()), *command]


def _become(signum: int, parent: int, command: list[str]) -> None:
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0)
    if os.getppid() != parent:  # it died before the call above
        os.kill(os.getpid(), signal.SIGKILL)
    os.execvp(command[0], command)  # noqa: S606  # it is the command that was asked for


if __name__ == "__main__":
    _become(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3:])
