"""Laws of what a mask must not cover."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.segmentation.feet import bare_feet, head_heights_px
from hemline.segmentation.garments import Garment, Garments
from hemline.segmentation.part_masks import PartMasks, PersonParts
from hemline.segmentation.protect import PROTECTABLE, kept_garments, protect_mask, protected_area, untold_parts
from hemline.segmentation.shape import feather_mask
from hemline.segmentation.vocabulary import LEGEND, PART_LABELS
from hemline.tensors import RangeError, ShapeError, UnknownName

H, W = 120, 60


def area(x0: int, y0: int, x1: int, y1: int) -> torch.Tensor:
    mask = torch.zeros(H, W)
    mask[y0:y1, x0:x1] = 1
    return mask


# A figure of blocks: head with hair over a shoulder, coat, a hand at either side, bare legs, one shoe, a bag, a hat.
BODY = {
    "hair": area(20, 4, 24, 40),
    "face": area(24, 6, 36, 18),
    "neck": area(26, 18, 34, 22),
    "hands": area(8, 54, 14, 62) + area(46, 54, 52, 62),
    "arms": area(8, 48, 14, 54) + area(46, 48, 52, 54),
    "legs": area(22, 80, 28, 112) + area(32, 80, 38, 112),
}
BODY = {**BODY, "skin": torch.stack([BODY[name] for name in BODY if name != "hair"]).amax(0)}
BODY = {**BODY, "head": torch.stack([BODY["hair"], BODY["face"], area(20, 0, 40, 6)]).amax(0)}
WORN = {
    "headwear": area(20, 0, 40, 6),
    "outer": area(14, 22, 46, 60),
    "skirt": area(18, 60, 42, 80),
    "bag": area(40, 62, 56, 76),
}


def dressed(batch: int = 1, *, asked: tuple[str, ...] = tuple(WORN), told: bool = True) -> Garments:
    items = [Garment(WORN[name], name, 1.0, (0, 0, 1, 1), image=index) for index in range(batch) for name in asked]
    labels = torch.zeros(batch, H, W, dtype=torch.uint8)
    for name, mask in WORN.items():
        labels[:, mask > 0] = LEGEND.index(name)
    parts = {name: mask.expand(batch, H, W) for name, mask in BODY.items()}
    return Garments(W, H, batch, tuple(items), "drawn", parts, labels=labels if told else None)


parts_of = st.lists(st.sampled_from(PROTECTABLE), min_size=1, max_size=4)


@settings(max_examples=30, deadline=None)
@given(parts_of, st.floats(-4, 8), st.floats(0, 8))
def test_exclusion_always_wins(parts: list[str], margin: float, soft: float) -> None:
    mask = feather_mask(area(10, 10, 50, 90)[None], 6)
    protected = protected_area(dressed(), parts, margin_px=margin, soft_px=soft, target=["outer"])
    assert bool((protect_mask(mask, protected) <= 1 - protected + 1e-6).all())
    assert bool((protect_mask(mask, protected) <= mask).all())


@settings(max_examples=25, deadline=None)
@given(parts_of, st.floats(-4, 8), st.floats(0, 6), st.floats(0, 6))
def test_a_larger_margin_keeps_no_less(parts: list[str], margin: float, more: float, soft: float) -> None:
    less, much = (
        protected_area(dressed(), parts, margin_px=by, soft_px=soft, target=["outer"]) for by in (margin, margin + more)
    )
    assert bool((much >= less - 1e-5).all())


@settings(max_examples=15, deadline=None)
@given(parts_of, parts_of)
def test_more_parts_keep_no_less(some: list[str], others: list[str]) -> None:
    few = protected_area(dressed(), some, margin_px=1)
    assert bool((protected_area(dressed(), [*some, *others], margin_px=1) >= few - 1e-6).all())


@pytest.mark.parametrize("part", PROTECTABLE)
def test_batch_equals_stack_of_singles(part: str) -> None:
    both = protected_area(dressed(2), [part], margin_px=2, soft_px=3)
    assert torch.allclose(both, protected_area(dressed(), [part], margin_px=2, soft_px=3).expand(2, H, W), atol=1e-6)


def test_a_body_part_without_margin_is_the_part_itself() -> None:
    for name in ("hair", "face", "neck", "hands", "arms", "legs"):
        assert torch.equal(protected_area(dressed(), [name])[0], BODY[name])


def test_a_negative_margin_lets_the_mask_reach_under_the_rim() -> None:
    kept = protected_area(dressed(), ["hands"], margin_px=-2)[0]
    assert kept[58, 11] == 1 and kept[55, 11] == 0 and kept.sum() < BODY["hands"].sum()


def test_each_part_has_its_own_margin_and_soft_edge() -> None:
    kept = protected_area(dressed(), ["hands", "face"], margin_px={"hands": 4}, soft_px={"face": 4})[0]
    assert kept[58, 5] == 1 and 0 < kept[18, 30] < 1 and not kept[58, 2]


def test_margins_count_by_the_scale_of_each_picture() -> None:
    kept = protected_area(dressed(2), ["hands"], margin_px=2, scale=(1, 3))
    assert torch.equal(kept[1], protected_area(dressed(), ["hands"], margin_px=6)[0]) and kept[1].sum() > kept[0].sum()


def test_parts_that_meet_have_no_gap_between_them_on_soft_borders() -> None:
    soft = {name: feather_mask(BODY[name][None], 4) for name in ("face", "neck", "hair", "arms", "hands", "legs")}
    found = replace(dressed(), parts={**soft, "skin": sum(soft.values()) - soft["hair"]})
    assert protected_area(found, ["face", "neck"])[0, 17:19, 28:32].amin() > 0.95
    planes = {name: soft[name][0] if name in soft else torch.zeros(H, W) for name in PART_LABELS}
    planes["skin"] = (torch.stack(list(soft.values())).sum(0) - soft["hair"])[0].clamp(0, 1)
    person = PersonParts(0, (0, 0, W, H), torch.full((3, H, W), 0.5), planes)
    found = replace(dressed(), parts=PartMasks((1, H, W), [person], device=torch.device("cpu")))
    assert protected_area(found, ["face", "neck"])[0, 17:19, 28:32].amin() > 0.8


def test_other_garments_are_those_that_the_target_does_not_name() -> None:
    kept = protected_area(dressed(), ["other garments"], target=["outer"])[0]
    assert torch.equal(kept, torch.maximum(WORN["skirt"], WORN["bag"]).maximum(WORN["headwear"]))


@pytest.mark.parametrize("asked", [tuple(WORN), ("outer",), ("outer", "skirt"), ()])
def test_other_garments_are_known_whether_or_not_they_were_asked_for(asked: tuple[str, ...]) -> None:
    kept = protected_area(dressed(asked=asked), ["other garments"], target=["outer"])[0]
    assert torch.equal(kept, torch.maximum(WORN["skirt"], WORN["bag"]).maximum(WORN["headwear"]))


@pytest.mark.parametrize("asked", [tuple(WORN), ("outer",), ()])
def test_a_mask_means_the_garments_that_it_covers(asked: tuple[str, ...]) -> None:
    mask = area(12, 20, 48, 64)[None]  # the coat, grown over a little of the skirt
    kept = protected_area(dressed(asked=asked), ["other garments"], target=mask)[0]
    assert torch.equal(kept, torch.maximum(WORN["skirt"], WORN["bag"]).maximum(WORN["headwear"]))


def test_small_things_that_a_grown_mask_covers_are_not_meant_but_a_mask_of_them_alone_means_them() -> None:
    watch = area(52, 40, 58, 44)
    for told in (True, False):
        found = dressed(told=told)
        found = replace(found, items=(*found.items, Garment(watch, "accessory", 1.0, (0, 0, 1, 1))))
        assert protected_area(found, ["other garments"], target=area(12, 20, 60, 64)[None])[0, 42, 54] == 1
        assert not (protected_area(found, ["other garments"], target=watch[None])[0] * watch).any()
    for asked in (tuple(WORN), ()):
        assert not protected_area(dressed(asked=asked), ["bag"], target=WORN["bag"][None]).any()
        assert protected_area(dressed(asked=asked), ["bag"], target=area(0, 0, W, H)[None])[0, 70, 50] == 1


def test_garments_that_are_kept_are_named() -> None:
    assert kept_garments(dressed(), ["other garments"], target=["outer"]) == ("skirt", "headwear", "bag")
    assert kept_garments(dressed(), ["bag", "feet", "hands"]) == ("bag",)


def test_crumbs_in_the_picture_of_labels_are_no_garments() -> None:
    height, width = 200, 150
    labels = torch.zeros(1, height, width, dtype=torch.uint8)
    labels[0, 50, 50], labels[0, 90:95, 50:55] = LEGEND.index("skirt"), LEGEND.index("bag")
    found = Garments(width, height, 1, (), "drawn", labels=labels)
    mask = torch.zeros(1, height, width)
    assert kept_garments(found, ["other garments"], target=mask + 0.001) == ("bag",)


def test_of_two_people_in_coats_only_the_one_under_the_mask_is_meant() -> None:
    left, right = area(2, 20, 20, 60), area(40, 20, 58, 60)
    coats = tuple(Garment(one, "outer", 1.0, (0, 0, 1, 1), person=n) for n, one in enumerate((left, right)))
    labels = ((left + right) * LEGEND.index("outer")).to(torch.uint8)[None]
    for found in (coats, coats[:1], coats[1:], ()):
        garments = Garments(W, H, 1, found, "drawn", labels=labels)
        assert torch.equal(protected_area(garments, ["other garments"], target=left[None])[0], right)


def test_meant_shoes_bags_and_hats_are_not_kept_with_the_parts_that_hold_them() -> None:
    assert not protected_area(dressed(), ["bag"], target=["bag"]).any()
    assert not protected_area(dressed(), ["head"], target=["headwear"])[0, :4].any()
    assert protected_area(dressed(), ["head"], target=["headwear"])[0, 10, 30] == 1
    assert protected_area(dressed(), ["head"], target=["outer"])[0, 2, 30] == 1


def test_feet_are_the_ends_of_bare_legs_and_shoes_with_the_skin_between() -> None:
    barefoot = protected_area(dressed(), ["feet"])[0]
    assert bool(barefoot[111, 24]) and not barefoot[90].any()
    shoe = Garment(area(20, 106, 30, 116), "footwear", 1.0, (0, 0, 1, 1))
    shod = replace(dressed(), items=(*dressed().items, shoe))
    kept = protected_area(shod, ["feet"])[0]
    assert kept[110, 25] == 1 and kept[115, 21] == 1
    assert protected_area(shod, ["feet"], target=["footwear"])[0, 115, 21] == 0


def test_what_a_hand_wears_is_kept_with_it_but_not_a_belt_that_it_touches() -> None:
    watch, belt, earring = area(8, 44, 14, 48), area(8, 62, 54, 66), area(24, 18, 26, 20)
    on = [Garment(mask, "accessory", 1.0, (0, 0, 1, 1)) for mask in (watch, belt, earring)]
    hands = {**BODY, "hands": area(8, 48, 14, 62) + area(46, 54, 52, 62), "arms": torch.zeros(H, W)}
    found = replace(dressed(), items=(*dressed().items, *on), parts={name: mask[None] for name, mask in hands.items()})
    kept = protected_area(found, ["hands"])[0]
    assert torch.equal(kept, torch.maximum(hands["hands"], watch))
    assert torch.equal(protected_area(found, ["hands"], target=["accessory"])[0], hands["hands"])


def test_a_leg_that_the_frame_cuts_or_cloth_covers_has_no_foot() -> None:
    cut = {**dressed().parts, "legs": area(22, 80, 28, H)[None]}
    assert not bare_feet(replace(dressed(), parts=cut)).any()
    ripped = replace(dressed(), labels=(area(10, 112, 50, 118) * LEGEND.index("pants")).to(torch.uint8)[None])
    assert not bare_feet(ripped).any()


def test_heads_are_measured_by_the_face_or_guessed_by_the_picture() -> None:
    assert head_heights_px(dressed(2)) == pytest.approx((16, 16))
    assert head_heights_px(replace(dressed(), parts={})) == pytest.approx((H / 7.2,))


def test_what_cannot_be_told_is_said_and_kept_with_what_holds_it() -> None:
    guessed = replace(
        dressed(told=False), parts={name: dressed().parts[name] for name in ("hair", "skin")}, method="guess"
    )
    assert torch.equal(protected_area(guessed, ["hands"])[0], BODY["skin"])
    assert "guess cannot tell hands apart from other skin; all skin is kept" in " ".join(
        untold_parts(guessed, ["hands"])
    )
    nothing = replace(guessed, parts={}, items=())
    assert not protected_area(nothing, PROTECTABLE).any()
    assert all(name in " ".join(untold_parts(nothing, PROTECTABLE)) for name in ("hands", "hair", "feet", "bags"))
    assert untold_parts(dressed(), PROTECTABLE) == ()


def test_one_picture_goes_with_many_masks_and_many_with_one() -> None:
    masks = torch.stack([WORN["outer"], WORN["skirt"]])
    kept = protected_area(dressed(), ["other garments", "hands"], margin_px=1, target=masks)
    alone = protected_area(dressed(), ["other garments", "hands"], margin_px=1, target=masks[1:])
    assert kept.shape == (2, H, W) and torch.equal(kept[1:], alone)
    assert protect_mask(masks[:1], protected_area(dressed(3), ["hands"])).shape == (3, H, W)


def test_half_precision_garments_keep_the_same() -> None:
    halved = dressed().to(torch.device("cpu"), torch.float16)
    for part in PROTECTABLE:
        same = protected_area(dressed(), [part], margin_px=2, soft_px=3, target=["outer"])
        assert torch.allclose(protected_area(halved, [part], margin_px=2, soft_px=3, target=["outer"]), same, atol=2e-3)


def test_device_dtype_and_input_stay_as_they_were() -> None:
    mask = area(0, 0, W, H)[None].half()
    before = mask.clone()
    assert protect_mask(mask, protected_area(dressed(), ["face"])).dtype == torch.float16
    assert torch.equal(mask, before)


def test_wrong_inputs_are_refused_with_words() -> None:
    with pytest.raises(UnknownName, match="hands"):
        protected_area(dressed(), ["hand"])
    with pytest.raises(RangeError, match="grow"):
        protected_area(dressed(), ["hands"], margin_px=1000)
    with pytest.raises(ShapeError, match="60x120"):
        protect_mask(torch.zeros(1, 9, 9), protected_area(dressed(), ["hands"]))
    with pytest.raises(ShapeError, match="60x120"):
        protected_area(dressed(), ["bag"], target=torch.zeros(1, 9, 9))
