"""What /proc tells of a server: its process and those it has started. Linux only."""

import os
import re
from contextlib import suppress
from pathlib import Path


def processor_s(pid: int) -> float:
    """Processor seconds used so far."""
    return sum(_seconds(Path(f"/proc/{member}/stat"), 2) for member in _family(pid))


def memory_kib(pid: int) -> int:
    """Memory: its own, and of what is shared a share (PSS)."""
    return sum(map(_pss, _family(pid)))


def children(pid: int) -> list[int]:
    """The processes it has started, which still run."""
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def busy_s() -> float:
    """Processor seconds used so far by all processes there are, and by those they have seen end.

    Not from /proc/stat: that is sampled by a clock, and misses who runs for a moment after each tick.
    """
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
            total += _seconds(stat, 4)
    return total


def _family(pid: int) -> list[int]:
    return [pid, *children(pid)]


def _seconds(stat: Path, times: int) -> float:
    # Behind the name in parentheses, the fields from 14 on of proc(5), counted from 1, are utime and stime,
    # and the same of children that have ended.
    fields = stat.read_text().rpartition(")")[2].split()[11:]
    return sum(map(int, fields[:times])) / os.sysconf("SC_CLK_TCK")


def _pss(pid: int) -> int:
    found = re.search(r"^Pss:\s+(\d+) kB$", Path(f"/proc/{pid}/smaps_rollup").read_text(), re.MULTILINE)
    return int(found[1]) if found else 0
