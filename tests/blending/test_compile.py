"""The opt-in compiled loop gives what the eager one gives. It needs a C++ compiler."""

from __future__ import annotations

import shutil

import pytest
import torch

from hemline.blending.composite import blend_images

pytestmark = pytest.mark.skipif(
    not (shutil.which("g++") or shutil.which("clang++")), reason="torch.compile on a CPU needs a C++ compiler"
)


@pytest.mark.parametrize(
    ("channels", "options"),
    [(3, {"mode": "soft-light"}), (4, {"mode": "multiply", "operator": "xor"}), (3, {"space": "linear"})],
)
def test_compiled_is_eager_within_rounding_and_keeps_the_base_where_the_mask_is_0(channels, options):
    generator = torch.Generator().manual_seed(4)
    base, layer = torch.rand(1, 30, 40, 3, generator=generator), torch.rand(1, 30, 40, channels, generator=generator)
    mask = torch.rand(1, 30, 40, generator=generator)
    mask[:, 10:12] = 0
    compiled = blend_images(base, layer, mask, **options, compile=True)
    eager = blend_images(base, layer, mask, **options)
    assert (compiled - eager).abs().max() < 2e-5
    assert torch.equal(compiled[:, 10:12, :, :3], base[:, 10:12])
