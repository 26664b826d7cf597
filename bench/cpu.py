"""How much processor time each part takes. Linux only; elsewhere nothing is known."""

import os
import time
from pathlib import Path

from bench.stack import Stack

CpuTimes = dict[str, float]  #: By the name of the process.


def cpu_times(stack: Stack) -> CpuTimes:
    """Processor seconds used so far by each part, children included."""
    times = {"this load generator": time.process_time()}
    if Path("/proc/self/stat").exists():
        for server in (stack.service, stack.redis, stack.livekit):
            times[server.name] = sum(map(_seconds, [server.pid, *_children(server.pid)]))
        times["everything else on this machine"] = _busy_seconds() - sum(times.values())
    return times


def _children(pid: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _seconds(pid: int) -> float:
    # Behind the name in parentheses, utime and stime are the fields 14 and 15 of proc(5), counted from 1.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _busy_seconds() -> float:
    """All cores, all processes, and what a hypervisor has taken away."""
    user, nice, system, _idle, _waiting, *interrupts_and_stolen = map(
        int, Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    )
    return (user + nice + system + sum(interrupts_and_stolen)) / os.sysconf("SC_CLK_TCK")
