"""Pictures of the nodes that find, choose and shape masks."""

from __future__ import annotations

import torch
from torch import Tensor

from hemline.hosts.lettering import letter
from hemline.nodes.inspect import draw_findings
from hemline.segmentation.garment_model import describe_meanings
from hemline.segmentation.shape import grow_mask
from hemline.segmentation.strokes.text import UNIT, Edit, Stroke, format_strokes
from hemline.segmentation.taxonomies import DEEPFASHION2

from .panels import call, frame, grey, grid, on_checker, over, page, row
from .scenes import bust, coat, drawn, found, only, pair, skirt, sweater


def preview(scene: object, mask: Tensor, garments: object = None) -> Tensor:
    """What Preview Mask shows, in larger letters, because the picture is going to be small."""

    def large(text: str, height: int) -> Tensor:
        return letter(text, height if ":" in text else 2 * height)  # the line at the bottom is too long for that

    return draw_findings(scene()[0], mask, garments, lettering=large)[0][0]  # type: ignore[operator]


def detect_garments() -> Tensor:
    """A photo, every garment in it, and the mask of the chosen ones."""
    mask = call("HemlineDetectGarments", image=coat()[0], what="tops")["mask"]
    shown = preview(coat, found(coat)["mask"], found(coat)["garments"])
    return row([("photo", coat()[0][0]), ("garments", shown), ("what = tops", grey(mask))])


def select_garments() -> Tensor:
    """All garments of two people, those of one, and one kind of garment."""
    garments = found(pair)["garments"]
    choices = (("all", {}), ("from left", {"person": "from left"}), ("labels: pants", {"labels": "pants"}))
    return row([
        (name, over(pair()[0], call("HemlineSelectGarments", garments=garments, **choice)["mask"]))
        for name, choice in choices
    ])  # fmt: skip


def garments_from_masks() -> Tensor:
    """Two plain masks, and the garments with names that the parser makes of them."""
    masks = torch.cat([drawn(skirt, "upper"), drawn(skirt, "skirt")])
    got = call("HemlineGarmentsFromMasks", masks=masks, image=skirt()[0])
    named = preview(skirt, got["mask"], got["garments"])
    return row([("mask 1", grey(masks[:1])), ("mask 2", grey(masks[1:])), ("garments", named)])


def garments_to_segs() -> Tensor:
    """The regions around garments, and the segments cut out of them."""
    garments, image = found(sweater)["garments"], sweater()[0]
    segments = call("HemlineGarmentsToSEGS", garments=garments, image=image, crop_factor=1.4)["segs"][0][1]
    boxed = image[0]
    for segment in segments:
        boxed = frame(boxed, segment.crop_region)
    tiles = []
    for segment in segments[:2]:
        cover = torch.from_numpy(segment.cropped_mask).unsqueeze(0)
        part = torch.as_tensor(segment.cropped_image)
        tiles.append((f"SEG: {segment.label}", over(part, cover)))
    return row([("garments", boxed), *tiles])


def generate_mask() -> Tensor:
    """Six generators."""
    image = bust(sweater()[0][0]).unsqueeze(0)
    of_image = (
        ("colour range", {"generator": "colour range", "colour": "#c42f32", "tolerance": 0.12}),
        ("luminance", {"generator": "luminance", "low": 0.75}), ("edges", {"generator": "edges"}),
    )  # fmt: skip
    drawn_ones = (
        ("star", {"generator": "regular polygon", "settings": "sides = 5\ninner = 0.5", "area": "0.1 0.1 0.9 0.9"}),
        ("radial gradient", {"generator": "radial gradient"}),
        ("stripes", {"generator": "stripes", "angle": 30.0, "feather": 6.0}),
    )
    first = [("image", image[0])]
    first += [(name, grey(call("HemlineGenerateMask", image=image, **values)["mask"])) for name, values in of_image]
    second = [
        (name, grey(call("HemlineGenerateMask", width=320, height=240, **values)["mask"]))
        for name, values in drawn_ones
    ]
    return grid([first, second])


def rough(mask: Tensor) -> Tensor:
    """A mask as a coarse detector gives it: blocks, holes and specks."""
    height, width = mask.shape[1:]
    small = torch.nn.functional.avg_pool2d(mask.unsqueeze(1), 12, ceil_mode=True, count_include_pad=False)
    coarse = (small > 0.4).float().repeat_interleave(12, 2).repeat_interleave(12, 3)[:, 0, :height, :width]
    generator = torch.Generator().manual_seed(3)
    for speck in range(12):
        y, x = (int(torch.randint(60, limit - 60, (), generator=generator)) for limit in (height, width))
        coarse[:, y : y + 8, x : x + 8] = float(speck % 2)
    coarse[:, 230:246, 196:212] = 0
    return coarse


def refine_mask() -> Tensor:
    """A rough mask, cleaned, laid on the picture's edges."""
    image, mask = sweater()[0], rough(drawn(sweater, "upper"))
    sizes = {"islands_percent": 0.1, "holes_percent": 0.1}
    ways = (("method: clean", {"method": "clean"}), ("method: guided", {"method": "guided", "edge_px": 14}))
    tiles = [("rough mask", bust(over(image, mask)))]
    for name, values in ways:
        refined = call("HemlineRefineMask", mask=mask, image=image, **sizes, **values)["mask"]
        tiles.append((name, bust(over(image, refined))))
    return row(tiles)


def protect_parts() -> Tensor:
    """A grown mask over hands and hair, and the same without them."""
    grown = grow_mask(only(sweater, "upper"), 22.0)
    got = call("HemlineProtectParts", mask=grown, garments=found(sweater)["garments"], margin=4.0)
    tiles = (("grown mask", grown), ("protected", got["protected"]), ("mask", got["mask"]))
    return row([(name, bust(over(sweater()[0], mask))) for name, mask in tiles])


def agnostic_mask() -> Tensor:
    """Where other garments may lie."""
    garments = found(skirt)["garments"]
    tiles = [("photo", skirt()[0][0])]
    for cut in ("as worn", "coat", "trousers"):
        area = call("HemlineAgnosticMask", garments=garments, target_cut=cut)["mask"]
        tiles.append((f"{cut}", over(skirt()[0], area)))
    return row(tiles)


def stabilise_mask() -> Tensor:
    """Five frames, of which one mask has a gap and one is missing, and what becomes of them."""
    whole = drawn(sweater, "upper")[:, 70:390, 70:370]
    frames = torch.cat([torch.roll(whole, 5 * number - 10, 2) for number in range(5)])
    masks = frames.clone()
    masks[1, 150:210] = 0
    masks[3] = 0
    steady = call("HemlineStabiliseMask", mask=masks)["mask"]
    return grid([
        [(f"frame {number + 1}", grey(mask.unsqueeze(0))) for number, mask in enumerate(masks)],
        [("stabilised" if not number else "", grey(mask.unsqueeze(0))) for number, mask in enumerate(steady)],
    ])  # fmt: skip


def edit_mask() -> Tensor:
    """An automatic mask with a part missing, the strokes drawn over it, and the result."""
    image, whole = sweater()[0], drawn(sweater, "upper")
    height, width = whole.shape[1:]
    missing = whole.clone()
    missing[:, 160:340, :180] = 0
    lines = (((158, 174), (150, 250), (147, 326)), 320), (((174, 176), (175, 250), (171, 330)), 280)
    strokes = [
        Stroke("brush", tuple((round(x / width * UNIT), round(y / height * UNIT)) for x, y in line), radius=radius)
        for line, radius in lines
    ]
    text = format_strokes(Edit(tuple(strokes)))
    edited = call("HemlineEditMask", picture=image, mask=missing, strokes=text)["mask"]
    painted = call("HemlineEditMask", picture=image, strokes=text)["mask"]
    tint = over(image, missing)
    paint = painted[0].unsqueeze(-1) * 0.75
    drawing = tint * (1 - paint) + torch.tensor((0.93, 0.55, 0.10)) * paint
    return row([("automatic mask", bust(tint)), ("brush", bust(drawing)), ("edited mask", bust(over(image, edited)))])


def grow_feather() -> Tensor:
    """The same edge grown, shrunk and feathered."""
    mask = drawn(sweater, "upper")
    ways = (("mask", {"grow": 0.0, "feather": 0.0}), ("grow 20", {"grow": 20.0, "feather": 0.0}),
            ("feather 40", {"grow": 0.0, "feather": 40.0}), ("both", {"grow": 20.0, "feather": 40.0}))  # fmt: skip
    tiles = []
    for name, values in ways:
        soft = call("HemlineGrowFeatherMask", mask=mask, **values)["soft_mask"]
        tiles.append((name, grey(soft)[90:370, 80:360]))
    return row(tiles)


def combine_masks() -> Tensor:
    """Two circles, and what four operations make of them."""
    circles = [call("HemlineGenerateMask", width=240, height=200, generator="ellipse", area=area)["mask"]
               for area in ("20 20 160 160", "80 40 220 180")]  # fmt: skip
    tiles = [("mask_a", grey(circles[0])), ("mask_b", grey(circles[1]))]
    for operation in ("union", "intersect", "subtract", "xor"):
        tiles.append(
            (
                operation,
                grey(call("HemlineCombineMasks", mask_a=circles[0], mask_b=circles[1], operation=operation)["mask"]),
            )
        )
    return grid([tiles[:3], tiles[3:]])


def load_garment_model() -> Tensor:
    """What the shipped parser finds, and what the words of a file of one's own become."""
    lines = describe_meanings(tuple(DEEPFASHION2)[:10], {})
    shown = preview(coat, found(coat)["mask"], found(coat)["garments"])
    return row([("shipped parser", shown), ("classes of your own file", page(lines, 600, 560, size=37))])


def preview_mask() -> Tensor:
    """Photo, mask, and both with labels."""
    shown = preview(sweater, found(sweater)["mask"], found(sweater)["garments"])
    return row([("image", sweater()[0][0]), ("mask", grey(found(sweater)["mask"])), ("preview", shown)])


def save_garment_set() -> Tensor:
    """The files of a set."""
    mask = only(coat, "outer")
    cut = torch.cat([coat()[0], mask.unsqueeze(-1)], -1)
    garment = next(item for item in found(coat)["garments"].items if item.label == "outer")
    box = ", ".join(str(round(edge)) for edge in garment.box)
    report = ('{"label": "outer",', f' "score": {garment.score:.2f},', f' "box": [{box}],', ' "method": "parser",',
              ' "polygons": ...,', ' "sizes": ...,', ' "versions": ...}')  # fmt: skip
    return row([
        ("NAME_mask", grey(mask)), ("NAME_cutout", on_checker(cut)), ("NAME_overlay", over(coat()[0], mask)),
        ("NAME.json", page(report, 720, 480, size=36)),
    ])  # fmt: skip
