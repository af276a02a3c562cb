from __future__ import annotations

import torch

from hemline.blending.compare import cut_out, outline_mask, overlay_mask, stamp


def test_an_overlay_tints_only_the_mask():
    image = torch.rand(1, 20, 30, 3)
    mask = torch.zeros(1, 20, 30)
    mask[0, 5:10, 5:10] = 1
    drawn = overlay_mask(image, mask, colour=(1.0, 0.0, 0.0), opacity=1.0)
    assert torch.equal(drawn[mask == 0], image[mask == 0])
    assert torch.allclose(drawn[mask == 1], torch.tensor([1.0, 0.0, 0.0]))


def test_an_outline_lies_inside_the_mask_and_has_the_width():
    mask = torch.zeros(1, 40, 40)
    mask[0, 10:30, 10:30] = 1
    rim = outline_mask(mask, width_px=2)
    assert rim.sum() == 20 * 20 - 16 * 16 and (rim <= mask).all()


def test_the_frame_draws_no_outline():
    assert not outline_mask(torch.ones(1, 10, 10)).any()


def test_a_cut_out_carries_the_mask_as_alpha_and_multiplies_one_that_was_there():
    image, mask = torch.rand(1, 6, 5, 4), torch.rand(2, 6, 5)
    cut = cut_out(image, mask)
    assert cut.shape == (2, 6, 5, 4)
    assert torch.allclose(cut[..., 3], mask * image[..., 3])
    assert torch.equal(cut[0, ..., :3], image[0, ..., :3])


def test_a_stamp_may_hang_over_every_side():
    image = torch.zeros(10, 10, 3)
    ink = torch.ones(4, 4)
    for x, y, area in ((-2, -2, 4), (8, 8, 4), (3, 3, 16), (20, 0, 0), (-9, 0, 0)):
        assert stamp(image, ink, x, y, colour=(1.0, 1.0, 1.0)).sum() == 3 * area
    assert not image.any()
