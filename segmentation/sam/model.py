"""A SAM that is ready to be prompted: its file read, its network built, pictures encoded and prompts decoded."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from ...tensors import BadFile, MissingModel, ShapeError
from ..checkpoints.checkpoint import read_checkpoint
from ..checkpoints.families import SAM_FAMILIES
from .foreign import is_installed, load_networks
from .plan import DECODER_HEADS, NotSam, SamPlan, VitPlan, read_plan, state_of

# What segment_anything normalises colours by, of 0..1.
MEAN = (123.675 / 255, 116.28 / 255, 103.53 / 255)
STD = (58.395 / 255, 57.12 / 255, 57.375 / 255)
# Prompts decoded at a time: each takes about 40 MB for a moment.
MOST_PROMPTS = 16
# The published sizes of TinyViT-5M; Zhang et al., "Faster Segment Anything" (2023).
TINY_VIT: dict[str, object] = {
    "embed_dims": [64, 128, 160, 320], "depths": [2, 2, 6, 2], "num_heads": [2, 4, 5, 10],
    "window_sizes": [7, 7, 14, 7], "mlp_ratio": 4.0, "drop_rate": 0.0, "drop_path_rate": 0.0,
    "use_checkpoint": False, "mbconv_expand_ratio": 4.0, "local_conv_size": 3, "layer_lr_decay": 0.8,
}  # fmt: skip


@dataclass(frozen=True)
class Features:
    """What the encoder saw in one picture, all that prompts need. embedding: ``[1,C,g,g]``.

    details: ``[1,C/8,4g,4g]``, HQ-SAM's fine features; None for the others.
    """

    embedding: Tensor
    details: Tensor | None = None


@dataclass(frozen=True)
class Prompts:
    """N prompts for one encoded picture; places are px of the encoder's square picture, pixel centres at halves.

    boxes: ``[N,4]``. points: ``[N,P,2]``, x and y. marks: ``[N,P]``, 1 inside, 0 outside, -1 no point at all, which
    come last. masks: ``[N,1,4g,4g]``, logits.
    """

    boxes: Tensor
    points: Tensor
    marks: Tensor
    masks: Tensor

    def some(self, numbers: Tensor, points: int, device: torch.device) -> Prompts:
        """Those of these numbers with their first points, on a device."""
        places, marks = self.points[numbers, :points], self.marks[numbers, :points]
        chosen = (tensor.to(device) for tensor in (self.boxes[numbers], places, marks, self.masks[numbers]))
        return Prompts(*chosen)

    def alike(self, most: int) -> Iterator[tuple[Tensor, int]]:
        """Numbers of at most so many prompts that have equally many points, and how many, until all were named."""
        counts = (self.marks >= 0).sum(1)
        for count in cast("list[int]", counts.unique().tolist()):
            numbers = (counts == count).nonzero().flatten()
            for first in range(0, len(numbers), most):
                yield numbers[first : first + most], count


@dataclass(frozen=True)
class Sam:
    """A SAM, HQ-SAM or MobileSAM.

    encoder, prompter, decoder: the package's own modules. plan: their sizes. family: one of `SAM_FAMILIES`. identity:
    tells these weights from all others, where embeddings are kept.
    """

    encoder: nn.Module
    prompter: nn.Module
    decoder: nn.Module
    plan: SamPlan
    family: str
    identity: Hashable

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return next(self.decoder.parameters()).device

    @property
    def side(self) -> int:
        """Pixels on each side of the square picture that the encoder takes."""
        return self.plan.side

    def to(self, device: torch.device | str, dtype: torch.dtype | None = None) -> Sam:
        """The same on another device.

        dtype: in which the encoder computes, which is nearly all of the time and memory; the decoder stays float32.
        """
        self.encoder.to(device=device, dtype=dtype)
        self.prompter.to(device)
        self.decoder.to(device)
        return self

    @torch.no_grad()
    def encode(self, picture: Tensor) -> Features:
        """One encoder run. picture: ``[3,h,w]``, 0..1, its longer side `side` px; what lacks to a square is padded."""
        height, width = picture.shape[1:]
        if max(height, width) != self.side or picture.shape[0] != 3:
            raise ShapeError(f"picture has shape {list(picture.shape)}; its longer side must be {self.side} px.")
        dtype = next(self.encoder.parameters()).dtype
        mean, std = (torch.tensor(values, device=self.device).view(3, 1, 1) for values in (MEAN, STD))
        square = (picture.to(self.device, torch.float32) - mean) / std
        square = functional.pad(square, (0, self.side - width, 0, self.side - height)).unsqueeze(0)
        seen = cast("Tensor | tuple[Tensor, list[Tensor]]", self.encoder(square.to(dtype)))
        if isinstance(seen, Tensor):
            return Features(seen.float())
        embedding, early = seen[0].float(), seen[1]
        if not self.plan.early:
            return Features(embedding)
        decoder = cast(Any, self.decoder)
        fine = decoder.embedding_encoder(embedding) + decoder.compress_vit_feat(early[0].float().permute(0, 3, 1, 2))
        return Features(embedding, cast(Tensor, fine))

    @torch.no_grad()
    def decode(self, features: Features, prompts: Prompts) -> tuple[Tensor, Tensor]:
        """Logits ``[N,K,4g,4g]`` of K proposals for each prompt and their predicted IoUs ``[N,K]``, float32.

        The first proposal is the one that SAM was trained to give where prompts leave no doubt, the others are its
        whole, part and part of a part.
        """
        # No more points than a prompt has: "no point" is something SAM looks at as well, so that padding all to the
        # longest would let a garment's mask depend on how many points its neighbours have.
        groups = list(prompts.alike(MOST_PROMPTS))
        runs = [self._decode(features, prompts.some(numbers, count, self.device)) for numbers, count in groups]
        order = torch.cat([numbers for numbers, _ in groups]).argsort()
        logits, scores = (torch.cat(parts)[order.to(self.device)] for parts in zip(*runs, strict=True))
        return logits, scores

    def _decode(self, features: Features, prompts: Prompts) -> tuple[Tensor, Tensor]:
        prompter, decoder = cast(Any, self.prompter), cast(Any, self.decoder)
        half = 0.5  # which the package adds itself
        sparse, dense = prompter(
            points=(prompts.points - half, prompts.marks), boxes=prompts.boxes - half, masks=prompts.masks
        )
        given = {
            "image_embeddings": features.embedding.to(self.device), "image_pe": prompter.get_dense_pe(),
            "sparse_prompt_embeddings": sparse, "dense_prompt_embeddings": dense,
        }  # fmt: skip
        if features.details is None:
            return cast("tuple[Tensor, Tensor]", decoder.predict_masks(**given))
        logits, scores = decoder.predict_masks(**given, hq_features=features.details.to(self.device))
        # As HQ-SAM itself adds the fine mask, its last, to a proposal.
        return logits[:, :-1] + logits[:, -1:], scores


def load_sam(path: Path) -> Sam:
    """The SAM in a file (.pth, .pt or safetensors), on the CPU, in float32, without gradients.

    Which one it is, and of which size, is read from its tensors. Raises `MissingModel` where there is no file, or
    where the package that defines its network is not installed or does not start, `BadFile` where it is no SAM.
    """
    if not path.is_file():
        raise MissingModel(f"{path} is not there; give a file with the weights of a SAM.")
    checkpoint = read_checkpoint(path)
    if checkpoint.family not in SAM_FAMILIES:
        raise BadFile(f"{path} is a {checkpoint.family}, not a SAM; give sam_vit_b, _l or _h, HQ-SAM or MobileSAM.")
    tensors = {name: tensor.float() for name, tensor in checkpoint.tensors.items()}
    try:
        return build_sam(tensors, checkpoint.family)
    except NotSam as error:
        raise BadFile(f"{path} is no SAM that can be run: {error}.") from error


def build_sam(tensors: Mapping[str, Tensor], family: str) -> Sam:
    """The SAM of these weights, which it takes over. Raises `NotSam`, and `MissingModel` as `load_sam` does."""
    plan = read_plan(tensors)
    modules = _build_modules(plan, family)
    wanted = {
        f"{part}.{name}": tensor for part, module in modules.items() for name, tensor in module.state_dict().items()
    }
    state_of(tensors).check(wanted)
    for part, module in modules.items():
        state = {name.removeprefix(f"{part}."): tensors[name] for name in wanted if name.startswith(f"{part}.")}
        module.load_state_dict(state, assign=True)
        module.requires_grad_(False).eval()
    encoder, prompter, decoder = (modules[part] for part in ("image_encoder", "prompt_encoder", "mask_decoder"))
    return Sam(encoder, prompter, decoder, plan, family, identity=object())


def _build_modules(plan: SamPlan, family: str) -> dict[str, nn.Module]:
    """The three parts by the names of the state dict, without weights: on the meta device, where that can be."""
    hq = family == "hq_sam"
    package = "segment_anything_hq" if hq else "segment_anything"
    if family == "mobile_sam" and not is_installed(package):
        package = _tiny_package()
    files = ("prompt_encoder", "transformer", "mask_decoder_hq" if hq else "mask_decoder")
    prompter, transformer, decoder = load_networks(package, *files)
    extra = {"vit_dim": plan.early} if hq else {}
    encoder = _vit(plan, plan.vit, package) if plan.vit else _tiny_vit(plan, package if hq else _tiny_package())
    try:
        with torch.device("meta"):  # nothing is allocated or drawn at random
            two_way = transformer.TwoWayTransformer(
                depth=plan.layers, embedding_dim=plan.channels, num_heads=DECODER_HEADS, mlp_dim=plan.hidden,
                attention_downsample_rate=plan.rate,
            )  # fmt: skip
            return {
                "image_encoder": encoder(),
                "prompt_encoder": prompter.PromptEncoder(
                    embed_dim=plan.channels, image_embedding_size=(plan.grid, plan.grid),
                    input_image_size=(plan.side, plan.side), mask_in_chans=plan.mask_channels,
                ),
                "mask_decoder": getattr(decoder, "MaskDecoderHQ" if hq else "MaskDecoder")(
                    num_multimask_outputs=plan.proposals, transformer=two_way, transformer_dim=plan.channels,
                    iou_head_depth=plan.score_depth, iou_head_hidden_dim=plan.score_hidden, **extra,
                ),
            }  # fmt: skip
    except (AssertionError, RuntimeError, TypeError) as error:
        raise NotSam(f"{package} builds no network of its sizes ({error})") from error


def _vit(plan: SamPlan, vit: VitPlan, package: str) -> Callable[[], nn.Module]:
    """Builds the ViT encoder."""
    (module,) = load_networks(package, "image_encoder")
    return lambda: module.ImageEncoderViT(
        img_size=plan.side, patch_size=vit.patch, embed_dim=vit.width, depth=vit.depth, num_heads=vit.heads,
        mlp_ratio=vit.growth, out_chans=plan.channels, qkv_bias=vit.qkv_bias, use_rel_pos=True,
        norm_layer=partial(nn.LayerNorm, eps=1e-6), window_size=vit.window, global_attn_indexes=vit.whole,
    )  # fmt: skip


def _tiny_vit(plan: SamPlan, package: str) -> Callable[[], nn.Module]:
    """Builds MobileSAM's encoder, on the CPU: it has tables that are computed and not in the file (10 MB in all)."""
    (module,) = load_networks(package, "tiny_vit_sam")

    def build() -> nn.Module:
        with torch.device("cpu"):
            return cast(nn.Module, module.TinyViT(img_size=plan.side, num_classes=plan.encoder_classes, **TINY_VIT))

    return build


def _tiny_package() -> str:
    return next((name for name in ("mobile_sam", "segment_anything_hq") if is_installed(name)), "mobile_sam")
