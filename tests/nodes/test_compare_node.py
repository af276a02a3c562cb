"""Preview & Compare: what its views show, what it says, and what its widget is sent."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import torch
from support.contexts import CONTEXT
from support.pictures import drawn_person, shirt_mask

from hemline.blending.views import amplify_difference, on_checkerboard
from hemline.errors import RangeError, ShapeError, UnknownName
from hemline.nodes.compare import preview_compare
from hemline.nodes.compare_proxies import UNIT
from hemline.nodes.compare_views import NEED_B, NEED_MASK, VIEWS
from hemline.nodes.inspect import draw_findings
from hemline.segmentation.garments import Garment, Garments
from hemline.segmentation.polygons import fill_polygons
from hemline.segmentation.vocabulary import LEGEND

HEIGHT, WIDTH = 96, 64
A, MASK = drawn_person(HEIGHT, WIDTH), shirt_mask(HEIGHT, WIDTH)
B = torch.where(MASK.unsqueeze(-1) > 0, torch.tensor([0.1, 0.6, 0.2]), A)
VIEWER = replace(CONTEXT, has_viewer=True)


def compare(image=A, context=CONTEXT, **inputs):
    return preview_compare(context=context, image=image, **inputs)


def shown(**inputs):
    return compare(**inputs).outputs[0]


def report(**inputs):
    return json.loads(compare(**inputs).outputs[1])


def found(*masks, batch=1, **more):
    boxes = [(19.0, 16.0, 44.0, 48.0)] * len(masks)
    items = tuple(
        Garment(mask, label, 0.9 - index / 10, box, image=index if batch > 1 else 0)
        for index, (mask, label, box) in enumerate(zip(masks, ("upper", "dress", "skirt"), boxes, strict=False))
    )
    return Garments(WIDTH, HEIGHT, batch, items, "parser", **more)


def test_each_view_is_its_function():
    plain = {"labels": False, "image_b": B, "mask": MASK}
    assert torch.equal(shown(view="matte", **plain), MASK.unsqueeze(-1).expand(-1, -1, -1, 3))
    assert torch.equal(shown(view="checkerboard", **plain), on_checkerboard(A, MASK))
    assert torch.equal(shown(view="difference", gain=2.0, **plain), amplify_difference(A, B, 2.0))
    assert torch.equal(shown(view="A", **plain), A) and torch.equal(shown(view="B", **plain), B)
    beside = shown(view="side by side", **plain)
    assert torch.equal(beside[:, :, :WIDTH], A) and torch.equal(beside[:, :, -WIDTH:], B)


@pytest.mark.parametrize("labels", [False, True])
def test_the_slider_at_its_ends_is_exactly_b_and_a(labels):
    at = {"view": "A/B", "image_b": B, "labels": labels}
    assert torch.equal(shown(position=0.0, **at), B) and torch.equal(shown(position=1.0, **at), A)


def test_the_overlay_with_labels_is_what_preview_mask_draws():
    garments = found(MASK[0])
    wanted, _ = draw_findings(A, MASK, garments, opacity=0.3, lettering=CONTEXT.lettering)
    assert torch.equal(shown(mask=MASK, garments=garments, opacity=0.3), wanted)


@pytest.mark.parametrize("view", VIEWS)
def test_batch_equals_stack_of_singles(view):
    images, others, masks = torch.cat([A, 1 - A]), torch.cat([B, A]), torch.cat([MASK, MASK.flip(2)])
    whole = shown(image=images, image_b=others, mask=masks, view=view)
    singles = [
        shown(image=images[i : i + 1], image_b=others[i : i + 1], mask=masks[i : i + 1], view=view) for i in (0, 1)
    ]
    assert torch.equal(whole, torch.cat(singles))


@pytest.mark.parametrize("view", VIEWS)
def test_single_pictures_go_with_every_picture_of_a_batch(view):
    assert len(shown(image=A, image_b=torch.cat([B] * 3), mask=MASK, view=view)) == 3
    assert len(shown(image=torch.cat([A] * 3), image_b=B, mask=MASK, garments=found(MASK[0]), view=view)) == 3


def test_garments_of_a_batch_stay_with_their_picture():
    garments = found(MASK[0], MASK[0], batch=2)
    pictures = report(image=torch.cat([A, A]), garments=garments)["pictures"]
    assert [[item["label"] for item in picture["garments"]] for picture in pictures] == [["upper"], ["dress"]]


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"image": torch.cat([A] * 2), "mask": torch.cat([MASK] * 3)}, "image is a batch of 2 beside a batch of 3"),
        ({"image": torch.cat([A] * 2), "image_b": torch.cat([B] * 3)}, "batch of 2 beside a batch of 3"),
        ({"image": torch.cat([A] * 2), "garments": found(MASK[0], batch=3)}, "batch of 2 beside a batch of 3"),
        ({"image": A[:, :20], "garments": found(MASK[0])}, "garments were found in a 64x96 picture, this one is 64x20"),
    ],
)
def test_what_does_not_go_together_is_an_error(inputs, message):
    with pytest.raises(ShapeError, match=message):
        compare(**inputs)


@pytest.mark.parametrize("name", ["view", "colour", "fit"])
def test_unknown_names_are_errors(name):
    with pytest.raises(UnknownName):
        compare(**{name: "upside down"})


@pytest.mark.parametrize("values", [{"position": 2.0}, {"gain": 0.0}, {"opacity": -1.0}])
def test_numbers_beyond_their_limits_are_errors(values):
    view = {"position": "A/B", "gain": "difference", "opacity": "overlay"}[next(iter(values))]
    with pytest.raises(RangeError):
        compare(image_b=B, mask=MASK, view=view, **values)


@pytest.mark.parametrize(
    ("fit", "size", "said"),
    [
        ("contain", (96, 40), "B is 40x96, scaled to A's 64x96, with bars"),
        ("cover", (96, 40), "B is 40x96, scaled to A's 64x96, cut off"),
        ("stretch", (96, 40), "B is 40x96, scaled to A's 64x96, stretched"),
        ("contain", (191, 128), "B is 128x191, scaled to A's 64x96"),
    ],
)
def test_a_second_picture_of_another_size_is_scaled_and_that_is_said(fit, size, said):
    other = torch.rand(1, *size, 3)
    result = compare(image_b=other, fit=fit, view="B")
    assert result.text[0] == said and result.outputs[0].shape == A.shape
    if "bars" not in said:
        assert json.loads(result.outputs[1])["reach_b"] is None


def test_beside_a_second_picture_with_bars_nothing_is_compared():
    narrow = A[:, :, 12:52]
    result = compare(image_b=narrow, view="difference", labels=False)
    assert not result.outputs[0].any()
    numbers = json.loads(result.outputs[1])
    assert numbers["reach_b"] == [12, 0, 52, 96] and numbers["pictures"][0]["change"]["all"]["psnr_db"] is None


def test_a_mask_of_another_size_is_scaled_and_that_is_said():
    result = compare(mask=MASK[:, ::2, ::2], view="matte")
    assert result.text[0] == "the mask is 32x48, scaled to the picture's 64x96"
    assert result.outputs[0].shape == A.shape and abs(float(result.outputs[0][..., 0].mean() - MASK.mean())) < 0.02


@pytest.mark.parametrize(
    ("inputs", "said"),
    [
        ({"mask": torch.zeros(1, 64, 64)}, "the mask is empty: nothing is repainted"),
        ({"mask": 1 - MASK}, "is it inverted?"),
        ({"garments": found()}, "parser: nothing found; the mask is empty"),
        ({"mask": MASK, "image_b": A}, "A and B are equal"),
        ({"view": "difference"}, "no second picture is connected: difference shows A"),
        ({}, "no mask is connected: the picture itself is shown"),
        ({"image": torch.cat([A, MASK.unsqueeze(-1)], -1)}, "no mask is connected: A's alpha is shown"),
        ({"garments": found(MASK[0])}, "no mask is connected: that of all garments is shown"),
    ],
)
def test_what_is_unusual_is_said(inputs, said):
    assert any(said in line for line in compare(**inputs).text)


def test_every_picture_of_a_batch_has_its_line():
    lines = compare(image=torch.cat([A, A]), mask=torch.cat([MASK, 0 * MASK])).text
    assert lines == ("1: white = repaint: 13.0% of the picture", "2: the mask is empty: nothing is repainted")


@pytest.mark.parametrize("view", [*NEED_B, *NEED_MASK])
def test_a_view_that_lacks_what_it_needs_shows_a(view):
    assert torch.equal(shown(view=view), A)


def test_alpha_is_shown_on_a_checkerboard():
    rgba = torch.cat([A, MASK.unsqueeze(-1)], dim=-1)
    assert torch.equal(shown(image=rgba, view="A"), on_checkerboard(rgba))
    assert torch.equal(shown(image=rgba, view="checkerboard", mask=torch.ones_like(MASK)), on_checkerboard(rgba))


def test_the_numbers_tell_inside_from_outside():
    picture = report(image_b=B, mask=MASK)["pictures"][0]
    change = picture["change"]
    assert change["inside"]["share"] == 1 and change["outside"]["share"] == 0
    assert change["all"]["share"] == pytest.approx(picture["mask"]["share"], abs=1e-4)
    assert change["outside"]["psnr_db"] is None and 0 < change["all"]["ssim"] < 1
    assert picture["a"]["inside"]["mean"] == pytest.approx([0.75, 0.1, 0.12]) == picture["a"]["inside"]["highest"]
    assert picture["mask"]["box"] == [19, 16, 44, 48] and picture["mask"]["parts"] == 1
    assert sum(picture["a"]["all"]["histogram"]["luma"]) == pytest.approx(10_000, abs=40)


@pytest.mark.parametrize("size", [(1, 1), (3, 7), (203, 177)])
@pytest.mark.parametrize("view", VIEWS)
def test_every_size_and_dtype_comes_back(size, view):
    image = torch.rand(1, *size, 4, dtype=torch.float16)
    result = compare(image=image, image_b=torch.rand(2, *size, 3), mask=torch.rand(1, *size), view=view, context=VIEWER)
    assert result.outputs[0].dtype == torch.float16 and result.outputs[0].shape[:2] == (2, size[0])


def test_headless_no_proxies_are_made():
    assert not compare(mask=MASK).pictures and not compare(mask=MASK).data


def test_the_widget_gets_what_it_needs_and_single_pictures_once():
    result = compare(image=torch.cat([A] * 3), image_b=B, mask=MASK, garments=found(MASK[0]), context=VIEWER)
    assert {name: len(batch) for name, batch in result.pictures.items()} == {"a": 3, "b": 1, "mask": 1, "garments": 1}
    assert json.loads(result.data["report"]) == json.loads(result.outputs[1])
    outlines = json.loads(result.data["outlines"])
    (drawn,) = outlines["garments"][0]
    corners = [
        [(x * WIDTH / UNIT, y * HEIGHT / UNIT) for x, y in zip(line[::2], line[1::2], strict=True)] for line in drawn
    ]
    assert torch.equal(fill_polygons(corners, HEIGHT, WIDTH), MASK[0])


def test_the_map_of_garments_holds_the_surest_and_what_else_lies_there():
    weak, small = MASK[0] * 0.7, torch.zeros(HEIGHT, WIDTH)
    small[20:30, 25:35] = 0.9
    labels = torch.full((1, HEIGHT, WIDTH), LEGEND.index("skin"), dtype=torch.uint8)
    garments = found(weak, small, labels=labels)
    levels = (compare(garments=garments, context=VIEWER).pictures["garments"][0] * 255).round()
    assert levels[25, 30, 0] == 2 and levels[40, 30, 0] == 1 and levels[0, 0, 0] == 0
    assert (levels[..., 1] == LEGEND.index("skin")).all()


def test_huge_pictures_are_sent_reduced_and_come_out_whole():
    wide = torch.rand(1, 30, 4100, 3)
    result = compare(image=wide, mask=torch.ones(1, 30, 4100), context=VIEWER, view="A")
    assert result.outputs[0].shape == wide.shape and torch.equal(result.outputs[0], wide)
    assert {tuple(batch.shape) for batch in result.pictures.values()} == {(1, 15, 2048, 3)}
    assert result.images.shape == (1, 15, 2048, 3)


def test_a_long_batch_is_sent_smaller_to_stay_within_the_budget():
    from hemline.nodes.compare_proxies import BUDGET_PX, LEAST_PX, PROXY_PX, _proxy_size

    assert _proxy_size(4000, 3000, 1) == (PROXY_PX, 1536) and _proxy_size(400, 300, 1) == (400, 300)
    height, width = _proxy_size(4000, 3000, 60)
    assert LEAST_PX < height < PROXY_PX and height * width * 60 == pytest.approx(BUDGET_PX, rel=0.01)
    assert _proxy_size(4000, 3000, 10_000) == (LEAST_PX, 384)


def test_a_mask_of_noise_has_no_outline():
    noise = (torch.rand(1, 600, 600) > 0.5).float()
    result = compare(image=torch.rand(1, 600, 600, 3), mask=noise, context=VIEWER)
    assert json.loads(result.data["outlines"])["mask"] == [[]]


def test_inputs_are_not_written_to():
    inputs = {"image": A.clone(), "image_b": B.clone(), "mask": MASK.clone()}
    for view in VIEWS:
        preview_compare(context=VIEWER, view=view, **inputs)
    assert all(torch.equal(one, other) for one, other in zip(inputs.values(), (A, B, MASK), strict=True))
