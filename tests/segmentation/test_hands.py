"""Accessories that hands wear, against a count piece by piece."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from hemline.kernels import label_regions
from hemline.segmentation.feet import head_heights_px
from hemline.segmentation.garments import Garments
from hemline.segmentation.hands import LONGEST, NEAR, worn_on_hands

H, W = 150, 90


def with_hands(hands: torch.Tensor) -> Garments:
    return Garments(W, H, len(hands), (), "drawn", {"hands": hands})


def worn_piece_by_piece(garments: Garments, accessories: torch.Tensor) -> torch.Tensor:
    """Slow and plain: each connected piece is looked at alone."""
    worn = torch.zeros_like(accessories)
    for index, plane in enumerate(accessories):
        head = head_heights_px(garments)[index]
        reach = 1 + round(NEAR * head)
        ys, xs = (garments.parts["hands"][index] >= 0.5).nonzero(as_tuple=True)
        regions = label_regions(plane >= 0.5)
        for number in range(1, int(regions.max()) + 1):
            rows, columns = (regions == number).nonzero(as_tuple=True)
            apart = torch.maximum((rows[:, None] - ys).abs(), (columns[:, None] - xs).abs())
            sides = int(rows.max() - rows.min()) + 1, int(columns.max() - columns.min()) + 1
            if apart.numel() and int(apart.min()) <= reach and max(sides) <= LONGEST * head:
                for y, x in zip(rows.tolist(), columns.tolist(), strict=True):
                    box = slice(max(0, y - 1), y + 2), slice(max(0, x - 1), x + 2)
                    worn[index][box] = plane[box]
    return worn


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.floats(0.02, 0.5), st.integers(1, 2))
def test_all_pieces_at_once_are_the_pieces_one_by_one(seed: int, share: float, batch: int):
    drawn = torch.Generator().manual_seed(seed)
    blocks = (torch.rand(batch, 1, H // 6, W // 6, generator=drawn) < share).float()
    soft = torch.rand(batch, H, W, generator=drawn)
    accessories = torch.nn.functional.interpolate(blocks, (H, W))[:, 0] * soft
    hands = torch.zeros(batch, H, W)
    hands[:, 70:82, 12:20] = 1
    garments = with_hands(hands)
    assert torch.equal(worn_on_hands(garments, accessories), worn_piece_by_piece(garments, accessories))


def test_where_hands_or_accessories_are_missing_nothing_is_worn():
    hands, ring = torch.zeros(1, H, W), torch.zeros(1, H, W)
    ring[:, 70:74, 12:16] = 1
    assert not worn_on_hands(with_hands(hands), ring).any()
    hands[:, 70:82, 12:20] = 1
    assert not worn_on_hands(with_hands(hands), torch.zeros(1, H, W)).any()
    assert not worn_on_hands(Garments(W, H, 1, (), "drawn", {}), ring).any()
