"""How the scripts of this folder take times."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable

RUNS = 5


def median_ms(call: Callable[[], object], *, clock: Callable[[], float] = time.perf_counter, runs: int = RUNS) -> float:
    """The median of some runs in ms, after one that does not count."""
    call()
    times: list[float] = []
    for _ in range(runs):
        start = clock()
        call()
        times.append((clock() - start) * 1000)
    return statistics.median(times)
