from __future__ import annotations

import pytest
import torch

from hemline.kernels import gaussian_blur
from hemline.segmentation.matting import matte as matting
from hemline.segmentation.matting.colour import tell_apart
from hemline.segmentation.matting.laplacian import Band, matting_laplacian
from hemline.segmentation.matting.matte import matte_mask
from hemline.segmentation.matting.trimap import make_trimap
from hemline.tensors import ShapeError
from tests.support.photos import photo


def soft_square(size: int = 96, softness: float = 3.0) -> torch.Tensor:
    mask = torch.zeros(1, 1, size, size)
    mask[..., size // 3 : -size // 3, size // 3 : -size // 3] = 1
    return gaussian_blur(mask, softness)[0].clamp(0, 1)


def fringed_square(size: int = 96) -> torch.Tensor:
    """A square with threads of one pixel below and soft ones to the right."""
    alpha = torch.zeros(1, size, size)
    low, high = size // 3, size * 2 // 3
    alpha[0, low:high, low:high] = 1
    alpha[0, high : high + 8, low:high:3] = 1
    alpha[0, low:high:4, high : high + 6] = 0.6
    return alpha


def layered(alpha: torch.Tensor, front: tuple[float, ...], back: tuple[float, ...]) -> torch.Tensor:
    share = alpha.unsqueeze(-1)
    return share * torch.tensor(front) + (1 - share) * torch.tensor(back)


def band_around(alpha: torch.Tensor, radius: int = 10) -> torch.Tensor:
    wide = torch.nn.functional.max_pool2d(alpha, 2 * radius + 1, 1, radius)
    narrow = -torch.nn.functional.max_pool2d(-alpha, 7, 1, 3)
    return torch.where(narrow >= 1, 1.0, torch.where(wide > 0, 0.5, 0.0))


def test_alpha_comes_back_where_colours_lie_on_lines():
    alpha = fringed_square()
    image = layered(alpha, (0.7, 0.3, 0.2), (0.2, 0.4, 0.6))
    wrong = soft_square()
    matte = matte_mask(image, wrong, band_around(alpha), drawn=True)
    assert (wrong - alpha).abs().max() > 0.9
    assert (matte - alpha).abs().max() < 0.02


def test_alpha_comes_back_nearly_where_both_sides_run_smoothly():
    alpha = fringed_square()
    ramp = torch.linspace(0, 0.2, 96).view(1, 1, 96, 1)
    front, back = torch.tensor((0.7, 0.3, 0.2)) + ramp, torch.tensor((0.2, 0.4, 0.6)) + ramp.transpose(1, 2)
    image = alpha.unsqueeze(-1) * front + (1 - alpha.unsqueeze(-1)) * back
    matte = matte_mask(image, soft_square(), band_around(alpha), drawn=True)
    assert (matte - alpha).square().mean() < 1e-4


def test_what_the_trimap_is_sure_of_never_changes():
    mask = soft_square() * 0.98
    image, trimap = photo(96, 96), make_trimap(mask, inside_px=4, outside_px=6)
    matte = matte_mask(image, mask, trimap)
    assert torch.equal(matte[trimap != 0.5], mask[trimap != 0.5])
    assert matte.min() >= 0 and matte.max() <= 1


def test_a_drawn_trimap_is_believed_before_the_mask():
    trimap = torch.full((1, 60, 60), 0.5)
    trimap[0, :, :20], trimap[0, :, 40:] = 1, 0
    image = torch.full((1, 60, 60, 3), 0.2)
    image[:, :, :30] = torch.tensor((0.8, 0.5, 0.3))
    matte = matte_mask(image, torch.zeros(1, 60, 60), trimap, drawn=True)
    wanted = (torch.arange(60) < 30).float().expand(1, 60, 60)
    assert (matte - wanted).abs().max() < 0.02


def test_a_picture_of_one_colour_gives_the_mask():
    mask = soft_square()
    assert torch.equal(matte_mask(torch.full((1, 96, 96, 3), 0.4), mask, make_trimap(mask)), mask)


def test_garment_and_surroundings_of_one_texture_give_nearly_the_mask():
    mask = soft_square()
    matte = matte_mask(photo(96, 96), mask, make_trimap(mask, inside_px=5, outside_px=5))
    assert (matte - mask).abs().mean() < 0.05


def test_a_hard_mask_on_the_pictures_own_edge_stays():
    mask = torch.zeros(1, 96, 96)
    mask[0, 30:66, 30:66] = 1
    image = layered(mask, (0.8, 0.7, 0.2), (0.2, 0.3, 0.5))
    assert (matte_mask(image, mask, make_trimap(mask, inside_px=6, outside_px=6)) - mask).abs().max() < 0.01


@pytest.mark.parametrize("value", [0.0, 1.0])
def test_empty_and_full_masks_come_back_as_they_are(value):
    mask = torch.full((2, 40, 30), value)
    assert torch.equal(matte_mask(photo(40, 30), mask, make_trimap(mask)), mask)


@pytest.mark.parametrize("size", [(1, 1), (1, 9), (3, 7), (5, 64)])
def test_tiny_pictures_work(size):
    mask = torch.rand((1, *size), generator=torch.Generator().manual_seed(1))
    matte = matte_mask(torch.rand(1, *size, 3), mask, make_trimap(mask))
    assert matte.shape == mask.shape and matte.isfinite().all()


def test_a_spot_of_the_surroundings_colour_makes_no_hole():
    mask = torch.zeros(1, 96, 96)
    mask[0, 24:72, 24:72] = 1
    shown = mask.clone()
    shown[0, 27:30, 40:44] = 0
    image = layered(shown, (0.8, 0.2, 0.2), (0.9, 0.9, 0.9))
    matte = matte_mask(image, mask, make_trimap(mask, inside_px=10, outside_px=10))
    assert (matte[0, 24:72, 24:72] > 0.95).all()


def test_a_spot_of_the_garments_colour_outside_makes_no_island():
    mask = torch.zeros(1, 96, 96)
    mask[0, 32:64, 32:64] = 1
    shown = mask.clone()
    shown[0, 24:27, 40:44] = 1
    image = layered(shown, (0.8, 0.2, 0.2), (0.9, 0.9, 0.9))
    matte = matte_mask(image, mask, make_trimap(mask, inside_px=10, outside_px=12))
    assert (matte[0, :31] < 0.05).all()


def test_a_thin_strap_is_not_eaten():
    mask = torch.zeros(1, 120, 120)
    mask[0, 60:110, 20:100] = 1
    mask[0, 10:60, 40:43] = 1
    image = layered(mask, (0.25, 0.2, 0.3), (0.7, 0.6, 0.5)) + 0.02 * torch.randn(1, 120, 120, 3)
    matte = matte_mask(image, mask, make_trimap(mask, inside_px=6, outside_px=6))
    assert (matte[0, 14:56, 41] > 0.9).all()


def test_a_batch_equals_the_stack_of_its_singles_and_one_picture_serves_many_masks():
    masks = torch.cat([soft_square(), soft_square(softness=6.0), torch.zeros(1, 96, 96)])
    image, trimaps = photo(96, 96), make_trimap(masks)
    whole = matte_mask(image, masks, trimaps)
    singles = [matte_mask(image, mask[None], trimap[None]) for mask, trimap in zip(masks, trimaps, strict=True)]
    assert torch.equal(whole, torch.cat(singles))


@pytest.mark.parametrize("flip", [(1,), (2,)])
def test_a_mirrored_picture_gives_the_mirrored_matte(flip):
    alpha = fringed_square()
    image = layered(alpha, (0.7, 0.3, 0.2), (0.2, 0.4, 0.6)) + 0.1 * photo(96, 96)
    trimap = band_around(alpha)
    matte = matte_mask(image, soft_square(), trimap, drawn=True)
    turned = matte_mask(image.flip(flip), soft_square().flip(flip), trimap.flip(flip), drawn=True)
    assert (turned.flip(flip) - matte).abs().max() < 0.02


def test_parts_equal_the_whole(monkeypatch):
    alpha = fringed_square(192)
    image = layered(alpha, (0.7, 0.3, 0.2), (0.2, 0.4, 0.6)) + 0.1 * photo(192, 192)
    whole = matte_mask(image, soft_square(192), band_around(alpha), drawn=True)
    monkeypatch.setattr(matting, "MOST_UNKNOWN", 1500)
    parts = matte_mask(image, soft_square(192), band_around(alpha), drawn=True)
    assert (parts - whole).abs().max() < 0.02


def test_chroma_at_half_the_size_hardly_blurs_threads():
    alpha = fringed_square()
    image = layered(alpha, (0.35, 0.2, 0.1), (0.5, 0.7, 0.8))
    grey = image @ torch.tensor((0.299, 0.587, 0.114))
    chroma = (image - grey.unsqueeze(-1)).permute(0, 3, 1, 2)
    halved = torch.nn.functional.interpolate(torch.nn.functional.avg_pool2d(chroma, 2), scale_factor=2, mode="bilinear")
    matte = matte_mask(halved.permute(0, 2, 3, 1) + grey.unsqueeze(-1), soft_square(), band_around(alpha), drawn=True)
    assert (matte - alpha)[band_around(alpha) == 0.5].square().mean() < 0.002


def test_the_laplacian_is_that_of_the_paper_and_not_negative():
    generator = torch.Generator().manual_seed(0)
    image = torch.rand((3, 9, 11), generator=generator)
    image[:, :, 6:] = image[:1, :, 6:]  # grey, where a covariance has no inverse
    unknown = torch.zeros(9, 11, dtype=torch.bool)
    unknown[2:7, 3:9] = True
    unknown[0, 0] = True
    band = Band.around(unknown)
    laplacian = matting_laplacian(band, image, 1e-5)
    matrix = torch.stack([laplacian.apply(column) for column in torch.eye(len(band.pixels))])
    wanted = reference_laplacian(image.double(), 1e-5)[band.pixels][:, band.pixels]
    assert (matrix.double() - wanted)[band.unknown].abs().max() < 2e-3
    among = laplacian.among_unknown(torch.zeros(len(band.pixels)))
    inner = torch.stack([among.apply(column) for column in torch.eye(len(band.pixels))])
    assert torch.allclose(inner, inner.T, atol=1e-5) and torch.linalg.eigvalsh(inner.double()).min() > -1e-5


def reference_laplacian(image: torch.Tensor, epsilon: float) -> torch.Tensor:
    """Equation 12 of Levin et al., window by window, in float64."""
    height, width = image.shape[1:]
    matrix = torch.zeros(height * width, height * width).double()
    numbers = torch.arange(height * width).view(height, width)
    for row in range(1, height - 1):
        for column in range(1, width - 1):
            window = slice(row - 1, row + 2), slice(column - 1, column + 2)
            pixels, colours = numbers[window].flatten(), image[:, window[0], window[1]].flatten(1).T
            centred = colours - colours.mean(0)
            covariance = centred.T @ centred / 9 + epsilon / 9 * torch.eye(3).double()
            shared = (1 + centred @ torch.linalg.inv(covariance) @ centred.T) / 9
            matrix[pixels[:, None], pixels] += torch.eye(9).double() - shared
    return matrix


def test_colours_far_apart_tell_and_alike_ones_do_not():
    front, back = torch.zeros(40, 80, dtype=torch.bool), torch.zeros(40, 80, dtype=torch.bool)
    front[:, :36], back[:, 44:] = True, True
    image = torch.full((3, 40, 80), 0.5)
    assert (tell_apart(image, front, back) == 0).all()
    image[:, :20, :40] = 0.8
    told = tell_apart(image, front, back)
    assert (told[:8, 36:44] == 1).all() and (told[-8:, 36:44] == 0).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32, torch.float64])
def test_the_dtype_stays_and_inputs_are_read_only(dtype):
    mask, image = soft_square().to(dtype), photo(96, 96)
    trimap = make_trimap(mask)
    before = mask.clone(), image.clone(), trimap.clone()
    assert matte_mask(image, mask, trimap).dtype == dtype
    assert all(torch.equal(now, was) for now, was in zip((mask, image, trimap), before, strict=True))


def test_a_hostile_picture_gives_numbers():
    image = photo(96, 96)
    image[0, 40:50, 40:50] = float("nan")
    matte = matte_mask(image, soft_square(), make_trimap(soft_square()))
    assert matte.isfinite().all()


def test_progress_counts_pictures_and_a_cancel_comes_through():
    seen: list[tuple[int, int]] = []
    masks = torch.cat([soft_square()] * 3)
    matte_mask(photo(96, 96), masks, make_trimap(masks), progress=lambda done, total: seen.append((done, total)))
    assert seen == [(1, 3), (2, 3), (3, 3)]

    def cancel() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        matte_mask(photo(96, 96), masks, make_trimap(masks), check_cancelled=cancel)


def test_another_size_is_an_error():
    with pytest.raises(ShapeError, match="trimap is 20x10"):
        matte_mask(photo(96, 96), soft_square(), torch.rand(1, 10, 20))
