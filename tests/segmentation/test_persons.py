"""Laws of the search for persons: which chances are a person, whose a pixel is, what is looked at again."""

from __future__ import annotations

import pytest
import torch

from hemline.segmentation.parser import CLASSES, Parser, ParserNet, Plan
from hemline.segmentation.person_regions import frame_of, head_height, persons_in, persons_in_boxes
from hemline.segmentation.persons import MOST_TILES, Sight, keep_share, look_again, look_around, tiles_of

SIZE = (960, 1280)  # ten pixels per pixel of the chances below
HEIGHT, WIDTH = 96, 128


def ground(height: int = HEIGHT, width: int = WIDTH) -> torch.Tensor:
    return torch.zeros(height, width, dtype=torch.long)


def stand(labels: torch.Tensor, left: int, top: int, tall: int = 60) -> None:
    """Draws a figure: hair, face, coat, trousers, shoes; a third as wide as high."""
    wide, middle = tall // 3, left + tall // 6
    for name, start, stop, half in (
        ("hair", 0, 0.07, 0.06),
        ("skin", 0.07, 0.14, 0.05),
        ("outer", 0.14, 0.6, 0.5 * wide / tall),
        ("pants", 0.6, 0.95, 0.12),
        ("footwear", 0.95, 1, 0.13),
    ):
        rows = slice(top + round(start * tall), top + round(stop * tall))
        labels[rows, max(0, round(middle - half * tall)) : round(middle + half * tall)] = CLASSES.index(name)


def chances_of(labels: torch.Tensor) -> torch.Tensor:
    hard = torch.nn.functional.one_hot(labels, len(CLASSES)).permute(2, 0, 1).float()
    return hard * 0.96 + 0.04 / len(CLASSES)


def persons_of(labels: torch.Tensor):
    return persons_in(chances_of(labels), CLASSES, SIZE)


def fake_parser() -> Parser:
    torch.manual_seed(0)
    plan = Plan((4, 4, 4, 4, 4), (1, 1, 1, 1), len(CLASSES))
    return Parser(ParserNet(plan, folded=True).requires_grad_(False).eval(), long_side=64)


def test_one_person_has_a_tight_box_and_every_pixel():
    labels = ground()
    stand(labels, 40, 20)
    (person,) = persons_of(labels)
    assert person.box == pytest.approx((400, 200, 600, 800), abs=11)
    assert torch.equal(person.share, torch.ones_like(person.share))
    left, top, right, bottom = person.frame
    assert left < 400 and top < 200 and right > 600 and bottom > 800


def test_two_apart_come_larger_first_and_share_the_picture():
    labels = ground()
    stand(labels, 5, 30, 48)
    stand(labels, 80, 20, 66)
    large, small = persons_of(labels)
    assert large.box[0] > 700 > small.box[2]
    assert large.share[50, 91] > 0.99 and large.share[50, 12] < 0.01
    assert torch.allclose(large.share + small.share, torch.ones_like(large.share))


def test_two_who_touch_are_cut_between_their_heads():
    labels = ground()
    stand(labels, 40, 20)
    stand(labels, 59, 20)
    first, second = sorted(persons_of(labels), key=lambda person: person.box[0])
    assert abs(first.box[2] - second.box[0]) <= 20
    assert first.box[2] == pytest.approx(600, abs=30)


def test_pieces_of_one_person_are_joined():
    labels = ground()
    stand(labels, 40, 20)
    labels[28:31] = 0  # a pale scarf
    labels[75:77] = 0  # bare ankles on pale ground
    (person,) = persons_of(labels)
    assert person.box[1] == pytest.approx(200, abs=11) and person.box[3] == pytest.approx(800, abs=11)


def test_hair_left_and_right_of_a_face_is_one_head():
    labels = ground()
    stand(labels, 40, 20)
    labels[20:32, 46:48] = labels[20:32, 53:55] = CLASSES.index("hair")
    assert len(persons_of(labels)) == 1


@pytest.mark.parametrize("name", ["background", "outer"])
def test_what_shows_no_body_is_nobody(name):
    labels = ground()
    labels[20:80, 30:90] = CLASSES.index(name)
    assert persons_of(labels) == []


def test_a_speck_is_nobody():
    labels = ground()
    stand(labels, 40, 20)
    labels[5:8, 100:102] = CLASSES.index("skin")
    assert len(persons_of(labels)) == 1


def test_wavering_chances_are_nobody():
    labels = ground()
    stand(labels, 40, 20)
    chances = chances_of(labels)
    assert persons_in(0.7 * chances + 0.3 * chances_of(ground()), CLASSES, SIZE) == []


def test_bystanders_are_left_out():
    labels = ground()
    stand(labels, 30, 10, 80)
    stand(labels, 90, 30, 30)
    assert len(persons_of(labels)) == 1


def test_mirrored_chances_give_mirrored_persons():
    labels = ground()
    stand(labels, 5, 30, 48)
    stand(labels, 80, 20, 66)
    for person, mirrored in zip(persons_of(labels), persons_of(labels.flip(1)), strict=True):
        x0, y0, x1, y1 = person.box
        assert mirrored.box == pytest.approx((SIZE[1] - x1, y0, SIZE[1] - x0, y1))
        assert torch.allclose(mirrored.share.flip(1), person.share, atol=2e-3)


def test_given_boxes_are_the_persons():
    picture = torch.rand(3, 80, 120)
    found = look_around(fake_parser(), picture, boxes=[(70, 5, 110, 75), (10, 5, 50, 200)]).persons
    assert [person.box for person in found] == [(70, 5, 110, 75), (10, 5, 50, 80)]
    assert found[0].share[40, 90] > 0.99 and found[1].share[40, 30] > 0.99


def test_closer_looks_lose_nobody_of_the_first(monkeypatch):
    labels = ground()
    stand(labels, 5, 20, 62)
    stand(labels, 80, 20, 66)

    def look(parser, planes, **_):
        return chances_of(labels if planes.shape[1:] == SIZE else ground())

    monkeypatch.setattr("hemline.segmentation.persons.look", look)
    assert len(look_around(fake_parser(), torch.rand(3, *SIZE)).persons) == 2


def test_one_given_box_has_every_pixel():
    (person,) = persons_in_boxes([(2, 3, 40, 50)], (60, 80))
    assert torch.equal(person.share, torch.ones_like(person.share))


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (32, 32), (20, 400), (300, 30)])
def test_any_size_is_searched(size):
    for person in look_around(fake_parser(), torch.rand(3, *size), flip=True).persons:
        left, top, right, bottom = person.frame
        assert 0 <= left < right <= size[1] and 0 <= top < bottom <= size[0]


@pytest.mark.parametrize("size", [(300, 4000), (4000, 300), (100, 10000), (1080, 1920), (900, 600), (1000, 1000)])
def test_tiles_cover_the_picture_and_are_few(size):
    tiles = tiles_of(size)
    seen = torch.zeros(size, dtype=torch.bool)
    for left, top, right, bottom in tiles:
        seen[top:bottom, left:right] = True
    assert bool(seen.all()) and 1 < len(tiles) <= MOST_TILES


def test_a_frame_turns_to_two_thirds_where_there_is_room():
    left, top, right, bottom = frame_of((500, 200, 600, 800), (1000, 1500))
    assert (right - left) / (bottom - top) == pytest.approx(2 / 3, abs=0.01)
    assert frame_of((0, 0, 100, 80), (80, 100)) == (0, 0, 100, 80)


def test_a_second_look_gives_others_pixels_to_the_background():
    labels = ground()
    stand(labels, 40, 20)
    stand(labels, 59, 20)
    one, other = persons_of(labels)
    chances = torch.full((len(CLASSES), 40, 30), 1 / len(CLASSES))
    kept = keep_share(chances, one, SIZE)
    assert torch.allclose(kept.sum(0), torch.ones(40, 30))
    assert float(kept[0].max()) > 0.9 > 0.2 > float(kept[0].min())
    assert other.box != one.box


def test_a_second_look_is_at_half_the_scale_of_the_training():
    (person,) = persons_in_boxes([(20, 20, 60, 90)], (100, 80))
    first = torch.full((len(CLASSES), 32, 26), 1 / len(CLASSES))
    chances = look_again(fake_parser(), torch.rand(3, 100, 80), Sight((person,), first, first), person)
    assert 16 <= max(chances.shape[-2:]) <= 32
    assert torch.allclose(chances.sum(0), torch.ones_like(chances[0]), atol=1e-4)


@pytest.mark.parametrize(("tall", "sides"), [(64, [64, 48]), (160, [64, 52, 39]), (400, [27, 21])])
def test_a_person_is_looked_at_at_the_scale_at_which_heads_are_known(monkeypatch, tall, sides):
    labels = ground(96, 64)
    stand(labels, 32 - tall // 6, 4, tall)
    (person,) = persons_in_boxes([(0, 0, 64, 96)], (96, 64))
    seen: list[int] = []

    def look(parser, planes, *, flip, long_side):
        seen.append(long_side)
        return chances_of(labels)

    monkeypatch.setattr("hemline.segmentation.persons.look", look)
    chances = chances_of(labels)
    look_again(fake_parser(), torch.rand(3, 96, 64), Sight((person,), chances, chances), person)
    known = [64] if sides[0] == 64 else []  # the whole picture at the training's scale is known from the first look
    assert [*known, *seen] == pytest.approx(sides, abs=2)


@pytest.mark.parametrize(("rows", "height"), [(slice(0, 0), 0), (slice(10, 30), 20)])
def test_a_head_reaches_from_the_hair_to_where_clothes_are_wider(rows, height):
    labels = ground()
    labels[30:80, 40:80] = CLASSES.index("outer")
    labels[rows, 50:60] = CLASSES.index("skin")
    assert head_height(chances_of(labels), CLASSES) == height


def test_a_search_can_be_cancelled():
    def cancel() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        look_around(fake_parser(), torch.rand(3, 64, 64), check_cancelled=cancel)
