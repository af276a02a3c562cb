"""Layers of another size or elsewhere: fit and offset."""

from __future__ import annotations

import pytest
import torch

from hemline.blending.composite import blend_images
from hemline.blending.placement import FITS, place_layer
from hemline.tensors import ShapeError, UnknownName

BASE = torch.zeros(1, 20, 30, 3)


def white(height: int, width: int, channels: int = 3) -> torch.Tensor:
    return torch.ones(1, height, width, channels)


def covered(layer: torch.Tensor, **options: object) -> tuple[int, int, int, int]:
    """Left, top, right, bottom of what is not black after blending onto black."""
    result = blend_images(BASE, layer, **options)[0, ..., 0]
    rows, columns = result.amax(1).nonzero(), result.amax(0).nonzero()
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def test_none_leaves_the_layer_as_it_is_at_the_corner():
    assert covered(white(5, 7), fit="none") == (0, 0, 7, 5)
    assert covered(white(40, 50), fit="none") == (0, 0, 30, 20)


def test_an_offset_moves_the_layer_and_the_frame_cuts_it():
    assert covered(white(5, 7), fit="none", offset=(3, 4)) == (3, 4, 10, 9)
    assert covered(white(5, 7), fit="none", offset=(-3, -4)) == (0, 0, 4, 1)
    assert covered(white(5, 7), fit="none", offset=(28, 18)) == (28, 18, 30, 20)
    assert covered(white(20, 30), offset=(10, 0)) == (10, 0, 30, 20)


@pytest.mark.parametrize("offset", [(30, 0), (0, 20), (-7, 0), (0, -5), (99999, -99999)])
def test_a_layer_outside_the_frame_changes_nothing(offset):
    base = torch.rand(1, 20, 30, 3)
    assert torch.equal(blend_images(base, white(5, 7), fit="none", offset=offset), base)


def test_contain_lies_inside_and_centred_and_cover_fills():
    assert covered(white(10, 10), fit="contain") == (5, 0, 25, 20)
    assert covered(white(10, 30), fit="contain") == (0, 5, 30, 15)
    for fit in ("cover", "stretch"):
        assert covered(white(10, 10), fit=fit) == (0, 0, 30, 20)


def test_cover_shows_the_middle_in_its_own_proportions():
    layer = torch.linspace(0, 1, 100).view(1, 1, 100, 1).expand(1, 10, 100, 3)
    shown = blend_images(BASE, layer, fit="cover")[0, 10, :, 0]
    assert abs(float(shown.mean()) - 0.5) < 0.02
    assert abs(float(shown[-1] - shown[0]) - 0.15) < 0.03  # 30 of 200 columns


def test_cover_of_a_thin_strip_takes_no_more_than_the_frame_needs():
    placed = place_layer(white(1, 20000), 512, 512, fit="cover", offset=(0, 0), premultiplied=False)
    assert placed.layer.shape[1:3] == (512, 512)


def test_nothing_bleeds_out_of_transparent_pixels():
    layer = torch.zeros(1, 8, 8, 4)
    layer[..., 0] = 1  # green hidden under red: the transparent half is green
    layer[:, :, 4:, 0], layer[:, :, 4:, 1] = 0, 1
    layer[:, :, :4, 3] = 1
    for fit in ("stretch", "cover", "contain"):
        result = blend_images(BASE, layer, fit=fit)
        assert result[..., 1].max() < 1e-6 and result[..., 0].max() > 0.99


def test_premultiplied_layers_are_resized_as_they_are():
    ramp = torch.linspace(0.2, 0.8, 8)
    straight = torch.stack([ramp, ramp.flip(0), torch.full((8,), 0.5), ramp], dim=-1).expand(1, 8, 8, 4)
    premultiplied = torch.cat([straight[..., :3] * straight[..., 3:], straight[..., 3:]], dim=-1)
    one = blend_images(BASE, straight, fit="stretch")
    assert torch.allclose(blend_images(BASE, premultiplied, fit="stretch", alpha="premultiplied"), one, atol=1e-4)


def test_outside_the_layer_an_operator_that_clears_clears():
    base = torch.rand(1, 20, 30, 3)
    result = blend_images(base, white(5, 7), fit="none", offset=(3, 4), operator="destination-in")
    assert result.shape[-1] == 4 and result[..., 3].sum() == 35
    assert torch.equal(result[0, 4:9, 3:10, :3], base[0, 4:9, 3:10])
    cut = blend_images(base, white(5, 7), torch.ones(1, 20, 30), fit="none", offset=(-90, 0), operator="copy")
    assert cut[..., 3].max() == 0


@pytest.mark.parametrize("fit", FITS)
def test_a_layer_of_the_bases_size_is_the_same_for_every_fit(fit):
    base, layer = torch.rand(2, 1, 20, 30, 3)
    assert torch.equal(blend_images(base, layer, fit=fit), layer)


def test_another_size_is_an_error_that_names_the_ways_out():
    with pytest.raises(ShapeError, match="'cover', 'contain' or 'none'"):
        blend_images(BASE, white(5, 7))
    with pytest.raises(UnknownName, match="error, stretch, cover, contain, none"):
        blend_images(BASE, white(5, 7), fit="fill")
