"""Writes picture files of every kind from strips; a file appears whole or not at all."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from queue import Full, Queue
from threading import Thread

import numpy as np

from ...errors import MissingModel, RangeError, check_name, pip_line, unknown_name
from ..whole_file import whole_file
from .codecs import write_avif, write_exr, write_jxl
from .extras import extra, has_extra
from .info import Depth, PictureInfo, Strip
from .pillow import exif_notes, has_avif, write_with_pillow
from .png import write_png
from .strips import check_complete
from .tiff import COMPRESSIONS, write_tiff

_JPEG_QUALITY = 95
_PILLOW_COMPRESSIONS = {"deflate": "tiff_adobe_deflate", "none": None}
DEPTH_NAMES: dict[str, Depth] = {"8": 8, "10": 10, "12": 12, "16": 16, "f16": "f16", "f32": "f32", "32": "f32"}


@dataclass(frozen=True)
class WriteOptions:
    """How a file is to be packed.

    quality: 1 to 100 of JPEG (95 if None), WebP, AVIF and JPEG XL (lossless if None). compression: of TIFF, "deflate",
    "zstd" or "none". fast: a PNG sooner, and larger where pixels repeat. notes: texts by name, which PNG and WebP keep
    as ComfyUI does.
    """

    quality: int | None = None
    compression: str = "deflate"
    fast: bool = False
    notes: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class FileFormat:
    """A format that can be written.

    depths, channels, linear, premultiplied: what it keeps; profile_depths: the depths at which it keeps a profile.
    whole: whether the whole picture is held until it is complete. packages: of the extra `io` that it needs.
    """

    name: str
    suffixes: tuple[str, ...]
    depths: tuple[Depth, ...]
    encode: Callable[[Path, PictureInfo, Iterable[Strip], WriteOptions], None]
    channels: tuple[int, ...] = (1, 2, 3, 4)
    profile_depths: tuple[Depth, ...] = ()
    linear: tuple[bool, ...] = (False,)
    premultiplied: tuple[bool, ...] = (False,)
    whole: bool = True
    packages: tuple[str, ...] = ()


def format_of(path: Path) -> FileFormat:
    """The format that the suffix names, PNG where there is none; raises `UnknownName` for a foreign one."""
    suffix = path.suffix.lower() or ".png"
    found = next((one for one in FORMATS if suffix in one.suffixes), None)
    if found is None:
        raise unknown_name("Picture format", suffix, [name for one in FORMATS for name in one.suffixes])
    return found


def info_for(path: Path, info: PictureInfo, depth: Depth | None = None) -> PictureInfo:
    """`info` as the format of `path` can keep it, at `depth` or, if None, at its own or the nearest depth.

    Raises `RangeError` for a depth that was asked for and that the format does not have.
    """
    kind = format_of(path)
    if depth is not None and depth not in kind.depths:
        names = ", ".join(map(str, kind.depths))
        raise RangeError(f"{kind.name} has no depth {depth}; choose {names}, or another format.")
    kept = depth or (info.depth if info.depth in kind.depths else _nearest(info, kind))
    channels = _nearest_channels(info.channels, kind.channels)
    premultiplied, linear = info.alpha == "premultiplied", info.transfer == "linear"
    premultiplied = premultiplied if premultiplied in kind.premultiplied else kind.premultiplied[0]
    # Whole numbers are too few for the light that floats hold, so it is encoded for them.
    linear = kind.linear[0] if info.is_float and not isinstance(kept, str) else linear
    linear = linear if linear in kind.linear else kind.linear[0]
    return dataclasses.replace(
        info, depth=kept, channels=channels, transfer="linear" if linear else "sRGB",
        alpha="none" if channels in (1, 3) else "premultiplied" if premultiplied else "straight",
        icc=info.icc if kept in kind.profile_depths else b"", format=kind.name, orientation=1,
    )  # fmt: skip


def _nearest_channels(channels: int, known: tuple[int, ...]) -> int:
    """The fewest channels that hold as many colours and alpha, or without alpha where the format has none."""
    wanted = {1: (1, 3), 2: (2, 4, 1, 3), 3: (3,), 4: (4, 3)}[channels]
    return next(one for one in wanted if one in known)


def lost_between(info: PictureInfo, kept: PictureInfo) -> list[str]:
    """What a file with the sidecar `kept` loses of a picture with the sidecar `info`, in words."""
    lost = ["the colour profile"] if info.icc and not kept.icc else []
    if info.alpha != "none" and kept.alpha == "none":
        lost.append("transparency")
    if _precision(kept) < _precision(info):
        lost.append(f"depth ({info.depth} to {kept.depth})")
    if info.is_float and not kept.is_float:
        lost.append("values outside 0..1")
    return lost


@contextmanager
def create_picture(
    path: Path, info: PictureInfo, options: WriteOptions | None = None
) -> Generator[Callable[[Strip], None]]:
    """A function that takes the next rows of a picture described by `info`, encoded in a thread beside the caller's.

    `info` must be one that the format keeps (`info_for`). The file stands in its place at the end of the `with`; after
    an error or an interruption nothing of it stays. Raises `BadFile` where it cannot be written and for rows of another
    type, shape or number than `info` tells, `MissingModel` for a
    missing package, `UnknownName` for a suffix or a compression, `RangeError` for a quality beyond 1..100.
    """
    options = options or WriteOptions()
    kind = format_of(path)
    check_writable(path, options)
    if kind.name == "TIFF" and not (_has_tiff() or _pillow_writes_tiff(info, options)):
        needed = pip_line("tifffile", "imagecodecs")
        raise MissingModel(f"{path.name}: this TIFF needs tifffile and imagecodecs: {needed}")
    with whole_file(path) as temporary:
        encoder = _Encoder(
            lambda strips: kind.encode(temporary, info, check_complete(info, strips, str(path)), options)
        )
        try:
            yield encoder.take
            encoder.finish()
        except BaseException:
            encoder.abort()
            raise


def check_writable(path: Path, options: WriteOptions) -> None:
    """Raises what `create_picture` would about the format, its packages and the options, before any work is done."""
    kind = format_of(path)
    check_name("Compression", options.compression, COMPRESSIONS)
    if options.quality is not None and not 1 <= options.quality <= 100:
        raise RangeError(f"the quality is {options.quality}; give a whole number from 1 to 100.")
    for package in kind.packages:
        extra(package, f"{path.name}: {kind.name}")
    if kind.name == "AVIF" and not (has_avif() or has_extra("imagecodecs")):
        needed = pip_line("imagecodecs")
        raise MissingModel(f"{path.name}: AVIF needs imagecodecs or a newer Pillow: {needed}")


class _Aborted(Exception):
    """Ends an encoder whose picture will not be completed."""


class _Encoder:
    """Runs an encoder that pulls strips in a thread, fed by a caller that pushes them; at most two wait."""

    def __init__(self, encode: Callable[[Iterable[Strip]], None]) -> None:
        self._waiting: Queue[Strip | None] = Queue(maxsize=2)
        self._error: BaseException | None = None
        self._aborted = False
        self._thread = Thread(target=self._run, args=(encode,), daemon=True)
        self._thread.start()

    def take(self, strip: Strip) -> None:
        self._put(strip)

    def finish(self) -> None:
        self._put(None)
        self._thread.join()
        if self._error is not None:
            raise self._error

    def abort(self) -> None:
        self._aborted = True
        while self._thread.is_alive():
            try:
                self._waiting.put(None, timeout=0.05)
            except Full:
                continue
            self._thread.join(0.05)

    def _put(self, strip: Strip | None) -> None:
        while self._error is None and self._thread.is_alive():
            try:
                self._waiting.put(strip, timeout=0.1)
            except Full:
                continue
            return
        if self._error is not None:
            raise self._error

    def _run(self, encode: Callable[[Iterable[Strip]], None]) -> None:
        try:
            encode(self._strips())
        except BaseException as error:  # noqa: BLE001  it is raised again in the caller's thread
            self._error = error

    def _strips(self) -> Iterable[Strip]:
        while (strip := self._waiting.get()) is not None:
            yield strip
        if self._aborted:
            raise _Aborted


def _nearest(info: PictureInfo, kind: FileFormat) -> Depth:
    """The first depth of the format that loses nothing, else its best one."""
    best = kind.depths[0]
    for depth in kind.depths:
        enough = _depth_bits(best) >= _precision(info)
        if not enough and _depth_bits(depth) > _depth_bits(best):
            best = depth
    return best


def _precision(info: PictureInfo) -> int:
    return _depth_bits(info.depth)


def _depth_bits(depth: Depth) -> int:
    """Bits that a depth keeps of 0..1: half floats have 11 of them below 1, singles 24."""
    return depth if isinstance(depth, int) else {"f16": 11, "f32": 24}[depth]


def _pillow_writes_tiff(info: PictureInfo, options: WriteOptions) -> bool:
    """Whether a TIFF can do without the extra: 8 bits, and grey of 16 bits or floats."""
    deep_grey = info.channels == 1 and info.depth in (16, "f32")
    return (info.depth == 8 or deep_grey) and info.alpha != "premultiplied" and options.compression != "zstd"


def _pixels(strips: Iterable[Strip]) -> Strip:
    return np.concatenate(list(strips))


def _encode_png(path: Path, info: PictureInfo, strips: Iterable[Strip], options: WriteOptions) -> None:
    with open(path, "xb") as file:
        write_png(file, info, strips, fast=options.fast, notes=options.notes)


def _encode_tiff(path: Path, info: PictureInfo, strips: Iterable[Strip], options: WriteOptions) -> None:
    if _has_tiff():
        write_tiff(path, info, strips, options.compression)
    else:
        packing = _PILLOW_COMPRESSIONS.get(options.compression)
        write_with_pillow(path, info, _pixels(strips), "TIFF", compression=packing)


def _has_tiff() -> bool:
    return has_extra("tifffile") and has_extra("imagecodecs")


def _encode_exr(path: Path, info: PictureInfo, strips: Iterable[Strip], _: WriteOptions) -> None:
    write_exr(path, info, _pixels(strips))


def _encode_jxl(path: Path, info: PictureInfo, strips: Iterable[Strip], options: WriteOptions) -> None:
    write_jxl(path, info, _pixels(strips), options.quality)


def _encode_avif(path: Path, info: PictureInfo, strips: Iterable[Strip], options: WriteOptions) -> None:
    # Only Pillow writes the profile; only the extra writes more than 8 bits, and 8 bits without loss.
    by_pillow = info.depth == 8 and has_avif() and (info.icc or not has_extra("imagecodecs"))
    if by_pillow:
        quality = options.quality or 100
        write_with_pillow(path, info, _pixels(strips), "AVIF", quality=quality, subsampling="4:4:4")
    else:
        write_avif(path, info, _pixels(strips), options.quality)


def _encode_webp(path: Path, info: PictureInfo, strips: Iterable[Strip], options: WriteOptions) -> None:
    how = {"lossless": True} if options.quality is None else {"quality": options.quality}
    # exact: colours under a transparent alpha are kept.
    write_with_pillow(path, info, _pixels(strips), "WEBP", exact=True, exif=exif_notes(options.notes), **how)


def _encode_jpeg(path: Path, info: PictureInfo, strips: Iterable[Strip], options: WriteOptions) -> None:
    quality = options.quality or _JPEG_QUALITY
    write_with_pillow(path, info, _pixels(strips), "JPEG", quality=quality, subsampling=0)


def _encode_bmp(path: Path, info: PictureInfo, strips: Iterable[Strip], _: WriteOptions) -> None:
    write_with_pillow(path, info, _pixels(strips), "BMP")


_BOTH = (False, True)
FORMATS = (
    FileFormat("PNG", (".png",), (8, 16), _encode_png, profile_depths=(8, 16), linear=_BOTH, whole=False),
    FileFormat(
        "TIFF", (".tif", ".tiff"), (8, 16, "f16", "f32"), _encode_tiff, profile_depths=(8, 16, "f16", "f32"),
        premultiplied=_BOTH, whole=False,
    ),
    FileFormat(
        "EXR", (".exr",), ("f16", "f32"), _encode_exr, linear=(True,), premultiplied=(True,), packages=("OpenEXR",)
    ),
    # Half floats would come back changed by up to 3e-5, so they are written as singles.
    FileFormat("JPEG XL", (".jxl",), (8, 16, "f32"), _encode_jxl, packages=("imagecodecs",)),
    FileFormat("AVIF", (".avif",), (8, 10, 12), _encode_avif, channels=(1, 3, 4), profile_depths=(8,)),
    FileFormat("WebP", (".webp",), (8,), _encode_webp, channels=(3, 4), profile_depths=(8,)),
    FileFormat("JPEG", (".jpg", ".jpeg"), (8,), _encode_jpeg, channels=(1, 3), profile_depths=(8,)),
    FileFormat("BMP", (".bmp",), (8,), _encode_bmp, channels=(1, 3)),
)  # fmt: skip
