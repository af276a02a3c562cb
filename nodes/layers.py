"""A picture and what was found in it as layers, each garment behind a mask that can be painted on."""

from __future__ import annotations

import math
from collections.abc import Iterable

from torch import Tensor

from ..context import PictureLayer
from ..kernels import support_box
from ..segmentation.garments import Garment

# So much of a garment's longer side is kept around it, so that there is something to see where a mask is widened.
MARGIN = 0.05


def picture_layers(image: Tensor, mask: Tensor, items: Iterable[Garment], bits: int) -> list[PictureLayer]:
    """From the lowest up: "photo", a group "garments" with a layer for each, "mask" for all of it.

    image: ``[H,W,C]``. mask: ``[H,W]``. bits: of the file; a mask's values that would be 0 in it count as nothing. All
    layers hold the photo's own pixels, so that they look together as the photo. "mask" is hidden where there are
    garments; an empty mask gives no layer.
    """
    nothing = 0.5 / (2**bits - 1)
    layers = [PictureLayer("photo", image)]
    for item in items:
        layers += _masked(f"{item.label} {item.score:.2f}", image, item.mask, nothing, group="garments")
    return layers + _masked("mask", image, mask, nothing, visible=len(layers) == 1)


def _masked(
    name: str, image: Tensor, mask: Tensor, nothing: float, *, visible: bool = True, group: str = ""
) -> list[PictureLayer]:
    box = support_box(mask > nothing)
    if box is None:
        return []
    margin = math.ceil(MARGIN * max(box[2] - box[0], box[3] - box[1]))
    left, top = max(0, box[0] - margin), max(0, box[1] - margin)
    part = (slice(top, box[3] + margin), slice(left, box[2] + margin))
    return [PictureLayer(name, image[part], left, top, mask[part], visible=visible, group=group)]
