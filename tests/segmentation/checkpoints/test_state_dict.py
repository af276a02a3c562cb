"""Laws of comparing a file's tensors with those that a network has."""

from __future__ import annotations

import pytest
import torch

from hemline.segmentation.checkpoints.state_dict import MOST_NAMES, StateDict, compare_tensors, show_names

WANTED = {"stem.weight": torch.zeros(2, 3), "stem.bias": torch.zeros(2), "head.weight": torch.zeros(4, 2)}


class NotIt(ValueError):
    pass


def refusal(**changes: torch.Tensor | None) -> str:
    given = {**WANTED, **{name.replace("_", "."): value for name, value in changes.items()}}
    state = StateDict({name: value for name, value in given.items() if value is not None}, NotIt, "this network")
    with pytest.raises(NotIt) as caught:
        state.check(WANTED)
    return str(caught.value)


def test_the_tensors_of_the_network_itself_are_not_refused() -> None:
    StateDict(dict(reversed(WANTED.items())), NotIt, "this network").check(WANTED)
    assert compare_tensors(WANTED, WANTED).missing == []


def test_what_is_wrong_is_named_names_before_shapes_before_values() -> None:
    assert refusal(stem_bias=None, extra=torch.zeros(1)) == "tensors are missing: stem.bias"
    assert refusal(extra=torch.zeros(1), stem_bias=torch.zeros(3)) == "tensors that this network does not have: extra"
    assert refusal(stem_bias=torch.full((3,), torch.nan)) == "tensors of other shapes: stem.bias [3], wanted [2]"
    assert refusal(stem_bias=torch.tensor([0, torch.inf])) == "weights that are no numbers: stem.bias"
    assert refusal(stem_bias=torch.zeros(2, dtype=torch.int64)) == "weights that are no numbers: stem.bias"


def test_of_many_names_the_first_are_shown() -> None:
    assert show_names(["a", "b"]) == "a; b"
    assert show_names(list("abcdefg")[: MOST_NAMES + 3]) == "a; b; c; d and 3 more"


def test_foreign_names_cannot_write_over_the_terminal() -> None:
    assert "\x1b" not in refusal(**{"\x1b[2J": torch.zeros(1)})


def test_sizes_are_read_only_from_tensors_of_the_right_kind() -> None:
    state = StateDict({**WANTED, "empty": torch.zeros(0, 3)}, NotIt, "this network")
    assert state.shape("stem.weight", 2) == (2, 3)
    for name, axes, told in (("tail", 2, "tail is missing"), ("stem.bias", 2, "wanted 2 axes"), ("empty", 2, "axes")):
        with pytest.raises(NotIt, match=told):
            state.shape(name, axes)


def test_numbers_are_counted_up_to_the_first_gap() -> None:
    state = StateDict({f"blocks.{number}.weight": torch.zeros(1) for number in (0, 1, 3)}, NotIt, "this network")
    assert state.count(r"blocks\.(\d+)\.weight") == 2 and state.count(r"layers\.(\d+)\..*") == 0
