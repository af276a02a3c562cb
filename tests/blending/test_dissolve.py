"""Dissolve: noise by absolute place, so that tiles and batches agree."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.blending.composite import blend_images
from hemline.blending.dissolve import pixel_noise

CPU = torch.device("cpu")


def noise(columns: range, rows: range, frames: range = range(1), seed: int = 0) -> torch.Tensor:
    return pixel_noise(columns, rows, frames, seed, CPU)


def test_noise_is_even_and_differs_by_seed_frame_and_place():
    field = noise(range(256), range(256))
    assert field.min() >= 0 and field.max() < 1 and abs(float(field.mean()) - 0.5) < 0.01
    shares = torch.histc(field, 16, 0, 1) / field.numel()
    assert (shares - 1 / 16).abs().max() < 0.004
    for other in (noise(range(256), range(256), seed=1), noise(range(256), range(256), range(1, 2)), field.mT):
        assert abs(float(torch.corrcoef(torch.stack([field.flatten(), other.flatten()]))[0, 1])) < 0.02
    neighbours = torch.corrcoef(torch.stack([field[..., 1:].flatten(), field[..., :-1].flatten()]))
    assert abs(float(neighbours[0, 1])) < 0.02


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 70000), st.integers(0, 70000), st.integers(0, 5000), st.integers(0, 2**40))
def test_noise_of_a_place_does_not_depend_on_the_tile(left, top, frame, seed):
    tile = noise(range(left, left + 7), range(top, top + 5), range(frame, frame + 3), seed)
    single = noise(range(left + 3, left + 4), range(top + 2, top + 3), range(frame + 1, frame + 2), seed)
    assert tile[1, 2, 3] == single[0, 0, 0]


def test_the_layer_is_seen_at_its_coverages_share_of_the_pixels_and_never_in_between():
    base, layer = torch.zeros(1, 200, 200, 3), torch.ones(1, 200, 200, 3)
    for opacity in (0.1, 0.5, 0.9):
        result = blend_images(base, layer, mode="dissolve", opacity=opacity)
        assert set(result.unique().tolist()) == {0.0, 1.0}
        assert abs(float(result.mean()) - opacity) < 0.01
    assert torch.equal(blend_images(base, layer, mode="dissolve"), layer)


def test_alpha_mask_and_opacity_multiply_and_the_base_keeps_its_alpha():
    base, layer = torch.rand(1, 100, 100, 4), torch.rand(1, 100, 100, 4)
    layer[..., 3] = 0.5
    result = blend_images(base, layer, torch.full((1, 100, 100), 0.5), mode="dissolve", opacity=0.8)
    shown = (result[..., :3] == layer[..., :3]).all(-1)
    assert abs(float(shown.float().mean()) - 0.2) < 0.02
    assert torch.equal(result[~shown], base[~shown]) and bool((result[shown][:, 3] == 1).all())


def test_frames_of_a_batch_differ_and_match_the_same_frames_alone():
    base, layer = torch.zeros(3, 40, 40, 3), torch.ones(1, 40, 40, 3)
    whole = blend_images(base, layer, mode="dissolve", opacity=0.5, seed=9)
    assert not torch.equal(whole[0], whole[1])
    alone = blend_images(base[:1], layer, mode="dissolve", opacity=0.5, seed=9, first_frame=2)
    assert torch.equal(whole[2:], alone)


def test_tiles_match_the_whole_by_their_origin():
    base, layer = torch.zeros(1, 40, 60, 3), torch.ones(1, 40, 60, 3)
    whole = blend_images(base, layer, mode="dissolve", opacity=0.3)
    tile = blend_images(base[:, 13:29, 7:50], layer[:, 13:29, 7:50], mode="dissolve", opacity=0.3, origin=(7, 13))
    assert torch.equal(whole[:, 13:29, 7:50], tile)
