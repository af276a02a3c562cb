from __future__ import annotations

import torch
from support.contexts import CONTEXT

from hemline.nodes.color import estimate_foreground_node, match_colours_node
from hemline.nodes.inpaint import inpaint_crop, inpaint_stitch


def half() -> torch.Tensor:
    mask = torch.zeros(1, 60, 80)
    mask[..., 40:] = 1
    return mask


def test_match_colours_says_what_it_learnt():
    reference = torch.rand(1, 60, 80, 3) * 0.8 + 0.1
    result = match_colours_node(image=reference - 10 / 255, reference=reference, mask=half())
    assert torch.allclose(result.outputs[0], reference, atol=1e-4)
    assert "2400 px" in result.text[0] and "offset +10.0 +10.0 +10.0" in result.text[0]


def test_match_colours_says_that_it_changed_nothing():
    image = torch.rand(2, 60, 80, 3)
    result = match_colours_node(image=image, reference=image * 0.5, mask=torch.ones(1, 60, 80))
    assert torch.equal(result.outputs[0], image)
    assert len(result.text) == 2 and all("not changed" in line for line in result.text)


def test_estimate_foreground_gives_colours_a_cutout_and_the_background():
    image, mask = torch.rand(1, 60, 80, 4), half() * 0.7
    colours, cutout, background = estimate_foreground_node(image=image, mask=mask).outputs
    assert colours.shape == background.shape == (1, 60, 80, 3) and cutout.shape == (1, 60, 80, 4)
    assert torch.equal(cutout[..., :3], colours) and torch.allclose(cutout[..., 3], image[..., 3] * mask)


def test_inpaint_stitch_tells_of_the_tone_only_where_it_was_asked_to_match_it():
    image, mask = torch.rand(1, 200, 160, 3) * 0.8 + 0.1, torch.zeros(1, 200, 160)
    mask[:, 80:120, 60:100] = 1
    crops, _, _, stitches, *_ = inpaint_crop(context=CONTEXT, image=image, mask=mask, target="as is").outputs
    assert inpaint_stitch(context=CONTEXT, stitch=stitches, image=crops).text == ()
    matched = inpaint_stitch(
        context=CONTEXT, stitch=stitches, image=[crops[0] - 0.04], seam="poisson", match_colours="affine"
    )
    assert "fitted on" in matched.text[0] and (matched.outputs[0][0] - image).abs().max() < 1e-3
