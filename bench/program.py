"""What a bench without arguments of its own does around its measurement."""

import argparse
import gc
import sys
from collections.abc import Callable, Coroutine
from typing import Any

import uvloop

from bench.errors import BenchError
from bench.machine import machine
from dormparty_sse.dev.errors import DevError


def run(
    name: str, description: str | None, measure: Callable[[], Coroutine[Any, Any, None]], how: str
) -> int:
    """Measures and prints. The exit status is 1 for an error or a wrong answer, not for a goal missed."""
    argparse.ArgumentParser(prog=f"python -m {name}", description=description).parse_args()
    print(", ".join(f"{part} {value}" for part, value in machine().items()))
    gc.disable()  # the load generator's own pauses would be taken for the service's
    try:
        uvloop.run(measure())
    except (BenchError, DevError) as error:
        print(f"bench: {error}", file=sys.stderr)
        return 1
    print(f"\n{how}")
    return 0
