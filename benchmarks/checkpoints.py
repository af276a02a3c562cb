"""Times our reading of model files against torch.load, which runs what the file says, in one run.

    python benchmarks/checkpoints.py FILE [FILE ...]

Give files of your own that you trust: torch.load imports ultralytics for its checkpoints and runs what they ask for.
Processor time of one thread, the median of the rounds; torch.load has imported everything before the first.
"safetensors" is the file after `hemline models convert`. The floor is one read of the file into memory; files are in the
system's cache.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.update(YOLO_OFFLINE="1", YOLO_AUTOINSTALL="0", YOLO_VERBOSE="0", YOLO_CONFIG_DIR=tempfile.gettempdir())

import torch

from hemline.segmentation.checkpoints.checkpoint import read_checkpoint, save_checkpoint

ROUNDS = 7


def median_ms(call: Callable[[], object]) -> float:
    call()
    times: list[float] = []
    for _ in range(ROUNDS):
        start = time.process_time()
        call()
        times.append((time.process_time() - start) * 1000)
    return statistics.median(times)


def main(paths: list[Path]) -> None:
    torch.set_num_threads(1)
    print(
        f"{'file':24} {'MB':>7} {'one read':>10} {'torch.load':>11} {'ours':>9} {'no values':>10} {'safetensors':>12}"
    )
    for path in paths:
        with tempfile.TemporaryDirectory() as folder:
            converted = Path(folder) / "x.safetensors"
            save_checkpoint(read_checkpoint(path), converted)
            calls: list[Callable[[], object]] = [
                path.read_bytes,
                lambda path=path: torch.load(path, map_location="cpu", weights_only=False),
                lambda path=path: read_checkpoint(path),
                lambda path=path: read_checkpoint(path, values=False),
                lambda converted=converted: read_checkpoint(converted),
            ]
            floor, plain, ours, shapes, safe = map(median_ms, calls)
        size = path.stat().st_size / 1e6
        print(
            f"{path.name:24} {size:7.1f} {floor:7.1f} ms {plain:8.1f} ms {ours:6.1f} ms {shapes:7.1f} ms {safe:9.1f} ms"
        )


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
