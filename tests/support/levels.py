"""Pictures of random samples for every depth, and files of them."""

from __future__ import annotations

import numpy as np

from hemline.hosts.formats.info import PictureInfo
from hemline.hosts.formats.reading import open_picture
from hemline.hosts.formats.writing import create_picture, info_for


def info_of(width, height, channels, depth=8, **more):
    alpha = "straight" if channels in (2, 4) else "none"
    return PictureInfo(width, height, channels, depth, **{"alpha": alpha, **more})


def samples(info, seed=0):
    """Random samples of every value that the depth has; floats from -1 to 3."""
    dice = np.random.default_rng(seed)
    values = dice.random((info.height, info.width, info.channels))
    if info.is_float:
        return (values * 4 - 1).astype(info.dtype)
    top = 2 ** int(info.depth) - 1
    return np.rint(np.rint(values * top) * info.white / top).astype(info.dtype)


def write(path, info, pixels, rows=100, options=None):
    """The sidecar that the file keeps."""
    kept = info_for(path, info)
    with create_picture(path, kept, options) as give:
        for top in range(0, info.height, rows):
            give(pixels[top : top + rows])
    return kept


def read(path):
    with open_picture(path) as reader:
        return reader.info, reader.pixels()


def picture_file(path, width=7, height=5, channels=3, depth=8, seed=0, **more):
    """The samples that were written to a new file."""
    info = info_of(width, height, channels, depth, **more)
    pixels = samples(info, seed)
    write(path, info, pixels)
    return pixels
