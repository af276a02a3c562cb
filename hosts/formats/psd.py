"""Layered PSD with layer masks and groups, 8 and 16 bits a channel, RGB.

After the Adobe Photoshop File Formats Specification (November 2019). Channels are packed and written one at a time, so
no more than one of them is held beside the picture.
"""

from __future__ import annotations

import struct
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ...errors import BadFile, check_name, check_range
from .deflate import Deflater
from .packbits import pack_rows

Plane = NDArray[Any]

LARGEST_SIDE = 30_000
LARGEST_FILE = 2**31 - 1
MODE_KEYS = {
    "normal": b"norm", "dissolve": b"diss", "darken": b"dark", "multiply": b"mul ", "color-burn": b"idiv",
    "linear-burn": b"lbrn", "darker-color": b"dkCl", "lighten": b"lite", "screen": b"scrn", "color-dodge": b"div ",
    "linear-dodge": b"lddg", "lighter-color": b"lgCl", "overlay": b"over", "soft-light": b"sLit",
    "hard-light": b"hLit", "vivid-light": b"vLit", "linear-light": b"lLit", "pin-light": b"pLit",
    "hard-mix": b"hMix", "difference": b"diff", "exclusion": b"smud", "subtract": b"fsub", "divide": b"fdiv",
    "hue": b"hue ", "saturation": b"sat ", "color": b"colr", "luminosity": b"lum ", "pass-through": b"pass",
}  # fmt: skip
"""Blend modes as Photoshop names them, in the spelling of this package; pass-through is for groups."""

_RGB = 3
_TYPES = ("uint8", "uint16")
_ALPHA_ID, _MASK_ID = -1, -2
_RAW, _RLE, _ZIP_PREDICTED = 0, 1, 3
_ICC_PROFILE = 1039
_OPEN_FOLDER, _DIVIDER = 1, 3
# Bit 3 says that the flags are Photoshop 5's or later; bit 1 hides.
_FLAGS, _HIDDEN = 0x08, 0x02
_DIVIDER_NAME = "</Layer group>"


@dataclass(frozen=True)
class PsdMask:
    """A layer's mask: ``[h,w]``, its top left corner at x, y of the picture; beyond it lies `outside`, 0 or 255."""

    pixels: Plane
    x: int = 0
    y: int = 0
    outside: int = 0


@dataclass(frozen=True)
class PsdLayer:
    """Straight pixels ``[h,w,3|4]``, their top left corner at x, y of the picture, seen through an optional mask.

    opacity: 0..1. mode: one of `MODE_KEYS`.
    """

    name: str
    pixels: Plane
    x: int = 0
    y: int = 0
    mask: PsdMask | None = None
    opacity: float = 1.0
    mode: str = "normal"
    visible: bool = True


@dataclass(frozen=True)
class PsdGroup:
    """Layers and groups in a folder, the lowest first."""

    name: str
    layers: Sequence[PsdLayer | PsdGroup]
    opacity: float = 1.0
    mode: str = "pass-through"
    visible: bool = True


@dataclass(frozen=True)
class _Record:
    """One entry of the file's list of layers: (channel id, plane or None for an empty one), and what describes it."""

    name: str
    box: tuple[int, int, int, int]
    channels: tuple[tuple[int, Plane | None], ...]
    described: PsdLayer | PsdGroup
    mask: PsdMask | None = None
    section: int = 0


def write_psd(file: BinaryIO, merged: Plane, layers: Sequence[PsdLayer | PsdGroup], *, icc: bytes = b"") -> None:
    """Writes layers, the lowest first, over each other; `file` must be new and able to seek.

    merged: how they look together, ``[H,W,3]``, uint8 or uint16; programs that know no layers show it. Its type is
    that of all layers and masks. icc: the colour profile. Channels of 8 bits are packed by PackBits, those of 16 bits
    by deflate over differences, as Photoshop does itself.

    Raises `BadFile` for a picture beyond 30,000 px a side or a file beyond 2 GB, the format's limits, and for pixels
    of another shape or type; `UnknownName` for a mode, `RangeError` for an opacity.
    """
    _check_picture(merged)
    records = list(_records(layers))
    for record in records:
        _check_record(record, merged)
    bits = 8 * merged.dtype.itemsize
    height, width = merged.shape[:2]
    file.write(struct.pack(">4sH6xHIIHHI", b"8BPS", 1, _RGB, height, width, bits, _RGB, 0))
    with _sized(file):
        if icc:
            _write_resource(file, _ICC_PROFILE, icc)
    with _sized(file):
        _write_layers(file, records, bits)
    _write_merged(file, merged)


def _records(layers: Iterable[PsdLayer | PsdGroup]) -> Iterable[_Record]:
    """The entries from the lowest layer up; a group is its layers between two entries without pixels."""
    nothing = tuple((channel, None) for channel in (_ALPHA_ID, 0, 1, 2))
    for layer in layers:
        if isinstance(layer, PsdGroup):
            yield _Record(_DIVIDER_NAME, (0, 0, 0, 0), nothing, PsdGroup("", ()), section=_DIVIDER)
            yield from _records(layer.layers)
            yield _Record(layer.name, (0, 0, 0, 0), nothing, layer, section=_OPEN_FOLDER)
        else:
            yield _record(layer)


def _record(layer: PsdLayer) -> _Record:
    planes: list[tuple[int, Plane | None]] = [(index, layer.pixels[..., index]) for index in range(_RGB)]
    if layer.pixels.shape[-1] == _RGB + 1:
        planes.insert(0, (_ALPHA_ID, layer.pixels[..., _RGB]))
    if layer.mask is not None:
        planes.append((_MASK_ID, layer.mask.pixels))
    return _Record(layer.name, _box(layer.pixels, layer.x, layer.y), tuple(planes), layer, layer.mask)


def _box(pixels: Plane, x: int, y: int) -> tuple[int, int, int, int]:
    """Top, left, bottom, right, as the format orders them."""
    return y, x, y + pixels.shape[0], x + pixels.shape[1]


def _write_layers(file: BinaryIO, records: list[_Record], bits: int) -> None:
    if bits == 8:
        with _sized(file, multiple=4):
            _write_layer_info(file, records)
        file.write(struct.pack(">I", 0))  # no global layer mask
        return
    # Deeper layers stand in a block of their own behind two empty parts.
    file.write(struct.pack(">II4s4s", 0, 0, b"8BIM", b"Lr16"))
    with _sized(file, multiple=4):
        _write_layer_info(file, records)


def _write_layer_info(file: BinaryIO, records: list[_Record]) -> None:
    file.write(struct.pack(">h", len(records)))
    length_places = [place for record in records for place in _write_record(file, record)]
    lengths: list[int] = []
    for record in records:
        for _, plane in record.channels:
            start = file.tell()
            _write_channel(file, plane)
            lengths.append(file.tell() - start)
            _check_size(file)
    end = file.tell()
    for place, length in zip(length_places, lengths, strict=True):
        file.seek(place)
        file.write(struct.pack(">I", length))
    file.seek(end)


def _write_record(file: BinaryIO, record: _Record) -> list[int]:
    """Writes all of a layer but its pixels; returns where the lengths of its channels are still to be filled in."""
    file.write(struct.pack(">4iH", *record.box, len(record.channels)))
    places: list[int] = []
    for channel, _ in record.channels:
        file.write(struct.pack(">h", channel))
        places.append(file.tell())
        file.write(bytes(4))
    shown = record.described
    flags = _FLAGS if shown.visible else _FLAGS | _HIDDEN
    key = MODE_KEYS[shown.mode]
    # A group's own entry carries "normal"; its true mode stands in its section.
    outer = b"norm" if key == b"pass" else key
    file.write(struct.pack(">4s4sBBBB", b"8BIM", outer, round(shown.opacity * 255), 0, flags, 0))
    with _sized(file):
        _write_mask_place(file, record.mask)
        file.write(struct.pack(">I", 0))  # blending ranges: all
        file.write(_pascal_name(record.name))
        _write_block(file, b"luni", _unicode_name(record.name))
        if record.section:
            _write_block(file, b"lsct", struct.pack(">I4s4s", record.section, b"8BIM", key))
    return places


def _write_mask_place(file: BinaryIO, mask: PsdMask | None) -> None:
    with _sized(file):
        if mask is not None:
            file.write(struct.pack(">4iBBH", *_box(mask.pixels, mask.x, mask.y), mask.outside, 0, 0))


def _pascal_name(name: str) -> bytes:
    """The name for programs that know no Unicode: a length and ASCII, filled up to a multiple of four."""
    letters = name.encode("ascii", "replace")[:255]
    return (bytes([len(letters)]) + letters).ljust(-(-(len(letters) + 1) // 4) * 4, b"\0")


def _unicode_name(name: str) -> bytes:
    units = name.encode("utf-16-be", "replace")
    return struct.pack(">I", len(units) // 2) + units


def _write_block(file: BinaryIO, key: bytes, data: bytes) -> None:
    file.write(b"8BIM" + key)
    with _sized(file, multiple=4):
        file.write(data)


def _write_resource(file: BinaryIO, number: int, data: bytes) -> None:
    file.write(struct.pack(">4sHHI", b"8BIM", number, 0, len(data)) + data + bytes(len(data) % 2))


def _write_channel(file: BinaryIO, plane: Plane | None) -> None:
    if plane is None:
        file.write(struct.pack(">H", _RAW))
    elif plane.dtype.itemsize == 1:
        data, sizes = pack_rows(plane)
        file.write(struct.pack(">H", _RLE) + sizes.astype(">u2").tobytes() + data)
    else:
        steps = np.array(plane)
        steps[:, 1:] -= plane[:, :-1]  # modulo 65536
        deflater = Deflater(fast=True)
        file.write(struct.pack(">H", _ZIP_PREDICTED))
        file.write(deflater.compress(steps.astype(">u2").tobytes()))
        file.write(deflater.finish())


def _write_merged(file: BinaryIO, merged: Plane) -> None:
    """The flat picture, all of whose channels share one packing; deep ones are raw, which every reader knows."""
    planes = [merged[..., index] for index in range(_RGB)]
    if merged.dtype.itemsize == 1:
        packed = [pack_rows(plane) for plane in planes]
        file.write(struct.pack(">H", _RLE))
        file.writelines(sizes.astype(">u2").tobytes() for _, sizes in packed)
        file.writelines(data for data, _ in packed)
    else:
        file.write(struct.pack(">H", _RAW))
        for plane in planes:
            file.write(plane.astype(">u2").tobytes())
    _check_size(file)


@contextmanager
def _sized(file: BinaryIO, *, multiple: int = 1) -> Generator[None]:
    """What is written inside gets its length in front, filled up to a multiple."""
    place = file.tell()
    file.write(bytes(4))
    yield
    file.write(bytes(-(file.tell() - place - 4) % multiple))
    end = file.tell()
    file.seek(place)
    file.write(struct.pack(">I", end - place - 4))
    file.seek(end)


def _check_size(file: BinaryIO) -> None:
    if file.tell() > LARGEST_FILE:
        raise BadFile("a PSD holds at most 2 GB, and this one is larger; save fewer layers, or 8 bits.")


def _check_picture(merged: Plane) -> None:
    if merged.ndim != 3 or merged.shape[-1] != _RGB or 0 in merged.shape or merged.dtype.name not in _TYPES:
        raise BadFile(f"a PSD's picture is {merged.dtype} {list(merged.shape)}; give uint8 or uint16 [H,W,3].")
    height, width = merged.shape[:2]
    if max(height, width) > LARGEST_SIDE:
        raise BadFile(f"a PSD has at most {LARGEST_SIDE} px a side, this picture is {width}x{height}; make it smaller.")


def _check_record(record: _Record, merged: Plane) -> None:
    check_name("Blend mode of a PSD layer", record.described.mode, MODE_KEYS)
    check_range("opacity", record.described.opacity, 0, 1)
    for _, plane in record.channels:
        if plane is not None and (plane.ndim != 2 or plane.dtype != merged.dtype or 0 in plane.shape):
            raise BadFile(
                f"the layer {record.name!r} holds {plane.dtype} {list(plane.shape)}; give {merged.dtype} pixels "
                "[h,w,3|4] and masks [h,w] that are not empty."
            )
