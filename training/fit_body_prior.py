"""Makes segmentation/weights/body_prior.safetensors: where a body's parts lie in its box, as a few mean maps.

    python training/fit_body_prior.py --data DIR

DIR holds Clothing Co-Parsing as `ccp.py` reads it. The result is the same on every run.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import torch
from ccp import LABELS, Photo, photo_names, read_photos
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from hemline.segmentation.body_prior import GROUPS, PRIOR_PATH, BodyPrior, place_maps

MAP_HEIGHT, MAP_WIDTH = 48, 24
# Maps are drawn this much finer and then averaged, so that thin things count by their area.
OVERSAMPLING = 4
# How much of the box's width and height the maps show around it: hair, hems and hands of a box a little too small.
MARGINS = (0.25, 0.08)
SHAPES = 6
ROUNDS = 40
# Log likelihoods of whole maps are divided by this before they choose a shape: pixels are far from independent.
TEMPERATURE = 30.0
FLOOR = 0.01
BOX_TOP, BOX_BOTTOM = 1, 3
OTHER = ("legwear", "headwear", "neckwear", "bag", "accessory")
METADATA = {
    "made_by": "training/fit_body_prior.py",
    "data": "Clothing Co-Parsing (Yang, Luo, Lin, CVPR 2014), training part of the split, mirrored; no photo inside",
    "data_licence": "Apache-2.0, github.com/bearpaw/clothing-co-parsing",
    "limits": "mostly young women in western street fashion, whole body upright, one person per photo",
    "groups": " ".join(GROUPS),
}


def main() -> None:
    """Reads the photos' labels, fits the maps, writes the file."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, default=PRIOR_PATH)
    options = parser.parse_args()
    photos = list(read_labels(options.data))
    waist = median_waist(photos)
    prior = fit_shapes(torch.stack([group_map(labels, box, waist) for labels, box in photos]))
    tensors = {
        "modes": (prior.modes * 255).round().byte(),
        "shares": prior.shares,
        "margins": torch.tensor(prior.margins),
    }
    save_file(tensors, str(options.out), METADATA | {"photos": str(len(photos)), "waist": f"{waist:.4f}"})
    options.out.chmod(0o644)  # safetensors writes files that nobody else may read


def read_labels(data: Path) -> list[tuple[Tensor, tuple[float, ...]]]:
    """Labels ``[H,W]`` and person box of every training photo."""
    return [_labels_and_box(photo) for photo in read_photos(data, photo_names(data, "training"))]


def _labels_and_box(photo: Photo) -> tuple[Tensor, tuple[float, ...]]:
    return torch.from_numpy(photo.labels.copy()), photo.person_box()


def median_waist(photos: list[tuple[Tensor, tuple[float, ...]]]) -> float:
    """Where trousers and skirts begin below a top, as a share of the box's height: there dresses are cut."""
    tops, bottoms = _ids("upper", "outer"), _ids("pants", "skirt")
    waists: list[float] = []
    for labels, box in photos:
        rows = torch.isin(labels, bottoms).sum(1).gt(labels.shape[1] // 40).nonzero()
        if len(rows) and bool(torch.isin(labels, tops).any()):
            waists.append((float(rows[0]) - box[BOX_TOP]) / (box[BOX_BOTTOM] - box[BOX_TOP]))
    return float(torch.tensor(waists).median())


def group_map(labels: Tensor, box: tuple[float, ...], waist: float) -> Tensor:
    """The share of each of `GROUPS` in each cell of the enlarged box, ``[G,MAP_HEIGHT,MAP_WIDTH]``."""
    line = box[BOX_TOP] + waist * (box[BOX_BOTTOM] - box[BOX_TOP])
    above = (torch.arange(labels.shape[0]) < line).unsqueeze(1)
    dress = labels == LABELS.index("dress")
    groups = {
        "upper": torch.isin(labels, _ids("upper", "outer")) | (dress & above),
        "lower": torch.isin(labels, _ids("pants", "skirt")) | (dress & ~above),
        "other": torch.isin(labels, _ids(*OTHER)),
    }
    planes = torch.stack([groups.get(name, labels == _index(name)) for name in GROUPS]).float().unsqueeze(0)
    frame = BodyPrior(planes, torch.ones(1), MARGINS).enlarge(torch.tensor(box))
    # The cut-out is sampled by laying the photo onto the map: the photo's corners in the map's cells.
    cell_x = (frame[2] - frame[0]) / (MAP_WIDTH * OVERSAMPLING)
    cell_y = (frame[3] - frame[1]) / (MAP_HEIGHT * OVERSAMPLING)
    corners = torch.stack([
        -frame[0] / cell_x, -frame[1] / cell_y,
        (labels.shape[1] - frame[0]) / cell_x, (labels.shape[0] - frame[1]) / cell_y,
    ])  # fmt: skip
    fine = place_maps(planes, corners.unsqueeze(0), MAP_HEIGHT * OVERSAMPLING, MAP_WIDTH * OVERSAMPLING)
    return functional.avg_pool2d(fine, OVERSAMPLING)[0]


def fit_shapes(maps: Tensor) -> BodyPrior:
    """`SHAPES` mean maps over ``[N,G,h,w]`` by soft clustering (EM of a multinomial mixture), each mirrored."""
    maps = torch.cat([maps, maps.flip(-1)])
    whole = torch.cat([1 - maps.sum(1, keepdim=True), maps], dim=1).clamp(0, 1)
    chance = torch.rand((len(maps) // 2, SHAPES), generator=torch.Generator().manual_seed(0)).repeat(2, 1)
    belongs = torch.softmax(chance, dim=1)
    for _ in range(ROUNDS):
        modes = torch.einsum("nm,nghw->mghw", belongs, whole) / belongs.sum(0).view(-1, 1, 1, 1)
        modes = (modes + modes.flip(-1)) / 2
        likelihood = torch.einsum("nghw,mghw->nm", whole, (modes + FLOOR).log())
        belongs = torch.softmax(likelihood / TEMPERATURE + belongs.mean(0).log(), dim=1)
    order = belongs.mean(0).argsort(descending=True)
    return BodyPrior(modes[order, 1:], belongs.mean(0)[order], MARGINS)


def _ids(*labels: str) -> Tensor:
    return torch.tensor([LABELS.index(label) for label in labels], dtype=torch.uint8)


def _index(label: str) -> int:
    return LABELS.index(label) if label in LABELS else -1


if __name__ == "__main__":
    main()
