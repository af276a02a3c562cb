"""What people wear is said in colours and garments, in a fixed order, and nothing else."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from figures import draw_person

from hemline.color import parse_colours
from hemline.segmentation.describe import COLOURS, WORDS, colour_names, describe_outfit
from hemline.segmentation.garments import Garment, Garments
from hemline.segmentation.vocabulary import CARRIED_LABELS, GARMENT_LABELS

SIZE = 48


def flat(colour: str, height: int = SIZE, width: int = SIZE) -> torch.Tensor:
    return parse_colours(colour).view(1, 1, 3).expand(height, width, 3).clone()


def garment(label: str, rows: slice, native: str = "", image: int = 0, person: int = 0) -> Garment:
    mask = torch.zeros(SIZE, SIZE)
    mask[rows, 8:40] = 1
    return Garment(mask, label, 0.9, (8, rows.start, 40, rows.stop), image, person, native)


def garments(*items: Garment, batch: int = 1) -> Garments:
    return Garments(SIZE, SIZE, batch, items, "parser")


# --- colours ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "colour, name",
    [
        ("#000000", "black"), ("#ffffff", "white"), ("#808080", "grey"), ("#ff0000", "red"), ("#800000", "dark red"),
        ("#ff8800", "orange"), ("#8b4513", "brown"), ("#ffff00", "yellow"), ("#008000", "green"),
        ("#808000", "olive green"), ("#008080", "teal"), ("#40e0d0", "turquoise"), ("#0000ff", "blue"),
        ("#87ceeb", "light blue"), ("#000080", "navy blue"), ("#800080", "purple"), ("#ffc0cb", "pink"),
        ("#ff1493", "hot pink"), ("#d2b48c", "beige"), ("#fffdd0", "cream"), ("#36454f", "dark grey"),
    ],
)  # fmt: skip
def test_flat_colours_have_their_usual_names(colour, name):
    assert colour_names(flat(colour), torch.ones(SIZE, SIZE)) == name


@pytest.mark.parametrize("name", COLOURS)
def test_light_and_shade_within_a_garment_do_not_make_another_colour(name):
    shade = torch.linspace(0.88, 1.05, SIZE).view(1, -1, 1)
    picture = (flat(COLOURS[name].split()[0]) * shade).clamp(0, 1)
    assert " and " not in colour_names(picture, torch.ones(SIZE, SIZE))


def test_two_colours_are_named_from_a_third_on_the_larger_first():
    picture = flat("#ffffff")
    picture[:, : SIZE * 6 // 10] = 0.02
    assert colour_names(picture, torch.ones(SIZE, SIZE)) == "black and white"
    picture[:, : SIZE * 8 // 10] = 0.02
    assert colour_names(picture, torch.ones(SIZE, SIZE)) == "black"


def test_stripes_are_two_colours_and_not_their_mean():
    picture = flat("#ffffff")
    picture[:, torch.arange(SIZE) // 6 % 2 == 0] = parse_colours("#1c2238")
    assert set(colour_names(picture, torch.ones(SIZE, SIZE)).split(" and ")) == {"navy blue", "white"}


def test_a_print_of_many_colours_is_no_mean_of_them():
    picture = flat("#ffffff")
    for number, colour in enumerate(("#d21a1e", "#1f5fc6", "#f4d823", "#2f8f3e")):
        picture[:, torch.arange(SIZE) // 4 % 4 == number] = parse_colours(colour)
    assert colour_names(picture, torch.ones(SIZE, SIZE)) == "multicoloured"


def test_what_lies_beside_the_mask_does_not_colour_it():
    picture, mask = flat("#00ff00"), torch.zeros(SIZE, SIZE)
    picture[20:26, 20:26] = parse_colours("#d21a1e")
    mask[20:26, 20:26] = 1
    assert colour_names(picture, mask) == "red"
    mask[:] = 0
    assert colour_names(picture, mask) == ""


def test_large_pictures_and_strange_values_are_taken():
    picture = torch.full((700, 500, 4), 3.0)
    picture[:10] = torch.nan
    assert colour_names(picture, torch.ones(700, 500)) == "white"


# --- sentences -------------------------------------------------------------------------------------------------------


def test_a_drawn_figure_is_told_with_its_colours_in_the_order_of_dressing():
    image, masks = draw_person(240, 120, 0)
    items = tuple(
        Garment(masks[name], label, 0.9, (0, 0, 1, 1))
        for name, label in (("footwear", "footwear"), ("lower", "lower"), ("upper", "upper"))
    )
    found = describe_outfit(image, Garments(120, 240, 1, items, "parser"))
    assert found == "red top, dark blue bottoms, dark brown shoes" or found.startswith("red top, ")
    assert [phrase.split()[-1] for phrase in found.split(", ")] == ["top", "bottoms", "shoes"]


def test_every_label_of_a_garment_has_a_word():
    assert {*GARMENT_LABELS, *CARRIED_LABELS} <= set(WORDS)


@pytest.mark.parametrize(
    "label, native, word",
    [
        ("pants", "jeans", "jeans"), ("pants", "", "trousers"), ("upper", "Upper-clothes", "top"),
        ("upper", "short sleeve top", "short-sleeved top"), ("outer", "long_sleeve_outwear", "long-sleeved jacket"),
        ("upper", "top, t-shirt, sweatshirt", "top"), ("upper", "t-shirt", "T-shirt"), ("footwear", "sneaker",
        "sneakers"), ("footwear", "Left-shoe", "shoes"), ("outer", "coat", "coat"), ("upper", "bra", "top"),
        ("lower", "lower", "bottoms"), ("skirt", "skirt", "skirt"), ("accessory", "sunglasses", "sunglasses"),
    ],
)  # fmt: skip
def test_a_garment_is_called_by_its_models_word_where_that_is_plain_english(label, native, word):
    found = describe_outfit(flat("#d21a1e").unsqueeze(0), garments(garment(label, slice(4, 40), native)))
    assert found == f"red {word}"


def test_things_of_one_kind_are_said_once_and_specks_and_unnamed_trinkets_not_at_all():
    items = [garment("footwear", slice(30, 34)), garment("footwear", slice(36, 40)), garment("upper", slice(2, 28))]
    items.append(garment("accessory", slice(28, 30)))
    speck = garment("skirt", slice(44, 45))
    speck.mask[44, 9:] = 0
    assert describe_outfit(flat("#050505").unsqueeze(0), garments(*items, speck)) == "black top, black shoes"


def test_a_doubtful_piece_of_another_garment_is_left_unsaid_but_a_top_under_a_jacket_is_said():
    def doubtful(label: str, rows: slice) -> Garment:
        return replace(garment(label, rows), score=0.2)

    skirt, dress = garment("skirt", slice(20, 46)), doubtful("dress", slice(20, 26))
    jacket, top = garment("outer", slice(2, 20)), doubtful("upper", slice(2, 6))
    found = describe_outfit(flat("#050505").unsqueeze(0), garments(skirt, dress, jacket, top))
    assert found == "black jacket, black top, black skirt"
    assert "dress" in describe_outfit(flat("#050505").unsqueeze(0), garments(dress))


def test_people_are_separated_and_each_picture_has_its_line():
    pictures = torch.stack([flat("#d21a1e"), flat("#ffffff"), flat("#050505")])
    items = (
        garment("upper", slice(2, 20), person=1), garment("dress", slice(2, 40), person=0),
        garment("skirt", slice(20, 40), image=2),
    )  # fmt: skip
    found = describe_outfit(pictures, garments(*items, batch=3))
    assert found == "red dress; red top\n\nblack skirt"


def test_nothing_found_says_nothing():
    assert describe_outfit(flat("#ffffff").unsqueeze(0), garments()) == ""
