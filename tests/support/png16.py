"""Writes 16-bit PNGs by hand, because Pillow writes none in colour."""

from __future__ import annotations

import struct
import zlib

import numpy as np


def png16(levels, filter_type=0):
    """The bytes of a PNG of uint16 levels ``[H,W,C]``, C 1 to 4; `filter_type` is PNG's 0 none, 1 left, 2 up."""
    height, width, channels = levels.shape
    rows, stride, above = [], channels * 2, None
    for row in levels.astype(">u2"):
        raw = np.frombuffer(row.tobytes(), np.uint8)
        left = np.concatenate([np.zeros(stride, np.uint8), raw[:-stride]])
        up = np.zeros_like(raw) if above is None else above
        predicted = {0: 0, 1: left, 2: up}[filter_type]
        rows.append(bytes([filter_type]) + (raw - predicted).astype(np.uint8).tobytes())
        above = raw
    kind = {1: 0, 2: 4, 3: 2, 4: 6}[channels]

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, 16, kind, 0, 0, 0)
    parts = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(b"".join(rows))) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + parts
