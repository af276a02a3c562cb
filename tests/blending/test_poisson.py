from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse
from scipy.sparse.linalg import spsolve

from hemline.blending.poisson import TOLERANCE, spread_from_rim


def direct_solution(inside: torch.Tensor, rim: torch.Tensor) -> torch.Tensor:
    """Every pixel inside the mean of its neighbours in the frame, by scipy's sparse direct solver in float64."""
    known = inside.numpy()
    height, width = known.shape
    number = np.full(known.shape, -1)
    number[known] = np.arange(known.sum())
    matrix = sparse.lil_matrix((known.sum(), known.sum()))
    pull = np.zeros((known.sum(), len(rim)))
    for row, column in np.argwhere(known):
        here = number[row, column]
        for down, across in ((-1, 0), (1, 0), (0, -1), (0, 1)):
            y, x = row + down, column + across
            if 0 <= y < height and 0 <= x < width:
                matrix[here, here] += 1
                if known[y, x]:
                    matrix[here, number[y, x]] = -1
                else:
                    pull[here] += rim[:, y, x].double().numpy()
    solution = torch.zeros(rim.shape, dtype=torch.float64)
    solution[:, inside] = torch.from_numpy(np.asarray(spsolve(matrix.tocsc(), pull)).reshape(pull.shape)).T
    return solution


def ellipse(height: int, width: int) -> torch.Tensor:
    rows, columns = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    return ((rows / height - 0.5) / 0.4) ** 2 + ((columns / width - 0.5) / 0.37) ** 2 < 1


def columns_of(height: int, width: int) -> torch.Tensor:
    return torch.arange(width).expand(height, width)


REGIONS = {
    "round": ellipse(97, 83),
    "against three sides of the frame": columns_of(70, 91) < 55,
    "hairlines": columns_of(64, 64) % 5 < 1,
    "thin stripes": columns_of(75, 80) % 9 < 3,
    "all but one pixel": torch.arange(90 * 61).reshape(90, 61) != 2701,
    "ragged": torch.rand(80, 77, generator=torch.Generator().manual_seed(1)) > 0.3,
    "one row": columns_of(1, 30) > 3,
    "one pixel": torch.arange(21).reshape(3, 7) == 10,
}


@pytest.mark.parametrize("inside", REGIONS.values(), ids=REGIONS)
def test_the_sheet_is_the_direct_solution(inside):
    rim = torch.randn((3, *inside.shape), generator=torch.Generator().manual_seed(0))
    wanted = direct_solution(inside, rim)
    assert (spread_from_rim(inside, rim) - wanted).abs().max() < TOLERANCE * rim.abs().max()


@settings(max_examples=40, deadline=None)
@given(st.integers(1, 24), st.integers(1, 24), st.integers(0, 10_000), st.floats(0.05, 0.95))
def test_a_region_of_any_shape_gets_the_direct_solution(height, width, seed, share):
    generator = torch.Generator().manual_seed(seed)
    inside = torch.rand((height, width), generator=generator) < share
    if inside.all() or not inside.any():
        return
    rim = torch.rand((1, height, width), generator=generator)
    assert (spread_from_rim(inside, rim) - direct_solution(inside, rim)).abs().max() < TOLERANCE


@pytest.mark.parametrize("inside", REGIONS.values(), ids=REGIONS)
def test_a_flat_rim_gives_a_flat_sheet_and_nothing_lies_outside(inside):
    sheet = spread_from_rim(inside, torch.full((2, *inside.shape), 0.3))
    assert (sheet[:, inside] - 0.3).abs().max() < TOLERANCE
    assert not sheet[:, ~inside].any()


def test_the_sheet_stays_between_the_lowest_and_the_highest_value_of_its_rim():
    inside = ellipse(200, 150)
    sheet = spread_from_rim(inside, torch.rand(1, 200, 150) * 0.5 + 0.2)
    assert sheet[0, inside].min() > 0.2 - TOLERANCE and sheet[0, inside].max() < 0.7 + TOLERANCE


def test_what_lies_inside_or_far_from_the_rim_is_not_looked_at():
    inside, rim = ellipse(60, 50), torch.rand(1, 60, 50)
    other = rim.clone()
    other[:, inside] = 9
    other[:, :3] = float("nan")
    assert torch.equal(spread_from_rim(inside, rim), spread_from_rim(inside, other))


def test_a_region_without_a_rim_gets_nothing():
    assert not spread_from_rim(torch.ones(9, 5, dtype=torch.bool), torch.rand(3, 9, 5)).any()
