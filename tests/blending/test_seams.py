from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.blending.seams import SEAMS, join_images
from hemline.kernels import gaussian_blur
from hemline.segmentation.shape import feather_mask
from hemline.tensors import RangeError, ShapeError, UnknownName

every_seam = pytest.mark.parametrize("seam", SEAMS)
BLENDING = [seam for seam in SEAMS if seam != "linear"]


def photo(height: int, width: int, batch: int = 1, channels: int = 3, seed: int = 0) -> torch.Tensor:
    noise = torch.rand((batch, channels, height, width), generator=torch.Generator().manual_seed(seed))
    coarse = (gaussian_blur(noise, 6.0) - 0.5) * 8
    return (coarse + 0.2 * noise + 0.4).clamp(0.1, 0.9).permute(0, 2, 3, 1)


def disc(height: int, width: int, radius: float) -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return (torch.hypot(rows - height / 2, columns - width / 2) < radius).float().unsqueeze(0)


@every_seam
@settings(max_examples=25, deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 40), seed=st.integers(0, 999), hard=st.booleans())
def test_where_the_mask_is_0_the_base_stays_bit_for_bit(seam, height, width, seed, hard):
    generator = torch.Generator().manual_seed(seed)
    base, layer = torch.rand((2, 1, height, width, 3), generator=generator)
    mask = (torch.rand((1, height, width), generator=generator) - 0.5).clamp(0)
    mask = (mask > 0.2).float() if hard else mask
    joined = join_images(base, layer, mask, seam=seam)
    assert torch.equal(joined[mask == 0], base[mask == 0])
    assert bool(joined.isfinite().all()) and joined.min() >= 0 and joined.max() <= 1


@every_seam
@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (3, 7), (101, 77)])
def test_a_layer_like_the_base_changes_nothing(seam, size):
    base, mask = torch.rand(1, *size, 3), torch.rand(1, *size)
    assert (join_images(base, base, mask, seam=seam) - base).abs().max() < 1e-5


@every_seam
def test_an_empty_mask_changes_nothing_and_a_full_one_gives_the_layer(seam):
    base, layer = photo(40, 30), photo(40, 30, seed=1)
    assert torch.equal(join_images(base, layer, torch.zeros(1, 40, 30), seam=seam), base)
    assert (join_images(base, layer, torch.ones(1, 40, 30), seam=seam) - layer).abs().max() < 1e-5


@every_seam
def test_a_mask_of_one_value_is_an_opacity(seam):
    base, layer = photo(40, 30), photo(40, 30, seed=1)
    joined = join_images(base, layer, torch.full((1, 40, 30), 0.4), seam=seam)
    assert (joined - (base + 0.4 * (layer - base))).abs().max() < 1e-5


@every_seam
def test_a_batch_is_its_singles_and_one_layer_serves_a_batch(seam):
    base, layer = photo(50, 64, batch=3), photo(50, 64, seed=1)
    mask = torch.cat([disc(50, 64, 20), feather_mask(disc(50, 64, 14), 8), torch.zeros(1, 50, 64)])
    singles = [join_images(base[i : i + 1], layer, mask[i : i + 1], seam=seam) for i in range(3)]
    assert torch.equal(join_images(base, layer, mask, seam=seam), torch.cat(singles))
    assert join_images(layer, base, mask[:1], seam=seam).shape == base.shape


@pytest.mark.parametrize("seam", BLENDING)
@pytest.mark.parametrize("size", [(211, 190), (301, 283)])
def test_the_region_of_interest_gives_what_the_whole_frame_gives(seam, size):
    base, layer = photo(*size), photo(*size, seed=1)
    mask = torch.zeros(1, *size)
    mask[:, 60:150, 71:140] = 1
    mask = feather_mask(mask, 10)
    cut = slice(16, 208), slice(32, 187)  # a frame that begins on a cell of the coarsest level
    part = join_images(base[:, cut[0], cut[1]], layer[:, cut[0], cut[1]], mask[:, cut[0], cut[1]], seam=seam)
    assert (join_images(base, layer, mask, seam=seam)[:, cut[0], cut[1]] - part).abs().max() < 1e-5


def test_poisson_takes_a_constant_offset_away():
    base, mask = photo(90, 77), feather_mask(disc(90, 77, 25), 8)
    joined = join_images(base, base + 0.07, mask, seam="poisson")
    assert (joined - base).abs().max() < 1e-4


def test_poisson_takes_an_offset_away_that_is_another_one_on_each_side():
    base = photo(120, 100)
    slope = torch.linspace(-0.1, 0.1, 100).view(1, 1, 100, 1)
    joined = join_images(base, base + slope, disc(120, 100, 40), seam="poisson")
    assert (joined - base).abs().max() < 1e-4  # a plane is harmonic


def test_poisson_keeps_the_layers_own_contrasts():
    base, layer = photo(80, 80), photo(80, 80, seed=3)
    mask = disc(80, 80, 30)
    joined = join_images(base * 0 + 0.5, layer * 0.2 + 0.4, mask, seam="poisson")
    inner = disc(80, 80, 12)[0] > 0
    detail = (joined - layer * 0.2)[0, inner]
    assert detail.std(0).max() < 0.01  # what is added is smooth


@pytest.mark.parametrize("seam", BLENDING)
def test_a_tone_shift_leaves_no_step_at_a_hard_edge(seam):
    base, mask = torch.full((1, 200, 200, 3), 0.5), disc(200, 200, 80)
    joined = join_images(base, base + 0.1, mask, seam=seam, width_px=48)
    step = (joined[:, 1:] - joined[:, :-1]).abs().max()
    assert step < 0.012  # linear: 0.1


def test_multi_band_changes_tone_slowly_and_detail_at_once():
    base = torch.full((1, 200, 300, 3), 0.5)
    stripes = 0.2 * (torch.arange(200) % 2 - 0.5).view(1, 200, 1, 1)
    mask = torch.zeros(1, 200, 300)
    mask[..., 100:] = 1
    joined = join_images(base, base + 0.1 + stripes, mask, seam="multi-band", width_px=96)
    tone, detail = joined.mean(dim=(1, 3))[0], joined.std(dim=(1, 3))[0]
    assert detail[104] > 0.09 and tone[104] < 0.52
    assert tone[150] < 0.56 and abs(float(tone[100 + 96]) - 0.6) < 1e-3
    assert bool((tone[104:] >= tone[103:-1] - 1e-3).all())


@pytest.mark.parametrize("width", [12, 48, 100, 192])
def test_multi_band_has_given_everything_over_at_its_width(width):
    base = torch.full((1, 64, 600, 3), 0.3)
    mask = torch.zeros(1, 64, 600)
    mask[..., 200:] = 1
    joined = join_images(base, base + 0.2, mask, seam="multi-band", width_px=width)
    assert (joined[:, :, 200 + width :] - 0.5).abs().max() < 1e-3
    assert joined[0, 0, 200, 0] < 0.31


@every_seam
def test_nothing_fades_at_the_frame(seam):
    base = photo(160, 120)
    mask = torch.zeros(1, 160, 120)
    mask[:, :, :70] = 1  # touches three sides
    joined = join_images(base * 0, base * 0 + 0.5, mask, seam=seam)
    assert (joined - joined[:, :1]).abs().max() < 1e-4


@pytest.mark.parametrize("seam", BLENDING)
def test_deep_inside_the_mask_a_local_change_is_the_layers(seam):
    base = photo(300, 300)
    layer = base.clone()
    layer[:, 140:160, 140:160] += 0.1
    joined = join_images(base, layer, disc(300, 300, 130), seam=seam)
    assert (joined - layer).abs().max() < 1e-4


@pytest.mark.parametrize("seam", BLENDING)
def test_a_thread_too_thin_for_bands_still_takes_the_layer(seam):
    base, layer = torch.full((1, 60, 60, 3), 0.5), torch.full((1, 60, 60, 3), 0.5)
    layer[:, 29:31] = 0.9
    mask = torch.zeros(1, 60, 60)
    mask[:, 28:32] = 1
    assert (join_images(base, layer, mask, seam=seam)[:, 29:31] - 0.9).abs().max() < 1e-3


@every_seam
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.float64])
def test_dtype_comes_back_and_inputs_stay(seam, dtype):
    base, layer = photo(30, 40).to(dtype), photo(30, 40, seed=1)
    mask = disc(30, 40, 10)
    before = base.clone(), layer.clone(), mask.clone()
    joined = join_images(base, layer, mask, seam=seam)
    assert joined.dtype == dtype
    assert all(torch.equal(now, then) for now, then in zip((base, layer, mask), before, strict=True))


@every_seam
def test_values_above_1_pass(seam):
    base = photo(80, 80) * 4
    joined = join_images(base, base * 2, disc(80, 80, 30), seam=seam)
    assert joined.max() > 4 and bool(joined.isfinite().all())


@pytest.mark.parametrize("seam", BLENDING)
def test_what_hides_under_alpha_0_is_not_mixed_in(seam):
    base = torch.cat([torch.zeros(1, 60, 60, 3), torch.zeros(1, 60, 60, 1)], dim=-1)
    layer = torch.cat([torch.full((1, 60, 60, 3), 0.8), torch.ones(1, 60, 60, 1)], dim=-1)
    joined = join_images(base, layer, disc(60, 60, 24), seam=seam)
    seen = joined[..., 3] > 0.05
    assert seen.any() and (joined[..., :3][seen] - 0.8).abs().max() < 1e-3


@every_seam
def test_an_alpha_that_only_the_base_has_stays(seam):
    base, layer = photo(30, 40, channels=4), photo(30, 40, seed=1)
    assert torch.equal(join_images(base, layer, disc(30, 40, 10), seam=seam)[..., 3], base[..., 3])


@every_seam
def test_a_spot_that_is_not_finite_does_not_spread(seam):
    base, layer = photo(60, 60), photo(60, 60, seed=1)
    layer[:, 10, 30] = float("nan")
    layer[:, 30, 30] = float("inf")
    joined = join_images(base, layer, disc(60, 60, 20), seam=seam)
    assert int((~joined.isfinite()).any(-1).sum()) <= 1


def test_bad_input_is_an_error_that_says_what_to_do():
    base, mask = torch.rand(1, 8, 6, 3), torch.ones(1, 8, 6)
    with pytest.raises(UnknownName, match="Did you mean 'poisson'"):
        join_images(base, base, mask, seam="poison")
    with pytest.raises(ShapeError, match="layer is 6x9 but base is 6x8"):
        join_images(base, torch.rand(1, 9, 6, 3), mask)
    with pytest.raises(RangeError, match="width_px"):
        join_images(base, base, mask, seam="multi-band", width_px=-1)
