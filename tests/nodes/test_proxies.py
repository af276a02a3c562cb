"""What Grow & Feather Mask and Blend Layers hand to their live previews, and that they do so for a viewer only."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from support.contexts import CONTEXT

from hemline.nodes.blend import LAYER_PROXY_PX, blend_layers
from hemline.nodes.mask import grow_feather_mask
from hemline.nodes.proxies import PROXY_PX, proxy_size, shrink_image, shrink_mask

VIEWED = replace(CONTEXT, has_viewer=True)


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (767, 768), (769, 10), (4000, 3), (3000, 2000)])
def test_a_proxy_keeps_the_ratio_and_is_at_most_so_long(size: tuple[int, int]) -> None:
    height, width = proxy_size(*size)
    assert 1 <= min(height, width) and max(height, width) == min(PROXY_PX, max(size))
    assert abs(height / size[0] - width / size[1]) <= 1 / min(size)


def test_a_small_picture_is_its_own_proxy() -> None:
    image, mask = torch.rand(2, 20, 30, 4), torch.rand(2, 20, 30)
    assert torch.equal(shrink_image(image, 20, 30), image[:1])
    assert torch.equal(shrink_mask(mask, 20, 30), mask[:1, ..., None].expand(-1, -1, -1, 3))


def test_a_pixel_of_a_proxy_is_the_mean_of_those_that_it_covers() -> None:
    mask = torch.rand(1, 1536, 768)
    means = mask.reshape(1, 768, 2, 384, 2).mean((2, 4))
    torch.testing.assert_close(shrink_mask(mask, 768, 384)[..., 0], means)


def test_what_is_transparent_lends_no_colour_to_a_proxy() -> None:
    image = torch.tensor([[1.0, 0.0, 0.0, 1.0], [0.0, 1.0, 0.0, 0.0]]).view(1, 1, 2, 4)
    assert shrink_image(image, 1, 1).flatten().tolist() == [1.0, 0.0, 0.0, 0.5]
    assert shrink_image(image, 1, 1, premultiplied=True).flatten().tolist() == [0.5, 0.5, 0.0, 0.5]


def test_values_that_a_file_cannot_hold_end_at_its_limits() -> None:
    image = torch.tensor([float("nan"), -1.0, 7.0]).view(1, 1, 1, 3)
    assert shrink_image(image, 1, 1).flatten().tolist() == [0.0, 0.0, 1.0]


def run(node: Any, **values: Any) -> Any:
    return node(context=VIEWED, **values)


def test_grow_and_feather_shows_the_first_mask_before_and_after() -> None:
    mask = torch.zeros(2, 1000, 500)
    mask[0, 200:800, 100:400] = 1
    result = run(grow_feather_mask, mask=mask)
    assert {name: tuple(picture.shape) for name, picture in result.pictures.items()} == {
        "mask": (1, 768, 384, 3), "result": (1, 768, 384, 3),
    }  # fmt: skip
    torch.testing.assert_close(result.pictures["result"], shrink_mask(result.outputs[0], 768, 384))
    assert (result.data["width"], result.data["height"], result.data["count"]) == ("500", "1000", "2")
    assert float(result.data["size_px"]) == pytest.approx((600 * 300) ** 0.5)


def test_grow_and_feather_shows_a_photo_at_the_masks_size() -> None:
    result = run(grow_feather_mask, mask=torch.ones(1, 30, 20), image=torch.rand(1, 60, 90, 4))
    assert tuple(result.pictures["image"].shape) == (1, 30, 20, 3)


def test_blend_layers_shows_the_layer_where_it_lies() -> None:
    base, layer, mask = torch.rand(1, 800, 1536, 3), torch.rand(1, 100, 100, 4), torch.rand(1, 800, 1536)
    result = run(blend_layers, base=base, layer=layer, mask=mask, fit="contain", offset_x=50)
    assert {name: tuple(picture.shape[1:]) for name, picture in result.pictures.items()} == {
        "base": (400, 768, 3), "result": (400, 768, 3), "layer": (400, 400, 4), "mask": (400, 768, 3),
    }  # fmt: skip
    assert (result.data["x"], result.data["y"], result.data["fit"]) == (str((1536 - 800) // 2), "0", "contain")


def test_a_layer_of_the_bases_size_lies_the_same_with_every_fit() -> None:
    result = run(blend_layers, base=torch.rand(1, 8, 9, 3), layer=torch.rand(1, 8, 9, 3) * 2)
    assert (result.data["fit"], result.data["beyond"]) == ("", "yes")
    assert "mask" not in result.pictures


def test_a_huge_layer_on_a_small_base_is_not_handed_over() -> None:
    layer = torch.zeros(1, 10, LAYER_PROXY_PX + 1, 3)
    result = run(blend_layers, base=torch.rand(1, 8, 9, 3), layer=layer, fit="none")
    assert sorted(result.pictures) == ["base", "result"]


@pytest.mark.parametrize(
    ("node", "values"),
    [
        (grow_feather_mask, {"mask": torch.ones(1, 9, 9)}),
        (blend_layers, {"base": torch.rand(1, 9, 9, 3), "layer": torch.rand(1, 9, 9, 3)}),
    ],
    ids=["grow and feather", "blend"],
)
def test_without_a_viewer_nothing_is_made(node: Any, values: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(height: int, width: int) -> None:
        raise AssertionError("a proxy was begun for nobody")

    seen = run(node, **values)
    monkeypatch.setattr(f"{node.function.__module__}.proxy_size", refuse)
    result = node(context=CONTEXT, **values)
    assert not result.pictures and not result.data
    for one, other in zip(result.outputs, seen.outputs, strict=True):
        assert torch.equal(one, other)
    with pytest.raises(AssertionError, match="for nobody"):
        run(node, **values)
