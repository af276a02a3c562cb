"""What a target was handed, as plain JSON values and as short lines."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .stitch import Stitch, inside_frame
from .tryon_targets import TryOnTarget

FIT_WORDS = {"context": "crop around the mask", "crop": "largest part of the picture", "pad": "whole picture"}


def describe_contract(
    record: TryOnTarget, stitch: Stitch, fit: str, *, empty: Sequence[int], garment: bool, pose: bool
) -> dict[str, Any]:
    """The contract as plain JSON values: sizes, polarity, values, padding, what to set, and what is missing.

    empty: the pictures whose mask is empty. garment, pose: whether there is one. padded: whether a crop leaves its
    frame. Levels are given from 0 to 255.
    """
    left, top, right, bottom = stitch.margins
    size = [stitch.width + left + right, stitch.height + top + bottom]
    height, width = stitch.image.shape[1:3]
    return {
        "target": record.name,
        "size": size,
        "fit": fit,
        "crops": [
            {"box": list(box), "scale": round(stitch.width / (box[2] - box[0]), 6)} for box in stitch.boxes
        ],
        "mask": {
            "polarity": "transparent = repaint" if record.transparent else "white = repaint",
            "values": "0 or 1" if record.binary else "soft",
            "padding": 0,
        },
        "person": {
            "padding": None if record.padding is None else _level(record.padding),
            "padded": any(inside_frame(box, width, height) != box for box in stitch.boxes),
            "grey": None if record.grey is None else _level(record.grey),
            "greyed_by_target": record.greyed_by_target,
        },
        "garment": {"size": [stitch.width, stitch.height], "padding": 255} if garment else None,
        "pose": (record.pose or "any") if pose else None,
        "diptych": "garment left, person right" if record.diptych else None,
        "target_does": list(record.own_steps),
        "to_set": list(record.to_set),
        "warnings": _warnings(record, stitch, empty, garment, pose),
    }  # fmt: skip


def _level(value: float) -> float:
    """0..1 as 0..255, whole where it is."""
    level = round(value * 255, 1)
    return int(level) if level.is_integer() else level


def _warnings(record: TryOnTarget, stitch: Stitch, empty: Sequence[int], garment: bool, pose: bool) -> list[str]:
    count, found = len(stitch.boxes), list[str]()
    if empty:
        which = "" if count == 1 else f" of picture {', '.join(str(index + 1) for index in empty)}"
        found.append(f"the mask{which} is empty: nothing will be repainted")
    if record.garment and not garment:
        found.append(f"{record.name} wants a picture of the garment")
    if record.pose and not pose:
        found.append(f"{record.name} wants a pose picture ({record.pose})")
    if record.single and count > 1:
        found.append(f"{record.name} takes one picture per run, these are {count}")
    return found


def contract_lines(contract: dict[str, Any]) -> tuple[str, ...]:
    """The contract in short lines for people: target and size, mask, person, then what to set and what is missing."""
    width, height = contract["size"]
    mask, person, scale = contract["mask"], contract["person"], contract["crops"][0]["scale"]
    diptych = f", {contract['diptych']}" if contract["diptych"] else ""
    polarity = mask["polarity"] + (" in agnostic, white in mask_image" if "transparent" in mask["polarity"] else "")
    lines = [
        f"{contract['target']}: {width}x{height}{diptych}, {FIT_WORDS[contract['fit']]} at {scale:.0%}",
        f"mask: {polarity}, {mask['values']}, padding {mask['padding']}",
        f"person: {_person_form(contract)}, padding {_padding(person)}",
    ]
    if contract["garment"]:
        lines.append("garment: {}x{} on white".format(*contract["garment"]["size"]))
    lines += [f"set: {step}" for step in contract["to_set"]]
    lines += [f"note: {step}" for step in contract["target_does"]]
    return (*lines, *(f"careful: {warning}" for warning in contract["warnings"]))


def _person_form(contract: dict[str, Any]) -> str:
    person = contract["person"]
    if contract["mask"]["polarity"].startswith("transparent"):
        return "agnostic has a hole in its alpha"
    if person["grey"] is None:
        return "plain"
    grey = f"grey {person['grey']:g} of 255"
    return f"plain, the target makes it {grey}" if person["greyed_by_target"] else f"agnostic is {grey}"


def _padding(person: dict[str, Any]) -> str:
    if not person["padded"]:
        return "none needed"
    return "by the border's pixels" if person["padding"] is None else f"{person['padding']:g} of 255"
