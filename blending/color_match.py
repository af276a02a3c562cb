"""Colours of one picture brought to those of another, learnt from the pixels that both have in common."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import cast

import torch
from torch import Tensor
from torch.nn import functional

from ..color import oklab_to_srgb, srgb_to_oklab
from ..kernels import support_box
from ..tensors import NOTHING, ShapeError, as_image, check_name, check_range, match_batch, match_mask

METHODS = ("mean and std", "affine")
# An offset or a gain of encoded values, which is what decoders do to a picture, is no affine map of OKLab.
SPACES = ("sRGB", "OKLab")
APPLY_TO = ("whole", "mask")
# Fewer kept pixels than this tell chance rather than a tone.
LEAST_PIXELS = 64
# The fit looks at means over cells of up to so many pixels a side, so that grain does not pass for lack of contrast.
CELL_PX = 4
# So many cells are enough to leave the rest out.
FEW_CELLS = 4096
MANY_CELLS = 65536
# Variance below which a gain is not believed: a contrast of three 8-bit codes.
LEAST_VARIANCE = (3 / 255) ** 2
# A mixing of channels is believed as far as their contrast is more than so many times what no mixing explains: a wall
# and a pair of trousers tell channels badly apart, and a wrong mixing shows on every other colour.
CAUTION = 10.0
# Tukey's biweight: 95 % efficient on Gaussian noise. Beaton & Tukey (1974).
BIWEIGHT = 4.685
# The median of |x| of a Gaussian times this is its sigma.
MAD_TO_SIGMA = 1.4826
# Residuals are never taken to be finer than a quarter of an 8-bit code.
FINEST_SIGMA = 0.25 / 255
ROUNDS = 12
STRIP_ROWS = 128
# From step to step, so that twelve reach from the whole range to a code.
NARROWING = 0.6

_Regression = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]
_solve = cast("Callable[..., Tensor]", torch.linalg.solve)  # torch leaves it untyped


@dataclass(frozen=True)
class ColourFit:
    """How one picture's colours become the other's: ``colour @ matrix.T + offset`` in `space`.

    matrix ``[3,3]``, offset ``[3]``: float32. pixels: how many were kept to learn from. outliers: the share of them
    that the fit left out. before, after: the root mean square difference of the others, in encoded values; of two
    scenes that of their means.
    """

    matrix: Tensor
    offset: Tensor
    space: str
    pixels: int
    outliers: float
    before: float
    after: float

    def describe(self) -> str:
        """One line for a person: what was learnt from, and what it does to the picture."""
        gains = " ".join(f"{float(value):.3f}" for value in self.matrix.diagonal())
        offsets = " ".join(f"{float(value) * 255:+.1f}" for value in self.offset)
        return (
            f"fitted on {self.pixels} px ({self.outliers:.0%} left out): gain {gains}, offset {offsets} /255 in "
            f"{self.space}; difference {self.before * 255:.2f}/255 before, {self.after * 255:.2f}/255 after"
        )


def match_colours(
    image: Tensor, reference: Tensor, mask: Tensor | None = None, *, method: str = "mean and std", space: str = "sRGB",
    strength: float = 1.0, ring_px: int | None = None, apply_to: str = "whole",
) -> Tensor:  # fmt: skip
    """The image in the reference's tone; size, channels, dtype and device are the image's.

    apply_to: "whole" changes every pixel, "mask" only what the mask covers, as far as it covers it. The other arguments
    are those of `fit_colours` and `apply_fits`. A picture with too few kept pixels stays as it is.
    """
    check_name("Apply to", apply_to, APPLY_TO)
    fits = fit_colours(image, reference, mask, method=method, space=space, ring_px=ring_px)
    return apply_fits(image, fits, mask if apply_to == "mask" else None, strength=strength)


def fit_colours(
    image: Tensor, reference: Tensor, mask: Tensor | None = None, *, method: str = "mean and std", space: str = "sRGB",
    ring_px: int | None = None,
) -> tuple[ColourFit | None, ...]:  # fmt: skip
    """For each picture the map that brings its kept colours to the reference's; None where fewer than 64 px are kept.

    image, reference: ``[B,H,W,3|4]``; batches 1 and N go together. mask: ``[B,H,W]`` of the image's size, 1 = leave
    out; pixels are kept where it is 0 (up to 1/512), both pictures are finite and neither is transparent. ring_px: only
    kept pixels up to about so far from the mask count; None = all.

    method: "mean and std" gives each channel a gain and an offset so that mean and spread are the reference's; "affine"
    mixes channels too, by least squares. A reference of the image's size is taken as the same scene, and pixels that
    the map cannot explain are left out (iteratively reweighted, Tukey's biweight). A reference of another size is
    another scene: all its pixels count, and only "mean and std" goes. Gains that the kept pixels have no contrast for
    stay 1.

    space: in "sRGB" the map is one of encoded values, so that an offset or a gain of those is undone exactly; in
    "OKLab" lightness and colour are mapped apart, which suits tints. Reinhard, Ashikhmin, Gooch, Shirley, "Color
    Transfer between Images" (2001); Holland & Welsch, "Robust Regression Using Iteratively Reweighted Least-Squares"
    (1977).

    Raises `ShapeError` for a size that does not fit, `UnknownName` for method or space.
    """
    image, reference = as_image(image), as_image(reference, "reference").to(image.device)
    check_name("Method", method, METHODS)
    check_name("Space", space, SPACES)
    if ring_px is not None:
        check_range("ring_px", ring_px, 1, 4096)
    aligned = image.shape[1:3] == reference.shape[1:3]
    if not aligned and method == "affine":
        raise ShapeError(
            f"reference is {reference.shape[2]}x{reference.shape[1]} but image is {image.shape[2]}x{image.shape[1]}; "
            "'affine' compares pixel by pixel: scale one to the other, or choose 'mean and std'."
        )
    excluded = torch.zeros_like(image[:1, ..., 0]) if mask is None else match_mask(mask, image)
    names = ("image", "reference", "mask")
    image, reference, excluded = match_batch((image, reference, excluded), names)
    fits: list[ColourFit | None] = []
    for old, new, out in zip(image, reference, excluded > NOTHING, strict=True):  # each picture has a map of its own
        if aligned and ring_px is not None:
            rows, columns = _around(out, ring_px + CELL_PX)
            old, new, out = old[rows, columns], new[rows, columns], out[rows, columns]
        source, target = _cells(old, new, out, ring_px) if aligned else _cells_apart(old, new, out)
        fits.append(_fit(source, target, aligned, method, space) if source.pixels >= LEAST_PIXELS else None)
    return tuple(fits)


def apply_fits(
    image: Tensor, fits: Sequence[ColourFit | None], mask: Tensor | None = None, *, strength: float = 1.0,
    out: Tensor | None = None,
) -> Tensor:  # fmt: skip
    """The image with each picture's colours mapped by its fit; pictures without one stay bit for bit.

    image: ``[B,H,W,3|4]``; one fit per picture, or one for all. mask: ``[B,H,W]``, how far each pixel takes the new
    colour, None = wholly. strength: 0..1. Alpha stays. Results are clamped to 0..1 on each side on which the image
    itself stays within it; HDR values pass. out: memory for the result, of its shape and dtype; it may be the image.
    """
    image = as_image(image)
    check_range("strength", strength, 0, 1)
    shares = torch.ones_like(image[:1, ..., 0]) if mask is None else match_mask(mask, image)
    image, shares, _ = match_batch((image, shares, torch.empty(len(fits))), ("image", "mask", "fits"))
    result = image.clone() if out is None else out.copy_(image)
    for index in range(len(image)):  # each picture has a map of its own
        fit = fits[index] if len(fits) > 1 else fits[0]
        if fit is not None and strength > 0:
            rows, columns = _around(shares[index] > 0, 0)
            limits = _limits(image[index, rows, columns, :3])
            for top in range(rows.start, min(rows.stop, image.shape[1]), STRIP_ROWS):  # keeps what is between small
                strip = slice(top, min(top + STRIP_ROWS, rows.stop))
                place = (index, strip, columns, slice(3))
                old = image[place].float()
                share = shares[index, strip, columns].float().clamp(0, 1).unsqueeze(-1) * strength
                mixed = (old + share * (_map(old, fit) - old)).clamp(*limits).to(image.dtype)
                result[place] = torch.where(share > 0, mixed, image[place])
    return result


def describe_fits(fits: Sequence[ColourFit | None]) -> tuple[str, ...]:
    """One line per picture for a person; it says so where nothing was corrected."""
    missing = f"colours not changed: fewer than {LEAST_PIXELS} px are left to compare"
    lines = [fit.describe() if fit else missing for fit in fits]
    return tuple(lines) if len(lines) == 1 else tuple(f"{n}: {line}" for n, line in enumerate(lines, 1))


def _map(colours: Tensor, fit: ColourFit) -> Tensor:
    encode, decode = (srgb_to_oklab, oklab_to_srgb) if fit.space == "OKLab" else (_same, _same)
    return decode(encode(colours) @ fit.matrix.T.to(colours.device) + fit.offset.to(colours.device))


def _limits(source: Tensor) -> tuple[float, float]:
    low, high = source.amin(), source.amax()  # aminmax of half floats is missing from torch 2.1
    return 0 if float(low) >= 0 else -math.inf, 1 if float(high) <= 1 else math.inf


def _around(out: Tensor, reach: int) -> tuple[slice, slice]:
    """Rows and columns of what is out, and `reach` pixels more; everything where nothing is out."""
    x0, y0, x1, y1 = support_box(out) or (0, 0, out.shape[1], out.shape[0])
    return slice(max(y0 - reach, 0), y1 + reach), slice(max(x0 - reach, 0), x1 + reach)


@dataclass(frozen=True)
class _Cells:
    """Mean encoded colours ``[N,3]`` of cells, how many kept pixels stand behind each ``[N]``, and behind all."""

    colours: Tensor
    weights: Tensor
    pixels: int


def _cells(old: Tensor, new: Tensor, out: Tensor, ring_px: int | None) -> tuple[_Cells, _Cells]:
    """The cells of two pictures ``[H,W,C]`` of one scene, the same ones of both."""
    kept = ~out & _usable(old) & _usable(new)
    cell = _cell_px(kept)
    weights = _pool(kept.float().unsqueeze(0), cell)[0]
    if ring_px is not None and bool(out.any()):
        reach = math.ceil(ring_px / cell)
        near = functional.max_pool2d(out.float()[None, None], cell, ceil_mode=True)
        near = functional.max_pool2d(near, (1, 2 * reach + 1), stride=1, padding=(0, reach))
        weights = weights * functional.max_pool2d(near, (2 * reach + 1, 1), stride=1, padding=(reach, 0))[0, 0]
    source, target = (_cells_of(picture, kept, weights, cell) for picture in (old, new))
    return source, target


def _cells_apart(old: Tensor, new: Tensor, out: Tensor) -> tuple[_Cells, _Cells]:
    """The cells of two pictures that have nothing to do with each other."""
    kepts = ~out & _usable(old), _usable(new)
    cells: list[_Cells] = []
    for picture, kept in zip((old, new), kepts, strict=True):
        cell = _cell_px(kept)
        cells.append(_cells_of(picture, kept, _pool(kept.float().unsqueeze(0), cell)[0], cell))
    return cells[0], cells[1] if cells[1].pixels >= LEAST_PIXELS else cells[0]


def _usable(picture: Tensor) -> Tensor:
    finite = picture.isfinite().all(-1)
    return finite & (picture[..., 3] >= 0.5) if picture.shape[-1] == 4 else finite


def _cell_px(kept: Tensor) -> int:
    return min(max(int(math.sqrt(int(kept.sum()) / FEW_CELLS)), 1), CELL_PX)


def _pool(planes: Tensor, cell: int) -> Tensor:
    """The sum over cells of ``[C,H,W]``."""
    height, width = planes.shape[-2:]
    padded = functional.pad(planes, (0, -width % cell, 0, -height % cell))
    return functional.avg_pool2d(padded, cell) * cell**2


def _cells_of(picture: Tensor, kept: Tensor, weights: Tensor, cell: int) -> _Cells:
    chosen = weights > 0
    step = max(1, math.ceil(int(chosen.sum()) / MANY_CELLS))
    counts = weights[chosen][::step]
    # One channel after the other, so that only their cells are held together.
    channels = [_pool(torch.where(kept, picture[..., index].float(), 0).unsqueeze(0), cell)[0] for index in range(3)]
    colours = torch.stack([channel[chosen][::step] for channel in channels], dim=1) / counts.unsqueeze(1)
    return _Cells(colours, counts, int(weights.sum()))


def _fit(source: _Cells, target: _Cells, paired: bool, method: str, space: str) -> ColourFit:
    encode = srgb_to_oklab if space == "OKLab" else _same
    x, y = encode(source.colours), encode(target.colours)
    if not paired:
        matrix, offset = _map_spread(x, source.weights, y, target.weights)
        shift = _mean(target.colours, target.weights) - _mean(source.colours, source.weights)
        return ColourFit(
            matrix.cpu(), offset.cpu(), space, source.pixels, 0.0, float(shift.square().mean().sqrt()), 0.0
        )
    weights = source.weights * _trust(x, y, source.weights, _map_affine if method == "affine" else _map_gains)
    matrix, offset = _map_affine(x, weights, y) if method == "affine" else _map_spread(x, weights, y, weights)
    fit = ColourFit(matrix.cpu(), offset.cpu(), space, source.pixels, 0.0, 0.0, 0.0)
    before, after = (
        float(_mean((colours - target.colours).square(), weights).mean().sqrt())
        for colours in (source.colours, _map(source.colours, fit))
    )
    outliers = 1 - float(weights.sum() / source.weights.sum())
    return replace(fit, outliers=outliers, before=before, after=after)


def _trust(x: Tensor, y: Tensor, weights: Tensor, regress: _Regression) -> Tensor:
    """How far each pair ``[N]`` belongs to one map of x to y, 0..1.

    The least sum of distances first, which has no false minimum to fall into where one flat wall fills most of the
    picture; then Tukey's biweight, whose scale is narrowed down step by step from the largest distance.
    """
    distances = _distances(x, y, regress(x, weights, y))
    trust = torch.ones_like(weights)
    for _ in range(ROUNDS):
        distances = _distances(x, y, regress(x, weights * trust, y))
        trust = FINEST_SIGMA / distances.clamp_min(FINEST_SIGMA)
    sigma = float(distances.amax()) / BIWEIGHT
    for _ in range(ROUNDS):
        distances = _distances(x, y, regress(x, weights * trust, y))
        finest = max(MAD_TO_SIGMA * float(distances.median()), FINEST_SIGMA)
        sigma = max(sigma * NARROWING, finest)
        trust = (1 - (distances / (BIWEIGHT * sigma)).square()).clamp_min(0).square()
    return trust


def _distances(x: Tensor, y: Tensor, fitted: tuple[Tensor, Tensor]) -> Tensor:
    return (y - x @ fitted[0].T - fitted[1]).square().mean(1).sqrt()


def _map_gains(x: Tensor, weights: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The gain and offset per channel of least squares, drawn towards gain 1 where x has no contrast."""
    x_mean, y_mean = _mean(x, weights), _mean(y, weights)
    own, cross = _mean((x - x_mean).square(), weights), _mean((x - x_mean) * (y - y_mean), weights)
    gain = (cross + LEAST_VARIANCE) / (own + LEAST_VARIANCE)
    return torch.diag(gain), y_mean - gain * x_mean


def _map_spread(x: Tensor, x_weights: Tensor, y: Tensor, y_weights: Tensor) -> tuple[Tensor, Tensor]:
    """A gain and an offset per channel that give x the mean and the standard deviation of y."""
    x_mean, y_mean = _mean(x, x_weights), _mean(y, y_weights)
    x_spread, y_spread = _mean((x - x_mean).square(), x_weights), _mean((y - y_mean).square(), y_weights)
    gain = ((y_spread + LEAST_VARIANCE) / (x_spread + LEAST_VARIANCE)).sqrt()
    return torch.diag(gain), y_mean - gain * x_mean


def _map_affine(x: Tensor, weights: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """The matrix and offset of least squares, drawn towards the identity where x has no contrast.

    How far is told by what a first fit leaves over. Least squares takes grain in x for contrast that y lacks; so half
    of what is left over is taken to be x's, and counted as passed on unchanged (errors in variables: Fuller,
    "Measurement Error Models", 1987).
    """
    x_mean, y_mean = _mean(x, weights), _mean(y, weights)
    shared = ((x - x_mean) * (weights / weights.sum()).unsqueeze(1)).T
    # Three by three: solved in float64 on the CPU, which every device can give to.
    own, cross = (shared @ (x - x_mean)).cpu().double(), (shared @ (y - y_mean)).cpu().double()
    one = torch.eye(3, dtype=torch.float64)
    ridge = FINEST_SIGMA**2 * one
    plain = _solve(own + ridge, cross + ridge).to(x)
    left = (y - y_mean) - (x - x_mean) @ plain
    noise = ((left * (weights / weights.sum()).unsqueeze(1)).T @ left).cpu().double()
    ridge = ridge + CAUTION * noise.diagonal().mean() * one
    matrix = _solve(own + ridge, cross + noise / 2 + ridge).T.float().to(x.device)
    return matrix, y_mean - matrix @ x_mean


def _mean(values: Tensor, weights: Tensor) -> Tensor:
    return (values * weights.unsqueeze(1)).sum(0) / weights.sum().clamp_min(1e-12)


def _same(colours: Tensor) -> Tensor:
    return colours
