"""The words of other data sets and what they mean here."""

from __future__ import annotations

import pytest

from hemline.segmentation.taxonomies import BACKGROUND, TAXONOMIES, canonical_label
from hemline.segmentation.vocabulary import LABELS
from hemline.tensors import UnknownName

# As their papers count them, the ground included where a pixel may have it.
CLASS_COUNTS = {"ccp": 59, "atr": 18, "lip": 20, "deepfashion2": 13, "fashionpedia": 46, "modanet": 13}


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
