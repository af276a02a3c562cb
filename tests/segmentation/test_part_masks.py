"""Laws of part masks that are made when asked for."""

from __future__ import annotations

import pytest
import torch

from hemline.segmentation.part_masks import PartMasks, PersonParts, shares_of
from hemline.segmentation.parts import PARTS
from hemline.segmentation.vocabulary import PART_LABELS


def person(image: int = 0, frame: tuple[int, int, int, int] = (10, 20, 50, 80)) -> PersonParts:
    generator = torch.Generator().manual_seed(image)
    planes = {name: torch.zeros(15, 10) for name in PART_LABELS}
    planes["skin"][3:12, 2:8], planes["hair"][:3, 2:8] = 1.0, 1.0
    planes["face"][3:6, 2:8], planes["arms"][6:12, 2:8] = 1.0, 1.0
    planes["head"][:6, 2:8] = 1.0
    crop = torch.rand((3, frame[3] - frame[1], frame[2] - frame[0]), generator=generator).half()
    return PersonParts(image, frame, crop, planes)


def masks(*persons: PersonParts) -> PartMasks:
    return PartMasks((2, 100, 90), persons, device=torch.device("cpu"))


def test_every_part_has_the_size_of_the_batch_and_is_nothing_outside_the_frame() -> None:
    found = masks(person())
    assert list(found) == list(PART_LABELS) and len(found) == len(PART_LABELS)
    for mask in found.values():
        assert mask.shape == (2, 100, 90) and mask.dtype == torch.float32
        assert not mask[1].any() and not mask[0, :20].any() and not mask[0, :, 50:].any()
        assert 0 <= float(mask.min()) and float(mask.max()) <= 1


def test_the_parts_of_the_skin_add_up_to_it() -> None:
    found = masks(person())
    assert torch.allclose(torch.stack([found[name] for name in PARTS]).sum(0), found["skin"], atol=1e-5)


def test_the_head_covers_hair_and_face() -> None:
    found = masks(person())
    assert bool((found["head"] >= torch.maximum(found["hair"], found["face"])).all())


def test_persons_share_a_picture() -> None:
    both = masks(person(), person(frame=(40, 20, 80, 80)))["skin"]
    alone = [masks(one)["skin"] for one in (person(), person(frame=(40, 20, 80, 80)))]
    assert torch.equal(both, torch.maximum(*alone))


def test_they_move_and_change_their_dtype() -> None:
    moved = masks(person()).to(torch.device("cpu"), torch.float16)
    assert moved["hair"].dtype == torch.float16
    assert torch.equal(moved["hair"], masks(person())["hair"].half())


def test_another_name_is_no_part() -> None:
    assert "hat" not in masks(person())
    with pytest.raises(KeyError):
        masks(person())["hat"]


def test_asking_whether_there_is_a_part_makes_no_mask(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(PersonParts, "full_size", lambda *_: pytest.fail("a mask was made"))
    found = masks(person())
    assert "hair" in found and "hat" not in found


def test_shares_are_the_same_everywhere_where_there_is_nothing_of_any() -> None:
    shares = shares_of({"a": torch.eye(3), "b": torch.eye(3), "c": torch.zeros(3, 3)}, (6, 6))
    assert torch.allclose(shares["a"] + shares["b"], torch.ones(6, 6), atol=1e-6)
    assert not shares["c"].any()
