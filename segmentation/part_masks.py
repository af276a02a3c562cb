"""Part masks of everybody in a batch, brought to full size when somebody asks for them."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from .edges import enlarge, upsample_mask
from .parts import PARTS
from .soft_edges import stretch_contrast_
from .vocabulary import PART_LABELS

# Where there is less of a whole than this, its parts have no shares.
LEAST_WHOLE = 1e-4


@dataclass(frozen=True)
class PersonParts:
    """One person's parts. image: index in the batch. frame: x0 y0 x1 y1, px.

    crop: ``[3,H,W]``, the picture inside the frame. planes: every name of `PART_LABELS` -> soft mask ``[h,w]``.
    """

    image: int
    frame: tuple[int, int, int, int]
    crop: Tensor
    planes: Mapping[str, Tensor]

    def to(self, device: torch.device) -> PersonParts:
        """The same on another device."""
        planes = {name: plane.to(device) for name, plane in self.planes.items()}
        return replace(self, crop=self.crop.to(device), planes=planes)

    def full_size(self, name: str) -> Tensor:
        """One part ``[H,W]``: hair and skin with the crop's edges, the parts of the skin as their share of it."""
        size = self.crop.shape[1:]
        if name in ("hair", "skin"):
            return upsample_mask(self.crop.float(), self.planes[name])
        if name == "head":
            head = torch.maximum(self.full_size("hair"), self.full_size("face"))
            return torch.maximum(head, enlarge(self.planes["head"], size))
        return self.full_size("skin") * self._share(name)

    def together(self, names: Collection[str]) -> Tensor:
        """Several parts as one ``[H,W]``, without doubt; hair and parts of the skin add up, so no gap is between."""
        whole = torch.zeros(self.crop.shape[1:], device=self.crop.device)
        divided = [part for part in PARTS if part in names or (part == "face" and "head" in names)]
        if "skin" in names:
            whole += self.full_size("skin")
        elif divided:
            whole += self.full_size("skin") * self._share(*divided)
        if {"hair", "head"} & set(names):
            whole += self.full_size("hair")
        if "head" in names:
            torch.maximum(whole, enlarge(self.planes["head"], self.crop.shape[1:]), out=whole)
        return stretch_contrast_(whole)

    def _share(self, *names: str) -> Tensor:
        shares = shares_of({part: self.planes[part] for part in PARTS}, self.crop.shape[1:])
        return torch.stack([shares[name] for name in names]).sum(0)


class PartMasks(Mapping[str, Tensor]):
    """Name of `PART_LABELS` -> soft mask ``[B,H,W]``, made anew each time it is asked for.

    Most workflows ask for none, and eight masks of a whole batch are more than the batch itself.
    """

    def __init__(
        self, shape: Sequence[int], persons: Sequence[PersonParts], *, device: torch.device,
        dtype: torch.dtype = torch.float32,
    ) -> None:  # fmt: skip
        self.shape, self.persons, self.device, self.dtype = tuple(shape), tuple(persons), device, dtype

    def __getitem__(self, name: str) -> Tensor:
        """The mask of one part; where persons overlap the greater value. Raises `KeyError` for another name."""
        if name not in PART_LABELS:
            raise KeyError(name)
        return self._gather(lambda person: person.full_size(name))

    def __contains__(self, name: object) -> bool:
        """Whether there is such a part; without making it, as a `Mapping` otherwise would."""
        return name in PART_LABELS

    def together(self, names: Collection[str]) -> Tensor:
        """Several parts as one mask ``[B,H,W]``, without gaps where they meet.

        Full or nothing where they are nearly so, as garments are. Names that are no part count for nothing. Cheaper
        than one part after the other.
        """
        return self._gather(lambda person: person.together(names))

    def _gather(self, make: Callable[[PersonParts], Tensor]) -> Tensor:
        whole = torch.zeros(self.shape, device=self.device)
        for person in self.persons:
            x0, y0, x1, y1 = person.frame
            spot = whole[person.image, y0:y1, x0:x1]
            torch.maximum(spot, make(person), out=spot)
        return whole.to(self.dtype)

    def __iter__(self) -> Iterator[str]:
        return iter(PART_LABELS)

    def __len__(self) -> int:
        return len(PART_LABELS)

    def to(self, device: torch.device, dtype: torch.dtype | None = None) -> PartMasks:
        """The same masks on another device, in another dtype."""
        persons = [person.to(device) for person in self.persons]
        return PartMasks(self.shape, persons, device=device, dtype=dtype or self.dtype)


def shares_of(planes: Mapping[str, Tensor], size: Sequence[int]) -> dict[str, Tensor]:
    """Which share of their sum each plane ``[h,w]`` has, at another size; the shares add up to 1."""
    there = {name: enlarge(plane, size) + LEAST_WHOLE for name, plane in planes.items() if bool(plane.any())}
    total = torch.stack(list(there.values())).sum(0) if there else torch.ones(())
    nothing = torch.zeros(tuple(size), device=next(iter(planes.values())).device)
    return {name: there[name] / total if name in there else nothing for name in planes}
