"""Laws of the cuts: which garments go, and what may never be the start of a new garment's area."""

from __future__ import annotations

import pytest

from hemline.segmentation.agnostic.cuts import CUTS, FULL, LOWER, TAKEN, UPPER, is_replaced, taken_labels
from hemline.segmentation.vocabulary import CARRIED_LABELS, PART_LABELS
from hemline.tensors import RangeError, UnknownName


@pytest.mark.parametrize("name", ["as worn", "sleeveless", "cropped", "shorts"])
def test_cuts_with_less_cloth_add_nothing_to_the_old_garment(name: str) -> None:
    assert not CUTS[name].adds


@pytest.mark.parametrize("region", [UPPER, LOWER, FULL])
def test_no_region_takes_a_body_part_or_a_bag(region: str) -> None:
    assert not set(TAKEN[region]) & {*PART_LABELS, *CARRIED_LABELS}


def test_labels_replace_the_region() -> None:
    assert taken_labels(UPPER) == TAKEN[UPPER]
    assert taken_labels(UPPER, "outer") == ("outer",)
    assert taken_labels(LOWER, ["upper", "outer"]) == ("upper", "outer")


@pytest.mark.parametrize("labels", ["skin", "arms", "upper, legs", "bag"])
def test_a_body_part_or_a_bag_is_no_target(labels: str) -> None:
    with pytest.raises(RangeError, match="takes the place of a garment"):
        taken_labels(UPPER, labels)


def test_an_unknown_word_is_named_with_those_that_are_known() -> None:
    with pytest.raises(UnknownName, match="upper"):
        taken_labels(UPPER, "uper")
    with pytest.raises(UnknownName):
        taken_labels(UPPER, ["trench"])


def test_a_models_own_word_for_what_is_not_replaced_is_known() -> None:
    assert not is_replaced("Underwear") and not is_replaced("swim-wear, swimwear") and not is_replaced("bra")
    assert is_replaced("") and is_replaced("t-shirt") and is_replaced("zebra print top")
