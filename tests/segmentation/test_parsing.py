"""Laws of the steps between the network and the masks; what comes of them together stands in test_detect.py."""

from __future__ import annotations

import torch

from hemline.segmentation.parser import CLASSES
from hemline.segmentation.parsing import WORK_SIDE_PX, paint_labels, shows_body, shrink
from hemline.segmentation.vocabulary import LEGEND


def test_who_shows_no_sure_skin_hair_or_shoe_is_nobody() -> None:
    chances = torch.zeros((len(CLASSES), 20, 10))
    chances[CLASSES.index("dress")] = 0.4
    chances[CLASSES.index("skin"), 3, 4] = 0.6
    assert not shows_body(chances, CLASSES)
    chances[CLASSES.index("footwear"), 18, 4] = 0.95
    assert shows_body(chances, CLASSES)


def test_crops_are_worked_on_at_the_size_their_probabilities_are_worth() -> None:
    crop = torch.rand(3, 900, 600)
    assert tuple(shrink(crop, torch.zeros(14, 192, 128)).shape) == (3, WORK_SIDE_PX, round(WORK_SIDE_PX * 2 / 3))
    assert shrink(crop, torch.zeros(14, 90, 60)).shape[1] == 210
    small = torch.rand(3, 60, 40)
    assert shrink(small, torch.zeros(14, 192, 128)) is small


def test_labels_say_what_is_most_of_a_pixel() -> None:
    upper, skin = torch.zeros(4, 4), torch.zeros(4, 4)
    upper[:2], skin[:, :2] = 0.7, 0.2
    skin[3] = 0.9
    labels = paint_labels({"upper": upper, "face": skin}, (4, 4))
    assert labels.dtype == torch.uint8
    assert labels[0, 0] == LEGEND.index("upper") and labels[2, 0] == 0 and labels[3, 3] == LEGEND.index("face")
