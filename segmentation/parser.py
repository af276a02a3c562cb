"""The garment parser: a small convolutional network that says for every pixel which garment lies there.

A plain residual encoder and decoder. Everything about it (widths, classes, the scale it was trained at, normalisation)
is read from the metadata of its weights, so that other weights replace these by replacing one file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol, cast

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor, nn
from torch.nn import functional

from ..tensors import BadFile, MissingModel, as_image

FORMAT = "hemline-parser-1"
CLASSES = (
    "background", "skin", "hair", "upper", "outer", "pants", "skirt", "dress", "footwear", "legwear", "headwear",
    "bag", "neckwear", "accessory",
)  # fmt: skip
"""What the recipe of training/ teaches, in this order; weights may know other classes."""

WEIGHTS = Path(__file__).parent / "weights" / "parser.safetensors"
"""What the shipped parser has learnt; another network of its kind replaces it by taking the file's place."""

SECOND_SCALES = (1.3, 1.0, 0.75)
"""The second look at a person is a mean over these scales about the one at which the head is as large as known."""

STRIDE = 32
"""Input sides are multiples of this: five halvings."""

# Residual stages at 1/4, 1/8, 1/16 and 1/32; the stem is at 1/2. The last stage looks further by dilation.
WIDTHS, BLOCKS, LAST_DILATION = (24, 48, 96, 128, 160), (2, 3, 3, 2), 2
FINE_WIDTH, HEAD_WIDTH = 64, 32
# Weights that say otherwise are no weights of this network; their sizes are not even tried.
MOST_CHANNELS, MOST_BLOCKS, MOST_CLASSES, MOST_LONG_SIDE = 2048, 32, 255, 4096
REMEDY = "install Hemline again, or make weights with training/train.py and training/export.py"


@dataclass(frozen=True)
class Plan:
    """What the network is built from: channels of the stem and the four stages, blocks per stage, count of classes."""

    widths: tuple[int, ...] = WIDTHS
    blocks: tuple[int, ...] = BLOCKS
    classes: int = len(CLASSES)


class ConvNorm(nn.Module):
    """A convolution and its batch normalisation; folded, a convolution with a bias that does the same."""

    def __init__(
        self, inputs: int, outputs: int, size: int = 3, *, stride: int = 1, dilation: int = 1, folded: bool
    ) -> None:
        super().__init__()
        around = dilation * (size // 2)
        self.conv = nn.Conv2d(inputs, outputs, size, stride, around, dilation, bias=folded)
        self.norm: nn.BatchNorm2d | nn.Identity = nn.Identity() if folded else nn.BatchNorm2d(outputs)

    def forward(self, planes: Tensor) -> Tensor:
        """``[B,inputs,H,W]`` -> ``[B,outputs,H/stride,W/stride]``."""
        return self.norm(self.conv(planes))


class Block(nn.Module):
    """Two 3x3 convolutions beside a short cut (He et al., "Deep Residual Learning", CVPR 2016)."""

    def __init__(self, inputs: int, outputs: int, *, stride: int = 1, dilation: int = 1, folded: bool) -> None:
        super().__init__()
        self.first = ConvNorm(inputs, outputs, stride=stride, dilation=dilation, folded=folded)
        self.second = ConvNorm(outputs, outputs, dilation=dilation, folded=folded)
        plain = stride == 1 and inputs == outputs
        self.short = nn.Identity() if plain else ConvNorm(inputs, outputs, 1, stride=stride, folded=folded)
        if isinstance(self.second.norm, nn.BatchNorm2d):
            nn.init.zeros_(self.second.norm.weight)  # starts as the short cut (Goyal et al. 2017, section 5.1)

    def forward(self, planes: Tensor) -> Tensor:
        """``[B,inputs,H,W]`` -> ``[B,outputs,H/stride,W/stride]``."""
        return functional.relu(self.second(functional.relu(self.first(planes))) + self.short(planes))


class ParserNet(nn.Module):
    """The network: normalised RGB ``[B,3,H,W]``, sides multiples of `STRIDE` -> logits ``[B,classes,H/2,W/2]``."""

    def __init__(self, plan: Plan = Plan(), *, folded: bool = False) -> None:
        super().__init__()
        self.plan = plan
        stem, fine, *deep = plan.widths
        self.stem = ConvNorm(3, stem, stride=2, folded=folded)
        sizes = list(zip(plan.widths[:-1], plan.widths[1:], plan.blocks, strict=True))
        self.stages = nn.ModuleList(
            _stage(inputs, outputs, count, LAST_DILATION if number == len(sizes) - 1 else 1, folded=folded)
            for number, (inputs, outputs, count) in enumerate(sizes)
        )
        self.context = nn.Conv2d(deep[-1], deep[-1], 1)
        # Channels from below, of the skipped level, and of the result, for 1/16, 1/8 and 1/4.
        steps = ((deep[2], deep[1], deep[1]), (deep[1], deep[0], deep[0]), (deep[0], fine, FINE_WIDTH))
        self.joins = nn.ModuleList(ConvNorm(low + skip, out, 1, folded=folded) for low, skip, out in steps)
        self.decoders = nn.ModuleList(Block(out, out, folded=folded) for _, _, out in steps)
        self.finer = ConvNorm(FINE_WIDTH, 4 * stem, 1, folded=folded)
        self.head = ConvNorm(2 * stem, HEAD_WIDTH, folded=folded)
        self.classify = nn.Conv2d(HEAD_WIDTH, plan.classes, 1)

    def forward(self, planes: Tensor) -> Tensor:
        """``[B,3,H,W]`` -> ``[B,classes,H/2,W/2]``."""
        stem = functional.relu(self.stem(planes))
        levels = [stem]
        for stage in self.stages:
            levels.append(stage(levels[-1]))
        deep = levels[-1]
        deep = deep + self.context(deep.mean((2, 3), keepdim=True))
        for join, decoder, skip in zip(self.joins, self.decoders, levels[-2:0:-1], strict=True):
            wide = functional.interpolate(deep, scale_factor=2.0, mode="nearest")
            deep = decoder(functional.relu(join(torch.cat([wide, skip], dim=1))))
        # Shi et al., "Sub-Pixel Convolutional Neural Network", CVPR 2016.
        fine = functional.pixel_shuffle(functional.relu(self.finer(deep)), 2)
        return self.classify(functional.relu(self.head(torch.cat([fine, stem], dim=1))))


def _stage(inputs: int, outputs: int, count: int, dilation: int, *, folded: bool) -> nn.Sequential:
    """Blocks at one scale; the last of them reaches `dilation` times as far."""
    first = Block(inputs, outputs, stride=2, folded=folded)
    return nn.Sequential(
        first,
        *(Block(outputs, outputs, dilation=dilation if i == count - 1 else 1, folded=folded) for i in range(1, count)),
    )


@torch.no_grad()
def fold_norms(net: ParserNet) -> ParserNet:
    """The same function of a picture without normalisation layers; `net` stays as it is."""
    folded = ParserNet(net.plan, folded=True)
    state = {name: value.detach().clone().float() for name, value in net.state_dict().items() if ".norm." not in name}
    for name, module in cast("Iterable[tuple[str, nn.Module]]", net.named_modules()):
        if isinstance(module, ConvNorm) and isinstance(module.norm, nn.BatchNorm2d):
            norm = module.norm
            mean, variance = cast(Tensor, norm.running_mean).float(), cast(Tensor, norm.running_var).float()
            gain = norm.weight.float() / (variance + norm.eps).sqrt()
            state[f"{name}.conv.weight"] *= gain.view(-1, 1, 1, 1)
            state[f"{name}.conv.bias"] = norm.bias.float() - mean * gain
    folded.load_state_dict(state)
    return folded.eval()


class Looker(Protocol):
    """What finds garments in a crop by a network: the shipped parser, or a network that the user brings.

    A network has words of its own, and each may mean one of the canonical `classes`; background comes first in both.
    """

    @property
    def classes(self) -> tuple[str, ...]:
        """What the planes mean that `understand` gives."""
        ...

    @property
    def long_side(self) -> int:
        """The scale of the training, px."""
        ...

    @property
    def scales(self) -> tuple[float, ...]:
        """About the scale that fits a person's head the second look takes the mean over these; none: the training's."""
        ...

    def look(self, planes: Tensor, *, flip: bool = False, long_side: int | None = None) -> Tensor:
        """The probabilities ``[words,h,w]`` for a picture; see the function `look`."""
        ...

    def understand(self, chances: Tensor) -> Tensor:
        """The probabilities ``[classes,h,w]`` that those of the words, ``[words,h,w]``, come to."""
        ...

    def name_region(self, label: str, mask: Tensor, chances: Tensor) -> str:
        """The network's own word for a region of a class: mask ``[h,w]`` where the words have these chances; or ""."""
        ...

    def divide_body(self, parts: dict[str, Tensor], chances: Tensor) -> dict[str, Tensor]:
        """The soft masks ``[h,w]`` of `find_parts`, better divided where the network has words for parts."""
        ...


@dataclass(frozen=True)
class Parser:
    """A network that is ready to parse.

    classes: what its channels mean, background first. long_side: the scale of its training, px. mean, std: per channel.
    metadata: everything that the file says of itself.
    """

    net: ParserNet
    classes: tuple[str, ...] = CLASSES
    long_side: int = 384
    mean: tuple[float, ...] = (0.5, 0.5, 0.5)
    std: tuple[float, ...] = (0.25, 0.25, 0.25)
    metadata: Mapping[str, str] = field(default_factory=dict[str, str])
    scales: tuple[float, ...] = SECOND_SCALES

    def look(self, planes: Tensor, *, flip: bool = False, long_side: int | None = None) -> Tensor:
        """The probabilities ``[classes,h,w]`` for a picture ``[3,H,W]``, at half the scale; see the function `look`."""
        scale = (long_side or self.long_side) / max(planes.shape[-2:])
        # Even sides, so that half of them is a whole number of logits and the padding can be cut off exactly.
        height, width = (max(2, 2 * round(side * scale / 2)) for side in planes.shape[-2:])
        small = _resize(planes.unsqueeze(0), (height, width))
        if not flip:
            return _probabilities(self, small)[0]
        plain, mirrored = _probabilities(self, torch.cat([small, small.flip(-1)]))
        return (plain + mirrored.flip(-1)) / 2

    def understand(self, chances: Tensor) -> Tensor:
        """The probabilities as they are: this network's words are the canonical classes."""
        return chances

    def name_region(self, label: str, mask: Tensor, chances: Tensor) -> str:
        """No word: this network has none of its own."""
        return ""

    def divide_body(self, parts: dict[str, Tensor], chances: Tensor) -> dict[str, Tensor]:
        """The parts as they are: this network only knows skin."""
        return parts

    def to(self, device: torch.device) -> Parser:
        """The same parser with its network moved to a device."""
        self.net.to(device)
        return self


def load_parser(path: Path) -> Parser:
    """The parser in a safetensors file as training/export.py writes it, on the CPU, in float32.

    Raises `MissingModel` where there is no file, `BadFile` where it is no such file.
    """
    if not path.is_file():
        raise MissingModel(f"{path} is not there; {REMEDY}.")
    try:
        with safe_open(str(path), framework="pt") as file:  # pyright: ignore[reportUnknownVariableType]
            metadata = cast("dict[str, str]", file.metadata() or {})
            if metadata.get("format") != FORMAT:
                raise BadFile(f"{path} is no garment parser (format {metadata.get('format')!r}, wanted {FORMAT!r}).")
            tensors = {name: cast(Tensor, file.get_tensor(name)).float() for name in cast("list[str]", file.keys())}
        return _build(tensors, metadata)
    except BadFile:
        raise
    except (OSError, KeyError, ValueError, RuntimeError, SafetensorError) as error:
        raise BadFile(f"{path} is no garment parser that can be read ({error}); {REMEDY}.") from error


def _build(tensors: dict[str, Tensor], metadata: dict[str, str]) -> Parser:
    classes = tuple(metadata["classes"].split())
    widths, blocks = _numbers(metadata["widths"], MOST_CHANNELS), _numbers(metadata["blocks"], MOST_BLOCKS)
    (long_side,) = _numbers(metadata["long_side"], MOST_LONG_SIDE)
    mean, std = (tuple(float(word) for word in metadata[name].split()) for name in ("mean", "std"))
    if len(widths) != len(WIDTHS) or len(blocks) != len(BLOCKS) or not 1 < len(classes) <= MOST_CLASSES:
        raise ValueError(f"{len(widths)} widths, {len(blocks)} stages, {len(classes)} classes")
    if len(mean) != 3 or len(std) != 3 or min(std) <= 0 or long_side < STRIDE:
        raise ValueError(f"mean {mean}, std {std}, long side {long_side}")
    if not all(bool(tensor.isfinite().all()) for tensor in tensors.values()):
        raise ValueError("weights that are no numbers")
    with torch.device("meta"):  # nothing is allocated or drawn at random before the names and shapes have been compared
        net = ParserNet(Plan(widths, blocks, len(classes)), folded=True)
    net.load_state_dict(tensors, assign=True)
    net = net.requires_grad_(False).eval().to(memory_format=torch.channels_last)  # what CPUs and tensor cores like
    return Parser(net, classes, long_side, mean, std, metadata)


def _numbers(text: str, most: int) -> tuple[int, ...]:
    numbers = tuple(int(word) for word in text.split())
    if not all(1 <= number <= most for number in numbers):
        raise ValueError(f"{text!r}: a number is not within 1 to {most}")
    return numbers


@torch.no_grad()
def parse_image(
    parser: Parser, image: Tensor, *, flip: bool = False, check_cancelled: Callable[[], None] = lambda: None
) -> Tensor:
    """The probability of each of the parser's classes for every pixel, ``[B,classes,H,W]``, float32.

    image: ``[B,H,W,C]``, 0..1; alpha is ignored. The whole frame is looked at once, at its own aspect and at the scale
    of the training. flip: also looks at the mirrored picture and takes the mean. check_cancelled: called once per
    picture, may raise. Raises `ShapeError` for something that is no image.
    """
    image = as_image(image)
    found: list[Tensor] = []
    for picture in image:  # one by one: the same sums in a batch as alone, and the memory of one
        check_cancelled()
        planes = picture[..., :3].float().nan_to_num(0.0).clamp(0, 1).permute(2, 0, 1).unsqueeze(0)
        small = look(parser, planes[0], flip=flip)
        found.append(_resize(small.unsqueeze(0), planes.shape[-2:]))
    return torch.cat(found)


@torch.no_grad()
def look(parser: Looker, planes: Tensor, *, flip: bool = False, long_side: int | None = None) -> Tensor:
    """The probabilities ``[words,h,w]`` for a picture ``[3,H,W]`` (0..1, float32), at half the scale of the training.

    flip: also looks at the mirrored picture and takes the mean. long_side: another scale than that of the training, px.
    """
    return parser.look(planes, flip=flip, long_side=long_side)


def _probabilities(parser: Parser, planes: Tensor) -> Tensor:
    """The probabilities ``[B,classes,H/2,W/2]`` for frames ``[B,3,H,W]`` of even sides."""
    height, width = planes.shape[-2:]
    mean, std = (torch.tensor(values, device=planes.device).view(1, 3, 1, 1) for values in (parser.mean, parser.std))
    padded = functional.pad((planes - mean) / std, (0, -width % STRIDE, 0, -height % STRIDE), mode="replicate")
    logits = cast(Tensor, parser.net(padded))[..., : height // 2, : width // 2]
    return torch.softmax(logits.float(), dim=1)


def _resize(planes: Tensor, size: Sequence[int]) -> Tensor:
    return functional.interpolate(planes, tuple(size), mode="bilinear", antialias=True)
