"""Times SAM on 1, 3 and 10 garments of a picture against one encoder run per garment, as leading packs do it.

    python benchmarks/sam.py [DEPTH [SIDE]]

Random weights of vit_b's sizes, its encoder cut to DEPTH blocks (12 is the whole; default 2, every second one looking
at the whole picture) and to pictures of SIDE px (default 1024); segment-anything must be installed. One thread. The
usual way is written from descriptions of such packs: for each garment a new SamPredictor, set_image, one box, three
masks. Ours has points and a rough mask besides, and lays the answer on the picture's edges. Also: what keeping
embeddings in 16 bits would do to the masks, and what the hash of a picture costs.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from timing import median_ms
from torch import Tensor, nn

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests"))
from figures import draw_person

from hemline.context import TensorCache
from hemline.segmentation.garments import Garment, Garments, mask_box
from hemline.segmentation.sam import refine_garments
from hemline.segmentation.sam.embedding import picture_hash
from hemline.segmentation.sam.model import Features, Sam, build_sam

COUNTS = (1, 3, 10)
SIZE = (1024, 768)


def cut_vit_b(depth: int, side: int) -> nn.Module:
    from segment_anything import modeling

    torch.manual_seed(0)
    encoder = modeling.ImageEncoderViT(
        img_size=side, patch_size=16, embed_dim=768, depth=depth, num_heads=12, out_chans=256, use_rel_pos=True,
        window_size=14, global_attn_indexes=tuple(range(1, depth, 2)) if depth < 12 else (2, 5, 8, 11),
        norm_layer=partial(nn.LayerNorm, eps=1e-6),
    )  # fmt: skip
    prompter = modeling.PromptEncoder(256, (side // 16,) * 2, (side, side), 16)
    two_way = modeling.TwoWayTransformer(depth=2, embedding_dim=256, mlp_dim=2048, num_heads=8)
    return modeling.Sam(encoder, prompter, modeling.MaskDecoder(transformer_dim=256, transformer=two_way)).eval()


def some_garments(count: int) -> tuple[Tensor, Garments]:
    image, masks = draw_person(*SIZE)
    worn = [masks[label] for label in ("upper", "lower", "footwear", "hair")]
    items = tuple(Garment(worn[n % 4], "upper", 0.9, mask_box(worn[n % 4]) or (0, 0, 1, 1)) for n in range(count))
    return image, Garments(SIZE[1], SIZE[0], 1, items, "drawn")


def usual_way(model: nn.Module, image: Tensor, garments: Garments) -> None:
    from segment_anything import SamPredictor

    for item in garments.items:
        predictor = SamPredictor(model)
        predictor.set_image((image[0] * 255).byte().numpy())
        predictor.predict(box=torch.tensor(item.box).numpy(), multimask_output=True)


def seconds(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def sixteen_bits(sam: Sam, image: Tensor) -> float:
    """The largest change of a mask's values where embeddings are rounded to 16 bits."""
    _, garments = some_garments(4)
    masks: list[Tensor] = []
    encode = Sam.encode
    for rounded in (False, True):
        if rounded:
            Sam.encode = lambda self, picture: Features(encode(self, picture).embedding.half().float())  # type: ignore[method-assign]
        refined, _ = refine_garments(image, garments, sam, least_iou=0)
        masks.append(torch.stack([item.mask for item in refined.items]))
    Sam.encode = encode
    return float((masks[0] - masks[1]).abs().max())


def main(depth: int = 2, side: int = 1024) -> None:
    torch.set_num_threads(1)
    model = cut_vit_b(depth, side)
    sam = build_sam({name: value.clone() for name, value in model.state_dict().items()}, "sam")
    print(f"vit_b cut to {depth} blocks at {side} px, {SIZE[1]}x{SIZE[0]}, s")
    print(f"{'garments':>8} {'usual way':>10} {'ours':>8} {'ratio':>6} {'again, from the cache':>22}")
    for count in COUNTS:
        image, garments = some_garments(count)
        kept = TensorCache()
        usual = seconds(partial(usual_way, model, image, garments))
        refine = partial(refine_garments, image, garments, sam, embeddings=kept)
        ours, again = seconds(refine), seconds(refine)
        print(f"{count:8} {usual:10.1f} {ours:8.1f} {usual / ours:6.1f} {again:22.1f}", flush=True)
    picture = torch.rand(1000, 1000, 3)
    print(f"hash of a picture: {median_ms(lambda: picture_hash(picture)):.1f} ms per megapixel")
    print(f"embeddings in 16 bits: masks change by at most {sixteen_bits(sam, image):.1e}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
