"""Folders and archives of small random pictures for batches."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from PIL import Image

SIZES = {"img2": (40, 30), "img10": (31, 57), "Img1": (20, 20)}
ORDERED = ["Img1", "img2", "img10"]
JOBS = """jobs:
  - name: "portrait_enhancement"
    background_pattern: "originals/*.jpg"
    overlay_pattern: "enhanced/*.jpg"
    mask_pattern: "masks/*.png"
    output_template: "output/{name}_composite.png"
    normalize: 3
    blend_mode: "normal"
"""


def smooth(size: tuple[int, int], channels: int, seed: int) -> np.ndarray:
    """Levels 0..1 ``[h,w,channels]`` that JPEG keeps well."""
    dice = np.random.default_rng(seed)
    rows, columns = np.mgrid[0 : size[1], 0 : size[0]]
    waves = [
        np.sin(rows / dice.uniform(5, 9) + columns / dice.uniform(5, 9) + dice.uniform(0, 6)) for _ in range(channels)
    ]
    return np.stack(waves, axis=-1) * 0.5 + 0.5


def save_colours(path: Path, size: tuple[int, int], seed: int = 0, **options: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.rint(smooth(size, 3, seed) * 255).astype(np.uint8)).save(path, **options)
    return path


def save_mask(path: Path, size: tuple[int, int], seed: int = 0) -> Path:
    """A 16-bit mask whose values do not reach 0 or 1."""
    path.parent.mkdir(parents=True, exist_ok=True)
    levels = np.rint(1000 + smooth(size, 1, seed)[..., 0] * 50000)
    Image.fromarray(levels.astype(np.uint16)).save(path)
    return path


def write_catalogue(folder: Path, text: str = JOBS) -> Path:
    """Three pictures with overlays and masks, as `JOBS` names them; the job file."""
    for seed, (name, size) in enumerate(SIZES.items()):
        save_colours(folder / "originals" / f"{name}.jpg", size, seed)
        save_colours(folder / "enhanced" / f"{name}.jpg", size, seed + 10)
        save_mask(folder / "masks" / f"{name}_mask.png", size, seed + 20)
    jobs = folder / "jobs.yaml"
    jobs.write_text(text, encoding="utf-8")
    return jobs


def zip_folder(folder: Path, path: Path) -> Path:
    """All files of the folder in a new archive."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(folder.rglob("*")):
            if file.is_file():
                archive.write(file, file.relative_to(folder).as_posix())
    return path
