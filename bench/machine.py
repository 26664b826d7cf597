"""What the figures were measured on."""

import os
import platform
import re
from pathlib import Path

from dormparty_sse.dev.commands import output_of
from dormparty_sse.dev.programs import livekit_program, redis_program


def machine() -> dict[str, str]:
    """Name and value of everything that a reader of the figures has to know."""
    return {
        "cores": str(os.cpu_count()),
        "cpu": _cpu_model(),
        "memory": f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 2**30:.0f} GiB",
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "redis": _version(redis_program()),
        "livekit": _version(livekit_program()),
        "load before": f"{os.getloadavg()[0]:.1f}",
    }


def _cpu_model() -> str:
    info = Path("/proc/cpuinfo")
    found = re.search(r"^model name\s*: (.*)$", info.read_text(), re.MULTILINE) if info.exists() else None
    return found[1] if found else platform.processor() or platform.machine()


def _version(program: Path) -> str:
    found = re.search(r"\d+(\.\d+)+", output_of([program, "--version"]) or "")
    return found[0] if found else "unknown"
