"""Children that do not outlive the process that started them, whatever way it ends."""

import ctypes
import os
import signal
import sys
from collections.abc import Callable

_PR_SET_PDEATHSIG = 1
_prctl = ctypes.CDLL(None).prctl if sys.platform == "linux" else None


def die_with_parent(signum: signal.Signals) -> Callable[[], None]:
    """A `preexec_fn`: the kernel sends `signum` to the child once its parent is gone.

    A parent that is killed with SIGKILL cannot stop its children, and no child notices by itself; only
    Linux has this, so elsewhere a killed parent leaves its children. The "parent" is the thread that
    started the child: start children from a thread that lives as long as they should.
    """
    parent = os.getpid()

    def in_child() -> None:
        if _prctl is None:
            return
        _prctl(_PR_SET_PDEATHSIG, signum, 0, 0, 0)
        if os.getppid() != parent:  # it died before the call above
            os.kill(os.getpid(), signal.SIGKILL)

    return in_child
