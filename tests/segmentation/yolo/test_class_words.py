"""What a file's own words mean, and which of its classes are asked for."""

from __future__ import annotations

import pytest

from hemline.errors import UnknownName
from hemline.segmentation.taxonomies import NUMBERED, TAXONOMIES
from hemline.segmentation.vocabulary import LABELS
from hemline.segmentation.yolo.class_words import best_taxonomy, choose_classes, read_classes

DEEPFASHION2 = tuple(TAXONOMIES["deepfashion2"])
COCO = ("person", "bicycle", "backpack", "umbrella", "handbag", "tie", "suitcase", "cup", "dog")
FASHIONPEDIA = NUMBERED["fashionpedia"][1:]


@pytest.mark.parametrize("table", ["deepfashion2", "fashionpedia", "modanet", "coco"])
def test_the_table_is_that_which_knows_most_of_the_names(table):
    names = {"coco": COCO, "fashionpedia": FASHIONPEDIA}.get(table, tuple(TAXONOMIES[table]))
    assert best_taxonomy(names) == table


def test_every_word_of_the_known_detectors_is_understood():
    for names in (DEEPFASHION2, COCO, FASHIONPEDIA, tuple(TAXONOMIES["modanet"])):
        words = read_classes(names)
        assert not words.notes
        assert all(label is None or label in LABELS for label in words.labels)


def test_a_word_means_what_it_means_in_the_files_table():
    assert dict(zip(COCO, read_classes(COCO).labels, strict=True)) == {
        "person": None, "bicycle": None, "backpack": "bag", "umbrella": "accessory", "handbag": "bag",
        "tie": "neckwear", "suitcase": None, "cup": None, "dog": None,
    }  # fmt: skip
    assert read_classes(("vest", "sling", "short_sleeve_top", "Trousers")).labels == (
        "upper",
        "upper",
        "upper",
        "pants",
    )


def test_persons_are_not_garments():
    words = read_classes(COCO)
    assert words.persons == (0,) and words.garments == (2, 3, 4, 5)
    assert read_classes(COCO, "!person").persons == ()


def test_meanings_come_before_the_tables():
    words = read_classes(("vest", "Kleid 1", "Kleid 2"), meanings={"VEST": "outer", "kleid*": "dress"})
    assert words.labels == ("outer", "dress", "dress") and not words.notes
    words = read_classes(("vest", "class 1"), meanings={"1": "skirt", "vest": "background"})
    assert words.labels == (None, "skirt")


def test_what_nobody_knows_is_left_out_and_told():
    words = read_classes(("dress", "鞋"))
    assert words.labels == ("dress", None)
    (note,) = words.notes
    assert "'鞋'" in note and "= upper" in note
    assert not read_classes(("dress", "鞋"), "!鞋").notes


def test_underwear_is_left_out_without_a_word():
    assert read_classes(("dress", "panties", "intimate")).garments == (0,)


def test_a_meaning_that_names_no_class_is_told():
    (note,) = read_classes(("dress",), meanings={"coat": "outer"}).notes
    assert "'coat'" in note


def test_a_meaning_that_is_none_is_refused():
    with pytest.raises(UnknownName, match="Known: background, upper"):
        read_classes(("dress",), meanings={"dress": "frock"})


NAMES = ("short sleeve top", "long-sleeve top", "vest dress", "shirt, blouse", "skirt")


@pytest.mark.parametrize(
    ("asked", "wanted"),
    [
        ("*", NAMES),
        ("", NAMES),
        ("skirt", ("skirt",)),
        ("*TOP", ("short sleeve top", "long-sleeve top")),
        ("long_sleeve top; Skirt", ("long-sleeve top", "skirt")),
        ("shirt, blouse", ("shirt, blouse",)),
        ("skirt, shirt, blouse, 0", ("short sleeve top", "shirt, blouse", "skirt")),
        ("!*dress*", ("short sleeve top", "long-sleeve top", "shirt, blouse", "skirt")),
        ("*top, !short*", ("long-sleeve top",)),
        ("!shirt, blouse", ("short sleeve top", "long-sleeve top", "vest dress", "skirt")),
        ("4", ("skirt",)),
    ],
)
def test_classes_are_chosen_by_name_wildcard_and_number(asked, wanted):
    chosen = choose_classes(NAMES, asked)
    assert tuple(name for name, taken in zip(NAMES, chosen, strict=True) if taken) == wanted


@pytest.mark.parametrize("asked", ["coat", "*coat*", "!coat", "7", "skrt"])
def test_a_class_that_is_not_there_is_refused_with_those_that_are(asked):
    with pytest.raises(UnknownName, match="Known: short sleeve top, long-sleeve top, vest dress"):
        choose_classes(NAMES, asked)
