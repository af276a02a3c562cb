"""Generate Mask and Apply Filter: widgets and text become settings, and the node says which ones it used."""

from __future__ import annotations

import pytest
import torch

from hemline.blending.filters import FILTERS, apply_filter
from hemline.blending.modes import BLEND_MODES
from hemline.nodes.blend import apply_filter_node, blend_layers
from hemline.nodes.generate import generate_mask_node
from hemline.segmentation.generators import GENERATORS, generate_mask
from hemline.tensors import RangeError, ShapeError, UnknownName

IMAGE = torch.rand(2, 24, 32, 3)


def test_menus_hold_what_is_built_in_first_and_in_order():
    ports = {port.name: port for node in (blend_layers, generate_mask_node, apply_filter_node) for port in node.inputs}
    assert ports["mode"].choices() == tuple(BLEND_MODES)
    assert ports["generator"].choices() == tuple(GENERATORS.built_in)
    assert ports["filter"].choices() == tuple(FILTERS.built_in)


@pytest.mark.parametrize("name", GENERATORS.built_in)
def test_every_generator_runs_on_a_fresh_node_with_an_image(name):
    result = generate_mask_node(image=IMAGE, generator=name)
    assert result.outputs[0].shape == (2, 24, 32) and result.text[0].startswith(f"{name}: ")


@pytest.mark.parametrize("name", FILTERS.built_in)
def test_every_filter_runs_on_a_fresh_node_with_a_mask(name):
    result = apply_filter_node(image=IMAGE, mask=torch.ones(1, 24, 32), filter=name)
    assert result.outputs[0].shape == IMAGE.shape and result.text[0].startswith(f"{name}: ")


def test_without_an_image_the_size_counts_and_with_one_it_does_not():
    assert generate_mask_node(width=20, height=10).outputs[0].shape == (1, 10, 20)
    assert generate_mask_node(image=IMAGE, width=20, height=10).outputs[0].shape == (2, 24, 32)
    with pytest.raises(ShapeError, match="connect one"):
        generate_mask_node(generator="luminance")


def test_widgets_reach_the_generator_and_its_text_counts_more():
    result = generate_mask_node(
        image=IMAGE, generator="regular polygon", feather=3.0, settings="sides = 5; feather = 2"
    )
    assert result.text == ("regular polygon: area = ; sides = 5; inner = 1; angle = 0; feather = 2",)
    expected = generate_mask("regular polygon", IMAGE, settings={"sides": 5, "feather": 2.0})
    assert torch.equal(result.outputs[0], expected)


def test_the_text_on_the_node_can_be_pasted_as_settings():
    first = generate_mask_node(image=IMAGE, generator="luminance", low=0.3, softness=0.2)
    again = generate_mask_node(image=IMAGE, generator="luminance", settings=first.text[0].partition(": ")[2])
    assert torch.equal(first.outputs[0], again.outputs[0])


def test_an_empty_colour_with_a_point_is_a_magic_wand():
    image = torch.zeros(1, 8, 8, 3)
    image[:, :, 4:] = 1
    wand = generate_mask_node(image=image, generator="colour range", colour="", points="2 2").outputs[0]
    assert wand[0, :, :4].min() == 1 and wand[0, :, 4:].max() == 0


def test_widgets_and_text_reach_the_filter():
    result = apply_filter_node(
        image=IMAGE, filter="unsharp mask", radius=3.0, amount=0.7, settings='{"threshold": 0.1}'
    )
    expected = apply_filter(IMAGE, "unsharp mask", settings={"radius": 3.0, "amount": 0.7, "threshold": 0.1})
    assert torch.equal(result.outputs[0], expected)


def test_wrong_settings_are_named():
    with pytest.raises(UnknownName, match="Setting of 'ellipse' 'sides' is not known"):
        generate_mask_node(settings="sides = 5")
    with pytest.raises(RangeError, match="setting seed is 'x'; give a whole number"):
        apply_filter_node(image=IMAGE, filter="grain", settings="seed = x")
    with pytest.raises(UnknownName, match="Mask generator 'blob' is not known"):
        generate_mask_node(generator="blob")
