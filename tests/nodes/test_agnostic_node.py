"""The Agnostic Mask node: what it hands out, and how its widgets reach the function."""

from __future__ import annotations

import pytest
import torch
from support.contexts import CONTEXT
from support.dressed import dressed, in_a_batch

from hemline.nodes.agnostic import agnostic_mask
from hemline.segmentation.agnostic.area import agnostic_area
from hemline.tensors import UnknownName


def test_the_defaults_are_those_of_the_function():
    garments = dressed(sleeves="none")
    mask, protected, report = agnostic_mask(garments=garments, target_cut="long sleeve", context=CONTEXT).outputs
    area = agnostic_area(garments, "long sleeve")
    assert torch.equal(mask, area.mask) and torch.equal(protected, area.protected)
    assert report == area.describe() and "long sleeve in place of upper" in report


def test_percents_are_shares_of_the_head():
    garments = dressed()
    mask = agnostic_mask(garments=garments, shadow=30, protect_margin=10, context=CONTEXT).outputs[0]
    assert torch.equal(mask, agnostic_area(garments, shadow=0.3, protect_margin=0.1).mask)


def test_parts_to_protect_are_separated_by_commas():
    garments = dressed(sleeves="none")
    free = agnostic_mask(garments=garments, target_cut="coat", protect="", context=CONTEXT).outputs[0]
    kept = agnostic_mask(garments=garments, target_cut="coat", protect="Hands , arms,", context=CONTEXT).outputs[0]
    arms = garments.parts["arms"] > 0.95
    assert float(free[arms].mean()) > 0.9 and float(kept[arms].max()) < 0.05
    with pytest.raises(UnknownName, match="hands"):
        agnostic_mask(garments=garments, protect="hand", context=CONTEXT)


def test_a_batch_gives_as_many_masks_and_lines():
    result = agnostic_mask(garments=in_a_batch(dressed(), None, dressed()), context=CONTEXT)
    assert result.outputs[0].shape == (3, 200, 140) and len(result.text) == 3


def test_the_hosts_sign_for_no_mask_adds_nothing():
    garments = dressed()
    with_sign = agnostic_mask(garments=garments, mask=torch.zeros(1, 64, 64), context=CONTEXT).outputs[0]
    assert torch.equal(with_sign, agnostic_mask(garments=garments, context=CONTEXT).outputs[0])
