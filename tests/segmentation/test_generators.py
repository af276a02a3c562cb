"""Mask generators by name: what holds for each of them, built in or not."""

from __future__ import annotations

import pytest
import torch

from hemline.segmentation.generators import GENERATORS, generate_mask
from hemline.settings import Value
from hemline.tensors import RangeError, ShapeError, UnknownName

NAMES = tuple(GENERATORS.built_in)
# Settings that make something to look at of a random picture or an empty frame.
SHOWING: dict[str, dict[str, Value]] = {
    "colour range": {"colour": "#808080", "tolerance": 0.2},
    "rectangle": {"area": "0.2 0.1 0.7 0.9", "radius": 2.0, "feather": 3.0},
}
every_generator = pytest.mark.parametrize("name", NAMES)


def pictures(batch: int, height: int, width: int, channels: int = 3) -> torch.Tensor:
    return torch.rand(batch, height, width, channels, generator=torch.Generator().manual_seed(7))


@every_generator
@pytest.mark.parametrize("size", [(1, 1), (1, 6), (3, 7), (53, 37)])
def test_a_mask_has_the_pictures_size_and_lies_in_0_to_1(name, size):
    mask = generate_mask(name, pictures(2, *size), settings=SHOWING.get(name))
    assert mask.shape == (2, *size) and mask.dtype == torch.float32 and mask.isfinite().all()
    assert mask.min() >= 0 and mask.max() <= 1


@every_generator
def test_a_batch_is_the_stack_of_its_pictures(name):
    images = pictures(3, 19, 23)
    together = generate_mask(name, images, settings=SHOWING.get(name))
    alone = [generate_mask(name, image.unsqueeze(0), settings=SHOWING.get(name)) for image in images]
    assert torch.allclose(together, torch.cat(alone), atol=1e-6)


@every_generator
def test_dtype_is_kept_and_the_picture_is_not_written_to(name):
    image = pictures(1, 9, 11, 4).half()
    before = image.clone()
    assert generate_mask(name, image, settings=SHOWING.get(name)).dtype == torch.float16
    assert torch.equal(image, before)


@every_generator
def test_alpha_says_nothing(name):
    image = pictures(1, 9, 11, 4)
    masks = [generate_mask(name, picture, settings=SHOWING.get(name)) for picture in (image, image[..., :3])]
    assert torch.equal(*masks)


@every_generator
def test_every_generator_has_a_source_and_settings_with_defaults_that_work(name):
    record = GENERATORS.get(name)
    assert record.source and record.settings and record.name == name
    assert generate_mask(
        name, pictures(1, 8, 8), settings={"colour": "#fff"} if name == "colour range" else None
    ).shape == (1, 8, 8)


@every_generator
def test_a_mask_may_be_written_to(name):
    generate_mask(name, pictures(2, 5, 5), settings=SHOWING.get(name)).add_(1)


@pytest.mark.parametrize("name", [name for name in NAMES if not GENERATORS.get(name).takes_image])
def test_drawn_masks_need_no_picture_and_are_the_same_with_one(name):
    alone = generate_mask(name, height=21, width=34, settings=SHOWING.get(name))
    assert torch.equal(alone, generate_mask(name, pictures(1, 21, 34), settings=SHOWING.get(name)))


@pytest.mark.parametrize("name", [name for name in NAMES if GENERATORS.get(name).takes_image])
def test_the_others_say_that_they_need_one(name):
    with pytest.raises(ShapeError, match="connect one"):
        generate_mask(name, height=21, width=34)


@pytest.mark.parametrize("size", [(0, 5), (5, -1), (20000, 5)])
def test_a_size_that_is_none_is_an_error(size):
    with pytest.raises(ShapeError, match="pixels is none"):
        generate_mask("ellipse", height=size[0], width=size[1])


def test_unknown_names_and_wrong_types_are_errors():
    with pytest.raises(UnknownName, match="Did you mean 'ellipse'"):
        generate_mask("elipse", height=5, width=5)
    with pytest.raises(RangeError, match="feather is 'much'; give a number"):
        generate_mask("ellipse", height=5, width=5, settings={"feather": "much"})
