"""Laws of figures: lengths in heads, the middle of a body, and whose pixels are whose."""

from __future__ import annotations

import pytest
import torch
from support.dressed import CROWN, HEAD, SOLES, draw_labels, dressed, garments_of

from hemline.segmentation.agnostic.figure import figures_in
from hemline.segmentation.garments import Garment, Garments


def test_levels_run_from_crown_to_soles() -> None:
    (figure,) = figures_in(dressed(), 0)
    assert figure.scale == 1 and figure.head == pytest.approx(HEAD)
    assert figure.level(0) == CROWN and figure.level(7.2) == pytest.approx(SOLES, abs=1)
    assert figure.stands() and figure.middle(120) == pytest.approx(70, abs=1)


def test_levels_below_the_waist_follow_shorter_legs() -> None:
    labels = draw_labels()
    labels = torch.cat([labels[:120], labels[150:]])  # as if sitting, or seen from above
    (figure,) = figures_in(garments_of(labels), 0)
    assert figure.level(7.2) == pytest.approx(SOLES - 30, abs=1)
    assert figure.level(2.0) == pytest.approx(CROWN + 2 * figure.head, abs=1)


def test_a_figure_without_feet_in_the_frame_has_no_soles() -> None:
    (figure,) = figures_in(garments_of(draw_labels(feet=False)[:150]), 0)
    assert figure.soles is None and figure.stands() is None


def test_every_plane_is_there_at_the_working_size() -> None:
    (figure,) = figures_in(dressed(scale=3, wanted=("upper",)), 0)
    assert max(figure.nothing.shape) == 320
    assert float(figure.planes["pants"].sum()) > 0  # told by the picture of labels, though nobody asked for it
    assert {tuple(plane.shape) for plane in figure.planes.values()} == {tuple(figure.nothing.shape)}


def test_each_person_has_a_figure_and_no_pixel_of_the_neighbour() -> None:
    left, right = torch.zeros(120, 200), torch.zeros(120, 200)
    left[20:100, 30:60], right[20:100, 140:170] = 1.0, 1.0
    items = (
        Garment(left, "upper", 1.0, (30, 20, 60, 100), person=0),
        Garment(right, "upper", 1.0, (140, 20, 170, 100), person=1),
    )
    parts = {"legs": torch.maximum(left, right).unsqueeze(0)}
    figures = figures_in(Garments(200, 120, 1, items, "masks", parts), 0)
    assert len(figures) == 2
    for figure, other in zip(figures, (right, left), strict=True):
        assert float((figure.planes["legs"] * figure.to_work(other)).max()) < 0.2
