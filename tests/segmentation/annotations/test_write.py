"""What other tools read out of our annotations is the mask again."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ElementTree
from itertools import pairwise

import numpy as np
import pytest
import torch
from figures import draw_person
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.segmentation.annotations.run_lengths import run_lengths
from hemline.segmentation.annotations.write import (
    UNNAMED,
    AnnotatedPicture,
    coco_instances,
    join_holes,
    labelme_shapes,
    svg_outlines,
)
from hemline.segmentation.garments import Garment, mask_box
from hemline.segmentation.polygons import garment_outlines, polygon_area
from hemline.segmentation.vocabulary import LABELS

SIZE = (120, 90)
RED, BLUE = (1.0, 0.0, 0.0), (0.0, 0.0, 1.0)


def block(*box: int) -> torch.Tensor:
    x0, y0, x1, y1 = box
    mask = torch.zeros(SIZE)
    mask[y0:y1, x0:x1] = 1
    return mask


def masks() -> dict[str, torch.Tensor]:
    """Masks with parts, holes, thin lines and soft edges, by name."""
    belt = torch.zeros(SIZE)
    for x in range(5, 85):
        belt[40 + x // 7 : 43 + x // 7, x] = 1
    ring = block(10, 10, 70, 80) - block(30, 30, 50, 50) - block(12, 12, 14, 40)
    drawn = draw_person(*SIZE)[1]
    return {
        "block": block(20, 30, 70, 80), "two parts": block(5, 5, 30, 60) + block(50, 20, 80, 100), "ring": ring,
        "ring and island": ring + block(36, 36, 44, 44), "belt": belt, "whole picture": torch.ones(SIZE),
        "one pixel": block(7, 8, 8, 9), "pinhole": block(20, 30, 70, 80) - block(40, 40, 41, 41),
        "touching corners": block(10, 10, 20, 20) + block(20, 20, 40, 40), "shirt": drawn["upper"],
        "trousers": drawn["lower"], "shoes": drawn["footwear"],
    }  # fmt: skip


def garment(mask: torch.Tensor, label: str = "upper", score: float = 0.8) -> Garment:
    return Garment(mask, label, score, mask_box(mask) or (0, 0, 0, 0))


def picture(*items: Garment, name: str = "coat.png") -> AnnotatedPicture:
    return AnnotatedPicture(name, SIZE[1], SIZE[0], items)


def filled(outlines, size=SIZE) -> np.ndarray:
    """The pixels whose middles lie inside by the even-odd rule."""
    y, x = np.mgrid[: size[0], : size[1]] + 0.5
    inside = np.zeros(size, bool)
    for outline in outlines:
        for (ax, ay), (bx, by) in pairwise([*outline, outline[0]]):
            if ay != by:
                inside ^= ((y < ay) != (y < by)) & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
    return inside


def overlap(found: np.ndarray, mask: torch.Tensor) -> float:
    """Intersection over union with ``mask >= 0.5``."""
    wanted = (mask >= 0.5).numpy()
    return float((found & wanted).sum() / (found | wanted).sum())


every_mask = pytest.mark.parametrize("mask", masks().values(), ids=masks())


# --- COCO ------------------------------------------------------------------------------------------------------------


@every_mask
def test_pycocotools_reads_the_mask_again(mask, tmp_path):
    coco = pytest.importorskip("pycocotools.coco")
    file = tmp_path / "coco.json"
    file.write_text(json.dumps(coco_instances([picture(garment(mask, "dress"))])))
    read = coco.COCO(str(file))
    (annotation,) = read.loadAnns(read.getAnnIds(catIds=read.getCatIds(catNms=["dress"])))
    assert overlap(read.annToMask(annotation).astype(bool), mask) >= 0.98
    assert annotation["area"] == (mask >= 0.5).sum() and annotation["iscrowd"] == 0


def coco_pixels(segmentation) -> np.ndarray:
    """The pixels of polygons or of run lengths, without pycocotools."""
    if isinstance(segmentation, list):
        return np.any([filled([list(zip(part[::2], part[1::2], strict=True))]) for part in segmentation], axis=0)
    counts = segmentation["counts"]
    values = np.repeat(np.arange(len(counts)) % 2 == 1, counts)
    return values.reshape(segmentation["size"][::-1]).T


@every_mask
def test_a_coco_segmentation_is_the_mask_again(mask):
    (annotation,) = coco_instances([picture(garment(mask))])["annotations"]
    assert overlap(coco_pixels(annotation["segmentation"]), mask) >= 0.98


def test_holes_that_count_become_run_lengths_and_the_rest_polygons():
    def kind(name):
        (annotation,) = coco_instances([picture(garment(masks()[name]))])["annotations"]
        return annotation["segmentation"]

    assert isinstance(kind("ring"), dict) and len(kind("two parts")) == 2 and len(kind("pinhole")) == 1


@settings(max_examples=60, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 1000), st.sampled_from([0, 0.3, 0.7, 1]))
def test_run_lengths_are_exact(height, width, seed, density):
    mask = (torch.rand((height, width), generator=torch.Generator().manual_seed(seed)) < density).float()
    assert np.array_equal(coco_pixels(run_lengths(mask)), mask.bool().numpy())


def test_ids_count_on_over_pictures_and_categories_are_the_vocabulary():
    one, other = garment(block(1, 2, 11, 22), "upper"), garment(block(3, 4, 13, 24), "bag", 0.5)
    coco = coco_instances([picture(one, name="a.png"), picture(one, other, name="b.png")])
    assert [image["file_name"] for image in coco["images"]] == ["a.png", "b.png"]
    assert [(one["id"], one["image_id"]) for one in coco["annotations"]] == [(1, 1), (2, 2), (3, 2)]
    assert coco["annotations"][2]["bbox"] == [3, 4, 10, 20] and coco["annotations"][2]["score"] == 0.5
    names = {category["id"]: category["name"] for category in coco["categories"]}
    assert tuple(names.values()) == LABELS and names[coco["annotations"][2]["category_id"]] == "bag"
    assert {category["supercategory"] for category in coco["categories"]} == {"garment", "carried", "person"}


def test_categories_keep_their_numbers():
    ids = {one["name"]: one["id"] for one in coco_instances([])["categories"]}
    frozen = (
        "upper",
        "outer",
        "dress",
        "pants",
        "skirt",
        "lower",
        "footwear",
        "legwear",
        "headwear",
        "neckwear",
        "bag",
    )
    assert [ids[label] for label in frozen] == list(range(1, 12)) and ids["hair"] == 13


def test_a_mask_without_a_label_has_a_category_of_its_own():
    coco = coco_instances([picture(garment(block(1, 2, 11, 22), UNNAMED))])
    assert coco["categories"][-1]["name"] == UNNAMED
    assert coco["categories"][-1]["id"] == coco["annotations"][0]["category_id"]


def test_a_mask_that_is_nowhere_half_there_has_no_annotation():
    faint = picture(garment(block(1, 2, 11, 22) * 0.4))
    assert coco_instances([faint])["annotations"] == [] == labelme_shapes(faint)["shapes"]
    assert "<path" not in svg_outlines(faint, [RED])


# --- LabelMe ---------------------------------------------------------------------------------------------------------


@every_mask
def test_labelme_polygons_are_the_mask_again_holes_and_all(mask):
    shapes = labelme_shapes(picture(garment(mask)))["shapes"]
    assert overlap(np.any([filled([shape["points"]]) for shape in shapes], axis=0), mask) >= 0.98
    assert {(shape["label"], shape["group_id"], shape["shape_type"]) for shape in shapes} == {("upper", 1, "polygon")}


@every_mask
def test_joining_holes_covers_the_same_area(mask):
    outlines = garment_outlines(mask)
    assert sum(map(polygon_area, join_holes(outlines))) == pytest.approx(sum(map(polygon_area, outlines)))
    assert all(polygon_area(part) > 0 for part in join_holes(outlines))


def test_labelme_names_the_picture_and_its_size():
    values = labelme_shapes(picture(garment(block(1, 2, 11, 22))))
    assert (values["imagePath"], values["imageHeight"], values["imageWidth"]) == ("coat.png", *SIZE)
    assert values["imageData"] is None and json.loads(json.dumps(values)) == values


# --- SVG -------------------------------------------------------------------------------------------------------------


def path_outlines(path: ElementTree.Element) -> list[list[tuple[float, float]]]:
    loops = [loop.strip("M").split() for loop in path.get("d", "").split("Z") if loop]
    return [list(zip(map(float, loop[::2]), map(float, loop[1::2]), strict=True)) for loop in loops]


@every_mask
def test_an_svg_path_filled_by_the_even_odd_rule_is_the_mask_again(mask):
    root = ElementTree.fromstring(svg_outlines(picture(garment(mask)), [RED]))
    group = root.find("{*}g")
    (path,) = group.findall("{*}path")
    assert group.get("fill-rule") == "evenodd"
    assert overlap(filled(path_outlines(path)), mask) >= 0.98


def test_an_svg_has_the_pictures_size_and_each_garments_label_score_and_colour():
    svg = svg_outlines(
        picture(*[garment(block(1, 2, 11, 22), label) for label in ("upper", "bag", "bag")]), [RED, BLUE]
    )
    root = ElementTree.fromstring(svg)
    assert (root.get("width"), root.get("height"), root.get("viewBox")) == ("90px", "120px", "0 0 90 120")
    paths = root.findall("{*}g/{*}path")
    assert [path.get("id") for path in paths] == ["upper-1", "bag-2", "bag-3"]
    assert [path.get("fill") for path in paths] == ["#ff0000", "#0000ff", "#ff0000"]
    assert paths[1].findtext("{*}title") == "bag 0.80"


def test_names_cannot_break_out_of_an_svg():
    ElementTree.fromstring(svg_outlines(picture(garment(block(1, 2, 11, 22)), name='a"><script>&.png'), [RED]))
