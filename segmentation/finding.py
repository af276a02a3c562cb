"""What any way of looking hands back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from .garments import Garments
from .parsing import Look


@dataclass(frozen=True)
class Finding:
    """What a method has found. wanted: the labels looked for. model: the user's model, as plain JSON values."""

    garments: Garments
    wanted: tuple[str, ...]
    looks: tuple[Look, ...] = ()
    notes: tuple[str, ...] = ()
    model: Mapping[str, object] | None = None
