"""Checks an API-format prompt by ComfyUI's rules before anything runs."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from support.node_class import NodeClass

Prompt = dict[str, dict[str, Any]]
CONVERTERS = {"INT": int, "FLOAT": float, "STRING": str, "BOOLEAN": bool}


@dataclass(frozen=True)
class InputFault:
    """One complaint: the host's error type, its details, and the input it is about."""

    type: str
    details: str
    input: str = ""


@dataclass
class Verdict:
    """`faults` by node id; `outputs` are the output nodes that may run. `ok` where at least one may."""

    faults: dict[str, list[InputFault]] = field(default_factory=dict)
    outputs: list[str] = field(default_factory=list)
    refusal: str = ""

    @property
    def ok(self) -> bool:
        return bool(self.outputs)

    @property
    def types(self) -> set[str]:
        return {fault.type for faults in self.faults.values() for fault in faults}


def is_link(value: Any) -> bool:
    return isinstance(value, list) and len(value) == 2 and isinstance(value[0], str) and isinstance(value[1], int)


def types_match(received: Any, wanted: Any) -> bool:
    """Whether an output type fits an input type: equal, `*`, or unions such as `IMAGE,MASK` with one in common."""
    if not received != wanted or "*" in (received, wanted):
        return True
    if isinstance(received, list) and wanted == "COMBO":
        return True
    if not isinstance(received, str) or not isinstance(wanted, str):
        return False
    offered, accepted = ({part.strip() for part in kind.split(",")} for kind in (received, wanted))
    return "*" in offered | accepted or bool(offered & accepted)


def validate_prompt(prompt: Prompt, classes: Mapping[str, NodeClass]) -> Verdict:
    """What the host would answer to POST /prompt. Widget values are converted in place, as the host does."""
    for id, entry in prompt.items():
        if entry.get("class_type") not in classes:
            return Verdict(refusal=f"missing_node_type: {entry.get('class_type')} (node {id})")
    outputs = [id for id, entry in prompt.items() if classes[entry["class_type"]].is_output]
    if not outputs:
        return Verdict(refusal="prompt_no_outputs")
    verdict = Verdict()
    seen: dict[str, bool] = {}
    verdict.outputs = [id for id in outputs if _validate(id, prompt, classes, seen, verdict, ())]
    return verdict


def _validate(
    id: str, prompt: Prompt, classes: Mapping[str, NodeClass], seen: dict[str, bool], verdict: Verdict,
    path: tuple[str, ...],
) -> bool:  # fmt: skip
    if id in path:
        verdict.faults.setdefault(id, []).append(InputFault("dependency_cycle", " -> ".join([*path, id])))
        return False
    if id in seen:
        return seen[id]
    node, inputs = classes[prompt[id]["class_type"]], prompt[id]["inputs"]
    faults: list[InputFault] = []
    sources_fine = True
    checker = node.hook("VALIDATE_INPUTS", "validate_inputs")
    names, takes_all = _parameters(checker)
    received: dict[str, str] = {}
    for group in ("required", "optional"):
        for name in node.input_types.get(group, {}):
            if name not in inputs:
                if group == "required":
                    faults.append(InputFault("required_input_missing", name, name))
            elif isinstance(inputs[name], list):
                fault = _check_link(node, name, inputs[name], prompt, classes, received, "input_types" in names)
                if fault:
                    faults.append(fault)
                else:
                    sources_fine &= _validate(inputs[name][0], prompt, classes, seen, verdict, (*path, id))
            else:
                fault = _check_widget(node, name, inputs, skip_range=takes_all or name in names)
                faults += [fault] if fault else []
    if checker and (names or takes_all):
        faults += _custom_faults(node, checker, inputs, names, takes_all, received)
    if faults:
        verdict.faults.setdefault(id, []).extend(faults)
    seen[id] = sources_fine and not faults and id not in verdict.faults
    return seen[id]


def _parameters(checker: Any) -> tuple[list[str], bool]:
    if checker is None:
        return [], False
    spec = inspect.getfullargspec(checker)
    return spec.args, spec.varkw is not None


def _check_link(
    node: NodeClass, name: str, link: list[Any], prompt: Prompt, classes: Mapping[str, NodeClass],
    received: dict[str, str], types_checked_by_node: bool,
) -> InputFault | None:  # fmt: skip
    if len(link) != 2:
        return InputFault("bad_linked_input", name, name)
    offered = classes[prompt[link[0]]["class_type"]].return_types[link[1]]
    received[name] = offered
    wanted = node.input_info(name)
    if wanted and not types_checked_by_node and not types_match(offered, wanted[0]):
        details = f"{name}, received_type({offered}) mismatch input_type({wanted[0]})"
        return InputFault("return_type_mismatch", details, name)
    return None


def _check_widget(node: NodeClass, name: str, inputs: dict[str, Any], skip_range: bool) -> InputFault | None:
    info = node.input_info(name)
    assert info is not None
    kind, _, options = info
    value = inputs[name]
    if isinstance(value, dict) and "__value__" in value:
        value = value["__value__"]
    try:
        value = inputs[name] = CONVERTERS.get(kind if isinstance(kind, str) else "", lambda v: v)(value)
    except (TypeError, ValueError) as error:
        return InputFault("invalid_input_type", f"{name}, {value}, {error}", name)
    if skip_range:
        return None
    if "min" in options and value < options["min"]:
        return InputFault("value_smaller_than_min", name, name)
    if "max" in options and value > options["max"]:
        return InputFault("value_bigger_than_max", name, name)
    choices = kind if isinstance(kind, list) else options.get("options", []) if kind == "COMBO" else None
    if choices is not None and value not in choices:
        return InputFault("value_not_in_list", f"{name}: {value!r} not in {choices}", name)
    return None


def _custom_faults(
    node: NodeClass, checker: Any, inputs: dict[str, Any], names: list[str], takes_all: bool, received: dict[str, str]
) -> list[InputFault]:
    # Wired inputs arrive as None: nothing has run yet.
    known = [name for name in inputs if node.input_info(name) and (takes_all or name in names)]
    values = {name: None if is_link(inputs[name]) else inputs[name] for name in known}
    if "input_types" in names:
        values["input_types"] = received
    answer = checker(**values)
    if answer is True:
        return []
    return [InputFault("custom_validation_failed", f"{name} - {answer}", name) for name in values]
