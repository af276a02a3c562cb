"""Harder pictures made out of labelled photos: cut figures, two people, small people, bad light. All seeded."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
from ccp import Photo, read_photos
from PIL import Image, ImageFilter

Random = np.random.Generator
Scene = Callable[[Photo, Photo, Random], Photo]

# Dim light: so much is left of the light, and sensor noise of this standard deviation (in 8-bit levels) is added.
DARK_GAIN, DARK_NOISE = 0.2, 4.0
# A landscape frame (width over height) in which the person has this share of the height.
SMALL_ASPECT, SMALL_SHARE = 1.5, 0.5
# Empty columns between two people, as a share of the width of the one who is pasted: none to touching closely.
PAIR_GAPS = (-0.1, 0.1)
# Blur of ground that is added, as a share of the photo's height.
GROUND_BLUR = 0.03


def make_scene(name: str, photo: Photo, other: Photo) -> Photo:
    """The photo as the named scene; the same one for the same photos. other: whom `pair` adds."""
    return SCENES[name](photo, other, np.random.default_rng(zlib.crc32(f"{name} {photo.name}".encode())))


def make_scenes(data: Path, names: list[str], scene: str) -> Iterator[Photo]:
    """The named photos as scenes, one after the other; each is paired with the next, the last with the first."""
    if not names:
        return
    photos = read_photos(data, [*names, names[0]])
    photo = next(photos)
    for other in photos:
        yield make_scene(scene, photo, other)
        photo = other


def keep_whole(photo: Photo, other: Photo, random: Random) -> Photo:
    """The photo as it is."""
    return photo


def cut_upper_half(photo: Photo, other: Photo, random: Random) -> Photo:
    """Head to hips: everything above the middle of the person's box."""
    _, top, _, bottom = photo.person_box()
    return _crop(photo, rows=slice(0, round((top + bottom) / 2)))


def cut_lower_half(photo: Photo, other: Photo, random: Random) -> Photo:
    """Hips to shoes: everything below the middle of the person's box."""
    _, top, _, bottom = photo.person_box()
    return _crop(photo, rows=slice(round((top + bottom) / 2), photo.labels.shape[0]))


def join_photos(photo: Photo, other: Photo, random: Random) -> Photo:
    """Two photos side by side, the other scaled to the height of the first."""
    other = _scaled(other, photo.labels.shape[0] / other.labels.shape[0])
    rows = min(photo.labels.shape[0], other.labels.shape[0])
    return Photo(
        photo.name,
        np.concatenate([photo.image[:rows], other.image[:rows]], axis=1),
        np.concatenate([photo.labels[:rows], other.labels[:rows]], axis=1),
    )


def paste_person(photo: Photo, other: Photo, random: Random) -> Photo:
    """The other photo's person, cut out and of the same height, right beside the first; the ground is mirrored."""
    _, y0, x1, y1 = photo.person_box()
    a0, b0, a1, b1 = other.person_box()
    other = _crop(other, slice(int(b0), int(b1)), slice(int(a0), int(a1)))
    other = _scaled(other, (y1 - y0) / (b1 - b0))
    height, width = other.labels.shape
    left = round(x1 + width * float(random.uniform(*PAIR_GAPS)))
    canvas = _widened(photo, 0, 0, 0, max(0, left + width + round(0.1 * width) - photo.labels.shape[1]))
    image, labels = canvas.image.copy(), canvas.labels.copy()
    region = (slice(int(y0), int(y0) + height), slice(left, left + width))
    rows, columns = labels[region].shape
    seen = other.labels[:rows, :columns] != 0
    image[region][seen] = other.image[:rows, :columns][seen]
    labels[region][seen] = other.labels[:rows, :columns][seen]
    return Photo(photo.name, image, labels)


def make_pair(photo: Photo, other: Photo, random: Random) -> Photo:
    """Two people: two photos side by side, or one's person cut out and set beside the other, half the time each."""
    return (join_photos if random.random() < 0.5 else paste_person)(photo, other, random)


def make_small(photo: Photo, other: Photo, random: Random) -> Photo:
    """A landscape frame in which the person has half the height; the ground goes on outwards, mirrored and blurred.

    Only strips that do not show the person are mirrored; blurred, passers-by in them are nobody.
    """
    x0, y0, x1, y1 = photo.person_box()
    height = round((y1 - y0) / SMALL_SHARE)
    width = round(height * SMALL_ASPECT)
    above = max(0, round((height - photo.labels.shape[0]) * float(random.uniform(0.5, 1.0))))
    below = max(0, height - photo.labels.shape[0] - above)
    spare = max(0, width - photo.labels.shape[1])
    left = round(spare * float(random.uniform(0.2, 0.8)))
    sides = int(x0), int(photo.labels.shape[1] - x1)
    return _scaled(_widened(photo, above, below, left, spare - left, sides=sides), SMALL_SHARE)


def make_dark(photo: Photo, other: Photo, random: Random) -> Photo:
    """A fifth of the light, with noise."""
    noise = random.normal(0.0, DARK_NOISE, photo.image.shape)
    return replace(photo, image=_bytes(photo.image * DARK_GAIN + noise))


def make_grey(photo: Photo, other: Photo, random: Random) -> Photo:
    """Luma (Rec. 601) in all three channels."""
    luma = photo.image.astype(np.float64) @ np.array([0.299, 0.587, 0.114])
    return replace(photo, image=_bytes(np.repeat(luma[..., None], 3, axis=2)))


SCENES: dict[str, Scene] = {
    "whole": keep_whole,
    "upper_half": cut_upper_half,
    "lower_half": cut_lower_half,
    "pair": make_pair,
    "small": make_small,
    "dark": make_dark,
    "grey": make_grey,
}


def _crop(photo: Photo, rows: slice, columns: slice = slice(None)) -> Photo:
    return Photo(photo.name, photo.image[rows, columns], photo.labels[rows, columns])


def _scaled(photo: Photo, factor: float) -> Photo:
    """The photo at another size; labels keep their edges (nearest pixel)."""
    size = tuple(max(1, round(side * factor)) for side in photo.labels.shape[::-1])
    image = Image.fromarray(photo.image).resize(size, Image.Resampling.LANCZOS)
    labels = Image.fromarray(photo.labels).resize(size, Image.Resampling.NEAREST)
    return Photo(photo.name, np.asarray(image), np.asarray(labels))


def _widened(
    photo: Photo, above: int, below: int, left: int, right: int, *, sides: tuple[int, int] | None = None
) -> Photo:
    """The photo with ground added: to and fro over the outermost strips of each side, which hold nobody.

    sides: width of those strips on the left and the right; a strip of one pixel repeats it.
    """
    rows, columns = photo.labels.shape
    if sides is None:
        sides = int(photo.person_box()[0]), int(columns - photo.person_box()[2])
    top = int(photo.person_box()[1])
    bottom = int(rows - photo.person_box()[3])
    across = np.concatenate([
        _to_and_fro(left, max(1, sides[0]))[::-1],
        np.arange(columns),
        columns - 1 - _to_and_fro(right, max(1, sides[1])),
    ])  # fmt: skip
    down = np.concatenate([
        _to_and_fro(above, max(1, top))[::-1],
        np.arange(rows),
        rows - 1 - _to_and_fro(below, max(1, bottom)),
    ])  # fmt: skip
    labels = np.full((len(down), len(across)), 0, dtype=np.uint8)
    labels[above : above + rows, left : left + columns] = photo.labels
    image = photo.image[np.ix_(down, across)]
    image = np.array(Image.fromarray(image).filter(ImageFilter.GaussianBlur(GROUND_BLUR * rows)))
    image[above : above + rows, left : left + columns] = photo.image
    return Photo(photo.name, image, labels)


def _to_and_fro(count: int, period: int) -> npt.NDArray[np.intp]:
    """0, 1 .. period-1, period-1 .. 0, 0 .. and so on, `count` numbers: distances from the edge."""
    steps = np.arange(count) % (2 * period)
    return np.minimum(steps, 2 * period - 1 - steps)


def _bytes(values: npt.NDArray[np.float64]) -> npt.NDArray[np.uint8]:
    return np.clip(np.round(values), 0, 255).astype(np.uint8)
