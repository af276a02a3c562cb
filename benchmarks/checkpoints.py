"""Times our reading of model files against torch.load, which runs what the file says, in one run.

    python benchmarks/checkpoints.py FILE [FILE ...]

Give files of your own that you trust: torch.load imports ultralytics for its checkpoints and runs what they ask for.
Processor time of one thread, files in the system's cache. The first load is in a new process that has imported torch
and our reader: there torch.load imports what the file names, ours nothing. The others are medians once all is imported.
"safetensors" is the file after `hemline models convert`; the floor is one read of the file into memory. "Ready" is the
network in float32: plain loading as ultralytics does it, and ours, which builds the network and compares it.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

os.environ.update(YOLO_OFFLINE="1", YOLO_AUTOINSTALL="0", YOLO_VERBOSE="0", YOLO_CONFIG_DIR=tempfile.gettempdir())

import torch
from timing import median_ms

from hemline.segmentation.checkpoints.checkpoint import read_checkpoint, save_checkpoint
from hemline.segmentation.yolo.loader import load_yolo

ROUNDS = 7
FIRST_CALLS = (
    "torch.load(path, weights_only=False)",
    "read_checkpoint(path)",
    "from hemline.segmentation.yolo.loader import load_yolo; load_yolo(path)",
)

FIRST = """
import sys, time, torch
from pathlib import Path
from hemline.segmentation.checkpoints.checkpoint import read_checkpoint
path = Path(sys.argv[1])
start = time.process_time()
{call}
print((time.process_time() - start) * 1000)
"""


def first_ms(path: Path, call: str) -> float:
    run = subprocess.run(
        [sys.executable, "-c", FIRST.format(call=call), str(path)], check=True, capture_output=True, text=True
    )
    return float(run.stdout.splitlines()[-1])


def plain_network(path: Path) -> torch.nn.Module:
    entries = torch.load(path, map_location="cpu", weights_only=False)
    return (entries.get("ema") or entries["model"]).float().eval()


def main(paths: list[Path]) -> None:
    torch.set_num_threads(1)
    heads = ("one read", "torch.load", "ours", "no values", "safetensors", "ready, plain", "ready, ours",
             "1st torch.load", "1st ours", "1st ready")  # fmt: skip
    print(f"{'file, ms':20} {'MB':>7}", *(f"{head:>14}" for head in heads))
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
                lambda path=path: plain_network(path),
                lambda path=path: load_yolo(path),
            ]
            times = [median_ms(call, clock=time.process_time, runs=ROUNDS) for call in calls]
        size = path.stat().st_size / 1e6
        firsts = [first_ms(path, call) for call in FIRST_CALLS]
        print(f"{path.name:20} {size:7.1f}", *(f"{spent:14.1f}" for spent in (*times, *firsts)), flush=True)


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]])
