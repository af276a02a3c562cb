"""Run lengths are exact, and packed ones are those of pycocotools."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.segmentation.annotations.run_lengths import (
    mask_from_runs,
    pack_counts,
    packed_run_lengths,
    run_lengths,
    unpack_counts,
)
from hemline.tensors import RangeError


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 1000), st.sampled_from([0, 0.3, 0.7, 1]))
def test_a_mask_comes_back_exactly(height, width, seed, density):
    mask = (torch.rand((height, width), generator=torch.Generator().manual_seed(seed)) < density).float()
    assert torch.equal(mask_from_runs(run_lengths(mask)["counts"], height, width), mask)
    assert torch.equal(mask_from_runs(unpack_counts(packed_run_lengths(mask)["counts"]), height, width), mask)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 2**50), max_size=12))
def test_packing_and_unpacking_are_inverse(counts):
    assert unpack_counts(pack_counts(counts)).tolist() == counts


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 40), st.integers(1, 40), st.integers(0, 1000), st.floats(0, 1))
def test_the_text_is_that_of_pycocotools(height, width, seed, density):
    tools = pytest.importorskip("pycocotools.mask")
    mask = torch.rand((height, width), generator=torch.Generator().manual_seed(seed)) < density
    theirs = tools.encode(np.asfortranarray(mask.numpy().astype(np.uint8)))
    assert packed_run_lengths(mask.float()) == {"counts": theirs["counts"].decode(), "size": theirs["size"]}


@pytest.mark.parametrize("counts", [[5], [7], [-1, 7], [3, -3, 6], [2**62, 2**62, 2**62, 2**62, 6]])
def test_counts_of_another_picture_are_refused(counts):
    with pytest.raises(RangeError, match="3x2"):
        mask_from_runs(counts, 2, 3)


@pytest.mark.parametrize("text", ["P", "0P", "/", "p", "é", "\ud800", "P" * 40 + "0"])
def test_a_text_that_is_none_is_refused(text):
    with pytest.raises(RangeError):
        unpack_counts(text)


def test_no_text_has_no_counts():
    assert unpack_counts("").tolist() == [] and pack_counts([]) == ""
