"""SegFormer files: weights as safetensors, and what the JSON beside them says of their labels and their training."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import cast

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from ...tensors import BadFile, MissingModel, UnknownName, check_name
from ..taxonomies import BACKGROUND, NUMBERED, PART_OWNERS, find_label
from ..vocabulary import LABELS
from .network import STRIDE, SegformerNet
from .parser import IMAGENET_MEAN, IMAGENET_STD, PHOTO_ASPECT, SegformerParser
from .weights import NotSegformer, build_network

CONFIG, PREPROCESSOR = "config.json", "preprocessor_config.json"
# What networks with so many labels are taken for where nothing names them.
KNOWN_COUNTS = {18: "atr", 20: "lip", 47: "fashionpedia"}
# A training at another size is not believed, and a JSON file longer than this not read.
MOST_SIDE, MOST_JSON_BYTES = 4096, 4_000_000
# The name that the transformers library gives a label of which nobody has said anything.
NAMELESS = "LABEL_"
DEFAULT_SIDE = 512


def load_segformer(
    path: Path, *, taxonomy: str | None = None, labels: Mapping[str, str] | None = None
) -> SegformerParser:
    """The parser in a safetensors file, or in a folder that holds one, on the CPU, in float32.

    Labels and the training's size come from `config.json` and `preprocessor_config.json` in the same folder where they
    are there and fit. taxonomy: one of `NUMBERED`, instead of the file's own labels. labels: what words mean, canonical
    or "background", before what the tables say. Raises `MissingModel` where there is no file, `BadFile` where it is no
    SegFormer with labels that can be told, `UnknownName` for another taxonomy or meaning.
    """
    for meaning in (labels or {}).values():
        check_name("Label", meaning, (BACKGROUND, *LABELS))
    file = _weights_file(path)
    notes: list[str] = []
    config = _configuration(file)
    tensors = _read_tensors(file)
    try:
        network = build_network(
            tensors, heads=_numbers(config, "num_attention_heads"), strides=_numbers(config, "strides")
        )
    except NotSegformer as error:
        raise BadFile(f"{file} is no SegFormer for segmentation: {error}.") from error
    if config.get("hidden_act", "gelu") != "gelu":
        raise BadFile(f"{file} has the activation {config['hidden_act']!r}; Hemline runs SegFormers with gelu.")
    words = _words(file, network.plan.labels, config, taxonomy, notes)
    meanings = _meanings(words, labels or {}, notes)
    if BACKGROUND not in meanings:
        raise BadFile(
            f"{file} tells {len(words)} kinds of garments but none of them from the background, so it cannot say "
            "where there is none; use weights that were trained with a background label."
        )
    words, meanings = _background_first(network, words, meanings)
    size, mean, std = _training(file)
    long_side, stretch = size
    return SegformerParser(network, words, meanings, long_side, stretch, mean, std, notes=tuple(notes))


def read_words(file: Path, count: int) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """What a network of `count` labels calls them, and sentences for the user; the weights are not read.

    Raises `BadFile` as `load_segformer` does.
    """
    notes: list[str] = []
    return _words(file, count, _configuration(file), None, notes), tuple(notes)


def _configuration(file: Path) -> dict[str, object]:
    config = _read_json(file.with_name(CONFIG))
    # A folder of many models holds the configuration of another.
    return config if config.get("model_type", "segformer") == "segformer" else {}


def _weights_file(path: Path) -> Path:
    if path.is_dir():
        found = sorted(path.glob("*.safetensors"))
        preferred = [file for file in found if file.name == "model.safetensors"] or found
        if not preferred:
            raise MissingModel(f"{path} holds no .safetensors file; put the weights there.")
        if len(preferred) > 1:
            names = ", ".join(file.name for file in preferred[:4])
            raise BadFile(f"{path} holds {len(preferred)} .safetensors files ({names}); name the one to load.")
        return preferred[0]
    if not path.is_file():
        raise MissingModel(f"{path} is not there; give a .safetensors file or the folder that holds it.")
    return path


def _read_tensors(file: Path) -> dict[str, Tensor]:
    """The tensors in float32, one after the other, copied: a file may change while its network is in use."""
    try:
        with safe_open(str(file), framework="pt") as opened:  # pyright: ignore[reportUnknownVariableType]
            names = cast("list[str]", opened.keys())
            tensors: dict[str, Tensor] = {}
            for name in names:
                tensor = cast(Tensor, opened.get_tensor(name))
                tensors[name] = tensor.to(torch.float32, copy=True) if tensor.is_floating_point() else tensor
            return tensors
    except (OSError, ValueError, RuntimeError, SafetensorError) as error:
        raise BadFile(
            f"{file} cannot be read as safetensors ({error}); save the model with save_pretrained, or as .safetensors."
        ) from error


def _read_json(file: Path) -> dict[str, object]:
    """The object in a JSON file; empty where there is none."""
    if not file.is_file():
        return {}
    try:
        if file.stat().st_size > MOST_JSON_BYTES:
            raise BadFile(f"{file} has more than {MOST_JSON_BYTES} bytes; that is no configuration.")
        found = cast(object, json.loads(file.read_text(encoding="utf-8")))
    except (OSError, ValueError, RecursionError) as error:
        if isinstance(error, BadFile):
            raise
        raise BadFile(f"{file} is no JSON ({error}); mend it, or take it away.") from error
    if not isinstance(found, dict):
        raise BadFile(f"{file} holds no object; mend it, or take it away.")
    return cast("dict[str, object]", found)


def _numbers(config: Mapping[str, object], name: str) -> tuple[int, ...] | None:
    values = config.get(name)
    if not isinstance(values, list):
        return None
    numbers = cast("list[object]", values)
    if not numbers or not all(isinstance(number, int) for number in numbers):
        raise NotSegformer(f"its configuration says {name} = {values}")
    return tuple(cast("list[int]", numbers))


def _words(
    file: Path, count: int, config: Mapping[str, object], taxonomy: str | None, notes: list[str]
) -> tuple[str, ...]:
    """What the network's labels are called: by the user, the configuration, or by how many there are."""
    if taxonomy is not None:
        words = NUMBERED[check_name("Taxonomy", taxonomy, NUMBERED)]
        if len(words) != count:
            raise BadFile(f"{file} has {count} labels, the taxonomy {taxonomy!r} {len(words)}; choose another.")
        return words
    named = config.get("id2label")
    if isinstance(named, dict):
        by_number = {str(number): str(word) for number, word in cast("dict[object, object]", named).items()}
        words = tuple(by_number.get(str(number), "") for number in range(count))
        if len(by_number) == count and all(words) and not all(word.startswith(NAMELESS) for word in words):
            return words
    if count not in KNOWN_COUNTS:
        known = ", ".join(f"{number} ({name})" for number, name in KNOWN_COUNTS.items())
        raise BadFile(
            f"{file} has {count} labels and nothing says what they mean; put the model's config.json beside it. "
            f"Without one Hemline knows {known}."
        )
    guess = KNOWN_COUNTS[count]
    notes.append(f"Nothing beside {file.name} names its {count} labels; they are taken for those of {guess}.")
    return NUMBERED[guess]


def _meanings(words: Sequence[str], override: Mapping[str, str], notes: list[str]) -> tuple[str | None, ...]:
    """The canonical label of each word; what nobody knows counts as background, and a note says so."""
    said = {word.strip().lower(): label for word, label in override.items()}
    meanings: list[str | None] = []
    unknown: list[str] = []
    for word in words:
        try:
            known = said[word.strip().lower()] if word.strip().lower() in said else find_label(word)
        except UnknownName:
            unknown.append(word)
            known = BACKGROUND
        part = known is None and word.strip().lower() in PART_OWNERS
        meanings.append(known if known is not None or part else BACKGROUND)
    if unknown:
        notes.append(f"Nobody knows what these labels mean, so they count as background: {', '.join(unknown)}.")
    return tuple(meanings)


def _background_first(
    network: SegformerNet, words: Sequence[str], meanings: Sequence[str | None]
) -> tuple[tuple[str, ...], tuple[str | None, ...]]:
    """Words and meanings with the background first, as the network's channels are afterwards."""
    first = meanings.index(BACKGROUND)
    order = [first, *(number for number in range(len(words)) if number != first)]
    state = network.head.classify.state_dict()
    network.head.classify.load_state_dict({name: tensor[order] for name, tensor in state.items()})
    return tuple(words[number] for number in order), tuple(meanings[number] for number in order)


def _training(file: Path) -> tuple[tuple[int, float], tuple[float, ...], tuple[float, ...]]:
    """The long side and the stretch of the training's portraits, and the mean and deviation of colours."""
    config = _read_json(file.with_name(PREPROCESSOR))
    mean, std = (_colours(file, config, *pair) for pair in (("image_mean", IMAGENET_MEAN), ("image_std", IMAGENET_STD)))
    if config.get("do_normalize", True) is False:
        mean, std = (0.0,) * 3, (1.0,) * 3
    if min(std) <= 0:
        raise BadFile(f"{file.with_name(PREPROCESSOR)} has the deviation {list(std)}; it must be above 0.")
    return _size(file, config.get("size", DEFAULT_SIDE)), mean, std


def _size(file: Path, size: object) -> tuple[int, float]:
    named = cast("dict[str, object]", size) if isinstance(size, dict) else {"height": size, "width": size}
    if "shortest_edge" in named:
        sides: tuple[object, ...] = (named["shortest_edge"],)
    else:
        sides = (named.get("height"), named.get("width"))
    if not all(isinstance(side, int) and STRIDE <= side <= MOST_SIDE for side in sides):
        raise BadFile(f"{file.with_name(PREPROCESSOR)} has the size {size}; sides are from {STRIDE} to {MOST_SIDE}.")
    height, *width = cast("tuple[int, ...]", sides)
    return (height, width[0] / height / PHOTO_ASPECT) if width else (round(height / PHOTO_ASPECT), 1.0)


def _colours(file: Path, config: Mapping[str, object], name: str, default: tuple[float, ...]) -> tuple[float, ...]:
    values = config.get(name, list(default))
    numbers = cast("list[object]", values) if isinstance(values, list) else []
    if len(numbers) != 3 or not all(isinstance(number, int | float) and math.isfinite(number) for number in numbers):
        raise BadFile(f"{file.with_name(PREPROCESSOR)} has {name} = {values}; three numbers are wanted.")
    return tuple(float(cast(float, number)) for number in numbers)
