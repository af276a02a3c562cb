"""A SAM of segment_anything's own classes that is small enough to run in milliseconds, drawn at random or trained.

The trained one follows a rough mask with its box and points to the edges that the picture shows; see
`train_tiny_sam`.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from hemline.segmentation.sam.model import Sam, build_sam

SIDE, PATCH, WIDTH = 128, 8, 32
GRID = SIDE // PATCH
CELLS = 4 * GRID
TRAINED = Path(__file__).parents[1] / "golden" / "tiny_sam.safetensors"


def tiny_modules(*, window: int = 5, width: int = WIDTH, side: int = SIDE, patch: int = PATCH, depth: int = 2):
    """segment_anything's own `Sam`, of other sizes than the published ones."""
    from segment_anything import modeling

    grid = side // patch
    encoder = modeling.ImageEncoderViT(
        img_size=side, patch_size=patch, embed_dim=width, depth=depth, num_heads=4, out_chans=WIDTH, use_rel_pos=True,
        window_size=window, global_attn_indexes=(depth - 1,), norm_layer=partial(nn.LayerNorm, eps=1e-6),
    )  # fmt: skip
    prompter = modeling.PromptEncoder(
        embed_dim=WIDTH, image_embedding_size=(grid, grid), input_image_size=(side, side), mask_in_chans=16
    )
    two_way = modeling.TwoWayTransformer(depth=2, embedding_dim=WIDTH, mlp_dim=64, num_heads=8)
    decoder = modeling.MaskDecoder(transformer_dim=WIDTH, transformer=two_way, iou_head_hidden_dim=32)
    return modeling.Sam(encoder, prompter, decoder).eval()


def random_state(seed: int = 0, **sizes: int) -> dict[str, Tensor]:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return tiny_modules(**sizes).state_dict()


def random_sam(seed: int = 0) -> Sam:
    return build_sam(random_state(seed), "sam")


def save_state(folder: Path, state: dict[str, Tensor], name: str = "any.name") -> Path:
    torch.save(state, folder / name)
    return folder / name


def trained_state() -> dict[str, Tensor]:
    return {name: tensor.float() for name, tensor in load_file(TRAINED).items()}


def trained_sam() -> Sam:
    return build_sam(trained_state(), "sam")
