"""The X/Y/Z plot of every host, with our axes: each cell has the mask that its values say."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from PIL import Image
from support.webui_host import Generated, Host, mask_of, painted, pixels, request_of, to_text
from torch import Tensor

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
NOTHING = ("Nothing", "")
LABELS = ("what", "target cut", "detector", "grow", "feather")


def axes_of(webui: Host) -> tuple[list[str], list[dict[str, Any]]]:
    """The names of the axes that img2img offers, and all arguments of the plot."""
    scripts = webui.ask("/sdapi/v1/script-info")
    plot = next(one for one in scripts if one["name"] == "x/y/z plot" and one["is_img2img"])
    return plot["args"][0]["choices"], plot["args"]


def plot(webui: Host, picture: Image.Image, *axes: tuple[str, str], settings: Any = (), **fields: Any) -> Generated:
    """What the plot makes of up to three axes, each with its values as a user types them; the cells without legend."""
    labels, args = axes_of(webui)
    given = [*axes, *[NOTHING] * (3 - len(axes))]
    values = [part for label, text in given for part in (labels.index(label), text, [])]
    values += [False, True, False, False, False, False, False, 0, True]  # bare, with each cell beside the grid
    assert len(values) == len(args)
    asked = {"script_name": "x/y/z plot", "script_args": values, **fields}
    return webui.generate("img2img", settings or [], init_images=[to_text(picture)], **asked)


def cells(made: Generated, picture: Image.Image) -> list[Tensor]:
    """The cells after the grid itself."""
    shown = [pixels(one) for one in made.pictures[1:]]
    assert all(cell.shape == pixels(picture).shape for cell in shown)
    return shown


def repainted(picture: Image.Image, cell: Tensor) -> Tensor:
    return (cell != pixels(picture)).any(-1)


def test_img2img_offers_our_axes_and_the_choices_of_the_panel(webui: Host):
    labels, _ = axes_of(webui)
    assert [label for label in labels if "Hemline" in label] == [f"[Hemline] {name}" for name in LABELS]


def test_what_and_grow_give_each_cell_its_own_mask(webui: Host, person: Any):
    settings = {"feather": 0, "match_colours": "none"}
    made = plot(webui, person, ("[Hemline] what", "tops, bottoms"), ("[Hemline] grow", "0, 12"), settings=settings)
    shown = cells(made, person)
    asked = [("tops", 0), ("bottoms", 0), ("tops", 12), ("bottoms", 12)]
    assert len(shown) == len(asked)
    for cell, (what, grow) in zip(shown, asked, strict=True):
        mask = mask_of(webui, person, what=what, grow=grow, feather=0)
        assert not bool(repainted(person, cell)[mask == 0].any())
        assert float(painted(cell)[mask == 255].float().mean()) > 0.98  # latents are coarse where nothing is soft
    assert float((repainted(person, shown[0]) & repainted(person, shown[1])).float().mean()) < 0.01
    assert int(repainted(person, shown[2]).sum()) > 1.1 * int(repainted(person, shown[0]).sum())


def test_an_axis_switches_the_panel_on(webui: Host, person: Any):
    made = plot(webui, person, ("[Hemline] feather", "0, 24"))
    hard, soft = (repainted(person, cell) for cell in cells(made, person))
    assert 0 < int(hard.sum()) < int(soft.sum()) < hard.numel() / 2
    assert "Hemline: " in made.infotext


def test_detector_and_target_cut(webui: Host, person: Any):
    axes = ("[Hemline] detector", "shipped parser, heuristic"), ("[Hemline] target cut", "as found, coat")
    made = plot(webui, person, *axes, settings={"what": "tops", "match_colours": "none"})
    shown = cells(made, person)
    for cell, (cut, detector) in zip(
        shown,
        [(cut, detector) for cut in ("as found", "coat") for detector in ("shipped parser", "heuristic")],
        strict=True,
    ):
        mask = mask_of(webui, person, what="tops", detector=detector, target_cut=cut)
        assert not bool(repainted(person, cell)[mask == 0].any())
        assert float(painted(cell)[mask == 255].float().mean()) > 0.99
    assert int(repainted(person, shown[2]).sum()) > 1.2 * int(repainted(person, shown[0]).sum())


def test_a_wrong_value_is_refused_before_the_first_cell(webui: Host, person: Any):
    labels, _ = axes_of(webui)
    values = [labels.index("[Hemline] what"), "tops, topz", [], 0, "", [], 0, "", []]
    values += [False, True, False, False, False, False, False, 0, True]
    request = request_of([], init_images=[to_text(person)], script_name="x/y/z plot", script_args=values)
    code, text = webui.refusal("/sdapi/v1/img2img", request)
    assert code == 500
    assert "topz" in text


def test_a_cell_without_a_garment_does_not_stop_the_others(webui: Host, person: Any):
    made = plot(webui, person, ("[Hemline] what", "bag, tops"), settings={"nothing_found": "skip"})
    none, top = cells(made, person)
    assert torch.equal(none, pixels(person))
    assert bool(repainted(person, top).any())
