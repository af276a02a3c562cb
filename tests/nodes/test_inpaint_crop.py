from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from support.contexts import CONTEXT

from hemline.kernels import gaussian_blur
from hemline.nodes.inpaint import inpaint_crop, inpaint_stitch
from hemline.nodes.spec import NotGiven
from hemline.segmentation.garments import Garment, Garments
from hemline.tensors import HemlineError

H, W = 150, 120
NAMES = [port.name for port in inpaint_crop.outputs]


def run(image, mask, **options):
    """The node's result, and its outputs by name."""
    result = inpaint_crop(context=CONTEXT, image=image, mask=mask, target="as is", **options)
    return result, dict(zip(NAMES, result.outputs, strict=True))


def dressed(batch: int = 1) -> Garments:
    items = []
    for image in range(batch):
        for label, top in (("upper", 20), ("pants", 70)):
            mask = torch.zeros(H, W)
            mask[top : top + 50, 40:80] = 1
            items.append(Garment(mask, label, 1.0, (40, top, 80, top + 50), image=image))
    return Garments(W, H, batch, tuple(items), "drawn")


def test_outputs_are_lists_of_one_item_per_crop():
    image, garments = torch.rand(1, H, W, 3), dressed()
    for split, labels in (("whole", ["whole"]), ("per garment", ["upper", "pants"]), ("per person", ["person 1"])):
        _, outputs = run(image, garments.union(), garments=garments, split=split)
        assert all(len(column) == len(labels) for column in outputs.values()) and outputs["label"] == labels
    assert all(port.is_list for port in inpaint_crop.outputs)


def test_the_mask_image_is_the_sampling_mask_and_grey_is_what_agnostic_shows():
    image, mask = torch.rand(1, H, W, 3), dressed().union()
    _, outputs = run(image, mask)
    (hard,), (shown,), (agnostic,) = outputs["sampling_mask"], outputs["mask_image"], outputs["agnostic"]
    assert shown.shape == (*hard.shape, 3) and torch.equal(shown[..., 1], hard)
    assert (agnostic[hard == 1] == 0.5).all()


def test_an_extra_that_is_not_connected_says_so_and_the_other_keeps_its_place():
    image, mask = torch.rand(1, H, W, 3), dressed().union()
    _, outputs = run(image, mask, extra_2=image)
    (first,), (second,) = outputs["extra_1"], outputs["extra_2"]
    assert isinstance(first, NotGiven) and "extra_1" in first.reason
    assert torch.equal(second, outputs["image"][0])
    (only,) = run(image, mask, extra_1=image)[1]["extra_1"]
    assert torch.equal(only, second)


def test_the_crops_of_all_pieces_cover_what_the_whole_covers():
    image, garments = torch.rand(1, H, W, 3), dressed()
    mask = garments.union()
    _, outputs = run(image, mask, garments=garments, split="per garment")
    covered = torch.cat([stitch.mask for stitch in outputs["stitch"]]).sum(0, keepdim=True)
    assert torch.allclose(covered, mask, atol=1e-6)
    assert all(stitch.image.data_ptr() == image.data_ptr() for stitch in outputs["stitch"])
    (back,), _ = inpaint_stitch(context=CONTEXT, stitch=outputs["stitch"], image=outputs["image"]).outputs
    assert torch.allclose(back, image, atol=1e-6)
    red = [torch.tensor([1.0, 0.0, 0.0]).expand_as(crop) for crop in outputs["image"]]
    (painted,), _ = inpaint_stitch(context=CONTEXT, stitch=outputs["stitch"], image=red).outputs
    assert torch.allclose(painted[mask == 1], torch.tensor([1.0, 0.0, 0.0]), atol=1e-5)
    assert torch.equal(painted[mask == 0], image[mask == 0])


def test_where_pieces_are_mixed_each_of_them_is_sampled():
    image, garments = torch.rand(1, H, W, 3), dressed()
    mask = gaussian_blur(garments.union().unsqueeze(1), 3.0).squeeze(1)  # grown rims, which garments share softly
    _, outputs = run(image, mask, garments=garments, split="per garment")
    soft = torch.cat([stitch.mask for stitch in outputs["stitch"]])
    assert ((soft > 0.05) & (soft < 0.95)).all(0).any(), "there is a seam between the pieces"
    red = torch.tensor([1.0, 0.0, 0.0])
    columns = zip(outputs["image"], outputs["sampling_mask"], strict=True)
    crops = [torch.where(sampled.unsqueeze(-1) > 0, red, crop) for crop, sampled in columns]
    (painted,), _ = inpaint_stitch(context=CONTEXT, stitch=outputs["stitch"], image=crops).outputs
    assert torch.allclose(painted[mask >= 0.5], (image + mask.unsqueeze(-1) * (red - image))[mask >= 0.5], atol=1e-5)
    (agnostic, *_), (noise, *_) = outputs["agnostic"], outputs["noise_mask"]
    assert (agnostic[outputs["sampling_mask"][0] == 1] == 0.5).all()
    assert (noise[outputs["sampling_mask"][0] == 1] >= 0.5).all()


def test_a_cancel_is_heard_before_each_piece_on_the_way_there_and_back():
    image, garments = torch.rand(1, H, W, 3), dressed()
    seen: list[tuple[int, int]] = []

    def stop_at_the_second() -> None:
        if len(seen) == 1:
            raise KeyboardInterrupt

    context = replace(CONTEXT, check_cancelled=stop_at_the_second, progress=lambda *step: seen.append(step))
    wanted = {"image": image, "mask": garments.union(), "garments": garments, "split": "per garment"}
    with pytest.raises(KeyboardInterrupt):
        inpaint_crop(context=context, target="as is", **wanted)
    assert seen == [(1, 2)]
    _, outputs = run(**wanted)
    seen.clear()
    with pytest.raises(KeyboardInterrupt):
        inpaint_stitch(context=context, stitch=outputs["stitch"], image=outputs["image"])
    assert len(seen) == 1


@pytest.mark.parametrize("frames", ["each", "one box", "smooth"])
@pytest.mark.parametrize("split", ["whole", "per garment", "per region"])
def test_every_way_to_crop_a_batch_comes_back_from_inpaint_stitch(split, frames):
    image, garments = torch.rand(3, H, W, 3), dressed(3)
    mask = garments.union()
    _, outputs = run(image, mask, garments=garments, split=split, frames=frames)
    (back,), _ = inpaint_stitch(
        context=CONTEXT, stitch=outputs["stitch"], image=[crop + 0.5 for crop in outputs["image"]]
    ).outputs
    assert torch.equal(back[mask == 0], image[mask == 0])
    assert torch.allclose(back[mask == 1], image[mask == 1] + 0.5, atol=1e-5)


def test_pieces_of_a_batch_come_one_by_one_or_by_label_along_a_path():
    image, garments = torch.rand(3, H, W, 3), dressed(3)
    mask = garments.union()
    _, each = run(image, mask, garments=garments, split="per garment")
    assert each["label"] == ["upper", "pants"] * 3
    assert [stitch.frames for stitch in each["stitch"]] == [(0,), (0,), (1,), (1,), (2,), (2,)]
    _, smooth = run(image, mask, garments=garments, split="per garment", frames="smooth")
    assert smooth["label"] == ["upper", "pants"]
    assert [stitch.frames for stitch in smooth["stitch"]] == [(0, 1, 2), (0, 1, 2)]


def test_splitting_by_garments_needs_garments():
    with pytest.raises(HemlineError, match="connect Detect Garments' garments"):
        run(torch.rand(1, H, W, 3), dressed().union(), split="per garment")
    _, outputs = run(torch.rand(1, H, W, 3), dressed().union(), split="per region")
    assert outputs["label"] == ["region 1"]


def test_where_nothing_lies_in_the_mask_it_stays_whole_and_the_node_says_so():
    mask = torch.zeros(1, H, W)
    mask[0, 130:145, :20] = 1
    result, outputs = run(torch.rand(1, H, W, 3), mask, garments=dressed(), split="per garment")
    assert outputs["label"] == ["whole"] and any("stays whole" in line for line in result.text)


def test_an_empty_mask_passes_with_a_word_or_stops_by_choice():
    image, mask = torch.rand(3, H, W, 3), dressed(3).union()
    mask[1] = 0
    result, outputs = run(image, mask)
    assert outputs["image"][0].shape[0] == 3 and result.text[-1].startswith("the mask of picture 2 is empty")
    result, outputs = run(image, mask, garments=dressed(3), split="per garment")
    assert [stitch.frames for stitch in outputs["stitch"]] == [(0,), (0,), (2,), (2,)]
    assert "they have no crop" in result.text[-1]
    with pytest.raises(HemlineError, match="the mask of picture 2 is empty"):
        run(image, mask, empty_mask="error")
    result, outputs = run(image[:1], mask[1:2], split="per region")
    assert outputs["label"] == ["whole"] and "nothing will be repainted" in result.text[-1]
    (back,), _ = inpaint_stitch(context=CONTEXT, stitch=outputs["stitch"], image=outputs["image"]).outputs
    assert torch.equal(back, image[:1])


def test_a_full_mask_is_said_to_be_filled_with_grey():
    image, mask = torch.rand(1, 64, 64, 3), torch.ones(1, 64, 64)
    result, outputs = run(image, mask, fill="noise")
    assert (outputs["agnostic"][0] == 0.5).all() and any("the fill is grey" in line for line in result.text)


def test_a_size_that_was_changed_is_said():
    result, _ = run(torch.rand(1, 41, 299, 3), torch.ones(1, 41, 299), leave_frame="never")
    assert any("is handed out" in line for line in result.text)
