"""Garments get SAM's outlines: against known shapes, with one encoder run per picture, kept or not for a reason."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from hemline.context import TensorCache
from hemline.errors import RangeError, ShapeError
from hemline.segmentation.garments import Garment, Garments, mask_box
from hemline.segmentation.sam import refine_garments
from hemline.segmentation.sam.embedding import picture_hash
from hemline.segmentation.sam.garments import divide

from .conftest import HEIGHT, WIDTH, as_garments, roughen, shape


def iou(first: Tensor, second: Tensor) -> float:
    return float(torch.minimum(first, second).sum() / torch.maximum(first, second).sum())


def masks_of(garments: Garments) -> Tensor:
    return torch.stack([item.mask for item in garments.items])


def test_masks_come_nearer_to_the_shapes_that_the_picture_shows(picture, truth, detected, sam):
    refined, entries = refine_garments(picture, detected, sam)
    for before, after, entry in zip(detected.items, refined.items, entries, strict=True):
        assert entry["kept"]
        assert 1 - iou(after.mask, truth[after.label]) < 0.95 * (1 - iou(before.mask, truth[after.label]))
        edges = zip(after.box, mask_box(truth[after.label]), strict=True)
        assert max(abs(got - wanted) for got, wanted in edges) <= 8  # 2.4 px are a pixel of its input


def test_masks_stay_soft_and_between_0_and_1(picture, detected, sam):
    masks = masks_of(refine_garments(picture, detected, sam)[0])
    assert masks.min() == 0 and masks.max() == 1
    assert ((masks > 0.02) & (masks < 0.98)).flatten(1).any(1).all()


def test_one_encoder_run_per_picture_whatever_the_garments_and_none_the_second_time(picture, detected, sam, runs):
    embeddings = TensorCache()
    first, entries = refine_garments(picture, detected, sam, embeddings=embeddings)
    assert len(runs) == 1 == sum(entry["encoder_runs"] for entry in entries)
    second, entries = refine_garments(picture, detected, sam, embeddings=embeddings)
    assert len(runs) == 1 and sum(entry["encoder_runs"] for entry in entries) == 0
    assert torch.equal(masks_of(first), masks_of(second))


def test_another_picture_other_weights_or_too_small_a_budget_run_the_encoder_again(picture, detected, sam, runs):
    embeddings = TensorCache()
    for image, identity in ((picture, "a"), (picture * 0.999, "a"), (picture, "b"), (picture, "a")):
        refine_garments(image, detected, sam, embeddings=embeddings, identity=identity)
    assert len(runs) == 3
    for _ in range(2):
        refine_garments(picture, detected, sam, embeddings=TensorCache(100))
    assert len(runs) == 5


def test_two_loads_of_weights_without_an_identity_are_not_confused(picture, detected, sam):
    from support.tiny_sam import random_sam

    embeddings = TensorCache()
    refine_garments(picture, detected, sam, embeddings=embeddings)
    other = random_sam()
    _, entries = refine_garments(picture, detected, other, embeddings=embeddings)
    assert sum(entry["encoder_runs"] for entry in entries) == 1


def test_a_batch_equals_the_stack_of_singles_in_order(picture, truth, sam):
    pictures = torch.cat((picture, picture.flip(2), picture * 0.7))
    masks = {label: roughen(mask) for label, mask in truth.items()}
    plain, turned = as_garments(masks), as_garments({label: mask.flip(1) for label, mask in masks.items()})
    items = (
        *plain.items,
        *(replace(item, image=2) for item in plain.items),
        *(replace(i, image=1) for i in turned.items),
    )
    together, entries = refine_garments(pictures, replace(plain, batch=3, items=items), sam)
    assert [(item.image, item.label) for item in together.items] == [(e["image"], e["label"]) for e in entries]
    for number, garments in enumerate((plain, turned, plain)):
        alone, _ = refine_garments(pictures[number : number + 1], garments, sam)
        assert torch.equal(masks_of(together.of_image(number)), masks_of(alone))


def test_one_picture_serves_garments_of_a_batch_with_one_encoder_run(picture, truth, sam, runs):
    garments = as_garments({label: roughen(mask) for label, mask in truth.items()}, batch=3)
    refined, _ = refine_garments(picture, garments, sam)
    assert len(runs) == 1 and len(refined) == 6


def test_an_answer_that_disagrees_is_not_followed_and_says_so(picture, truth, sam):
    wrong = as_garments({"upper": roughen(truth["upper"]), "bag": shape("square", (200, 40), (90, 4))})
    refined, entries = refine_garments(picture, wrong, sam, least_iou=0.6)
    assert [entry["kept"] for entry in entries] == [True, False]
    assert torch.equal(refined.items[1].mask, wrong.items[1].mask) and refined.items[1].box == wrong.items[1].box
    assert f"IoU {entries[1]['iou']:.2f} is below 0.6" in entries[1]["reason"]
    assert any("not followed for the bag" in note for note in refined.notes)


def test_least_iou_1_keeps_every_mask_and_0_none(picture, detected, sam):
    kept, entries = refine_garments(picture, detected, sam, least_iou=1)
    assert torch.equal(masks_of(kept), masks_of(detected)) and not any(entry["kept"] for entry in entries)
    assert all(entry["kept"] for entry in refine_garments(picture, detected, sam, least_iou=0)[1])


def test_entries_are_plain_json_and_tell_what_was_done(picture, detected, sam):
    refined, entries = refine_garments(picture, detected, sam)
    json.dumps(entries)
    assert set(entries[0]) == {
        "image", "person", "label", "box", "score", "iou", "kept", "reason", "encoder_runs", "seconds",
    }  # fmt: skip
    assert entries[0]["iou"] == round(float(entries[0]["iou"]), 4) and entries[0]["seconds"] > 0
    assert refined.method == "drawn + SAM"


def test_points_on_other_things_change_the_mask(picture, detected, sam):
    hands = torch.zeros(1, HEIGHT, WIDTH)
    hands[:, 60:100, 20:60] = 1
    masks = {item.label: item.mask * (1 - hands[0]) for item in detected.items}
    plain, _ = refine_garments(picture, as_garments(masks), sam, least_iou=0)
    with_hands, _ = refine_garments(picture, as_garments(masks, parts={"hands": hands}), sam, least_iou=0)
    assert not torch.allclose(plain.items[0].mask, with_hands.items[0].mask, atol=1e-3)


def test_a_large_garment_is_encoded_again_in_a_crop_and_comes_out_finer(truth, picture, sam, runs):
    """The picture enlarged: in the whole of it a pixel of SAM's is 9.7 px, in a crop of the garment 4."""
    wide = torch.full((1, 4 * HEIGHT, 4 * WIDTH, 3), 0.75)
    wide[:, 300 : 300 + HEIGHT, 500 : 500 + WIDTH] = picture
    true = torch.zeros(4 * HEIGHT, 4 * WIDTH)
    true[300 : 300 + HEIGHT, 500 : 500 + WIDTH] = truth["upper"]
    rough = torch.zeros_like(true)
    rough[300 : 300 + HEIGHT, 500 : 500 + WIDTH] = roughen(truth["upper"])
    garments = Garments(4 * WIDTH, 4 * HEIGHT, 1, (Garment(rough, "upper", 0.9, mask_box(rough)),), "drawn")
    errors = {}
    for limit in (1024, 100):
        refined, entries = refine_garments(wide, garments, sam, reencode_px=limit, least_iou=0)
        assert entries[0]["encoder_runs"] == 1
        errors[limit] = 1 - iou(refined.items[0].mask, true)
    assert errors[100] < errors[1024]
    embeddings = TensorCache()
    runs.clear()
    for _ in range(2):
        refine_garments(wide, garments, sam, reencode_px=100, embeddings=embeddings)
    assert len(runs) == 1  # a crop's embedding is kept too


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.float64])
def test_masks_keep_their_dtype_and_inputs_are_not_written_to(picture, detected, sam, dtype):
    before = detected.to(torch.device("cpu"), dtype)
    copy, image = [item.mask.clone() for item in before.items], picture.clone()
    refined, _ = refine_garments(picture, before, sam)
    assert {item.mask.dtype for item in refined.items} == {dtype}
    assert all(torch.equal(item.mask, old) for item, old in zip(before.items, copy, strict=True))
    assert torch.equal(picture, image)


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (203, 37), (128, 128), (129, 257)])
def test_odd_sizes_give_masks_of_their_size(sam, size):
    height, width = size
    mask = torch.zeros(size)
    mask[height // 3 : height // 3 + max(1, height // 2), width // 4 : width // 4 + max(1, width // 2)] = 1
    garments = Garments(width, height, 1, (Garment(mask, "upper", 0.9, mask_box(mask)),), "drawn")
    refined, entries = refine_garments(torch.rand(1, height, width, 4), garments, sam, least_iou=0)
    assert refined.items[0].mask.shape == size and refined.items[0].mask.isfinite().all()
    assert len(entries) == 1


def test_no_garments_are_a_result_and_run_no_encoder(picture, sam, runs):
    empty = as_garments({})
    refined, entries = refine_garments(picture, empty, sam)
    assert len(refined) == 0 and entries == () and runs == []


def test_broken_pixels_do_no_harm(picture, detected, sam):
    image = picture.clone()
    image[0, :5] = float("nan")
    image[0, 5] = float("inf")
    assert masks_of(refine_garments(image, detected, sam)[0]).isfinite().all()


def test_nothing_is_recorded_for_gradients(picture, detected, sam):
    refined, _ = refine_garments(picture.clone().requires_grad_(), detected, sam)
    assert not any(item.mask.requires_grad for item in refined.items)


def test_progress_counts_encoder_runs_and_a_cancel_comes_through(picture, truth, sam, runs):
    garments = as_garments({label: roughen(mask) for label, mask in truth.items()}, batch=2)
    pictures, calls = torch.cat((picture, picture.flip(0))), []
    refine_garments(pictures, garments, sam, progress=lambda done, total: calls.append((done, total)))
    assert calls == [(1, 2), (2, 2)]
    runs.clear()

    def stop() -> None:
        if runs:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        refine_garments(pictures * 0.9, garments, sam, check_cancelled=stop)
    assert len(runs) == 1


def test_what_does_not_fit_is_refused(picture, detected, sam):
    with pytest.raises(ShapeError, match="found in a picture of"):
        refine_garments(picture[:, 1:], detected, sam)
    with pytest.raises(ShapeError, match="batch of 2"):
        refine_garments(picture.expand(2, -1, -1, -1), detected, sam)
    with pytest.raises(RangeError, match="least_iou"):
        refine_garments(picture, detected, sam, least_iou=1.5)


# Overlaps.


def test_where_masks_overlap_the_one_that_the_detector_saw_there_wins():
    left, right = torch.zeros(4, 10), torch.zeros(4, 10)
    left[:, :5], right[:, 5:] = 1, 1
    spilt = torch.ones(4, 10)
    first, second = divide([spilt, right], [left, right], [True, True])
    assert torch.equal(first, left) and torch.equal(second, right)


def test_a_mask_alone_stays_as_it_is_and_a_soft_border_has_no_gap():
    ramp = torch.linspace(0, 1, 11).expand(3, 11)
    alone = divide([ramp, torch.zeros_like(ramp)], [ramp, torch.zeros_like(ramp)], [True, True])
    assert torch.equal(alone[0], ramp)
    both = divide([ramp, 1 - ramp], [ramp, 1 - ramp], [True, True])
    assert torch.maximum(*both).min() > 0.99


def test_a_mask_that_must_stay_does_stay():
    ramp = torch.linspace(0, 1, 11).expand(3, 11)
    assert torch.equal(divide([ramp, 1 - ramp], [ramp, 1 - ramp], [False, True])[0], ramp)


# What embeddings are kept by.


def test_the_hash_tells_content_and_shape_and_nothing_else():
    image = torch.rand(5, 6, 3)
    changed = image.clone()
    changed[4, 5, 2] = torch.nextafter(changed[4, 5, 2], torch.tensor(2.0))
    assert picture_hash(image) == picture_hash(image.clone().permute(2, 0, 1).contiguous().permute(1, 2, 0))
    assert len({picture_hash(image), picture_hash(changed), picture_hash(image.reshape(6, 5, 3))}) == 3


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_cpu_and_cuda_give_the_same_masks(picture, detected, sam):
    wanted = masks_of(refine_garments(picture, detected, sam)[0])
    cuda = torch.device("cuda")
    got = refine_garments(picture.to(cuda), detected.to(cuda), sam.to(cuda))[0]
    assert all(item.mask.is_cuda for item in got.items)
    assert (masks_of(got).cpu() - wanted).abs().max() <= 1e-3
