"""Values on their way between a host and a node."""

from __future__ import annotations

from collections import namedtuple

import torch

from hemline.blending.crop import crop_for_inpainting
from hemline.hosts.transfer import move


def test_a_picture_that_several_crops_share_is_moved_once():
    image, masks = torch.rand(1, 40, 40, 3), torch.zeros(2, 40, 40)
    masks[0, 5:15, 5:15] = masks[1, 20:30, 20:30] = 1
    stitches = [crop_for_inpainting(image, mask[None], target="as is", of_frames=(0,)).stitch for mask in masks]
    first, second = move(stitches, torch.device("cpu"), torch.float16)
    assert first.image is second.image and first.image.dtype == torch.float16
    assert first.mask.dtype == torch.float16 and not torch.equal(first.mask, second.mask)
    assert stitches[0].image.dtype == torch.float32


def test_integers_keep_their_type_and_other_values_pass():
    moved = move((torch.ones(2, dtype=torch.int64), [None, "text", 3]), torch.device("cpu"), torch.float16)
    assert moved[0].dtype == torch.int64 and moved[1] == [None, "text", 3]


def test_named_tuples_of_other_packs_keep_their_names():
    segment = namedtuple("SEG", ["cropped_mask", "label"])
    size, (moved,) = move(((4, 5), [segment(torch.ones(2), "coat")]), torch.device("cpu"), torch.float16)
    assert size == (4, 5) and type(moved) is segment and moved.label == "coat"
    assert moved.cropped_mask.dtype == torch.float16
