"""The modes and operators against others' programs: a browser's canvas (recorded), psd-tools."""

from __future__ import annotations

import numpy as np
import psd_tools.composite.blend as psd
import pytest
import torch
from support import canvas

from hemline.blending.composite import blend_images
from hemline.blending.modes import blend_mode

# The canvas keeps premultiplied half precision; this is what its own rounding makes of the values.
CANVAS_TOLERANCE = 0.3 / 255
HALF_STEP = 2**-12
RECORDED = {
    name: torch.from_numpy(values.astype(np.float32)) for name, values in np.load(canvas.FILE).items() if " " in name
}

SEPARABLE = (
    "multiply", "screen", "overlay", "darken", "lighten", "color_dodge", "color_burn", "hard_light", "soft_light",
    "difference", "exclusion", "linear_dodge", "linear_burn", "vivid_light", "linear_light", "pin_light", "hard_mix",
    "subtract", "divide",
)  # fmt: skip
WHOLE_COLOUR = ("hue", "saturation", "color", "luminosity", "darker_color", "lighter_color")
LEVELS = (0, 1, 2, 63, 64, 127, 128, 254, 255)


def premultiplied(pixels: torch.Tensor) -> torch.Tensor:
    return torch.cat([pixels[..., :3] * pixels[..., 3:], pixels[..., 3:]], dim=-1)


def canvas_pair(kind: str) -> tuple[torch.Tensor, torch.Tensor]:
    return RECORDED[f"{kind} base"].unsqueeze(0), RECORDED[f"{kind} layer"].unsqueeze(0)


def burn_allowance(base: torch.Tensor, layer: torch.Tensor) -> torch.Tensor:
    """What half a step of the canvas's numbers does to (1 - Cb) / Cs, where that is below 1."""
    ab, source_alpha = base[..., 3:].clamp(min=1e-6), layer[..., 3:].clamp(min=1e-6)
    Cs = layer[..., :3].clamp(min=1e-6)
    quotient = (1 - base[..., :3]) / Cs
    moved = (HALF_STEP / ab + quotient * HALF_STEP / source_alpha) / Cs
    return torch.where(quotient < 1 + moved, moved * ab * source_alpha, 0)


@pytest.mark.parametrize("kind", ["opaque", "partial"])
@pytest.mark.parametrize("mode", canvas.MODES)
def test_modes_are_those_of_a_browsers_canvas(mode, kind):
    base, layer = canvas_pair(kind)
    got = blend_images(base, layer, mode=mode)
    error = (premultiplied(got) - premultiplied(RECORDED[f"{kind} {mode}"])).abs()
    allowed = torch.full_like(error, CANVAS_TOLERANCE)
    if mode == "color-burn":
        allowed[..., :3] += burn_allowance(base, layer)
    assert bool((error <= allowed).all()), float((error - allowed).max() * 255)


@pytest.mark.parametrize("kind", ["opaque", "partial"])
@pytest.mark.parametrize("operator", canvas.OPERATORS)
def test_operators_are_those_of_a_browsers_canvas(operator, kind):
    base, layer = canvas_pair(kind)
    got = blend_images(base, layer, operator=operator)
    error = (premultiplied(got) - premultiplied(RECORDED[f"{kind} {operator}"])).abs().max()
    assert error <= CANVAS_TOLERANCE


def test_the_recording_holds_what_it_should():
    base, layer = canvas.pixel_pairs(opaque=False)
    assert torch.equal(RECORDED["partial base"], torch.from_numpy(base.astype(np.float32)))
    assert torch.equal(RECORDED["partial layer"], torch.from_numpy(layer.astype(np.float32)))
    assert len(RECORDED) == 2 * (2 + len(canvas.MODES) + len(canvas.OPERATORS))


def eight_bit_pairs() -> tuple[np.ndarray, np.ndarray]:
    random = np.random.default_rng(3)
    codes = random.integers(0, 256, (2, 64, 64, 3))
    codes[:, :40] = random.choice(LEVELS, (2, 40, 64, 3))
    codes[1, 40:44] = 255 - codes[0, 40:44]  # sums of exactly 1, where hard mix ties
    return tuple((codes / 255).astype(np.float32))


@pytest.mark.parametrize("mode", (*SEPARABLE, *WHOLE_COLOUR))
def test_modes_are_those_of_psd_tools(mode):
    Cb, Cs = eight_bit_pairs()
    got = blend_mode(mode).function(torch.from_numpy(Cb), torch.from_numpy(Cs)).numpy()
    error = np.abs(got - getattr(psd, mode)(Cb.copy(), Cs.copy()))
    if mode in ("darker_color", "lighter_color"):
        # Two colours of one luminosity: whichever is taken depends on how the sum was rounded.
        weights = np.array([0.3, 0.59, 0.11])
        error[np.abs((Cb - Cs) @ weights) < 1e-6] = 0
    assert error.max() < 2e-5, float(error.max())


def test_every_mode_of_psd_tools_is_known():
    for mode in psd.BLEND_FUNC:
        assert blend_mode(mode.name)
