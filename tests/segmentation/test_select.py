"""Laws of choosing garments."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from hemline.segmentation.garments import Garment, Garments
from hemline.segmentation.select import ORDERS, PERSONS, Choice, garment_planes, parse_point, select_garments
from hemline.tensors import RangeError, UnknownName

H, W = 60, 100


def garment(
    label: str,
    x0: int,
    y0: int,
    x1: int,
    y1: int,
    *,
    person: int = 0,
    image: int = 0,
    score: float = 0.5,
    native: str = "",
) -> Garment:
    mask = torch.zeros(H, W)
    mask[y0:y1, x0:x1] = 1
    return Garment(mask, label, score, (x0, y0, x1, y1), image, person, native)


# Picture 0: three people, the one in the middle largest. Picture 1: one. Picture 2: nobody.
FOUND = Garments(W, H, 3, (
    garment("upper", 40, 10, 60, 30, person=0, score=0.9, native="shirt, blouse"),
    garment("pants", 40, 30, 60, 50, person=0, score=0.4, native="jeans"),
    garment("upper", 80, 10, 90, 20, person=1, score=0.7),
    garment("skirt", 80, 20, 90, 30, person=1, score=0.8),
    garment("dress", 5, 10, 15, 40, person=2, score=0.6),
    garment("bag", 20, 20, 30, 30, image=1, score=0.3),
), "drawn", {"hands": torch.ones(3, H, W)}, ("a note",))  # fmt: skip


def chosen(**choice: object) -> list[int]:
    items = select_garments(FOUND, Choice(**choice)).items  # pyright: ignore[reportArgumentType]
    return [next(number for number, item in enumerate(FOUND.items) if item is one) for one in items]


choices = st.builds(
    Choice,
    words=st.sampled_from(["", "tops", "upper, bag", "jeans", "*irt*", "bottoms; dress"]),
    person=st.sampled_from(PERSONS),
    number=st.integers(1, 4),
    point=st.tuples(st.integers(0, W), st.integers(0, H)).map(lambda xy: f"{xy[0]} {xy[1]}"),
    least_score=st.floats(0, 1),
    least_percent=st.floats(0, 10),
    most_percent=st.floats(0, 10),
    most=st.integers(0, 3),
    order=st.sampled_from(list(ORDERS)),
)


def test_choosing_everything_changes_nothing():
    assert select_garments(FOUND, Choice()) == FOUND


@given(choices)
def test_a_choice_and_its_inverse_share_out_the_garments(choice):
    some = select_garments(FOUND, choice)
    others = select_garments(FOUND, Choice(**{**vars(choice), "invert": True}))
    both = {id(item) for item in (*some.items, *others.items)}
    assert len(some) + len(others) == len(FOUND) and both == {id(item) for item in FOUND.items}


@given(choices)
def test_the_union_of_one_mask_per_garment_is_the_union(choice):
    some = select_garments(FOUND, choice)
    planes = garment_planes(some)
    assert torch.equal(planes.amax(0), some.union().amax(0))
    assert len(planes) == (len(some) or FOUND.batch)


@given(choices)
def test_parts_notes_method_and_size_stay(choice):
    some = select_garments(FOUND, choice)
    assert some.parts is FOUND.parts and some.notes == FOUND.notes and some.method == FOUND.method
    assert (some.width, some.height, some.batch) == (W, H, 3)


@pytest.mark.parametrize(("words", "wanted"), [
    ("upper", [0, 2]), ("tops", [0, 2, 4]), ("JEANS", [1]), ("blouse", [0]), ("*irt*", [0, 3]), ("sk?rt", [3]),
    ("bag; dress", [4, 5]), ("handbag", [5]), ("coat", []), ("*zip*", []), ("leather, ", None),
])  # fmt: skip
def test_words_are_presets_labels_words_of_models_and_patterns(words, wanted):
    if wanted is None:
        with pytest.raises(UnknownName, match="leather"):
            chosen(words=words)
    else:
        assert chosen(words=words) == wanted


@pytest.mark.parametrize(("choice", "wanted"), [
    ({"person": "largest"}, [0, 1, 5]),
    ({"person": "from left"}, [4, 5]),
    ({"person": "from left", "number": 2}, [0, 1]),
    ({"person": "from right"}, [2, 3, 5]),
    ({"person": "from right", "number": 4}, []),
    ({"person": "at point", "point": "85 15"}, [2, 3, 5]),
    ({"person": "at point", "point": "0.5, 0.1"}, [0, 1, 5]),
    ({"person": "at point", "point": "0 0"}, [4, 5]),
    ({"person": "largest", "words": "skirt"}, []),
])  # fmt: skip
def test_a_person_is_chosen_in_each_picture_before_the_words_count(choice, wanted):
    assert chosen(**choice) == wanted


@pytest.mark.parametrize(("choice", "wanted"), [
    ({"least_score": 0.6}, [0, 2, 3, 4]),
    ({"least_percent": 5}, [0, 1, 4]),
    ({"most_percent": 2}, [2, 3, 5]),
    ({"most": 1, "order": "most certain"}, [0, 5]),
    ({"most": 2}, [0, 1, 5]),
])  # fmt: skip
def test_score_area_and_number_count_per_picture(choice, wanted):
    assert chosen(**choice) == wanted


def test_planes_come_picture_by_picture_whatever_the_order_of_the_garments():
    planes = garment_planes(Garments(W, H, 3, FOUND.items[::-1], "drawn"))
    assert torch.equal(planes[-1], FOUND.items[5].mask) and torch.equal(planes[0], FOUND.items[4].mask)


@pytest.mark.parametrize("text", ["", "1", "a b", "1 2 3", "-5 3", "200 3", "nan 1"])
def test_a_point_that_is_none_is_refused(text):
    with pytest.raises(RangeError):
        parse_point(text, W, H)


@pytest.mark.parametrize(
    "choice", [{"least_score": 2.0}, {"least_percent": -1.0}, {"person": "from left", "number": 0}]
)
def test_numbers_out_of_range_are_refused(choice):
    with pytest.raises(RangeError):
        chosen(**choice)
