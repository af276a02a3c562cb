"""Prints what the pack costs at ComfyUI's start: the time to load it, over torch, and how many modules it brings.

python benchmarks/import_time.py
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from pathlib import Path

ROUNDS = 5
BUDGET_S = 0.3
SCRIPT = """
import json, pathlib, sys, tempfile, time, torch
sys.path.insert(0, {tests!r})
from support.fake_comfyui import comfyui, install_pack
with tempfile.TemporaryDirectory() as base, comfyui(pathlib.Path(base), {version!r}) as host:
    pack = install_pack(pathlib.Path(base) / "custom_nodes")
    before, start = set(sys.modules), time.perf_counter()
    host.load_pack(pack)
    print(json.dumps([time.perf_counter() - start, len(set(sys.modules) - before)]))
"""


def main() -> None:
    """Loads the pack in fresh interpreters, as ComfyUI does, and prints the median of each interface."""
    tests = str(Path(__file__).parents[1] / "tests")
    for version in ("V1", "V3"):
        rounds: list[tuple[float, int]] = []
        for _ in range(ROUNDS):
            script = SCRIPT.format(tests=tests, version=version)
            done = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
            rounds.append(tuple(json.loads(done.stdout)))
        seconds = statistics.median(time for time, _ in rounds)
        sys.stdout.write(f"{version}: {seconds:.3f} s over torch (budget {BUDGET_S} s), {rounds[0][1]} modules\n")


if __name__ == "__main__":
    main()
