"""Laws of the area for a new garment, on drawn people whose clothes and arms are known."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from support.dressed import ARM_COLUMNS, HAND_ROWS, HEAD, draw_labels, dressed, garments_of, in_a_batch
from torch import Tensor

from hemline.segmentation.agnostic.area import AgnosticArea, agnostic_area
from hemline.segmentation.agnostic.cuts import CUTS, REGIONS, SILHOUETTES
from hemline.segmentation.garments import Garment, Garments
from hemline.segmentation.heuristic import detect_garments
from hemline.tensors import RangeError, ShapeError, UnknownName

TIGHTEST = {"silhouette": "tight", "looseness": 0.0, "shadow": 0.0}
# The shorter cut first. Same region, because another takes other garments.
LONGER = (
    ("sleeveless", "short sleeve"), ("short sleeve", "long sleeve"), ("cropped", "long top"), ("long sleeve", "coat"),
    ("long top", "coat"), ("shorts", "trousers"), ("shorts", "skirt"), ("skirt", "long skirt"), ("as worn", "dress"),
    ("dress", "long dress"), ("dress", "long sleeve dress"), ("as worn", "flared"),
)  # fmt: skip
clothes = st.fixed_dictionaries(
    {
        "sleeves": st.sampled_from(("long", "short", "none")),
        "bottom": st.sampled_from(("pants", "skirt", "shorts", "dress")),
        "bag": st.booleans(),
        "feet": st.booleans(),
    }
)
settled = settings(max_examples=6)


def contains(larger: Tensor, smaller: Tensor) -> bool:
    return bool((larger >= smaller - 1e-5).all())


def covered(area: AgnosticArea, rows: tuple[int, int], columns: tuple[int, int]) -> float:
    """The mean of the mask in a part of the only picture."""
    return float(area.mask[0, rows[0] : rows[1], columns[0] : columns[1]].mean())


@settled
@given(clothes, st.sampled_from(tuple(CUTS)), st.sampled_from(SILHOUETTES), st.floats(0, 1), st.floats(0, 0.2))
def test_nothing_protected_is_covered(
    worn: dict[str, object], cut: str, silhouette: str, looseness: float, margin: float
) -> None:
    area = agnostic_area(
        dressed(**worn), cut, silhouette=silhouette, looseness=looseness, protect_margin=margin
    )  # fmt: skip
    assert contains(1 - area.protected, area.mask)
    assert 0 <= float(area.mask.min()) and float(area.mask.max()) <= 1


@pytest.mark.parametrize("silhouette", SILHOUETTES)
@pytest.mark.parametrize("cut", list(CUTS))
def test_hair_face_and_hands_stay_free(cut: str, silhouette: str) -> None:
    garments = dressed(sleeves="none", bag=True)
    mask = agnostic_area(garments, cut, silhouette=silhouette, looseness=1.0).mask
    for part in ("hair", "face", "hands"):
        assert float(mask[garments.parts[part] > 0.95].max()) < 0.05, part
    assert float(mask[0, 112:128, 102:116].max()) == 0  # the bag


@settled
@given(clothes, st.sampled_from(REGIONS))
def test_as_worn_without_room_is_the_garment_itself_without_what_is_protected(
    worn: dict[str, object], region: str
) -> None:
    garments = dressed(**worn)
    area = agnostic_area(garments, "as worn", region=region, **TIGHTEST)
    taken = {"upper body": ("upper", "dress"), "lower body": ("pants", "skirt", "dress")}.get(region)
    old = garments.select(taken).union() if taken else garments.select(("upper", "dress", "pants", "skirt")).union()
    if region == "lower body" and worn["bottom"] == "dress":
        assert contains(old, area.mask) and not area.mask[0, :75].any() and area.mask[0, 95:120, 55:85].min() > 0.9
    else:
        assert torch.allclose(area.mask, old * (1 - area.protected), atol=1e-6)


@settled
@given(clothes, st.sampled_from(tuple(CUTS)), st.sampled_from(SILHOUETTES), st.data())
def test_more_looseness_or_shadow_takes_nothing_away(
    worn: dict[str, object], cut: str, silhouette: str, data: st.DataObject
) -> None:
    garments = dressed(**worn)
    loose = sorted(data.draw(st.tuples(st.floats(0, 1), st.floats(0, 1))))
    shadow = sorted(data.draw(st.tuples(st.floats(0, 0.5), st.floats(0, 0.5))))
    less, more = (
        agnostic_area(garments, cut, silhouette=silhouette, looseness=wide, shadow=rim).mask
        for wide, rim in zip(loose, shadow, strict=True)
    )
    assert contains(more, less)


@settled
@given(clothes, st.sampled_from(tuple(CUTS)), st.floats(0, 1))
def test_each_silhouette_contains_the_one_before(worn: dict[str, object], cut: str, looseness: float) -> None:
    garments = dressed(**worn)
    masks = [agnostic_area(garments, cut, silhouette=name, looseness=looseness).mask for name in SILHOUETTES]
    for smaller, larger in pairwise(masks):
        assert contains(larger, smaller)


@pytest.mark.parametrize(("shorter", "longer"), LONGER)
@settings(max_examples=3)
@given(worn=clothes, silhouette=st.sampled_from(SILHOUETTES))
def test_a_longer_cut_contains_the_shorter(shorter: str, longer: str, worn: dict[str, object], silhouette: str) -> None:
    garments = dressed(**worn)
    small, large = (agnostic_area(garments, cut, silhouette=silhouette).mask for cut in (shorter, longer))
    assert contains(large, small)


@pytest.mark.parametrize("cut", ["sleeveless", "cropped", "shorts"])
def test_a_cut_with_less_cloth_covers_the_old_garment_and_no_bare_limb(cut: str) -> None:
    garments = dressed(sleeves="none", bottom="shorts")
    mask = agnostic_area(garments, cut, **TIGHTEST).mask
    for limb in ("arms", "legs"):
        assert float((mask * garments.parts[limb]).sum()) < 0.01 * float(garments.parts[limb].sum())


def test_a_long_sleeve_covers_bare_arms_down_to_the_hands() -> None:
    garments = dressed(sleeves="none")
    for columns in ARM_COLUMNS:
        assert covered(agnostic_area(garments, "long sleeve", **TIGHTEST), (55, 90), columns) > 0.95
        assert covered(agnostic_area(garments, "long sleeve"), (104, 115), columns) < 0.05


def test_room_around_a_cuff_leaves_no_threads_beside_the_hand() -> None:
    area = agnostic_area(dressed(), "long sleeve")
    (outer, inner), below = ARM_COLUMNS[0], (HAND_ROWS[0] + 2, HAND_ROWS[1])
    assert covered(area, (70, 95), (outer - 4, outer)) > 0.95
    assert covered(area, below, (outer - 8, outer)) < 0.02 and covered(area, below, (inner, inner + 3)) < 0.02


def test_a_short_sleeve_covers_upper_arms_only() -> None:
    garments = dressed(sleeves="none")
    long, short = (agnostic_area(garments, f"{length} sleeve", **TIGHTEST).mask[0] for length in ("long", "short"))
    bare = garments.parts["arms"][0]
    rows = (bare * long).amax(1).nonzero().flatten()
    first, last = int(rows[0]), int(rows[-1])
    covered_rows = (bare * short).amax(1).nonzero().flatten()
    assert int(covered_rows[0]) == first
    assert 0.25 < (int(covered_rows[-1]) - first) / (last - first) < 0.7


def test_trousers_cover_bare_legs_down_to_the_shoes() -> None:
    area = agnostic_area(dressed(bottom="skirt"), "trousers", **TIGHTEST)
    for columns in ((55, 65), (75, 85)):
        assert covered(area, (132, 172), columns) > 0.95
        assert covered(area, (184, 190), columns) < 0.05


def test_legs_that_cannot_be_seen_are_drawn_from_the_hip_to_the_shoes() -> None:
    labels = draw_labels(bottom="skirt")
    labels[130:180] = 0
    area = agnostic_area(garments_of(labels), "trousers", **TIGHTEST)
    assert covered(area, (140, 170), (57, 63)) > 0.9 and covered(area, (140, 170), (77, 83)) > 0.9
    assert covered(area, (160, 172), (69, 71)) < 0.1


def test_a_skirt_spans_both_legs_and_ends_at_the_knee() -> None:
    short, long = (agnostic_area(dressed(), cut, region="lower body", **TIGHTEST) for cut in ("skirt", "long skirt"))
    assert covered(short, (100, 138), (53, 87)) > 0.98 and covered(short, (150, 175), (67, 73)) < 0.05
    assert covered(long, (100, 175), (53, 87)) > 0.98


def test_trousers_stay_under_a_new_top_but_a_long_top_hangs_over_them() -> None:
    top, tunic = (agnostic_area(dressed(), cut) for cut in ("long sleeve", "long top"))
    assert covered(top, (100, 170), (55, 64)) < 0.02 and covered(tunic, (100, 120), (55, 64)) > 0.95
    assert covered(tunic, (145, 175), (55, 64)) < 0.02
    assert covered(agnostic_area(dressed(), "long sleeve", keep_other_garments=False), (94, 96), (55, 64)) > 0.9


def test_of_a_dress_new_trousers_take_what_lies_below_the_waist() -> None:
    area = agnostic_area(dressed(bottom="dress"), "trousers")
    assert covered(area, (50, 72), (55, 85)) < 0.02 and covered(area, (90, 120), (55, 85)) > 0.98
    assert "below the waist" in area.describe()


def test_labels_take_other_garments_than_the_region() -> None:
    area = agnostic_area(dressed(), "as worn", labels="pants")
    assert covered(area, (50, 85), (55, 85)) < 0.02 and covered(area, (115, 170), (55, 64)) > 0.98


@pytest.mark.parametrize("cut", list(CUTS))
def test_without_a_garment_of_the_region_the_mask_is_empty_and_says_so(cut: str) -> None:
    area = agnostic_area(dressed(sleeves="none", wanted=("footwear",)), cut)
    assert not area.mask.any() and "the mask is empty" in area.describe()


def test_a_hand_made_area_is_added_only_where_a_garment_is_worn() -> None:
    extra = torch.zeros(1, 200, 140)
    extra[0, 150:160, 110:130], extra[0, 18:30, 64:76] = 1.0, 1.0
    area = agnostic_area(dressed(), "as worn", extra=extra)
    assert covered(area, (150, 160), (110, 130)) == 1 and covered(area, (20, 28), (66, 74)) < 0.02
    assert not agnostic_area(dressed(wanted=("footwear",)), "as worn", extra=extra).mask.any()


def test_what_a_model_calls_underwear_is_no_start() -> None:
    worn = dressed()
    named = replace(worn, items=tuple(replace(item, native_label="underwear") for item in worn.items))
    area = agnostic_area(named, "long sleeve")
    assert not area.mask.any() and "underwear is not replaced" in area.describe()


@settled
@given(clothes, st.sampled_from(tuple(CUTS)), st.sampled_from(SILHOUETTES))
def test_a_mirrored_picture_gives_the_mirrored_mask(worn: dict[str, object], cut: str, silhouette: str) -> None:
    there, back = (agnostic_area(dressed(mirrored=side, **worn), cut, silhouette=silhouette) for side in (False, True))
    difference = (there.mask - back.mask.flip(2)).abs()
    assert float(difference.mean()) < 0.01


def test_a_batch_keeps_its_order_and_nobody_is_no_hindrance() -> None:
    first, last = dressed(sleeves="none"), dressed(bottom="skirt")
    area = agnostic_area(in_a_batch(first, None, last), "long sleeve")
    assert area.mask.shape == (3, 200, 140) and not area.mask[1].any()
    for index, alone in ((0, first), (2, last)):
        assert torch.allclose(area.mask[index], agnostic_area(alone, "long sleeve").mask[0], atol=1e-5)
    assert "picture 2: no upper" in area.describe()


@pytest.mark.parametrize("cut", ["long sleeve", "coat", "long skirt"])
def test_lengths_grow_with_the_person(cut: str) -> None:
    small, large = (agnostic_area(dressed(scale=scale, sleeves="none"), cut) for scale in (1, 3))
    shrunk = torch.nn.functional.avg_pool2d(large.mask, 3)
    assert float((shrunk - small.mask).abs().mean()) < 0.015


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (40, 9)])
def test_any_size_of_picture_is_taken(size: tuple[int, int]) -> None:
    item = Garment(torch.ones(size), "upper", 1.0, (0.0, 0.0, float(size[1]), float(size[0])))
    area = agnostic_area(Garments(size[1], size[0], 1, (item,), "masks"), "coat", protect=())
    assert area.mask.shape == (1, *size) and float(area.mask.min()) > 0.99


def test_an_empty_batch_of_findings_is_a_result() -> None:
    area = agnostic_area(Garments(8, 6, 2, (), "masks"), "dress")
    assert area.mask.shape == area.protected.shape == (2, 6, 8) and not area.mask.any()
    assert len(area.notes) >= 2


def test_findings_without_part_masks_of_persons_will_do() -> None:
    from figures import draw_person

    picture, masks = draw_person(240, 160)
    area = agnostic_area(detect_garments(picture), "long dress")
    assert float(area.mask[0][masks["upper"] > 0.9].mean()) > 0.9
    assert float(area.mask[0][masks["hair"] > 0.9].mean()) < 0.1


def test_the_feet_beyond_the_frame_are_told() -> None:
    cut = dressed(feet=False, bottom="shorts")
    assert "feet are not in the picture" in agnostic_area(cut, "long dress").describe()
    assert "feet" not in agnostic_area(dressed(), "long dress").describe()


def test_inputs_are_left_alone() -> None:
    garments = dressed()
    before = [item.mask.clone() for item in garments.items]
    agnostic_area(garments, "coat", extra=torch.ones(1, 200, 140))
    assert all(torch.equal(item.mask, mask) for item, mask in zip(garments.items, before, strict=True))


def test_wrong_names_ranges_and_sizes_are_told() -> None:
    garments = dressed()
    for wrong in ({"cut": "cape"}, {"region": "legs"}, {"silhouette": "round"}, {"protect": ("nose",)}):
        with pytest.raises(UnknownName):
            agnostic_area(garments, **wrong)
    for wrong in ({"looseness": 1.5}, {"shadow": -0.1}, {"protect_margin": 2.0}, {"labels": "skin"}):
        with pytest.raises(RangeError):
            agnostic_area(garments, **wrong)
    with pytest.raises(ShapeError):
        agnostic_area(garments, extra=torch.ones(1, 20, 20))


def test_the_drawn_head_is_what_lengths_are_measured_in() -> None:
    plain, wide = (agnostic_area(dressed(), "as worn", silhouette="tight", looseness=0, shadow=s) for s in (0, 1.0))
    row = 150  # beside the trousers
    reach = float(wide.mask[0, row, :53].sum() - plain.mask[0, row, :53].sum())
    assert reach == pytest.approx(HEAD, abs=0.2 * HEAD)
