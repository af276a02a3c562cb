"""How the scripts of this folder take memory. Linux only."""

from __future__ import annotations

import ctypes
import resource
from collections.abc import Callable


def peak_mib(call: Callable[[], object]) -> float:
    """How far the process's peak memory rises above its present size, in MiB."""
    ctypes.CDLL("libc.so.6").malloc_trim(0)  # what lies free would hide what the call takes
    with open("/proc/self/statm") as statm:
        now = int(statm.read().split()[1]) * resource.getpagesize()
    with open("/proc/self/clear_refs", "w") as clear:
        clear.write("5")
    result = call()
    with open("/proc/self/status") as status:
        peak = next(int(line.split()[1]) * 1024 for line in status if line.startswith("VmHWM"))
    del result
    return (peak - now) / 2**20
