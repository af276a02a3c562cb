"""What a picture file says about itself that its pixels cannot: the sidecar that travels from reading to writing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Strip = NDArray[Any]
"""Some rows of a picture: ``[rows, width, channels]`` of uint8, uint16, float16 or float32, native byte order.

Integers fill their whole range whatever the file's depth: white is 255 or 65535, also in a 10-bit picture.
"""
Depth = Literal[8, 10, 12, 16, "f16", "f32"]
Alpha = Literal["none", "straight", "premultiplied"]
Transfer = Literal["sRGB", "linear"]

DTYPES: dict[Depth, type[np.generic]] = {
    8: np.uint8, 10: np.uint16, 12: np.uint16, 16: np.uint16, "f16": np.float16, "f32": np.float32,
}  # fmt: skip
"""Depth of a file -> the type of its strips."""


@dataclass(frozen=True)
class PictureInfo:
    """The sidecar of a picture.

    width, height: in pixels, upright. channels: 1 grey, 2 grey and alpha, 3 RGB, 4 RGBA.
    depth: bits of an integer sample, "f16" or "f32" for floats.
    alpha: "none", "straight", or "premultiplied" (colours multiplied by alpha, as in EXR).
    transfer: "sRGB" for encoded values, "linear" for light.
    icc: the colour profile, kept and never applied.
    format: of the file that it was read from, "" for a new one.
    orientation: the EXIF orientation that the file carries; the pixels are upright already.
    """

    width: int
    height: int
    channels: int
    depth: Depth = 8
    alpha: Alpha = "none"
    transfer: Transfer = "sRGB"
    icc: bytes = b""
    format: str = ""
    orientation: int = 1

    @property
    def dtype(self) -> type[np.generic]:
        """The numpy type of the strips."""
        return DTYPES[self.depth]

    @property
    def is_float(self) -> bool:
        """Whether samples are floats, which may lie outside 0..1."""
        return isinstance(self.depth, str)

    @property
    def white(self) -> int:
        """The sample that means 1.0."""
        return 1 if self.is_float else 255 if self.depth == 8 else 65535

    @property
    def row_bytes(self) -> int:
        """Bytes of one row as a strip."""
        return self.width * self.channels * np.dtype(self.dtype).itemsize

    @property
    def picture_bytes(self) -> int:
        """Bytes of the whole picture as one strip."""
        return self.row_bytes * self.height
