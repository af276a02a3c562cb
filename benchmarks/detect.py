"""Times Detect Garments with the shipped parser: load, pictures of 1 and 4 megapixels, a batch, peak memory.

    python benchmarks/detect.py [PHOTO]

Without a photo it takes the one that the demo takes. Two threads; every size in a process of its own, so that the
peak is that size's; "over torch" is the peak less what the process held after importing torch and reading the picture.
"""

from __future__ import annotations

import json
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch.nn import functional

from hemline.context import ModelCache
from hemline.hosts.demo import find_demo_photo
from hemline.hosts.pictures import load_image
from hemline.segmentation.detect import WEIGHTS, detect
from hemline.segmentation.parser import load_parser
from hemline.segmentation.vocabulary import PRESETS

RUNS = 5
THREADS = 2
BATCH = 8
MEGAPIXELS = (1.0, 4.0)


def main(photo: Path) -> None:
    """Prints the table."""
    torch.set_num_threads(THREADS)
    print(f"load: {1000 * _median(lambda: load_parser(WEIGHTS)):.0f} ms, {WEIGHTS.stat().st_size} bytes")
    for megapixels in MEGAPIXELS:
        command = [sys.executable, __file__, str(photo), str(megapixels)]
        print(_line(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)))
    _print_batch(_resized(photo, MEGAPIXELS[0]))


def measure(photo: Path, megapixels: float) -> dict[str, Any]:
    """Seconds and peak memory of one picture in this process."""
    torch.set_num_threads(THREADS)
    image = _resized(photo, megapixels)
    before = _peak_mib()
    models = ModelCache()
    begun = time.perf_counter()
    found = detect(image, PRESETS["garments"], models=models)
    first = time.perf_counter() - begun
    again = _median(lambda: detect(image, PRESETS["garments"], models=models))
    return {
        "size": list(image.shape[1:3]), "first_s": first, "again_s": again, "peak_mib": _peak_mib() - before,
        "found": found.garments.describe(), "looks": len(found.looks),
    }  # fmt: skip


def _line(row: dict[str, Any]) -> str:
    height, width = row["size"]
    times = f"first {row['first_s']:.2f} s (with the load), then {row['again_s']:.2f} s"
    memory = f"peak {row['peak_mib']:.0f} MiB over torch"
    return f"{width} x {height}: {times}, {memory}; {row['looks']} looks; {row['found']}"


def _print_batch(image: torch.Tensor) -> None:
    models = ModelCache()
    batch = image.expand(BATCH, -1, -1, -1)
    together = _median(lambda: detect(batch, PRESETS["garments"], models=models), 3) / BATCH
    alone = _median(lambda: [detect(image, PRESETS["garments"], models=models) for _ in range(BATCH)], 3) / BATCH
    print(f"batch of {BATCH}: {together:.2f} s a picture, {BATCH} singles: {alone:.2f} s a picture")


def _resized(photo: Path, megapixels: float) -> torch.Tensor:
    image = load_image(photo).image[..., :3]
    height, width = image.shape[1:3]
    scale = (megapixels * 1e6 / (height * width)) ** 0.5
    size = (round(height * scale), round(width * scale))
    return functional.interpolate(image.permute(0, 3, 1, 2), size, mode="bicubic", antialias=True).permute(0, 2, 3, 1)


def _median(call: Callable[[], object], runs: int = RUNS) -> float:
    times: list[float] = []
    for _ in range(runs):
        begun = time.perf_counter()
        call()
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def _peak_mib() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    chosen = Path(sys.argv[1] if len(sys.argv) > 1 else find_demo_photo().path)
    if len(sys.argv) > 2:
        print(json.dumps(measure(chosen, float(sys.argv[2]))))
    else:
        main(chosen)
