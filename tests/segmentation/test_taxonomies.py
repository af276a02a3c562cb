"""The words of other data sets and what they mean here."""

from __future__ import annotations

import pytest

from hemline.segmentation.taxonomies import (
    BACKGROUND,
    NUMBERED,
    PART_OWNERS,
    TAXONOMIES,
    canonical_label,
    find_label,
)
from hemline.segmentation.vocabulary import LABELS
from hemline.tensors import UnknownName

# As their papers count them, the ground included where a pixel may have it.
CLASS_COUNTS = {"ccp": 59, "atr": 18, "lip": 20, "cihp": 20, "fashn": 18, "deepfashion2": 13, "fashionpedia": 46,
                "modanet": 13}  # fmt: skip


@pytest.mark.parametrize(("taxonomy", "count"), CLASS_COUNTS.items())
def test_every_class_of_a_taxonomy_stands_in_its_table(taxonomy: str, count: int) -> None:
    assert len(TAXONOMIES[taxonomy]) == count


@pytest.mark.parametrize("taxonomy", TAXONOMIES)
def test_every_word_means_a_canonical_label_the_ground_or_nothing(taxonomy: str) -> None:
    assert set(TAXONOMIES[taxonomy].values()) <= {*LABELS, BACKGROUND, None}


@pytest.mark.parametrize(
    ("word", "taxonomy", "label"),
    [
        ("blazer", "ccp", "outer"),
        ("leggings", "ccp", "legwear"),
        ("tights", "ccp", None),
        ("Upper-clothes", "atr", "upper"),
        ("upper_clothes", "lip", "upper"),
        ("Coat", "lip", "outer"),
        ("short sleeve top", "deepfashion2", "upper"),
        ("bag, wallet", "fashionpedia", "bag"),
        ("sleeve", "fashionpedia", None),
        ("scarf/tie", "modanet", "neckwear"),
        ("handbag", "coco", "bag"),
        ("giraffe", "coco", None),
    ],
)
def test_words_are_understood(word: str, taxonomy: str, label: str | None) -> None:
    assert canonical_label(word, taxonomy) == label


@pytest.mark.parametrize("taxonomy", TAXONOMIES)
def test_underwear_is_nobodys_garment(taxonomy: str) -> None:
    for word in ("intimate", "panties", "underwear"):
        if word in TAXONOMIES[taxonomy]:
            assert TAXONOMIES[taxonomy][word] is None


def test_an_unknown_word_is_named_with_its_nearest() -> None:
    with pytest.raises(UnknownName, match="blazer"):
        canonical_label("blazzer", "ccp")
    with pytest.raises(UnknownName, match="Taxonomy"):
        canonical_label("hat", "imagenet")


@pytest.mark.parametrize("taxonomy", NUMBERED)
def test_numbered_words_are_the_taxonomys_words_each_once(taxonomy: str) -> None:
    numbered = [word for word in NUMBERED[taxonomy] if word != "unlabelled"]
    assert sorted(numbered) == sorted(TAXONOMIES[taxonomy])
    assert find_label(NUMBERED[taxonomy][0]) == BACKGROUND


def test_networks_number_words_as_their_data_do() -> None:
    assert NUMBERED["atr"].index("Upper-clothes") == 4 and NUMBERED["atr"].index("Bag") == 16
    assert NUMBERED["lip"].index("Coat") == 7 and NUMBERED["cihp"].index("Torso-skin") == 10
    assert NUMBERED["fashionpedia"].index("bag, wallet") == 25 and NUMBERED["fashionpedia"].index("sleeve") == 32


@pytest.mark.parametrize("taxonomy", NUMBERED)
def test_a_word_means_the_same_wherever_it_is_looked_for(taxonomy: str) -> None:
    for word in TAXONOMIES[taxonomy]:
        assert find_label(word) == canonical_label(word, taxonomy)


@pytest.mark.parametrize(
    ("word", "label"),
    [("unlabelled", BACKGROUND), ("NULL", BACKGROUND), ("footwear", "footwear"), ("T-Shirt", "upper"),
     ("torso", "skin"), ("handbag", "bag"), ("sleeve", None), ("person", None)],
)  # fmt: skip
def test_words_of_unknown_origin_are_looked_for_everywhere(word: str, label: str | None) -> None:
    assert find_label(word) == label


def test_a_word_that_nobody_knows_is_named_with_its_nearest() -> None:
    with pytest.raises(UnknownName, match="blazer"):
        find_label("blazzer")


def test_parts_belong_to_canonical_garments() -> None:
    assert all(TAXONOMIES["fashionpedia"][word] is None for word in PART_OWNERS)
    assert {owner for owners in PART_OWNERS.values() for owner in owners} <= set(LABELS)
