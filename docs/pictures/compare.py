"""Picture of the node that looks at everything."""

from __future__ import annotations

from torch import Tensor

from .layers import recoloured
from .panels import call, row
from .scenes import bust, found, sweater


def preview_compare() -> Tensor:
    """Three of its views: the mask with names, the slider between two pictures, and how far they are apart."""
    photo, garments = sweater()[0], found(sweater)["garments"]
    given = {"image": photo, "image_b": recoloured(photo), "garments": garments, "labels": False}
    views = ("overlay", "A/B", "difference")
    return row([(view, bust(call("HemlinePreviewCompare", view=view, **given)["image"][0])) for view in views])
