"""How much processor time each part takes. Linux only; elsewhere nothing is known."""

import time
from pathlib import Path

from bench.processes import busy_s, processor_s
from bench.stack import Stack

CpuTimes = dict[str, float]  #: By the name of the process.


def cpu_times(stack: Stack) -> CpuTimes:
    """Processor seconds used so far by each part, children included."""
    times = {"this load generator": time.process_time()}
    if Path("/proc/self/stat").exists():
        for server in (stack.service, stack.redis, stack.livekit):
            times[server.name] = processor_s(server.pid)
        times["everything else on this machine"] = busy_s() - sum(times.values())
    return times
