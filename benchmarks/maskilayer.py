"""Times `hemline maskilayer` as a whole process next to PyPI maskilayer, in one run on the same files.

    python benchmarks/maskilayer.py [--runs N] [--peer-up-to SIDE] [--folder FOLDER] SIDE...

The files are two photos that are drawn (smooth colours under sensor-like noise) and a soft disk as the mask, RGB and
grey PNG of 8 bits; for each side the same pictures are also mixed as tiled TIFF where the extra `io` is there. Given
are processor seconds (user and system, all threads) and the peak of the resident memory, each of the median run, next
to a bare ``import torch``. `pip install maskilayer` brings the peer; it is left out above --peer-up-to, where its
memory would not suffice. Unix only: the figures are the operating system's own (wait4).
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from hemline.hosts.formats.extras import has_extra
from hemline.hosts.formats.info import PictureInfo, Strip
from hemline.hosts.formats.writing import create_picture

NOISE = 0.02
ROWS = 64


class Cost(NamedTuple):
    """What a process took."""

    cpu_s: float
    wall_s: float
    peak_mib: float


def photo_strips(side: int, seed: int) -> Iterator[Strip]:
    dice = np.random.default_rng(seed)
    x = np.arange(side, dtype=np.float32) / side
    for top in range(0, side, ROWS):
        y = np.arange(top, min(top + ROWS, side), dtype=np.float32)[:, None] / side
        red = 0.5 + 0.4 * np.sin(6 * x + seed) * np.cos(5 * y)
        green = 0.5 + 0.3 * np.cos(9 * x * y + seed)
        colours = np.stack([red, green, 0.4 + 0.4 * y * x], axis=-1)
        colours += dice.standard_normal(colours.shape, dtype=np.float32) * NOISE
        yield np.rint(colours.clip(0, 1) * 255).astype(np.uint8)


def mask_strips(side: int) -> Iterator[Strip]:
    x = np.arange(side, dtype=np.float32) / side - 0.5
    for top in range(0, side, ROWS):
        y = np.arange(top, min(top + ROWS, side), dtype=np.float32)[:, None] / side - 0.5
        values = (5 * (0.35 - np.hypot(x, y)) + 0.5).clip(0, 1)
        yield np.rint(values * 255).astype(np.uint8)[..., None]


def make_files(folder: Path, side: int, suffix: str) -> tuple[Path, Path, Path]:
    paths = tuple(folder / f"{name}{side}{suffix}" for name in ("back", "comp", "mask"))
    strips = (photo_strips(side, 1), photo_strips(side, 2), mask_strips(side))
    for path, rows, channels in zip(paths, strips, (3, 3, 1), strict=True):
        with create_picture(path, PictureInfo(side, side, channels)) as give:
            for strip in rows:
                give(strip)
    return paths


def cost(command: list[str], runs: int) -> Cost:
    """The run with the median processor time."""
    return statistics.median_high([one_run(command) for _ in range(runs)])


def one_run(command: list[str]) -> Cost:
    start = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        told = process.stderr.read().decode()[-500:] if process.stderr else ""
        raise SystemExit(f"{' '.join(command)} failed: {told}")
    unit = 1024 if sys.platform != "darwin" else 1024 * 1024
    return Cost(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss / unit)


def flags(files: tuple[Path, Path, Path], out: Path, norm: int) -> list[str]:
    back, comp, mask = map(str, files)
    written = ["--out", str(out), "--smask", str(out.with_stem("smask"))]
    return ["--back", back, "--comp", comp, "--masks", mask, "--norm", str(norm), *written]


def report(name: str, side: int, spent: Cost, bare: Cost) -> None:
    over = spent.peak_mib - bare.peak_mib
    print(
        f"{side:6} {name:34} {spent.cpu_s:8.2f} CPU s {spent.wall_s:8.2f} s {spent.peak_mib:7.0f} MiB "
        f"{over:+7.0f} MiB over torch",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("sides", type=int, nargs="*", default=[4096])
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--peer-up-to", type=int, default=8192)
    parser.add_argument("--folder", type=Path)
    wanted = parser.parse_args()
    bare = cost([sys.executable, "-c", "import torch"], wanted.runs)
    print(f"bare import torch: {bare.cpu_s:.2f} CPU s, {bare.peak_mib:.0f} MiB")
    ours = [sys.executable, "-m", "hemline", "maskilayer"]
    peer = shutil.which("maskilayer", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    for side in wanted.sides:
        with tempfile.TemporaryDirectory(dir=wanted.folder) as made:
            folder = Path(made)
            files = make_files(folder, side, ".png")
            for norm in (0, 3):
                spent = cost([*ours, *flags(files, folder / "out.png", norm)], wanted.runs)
                report(f"hemline, PNG, norm {norm}", side, spent, bare)
            if peer and side <= wanted.peer_up_to:
                for extra, words in (([], "PNG"), (["--fast"], "PNG, --fast")):
                    spent = cost([peer, *flags(files, folder / "peer.png", 0), *extra], wanted.runs)
                    report(f"maskilayer, {words}", side, spent, bare)
            if has_extra("tifffile") and has_extra("imagecodecs"):
                for file in files:
                    file.unlink()
                files = make_files(folder, side, ".tif")
                spent = cost([*ours, *flags(files, folder / "out.tif", 0)], wanted.runs)
                report("hemline, tiled TIFF, deflate", side, spent, bare)


if __name__ == "__main__":
    main()
