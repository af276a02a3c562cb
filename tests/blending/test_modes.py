"""The table of blend modes: names, aliases, and the golden values of every one."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from support import w3c
from support.blend_golden import DIGITS, describe_modes

from hemline.blending.mode import BlendMode, records_by_key
from hemline.blending.modes import BLEND_MODES, blend_mode
from hemline.tensors import HemlineError, UnknownName

GOLDEN = json.loads((Path(__file__).parents[1] / "golden" / "blend_modes.json").read_text(encoding="utf-8"))
every_mode = pytest.mark.parametrize("name", BLEND_MODES)

# What the menus of other programs say.
COMFYUI = (
    "normal", "multiply", "screen", "overlay", "soft_light", "difference", "color-dodge", "color-burn", "hard-light",
    "exclusion", "linear-dodge", "linear-burn", "vivid-light", "pin-light", "linear-light", "hard-mix", "subtract",
    "divide", "grain-extract", "grain-merge", "DARKEN", "LIGHTEN", "ADD",
)  # fmt: skip
LAYERSTYLE = (
    "normal", "dissolve", "darken", "multiply", "color burn", "linear burn", "darker color", "lighten", "screen",
    "color dodge", "linear dodge(add)", "lighter color", "dodge", "overlay", "soft light", "hard light", "vivid light",
    "linear light", "pin light", "hard mix", "difference", "exclusion", "subtract", "divide", "hue", "saturation",
    "color", "luminosity", "grain extract", "grain merge",
)  # fmt: skip
PHOTOSHOP = (
    "Normal", "Dissolve", "Darken", "Multiply", "Color Burn", "Linear Burn", "Darker Color", "Lighten", "Screen",
    "Color Dodge", "Linear Dodge (Add)", "Lighter Color", "Overlay", "Soft Light", "Hard Light", "Vivid Light",
    "Linear Light", "Pin Light", "Hard Mix", "Difference", "Exclusion", "Subtract", "Divide", "Hue", "Saturation",
    "Color", "Luminosity",
)  # fmt: skip
GIMP = (
    "Normal", "Dissolve", "Lighten only", "Luma lighten only", "Screen", "Dodge", "Addition", "Darken only",
    "Luma darken only", "Multiply", "Burn", "Linear burn", "Overlay", "Soft light", "Hard light", "Vivid light",
    "Pin light", "Linear light", "Hard mix", "Difference", "Exclusion", "Subtract", "Grain extract", "Grain merge",
    "Divide", "HSV Hue", "HSV Saturation", "HSL Color", "HSV Value",
)  # fmt: skip
KRITA = (
    "Addition", "Inverse Subtract", "Burn", "Linear Burn", "Gamma Dark", "Darker Color", "Color Dodge", "Linear Dodge",
    "Linear Light", "Pin Light", "Vivid Light", "Soft Light (Pegtop-Delphi)", "Soft Light (Photoshop)",
    "Soft Light (SVG)", "Gamma Light", "Lighter Color", "Equivalence", "Additive Subtractive", "Negation",
    "Hard Mix (Photoshop)", "Grain Merge", "Grain Extract", "Parallel", "Allanon", "Geometric Mean", "Hard Overlay",
    "Interpolation", "Reflect", "Glow", "Freeze", "Heat", "Hue HSV", "Saturation HSV", "Value", "Color HSL",
)  # fmt: skip


def test_the_first_sixteen_modes_are_the_standards():
    assert tuple(BLEND_MODES)[:16] == w3c.MODES


@every_mode
def test_a_mode_says_where_it_comes_from_and_is_found_by_each_of_its_names(name):
    mode = BLEND_MODES[name]
    assert mode.source and mode.name == name
    assert all(blend_mode(alias) is mode for alias in (name, name.upper(), name.replace("-", "_"), *mode.aliases))


@pytest.mark.parametrize("menu", [COMFYUI, LAYERSTYLE, PHOTOSHOP, GIMP, KRITA])
def test_the_menus_of_other_programs_are_understood(menu):
    found = [blend_mode(name) for name in menu]
    assert len(set(mode.name for mode in found)) >= len(menu) - 1  # LayerStyle lists color dodge twice


def test_spelling_does_not_matter():
    assert blend_mode("Soft_Light") is blend_mode("softlight") is blend_mode("soft-light")
    assert blend_mode("darker colour").name == "darker-color"


def test_an_unknown_mode_raises_with_the_nearest():
    with pytest.raises(UnknownName, match="Did you mean 'multiply'"):
        blend_mode("mutliply")


def test_two_modes_of_one_name_are_refused():
    one = BlendMode("shine", torch.maximum, "here", aliases=("gleam",))
    with pytest.raises(HemlineError, match="both claim the name 'gleam'"):
        records_by_key((one, BlendMode("Gleam", torch.minimum, "there")))


def test_every_mode_has_its_golden_values():
    assert list(GOLDEN) == list(BLEND_MODES), "run tests/golden/regenerate.py and review what it changes"


@every_mode
def test_a_mode_gives_its_golden_values(name):
    now = describe_modes()[name]
    for row, golden_row in zip(now, GOLDEN[name], strict=True):
        for pixel, golden in zip(row, golden_row, strict=True):
            got, wanted = ([float(value) for value in text.split()] for text in (pixel, golden))
            assert got == pytest.approx(wanted, abs=1.5 * 10**-DIGITS), name


@every_mode
def test_a_mode_of_the_unit_domain_stays_within_it(name):
    mode = BLEND_MODES[name]
    levels = torch.tensor([0.0, 1e-6, 0.25, 0.5, 0.75, 0.999, 1.0])
    Cb = torch.cartesian_prod(levels, levels, levels).repeat(3, 1)
    Cs = Cb[torch.randperm(len(Cb), generator=torch.Generator().manual_seed(0))]
    blended = mode.function(Cb, Cs)
    assert bool(blended.isfinite().all())
    if mode.domain == "unit":
        assert blended.min() >= -2e-6 and blended.max() <= 1 + 2e-6


@every_mode
def test_a_mode_gives_the_same_in_any_memory_layout_and_writes_to_neither_colour(name):
    Cb, Cs = torch.rand(2, 101, 3, generator=torch.Generator().manual_seed(1))
    planar = [colours.T.contiguous().T for colours in (Cb, Cs)]
    before = Cb.clone(), Cs.clone()
    blended = BLEND_MODES[name].function(Cb, Cs)
    assert torch.equal(blended, BLEND_MODES[name].function(*planar))
    assert torch.equal(Cb, before[0]) and torch.equal(Cs, before[1])


def colours(*rows: tuple[float, float, float]) -> torch.Tensor:
    return torch.tensor(rows)


def test_hsv_and_hsl_modes_take_what_they_are_called_after():
    red, dark_blue = colours((0.8, 0.2, 0.2)), colours((0.1, 0.1, 0.4))
    blend = {name: BLEND_MODES[name].function(red, dark_blue) for name in BLEND_MODES if name.startswith("hs")}
    assert torch.allclose(blend["hsv-hue"], colours((0.2, 0.2, 0.8)))
    assert torch.allclose(blend["hsv-saturation"], colours((0.8, 0.2, 0.2)))  # both have the saturation 3/4
    assert torch.allclose(blend["hsv-value"], colours((0.4, 0.1, 0.1)))
    assert torch.allclose(blend["hsl-color"], colours((0.2, 0.2, 0.8)))


@pytest.mark.parametrize(
    ("name", "backdrop", "source", "wanted"),
    [
        ("geometric", 0.25, 1.0, 0.5), ("harmonic", 0.5, 1.0, 2 / 3), ("average", 0.2, 0.6, 0.4),
        ("negation", 0.7, 0.7, 0.6), ("equivalence", 0.7, 0.2, 0.5), ("additive-subtractive", 0.04, 0.25, 0.3),
        ("reflect", 0.5, 0.75, 1.0), ("reflect", 0.5, 0.5, 0.5), ("reflect", 0.0, 1.0, 1.0), ("glow", 0.5, 0.5, 0.5),
        ("freeze", 0.5, 0.5, 0.5), ("freeze", 1.0, 0.0, 0.0), ("heat", 0.5, 0.5, 0.5), ("heat", 0.0, 1.0, 0.0),
        ("grain-extract", 0.6, 0.2, 0.9), ("grain-merge", 0.6, 0.2, 0.3), ("interpolation", 1.0, 0.0, 0.5),
        ("soft-light-pegtop", 0.5, 1.0, 0.75), ("soft-light-sqrt", 0.25, 1.0, 0.5), ("hard-overlay", 0.3, 0.75, 0.6),
        ("hard-overlay", 0.0, 1.0, 1.0), ("gamma-dark", 0.5, 0.5, 0.25), ("gamma-dark", 1.0, 0.0, 0.0),
        ("gamma-light", 0.25, 0.5, 0.5), ("addition", 0.8, 0.8, 1.6), ("linear-dodge", 0.8, 0.8, 1.0),
        ("vivid-light", 1.0, 0.0, 0.0), ("vivid-light", 0.0, 1.0, 1.0), ("hard-mix", 0.75, 0.25, 1.0),
        ("hard-mix", 0.25, 0.75, 0.0), ("divide", 0.0, 0.0, 0.0), ("divide", 0.1, 0.0, 1.0),
    ],
)  # fmt: skip
def test_formulas_at_points_worked_out_by_hand(name, backdrop, source, wanted):
    Cb, Cs = torch.full((1, 3), backdrop), torch.full((1, 3), source)
    assert torch.allclose(BLEND_MODES[name].function(Cb, Cs), torch.full((1, 3), wanted), atol=1e-6)
