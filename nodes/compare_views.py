"""The views of Preview & Compare, painted in torch at the picture's own size."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor

from ..blending.compare import Colour, overlay_mask
from ..blending.views import amplify_difference, on_checkerboard, place_beside, show_matte, split_images
from ..context import Lettering
from .compare_scene import Scene
from .inspect import draw_findings, letter_height, sign_picture

OVERLAY, MATTE, CHECKERBOARD, SLIDER = "overlay", "matte", "checkerboard", "A/B"
BESIDE, DIFFERENCE, ONLY_A, ONLY_B = "side by side", "difference", "A", "B"
VIEWS = (OVERLAY, MATTE, CHECKERBOARD, SLIDER, BESIDE, DIFFERENCE, ONLY_A, ONLY_B)
NEED_MASK = (OVERLAY, MATTE, CHECKERBOARD)
NEED_B = (SLIDER, BESIDE, DIFFERENCE, ONLY_B)


@dataclass(frozen=True)
class Look:
    """How a scene is shown: the node's widgets, with the colour as numbers."""

    view: str
    position: float
    opacity: float
    colour: Colour
    gain: float
    labels: bool


def render_view(scene: Scene, look: Look, lettering: Lettering) -> Tensor:
    """What a view shows of a scene of one picture, ``[1,H,W,3]`` in A's dtype; side by side is twice as wide.

    A view that lacks what it needs shows A. Alpha is shown on a checkerboard.
    """
    first = on_checkerboard(scene.first)
    if scene.mask is not None and look.view in NEED_MASK:
        return _render_mask(scene, first, scene.mask, look, lettering)
    if scene.second is None or look.view not in NEED_B:
        return first
    second = on_checkerboard(scene.second).to(first.dtype)
    if look.view == SLIDER:
        return split_images(first, second, look.position)
    if look.view == BESIDE:
        beside = place_beside(first, second)
        return _caption(beside, {0: "A", beside.shape[2] - first.shape[2]: "B"}, look, lettering)
    if look.view == DIFFERENCE:
        apart = amplify_difference(scene.first, scene.second, look.gain)
        if scene.reached is not None:  # nothing is compared beside B
            apart = apart * scene.reached.unsqueeze(-1)
        return _caption(apart, {0: describe_gain(look.gain)}, look, lettering)
    return second


def describe_gain(gain: float) -> str:
    """What the brightness of a difference means."""
    return f"difference x {gain:g}: white = {1 / gain:.1%} of the range"


def _render_mask(scene: Scene, first: Tensor, mask: Tensor, look: Look, lettering: Lettering) -> Tensor:
    if look.view == MATTE:
        return show_matte(mask).to(first.dtype)
    if look.view == CHECKERBOARD:
        return on_checkerboard(scene.first, mask)
    if not look.labels:
        return overlay_mask(first, mask, colour=look.colour, opacity=look.opacity)
    drawn, _ = draw_findings(
        first, mask, scene.garments, opacity=look.opacity, colour=look.colour, lettering=lettering
    )  # fmt: skip
    return drawn


def _caption(picture: Tensor, texts: dict[int, str], look: Look, lettering: Lettering) -> Tensor:
    """The picture ``[1,H,W,3]`` with texts on its upper rim, by where they begin, if labels are wanted."""
    if not look.labels:
        return picture
    drawn = picture[0].float()
    for left, text in texts.items():
        drawn = sign_picture(drawn, text, left, 0, letter_height(drawn), lettering)
    return drawn.unsqueeze(0).to(picture.dtype)
