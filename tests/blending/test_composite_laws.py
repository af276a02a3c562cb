"""Laws of `blend_images` that hold for every mode, operator, space and size."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.blending import composite
from hemline.blending.composite import SPACES, blend_images
from hemline.blending.modes import BLEND_MODES
from hemline.blending.operators import OPERATORS
from hemline.tensors import ShapeError

MODES = tuple(name for name, mode in BLEND_MODES.items() if mode.operator == "source-over")
PLAIN_OPERATORS = tuple(name for name, operator in OPERATORS.items() if operator.total == "plain")
SIZES = [(1, 1), (1, 37), (37, 1), (3, 7), (64, 48)]
DTYPES = [torch.float32, torch.float16, torch.bfloat16]


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def picture(seed: int, *shape: int, low: float = 0.0, high: float = 1.0) -> torch.Tensor:
    return torch.rand(shape, generator=seeded(seed)) * (high - low) + low


def same_bits(one: torch.Tensor, other: torch.Tensor) -> bool:
    """Equal to the last bit: minus zero is not zero; one NaN is as good as another."""
    if not torch.equal(one.isnan(), other.isnan()):
        return False
    one, other = one.nan_to_num(), other.nan_to_num()
    size = {4: torch.int32, 2: torch.int16}[one.element_size()]
    return torch.equal(one.contiguous().view(size), other.contiguous().view(size))


settings_of_a_call = st.fixed_dictionaries(
    {
        "mode": st.sampled_from(MODES),
        "operator": st.sampled_from(PLAIN_OPERATORS),
        "space": st.sampled_from(SPACES),
        "alpha": st.sampled_from(composite.ALPHAS),
        "opacity": st.sampled_from([0.3, 1.0]),
    }
)
channels = st.sampled_from([3, 4])


def opaque_version(base: torch.Tensor, result: torch.Tensor) -> torch.Tensor:
    """The base with as many channels as the result has."""
    if base.shape[-1] == result.shape[-1]:
        return base
    return torch.cat([base, torch.ones_like(base[..., :1])], dim=-1)


@settings(max_examples=60, deadline=None)
@given(settings_of_a_call, channels, channels, st.sampled_from(SIZES), st.sampled_from(DTYPES), st.integers(0, 99))
def test_where_the_mask_is_0_the_base_stays_bit_for_bit(call, below, above, size, dtype, seed):
    base = picture(seed, 1, *size, below, low=-0.5, high=2.0).to(dtype)
    base[..., 0] = torch.where(base[..., 0] < 0, -0.0, base[..., 0])
    layer = picture(seed + 1, 1, *size, above, high=2.0).to(dtype)
    mask = picture(seed + 2, 1, *size) * (picture(seed + 3, 1, *size) > 0.5)
    result = blend_images(base, layer, mask, **call)
    assert result.dtype == dtype
    assert same_bits(result[mask == 0], opaque_version(base, result)[mask == 0])


@settings(max_examples=30, deadline=None)
@given(settings_of_a_call, channels, channels)
def test_opacity_0_keeps_the_base_bit_for_bit(call, below, above):
    base, layer = picture(1, 1, 9, 7, below), picture(2, 1, 9, 7, above)
    result = blend_images(base, layer, **{**call, "opacity": 0.0})
    assert same_bits(result, opaque_version(base, result))


@settings(max_examples=80, deadline=None)
@given(settings_of_a_call, channels, channels, st.booleans(), st.integers(1, 30), st.integers(0, 99))
def test_strips_of_a_picture_are_the_whole_bit_for_bit(call, below, above, masked, cut, seed):
    base, layer = picture(seed, 1, 31, 53, below, low=-0.2, high=1.5), picture(seed + 1, 1, 31, 53, above, high=1.5)
    mask = (picture(seed + 2, 1, 31, 53) - 0.3).clamp(min=0) if masked else None
    whole = blend_images(base, layer, mask, **call, seed=5)
    parts = [
        blend_images(
            base[:, rows],
            layer[:, rows],
            None if mask is None else mask[:, rows],
            **call,
            seed=5,
            origin=(0, rows.start),
        )
        for rows in (slice(0, cut), slice(cut, 31))
    ]
    assert same_bits(torch.cat(parts, dim=1), whole)


@settings(max_examples=30, deadline=None)
@given(settings_of_a_call, st.integers(1, 52))
def test_columns_of_a_picture_are_the_whole_bit_for_bit(call, cut):
    base, layer, mask = picture(1, 1, 9, 53, 4), picture(2, 1, 9, 53, 4), picture(3, 1, 9, 53)
    whole = blend_images(base, layer, mask, **call)
    parts = [
        blend_images(base[:, :, part], layer[:, :, part], mask[:, :, part], **call, origin=(part.start, 0))
        for part in (slice(0, cut), slice(cut, 53))
    ]
    assert same_bits(torch.cat(parts, dim=2), whole)


@settings(max_examples=40, deadline=None)
@given(settings_of_a_call, st.sampled_from([(3, 3), (1, 3), (3, 1)]))
def test_a_batch_is_the_stack_of_its_pictures(call, batches):
    base, layer = picture(1, batches[0], 8, 6, 3), picture(2, batches[1], 8, 6, 4)
    mask = picture(3, 3, 8, 6)
    whole = blend_images(base, layer, mask, **call)
    for index in range(3):
        single = blend_images(
            base[index % batches[0]], layer[index % batches[1]], mask[index : index + 1], **call, first_frame=index
        )
        assert same_bits(whole[index : index + 1], single)


@settings(max_examples=40, deadline=None)
@given(settings_of_a_call, channels, channels)
def test_inputs_are_not_written_to_and_may_be_any_view(call, below, above):
    base, layer = picture(1, 1, below, 8, 6).permute(0, 2, 3, 1), picture(2, 1, 16, 6, above)[:, ::2]
    mask = picture(3, 1, 6, 8).mT
    before = [tensor.clone() for tensor in (base, layer, mask)]
    result = blend_images(base, layer, mask, **call)
    assert all(torch.equal(now, was) for now, was in zip((base, layer, mask), before, strict=True))
    assert same_bits(result, blend_images(base.contiguous(), layer.contiguous(), mask.contiguous(), **call))
    assert result.data_ptr() not in (base.data_ptr(), layer.data_ptr())


@pytest.mark.parametrize("space", SPACES)
def test_odd_sizes_go_through_and_agree_with_their_pixels(space):
    base, layer, mask = picture(1, 1, 1003, 777, 3), picture(2, 1, 1003, 777, 3), picture(3, 1, 1003, 777)
    whole = blend_images(base, layer, mask, mode="soft-light", space=space)
    pixel = slice(1001, 1002), slice(775, 776)
    single = blend_images(
        base[:, pixel[0], pixel[1]], layer[:, pixel[0], pixel[1]], mask[:, pixel[0], pixel[1]],
        mode="soft-light", space=space,
    )  # fmt: skip
    assert same_bits(whole[:, pixel[0], pixel[1]], single)


@pytest.mark.parametrize("dtype", DTYPES)
def test_the_dtype_is_the_bases(dtype):
    base, layer = picture(1, 2, 5, 7, 3).to(dtype), picture(2, 1, 5, 7, 4)
    blended = blend_images(base, layer, mode="overlay")
    exact = blend_images(base.float(), layer, mode="overlay")
    assert blended.dtype == dtype and torch.equal(blended, exact.to(dtype))


@pytest.mark.parametrize("space", SPACES)
@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf")])
def test_nan_and_infinity_reach_their_own_pixel_where_it_is_covered_and_no_other(bad, space):
    base, layer = picture(1, 1, 6, 5, 3), picture(2, 1, 6, 5, 3)
    mask = torch.ones(1, 6, 5)
    mask[0, 0, 0] = 0
    clean = blend_images(base, layer, mask, space=space)
    layer[0, 0, 0], layer[0, 2, 2] = bad, bad
    spoiled = blend_images(base, layer, mask, space=space)
    assert not spoiled[0, 2, 2].isfinite().any()
    spoiled[0, 2, 2] = clean[0, 2, 2]
    assert torch.allclose(spoiled, clean, atol=1e-6)


def test_nan_in_a_mask_counts_as_not_covered():
    base, layer, mask = picture(1, 1, 6, 5, 3), picture(2, 1, 6, 5, 3), torch.ones(1, 6, 5)
    mask[0, 3, 3] = float("nan")
    assert same_bits(blend_images(base, layer, mask)[0, 3, 3], base[0, 3, 3])


def test_an_opaque_layer_in_full_is_the_layer_itself():
    base, layer = picture(1, 1, 6, 5, 3), picture(2, 1, 6, 5, 3)
    assert same_bits(blend_images(base, layer), layer)


def test_extra_memory_is_a_few_strips(monkeypatch):
    """What is taken in one piece stays far below the picture: only the result is as large."""
    taken: list[int] = []
    fresh = torch.empty

    def counting(*size, **kwargs):
        made = fresh(*size, **kwargs)
        taken.append(made.numel())
        return made

    base, layer, mask = picture(1, 1, 400, 300, 3), picture(2, 1, 400, 300, 4), picture(3, 1, 400, 300)
    monkeypatch.setattr("hemline.blending.tiles.STRIP_VALUES", 3 * 300 * 4)
    monkeypatch.setattr("hemline.blending.tiles.keep_freed_memory", lambda: None)
    monkeypatch.setattr("hemline.blending.composite.keep_freed_memory", lambda: None)
    monkeypatch.setattr(torch, "empty", counting)
    blend_images(base, layer, mask, mode="color", space="linear")
    assert taken and max(taken) <= 4 * 300 * 4 * torch.get_num_threads()


def test_only_the_masks_window_is_worked_on(monkeypatch):
    seen: list[int] = []
    mix = composite.mix_pixels

    def counting(base, *rest, **kwargs):
        seen.append(len(base))
        return mix(base, *rest, **kwargs)

    monkeypatch.setattr(composite, "mix_pixels", counting)
    base, layer, mask = picture(1, 1, 900, 800, 3), picture(2, 1, 900, 800, 3), torch.zeros(1, 900, 800)
    mask[0, 100:150, 40:60] = 0.5
    mask[0, 700:750, 40:60] = 0.5
    monkeypatch.setattr("hemline.blending.tiles.STRIP_VALUES", 3 * 20 * 10)
    monkeypatch.setattr(torch, "get_num_threads", lambda: 1)
    blended = blend_images(base, layer, mask)
    assert sum(seen) == 2 * 50 * 20
    assert torch.equal(blended[mask == 0], base[mask == 0])
    assert not torch.isclose(blended[mask > 0], base[mask > 0]).all()


@pytest.mark.parametrize("options", [{}, {"mode": "soft-light", "space": "linear"}, {"operator": "xor"}])
def test_a_result_in_given_memory_is_the_same(options):
    base, layer, mask = torch.rand(2, 9, 7, 3), torch.rand(2, 9, 7, 4), torch.rand(2, 9, 7)
    wanted = blend_images(base, layer, mask, **options)
    out = torch.full_like(wanted, 5.0)
    assert blend_images(base, layer, mask, out=out, **options) is out and torch.equal(out, wanted)


def test_memory_that_does_not_fit_or_is_still_read_is_refused():
    base, layer = torch.rand(1, 9, 7, 3), torch.rand(1, 9, 7, 3)
    with pytest.raises(ShapeError, match=r"out is \[1, 9, 7, 4\]"):
        blend_images(base, layer, out=torch.empty(1, 9, 7, 4))
    for read in (base, layer):
        with pytest.raises(ShapeError, match="shares its memory"):
            blend_images(base, layer, out=read)
