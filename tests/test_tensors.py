from __future__ import annotations

import pytest
import torch

from hemline.errors import join_words, name_some
from hemline.tensors import (
    HemlineError,
    RangeError,
    ShapeError,
    UnknownName,
    as_image,
    as_mask,
    check_name,
    check_range,
    match_batch,
    match_mask,
    resize_mask,
)


@pytest.mark.parametrize("shape", [(5, 7), (1, 5, 7), (1, 1, 5, 7), (1, 5, 7, 1)])
def test_every_spelling_of_a_mask_becomes_batch_height_width(shape):
    assert as_mask(torch.rand(shape)).shape == (1, 5, 7)


def test_a_mask_keeps_its_dtype_and_a_bool_mask_becomes_float():
    assert as_mask(torch.rand(2, 2).half()).dtype == torch.float16
    assert as_mask(torch.ones(2, 2, dtype=torch.bool)).dtype == torch.float32


@pytest.mark.parametrize("shape", [(5,), (2, 5, 7, 3), (0, 5, 7), (1, 2, 3, 4, 5)])
def test_what_is_no_mask_says_so(shape):
    with pytest.raises(ShapeError, match="batch, height, width"):
        as_mask(torch.zeros(shape))


@pytest.mark.parametrize("shape", [(5, 7), (1, 5, 7, 2), (1, 5, 7, 5), (1, 0, 7, 3)])
def test_what_is_no_image_says_so(shape):
    with pytest.raises(ShapeError, match="3 or 4 channels"):
        as_image(torch.zeros(shape))


@pytest.mark.parametrize("check", [as_image, as_mask])
def test_eight_bit_values_are_refused_and_the_cure_is_named(check):
    with pytest.raises(ShapeError, match="divide 8-bit values by 255"):
        check(torch.zeros((1, 4, 4, 3) if check is as_image else (1, 4, 4), dtype=torch.uint8))


def test_a_single_picture_and_a_grey_one_are_taken():
    assert as_image(torch.rand(5, 7, 3)).shape == (1, 5, 7, 3)
    assert as_image(torch.rand(2, 5, 7, 1)).shape == (2, 5, 7, 3)


def test_the_hosts_64x64_zero_mask_is_no_mask_at_any_size():
    matched = match_mask(torch.zeros(1, 64, 64), torch.rand(1, 30, 50, 3))
    assert matched.shape == (1, 30, 50) and not matched.any()


def test_a_64x64_mask_with_content_is_not_taken_for_the_hosts_empty_one():
    with pytest.raises(ShapeError, match="64x64 but the image is 50x30"):
        match_mask(torch.ones(1, 64, 64), torch.rand(1, 30, 50, 3))


def test_batches_of_one_go_with_any_batch_and_others_do_not():
    one, three = match_batch((torch.rand(1, 4), torch.rand(3, 4)), ("a", "b"))
    assert one.shape == three.shape == (3, 4)
    with pytest.raises(ShapeError, match="a is a batch of 2 beside a batch of 3"):
        match_batch((torch.rand(2, 4), torch.rand(3, 4)), ("a", "b"))


def test_an_unknown_name_points_at_the_nearest_known_one():
    with pytest.raises(UnknownName, match="Did you mean 'soft-light'"):
        check_name("Blend mode", "soft-lihgt", ["normal", "soft-light"])


def test_names_are_shown_up_to_a_dozen_and_the_rest_is_counted():
    assert name_some(["a", "b"]) == "a, b"
    assert name_some([str(number) for number in range(15)]).endswith("10, 11 and 3 more")
    assert name_some("abcde", most=2, separator="; ") == "a; b and 3 more"


def test_words_are_joined_as_in_a_sentence():
    assert [join_words(list(words), "or") for words in ("a", "ab", "abc")] == ["a", "a or b", "a, b or c"]


@pytest.mark.parametrize("value", [-0.1, 1.1, float("nan"), float("inf")])
def test_a_number_out_of_range_is_refused(value):
    with pytest.raises(RangeError, match="from 0 to 1"):
        check_range("opacity", value, 0, 1)


def test_every_error_is_one_family_and_a_value_error():
    assert issubclass(UnknownName, HemlineError) and issubclass(HemlineError, ValueError)


def test_resizing_a_mask_keeps_flat_values_and_the_range():
    assert torch.allclose(resize_mask(torch.full((1, 9, 7), 0.3), 50, 33), torch.tensor(0.3))
    resized = resize_mask((torch.rand(2, 40, 30) > 0.5).float(), 13, 17)
    assert resized.min() >= 0 and resized.max() <= 1
