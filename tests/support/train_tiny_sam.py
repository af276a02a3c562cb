"""Trains the tiny SAM on drawn shapes and writes it to the goldens; some minutes on one core.

PYTHONPATH=tests python -m support.train_tiny_sam [STEPS]
"""

from __future__ import annotations

import sys

import torch
from safetensors.torch import save_file
from torch import Tensor
from torch.nn import functional

from hemline.segmentation.sam.model import Prompts, Sam

from .tiny_sam import CELLS, SIDE, TRAINED, random_sam, tiny_modules, trained_state

STEPS, RATE, SHAPES = 1500, 3e-3, 4


def main(count: int = STEPS, *, again: bool = False) -> None:
    torch.manual_seed(int(again))
    model = tiny_modules().train()
    if again:
        model.load_state_dict(trained_state())
    sam = Sam(model.image_encoder, model.prompt_encoder, model.mask_decoder, random_sam().plan, "sam", "")
    steps = torch.optim.Adam(model.parameters(), RATE)
    plan = torch.optim.lr_scheduler.OneCycleLR(steps, RATE, total_steps=count)
    mean = 0.0
    for number in range(count):
        loss = _loss(sam, *draw_scene())
        steps.zero_grad()
        loss.backward()
        steps.step()
        plan.step()
        mean += (float(loss.detach()) - mean) / min(number + 1, 50)
        if number % 100 == 99:
            sys.stdout.write(f"{number + 1} {mean:.4f}\n")
            sys.stdout.flush()
    save_file({name: value.half().contiguous() for name, value in model.eval().state_dict().items()}, TRAINED)


def _loss(sam: Sam, picture: Tensor, shapes: Tensor, prompts: Prompts) -> Tensor:
    encode, decode = Sam.encode.__wrapped__, Sam.decode.__wrapped__  # both are without gradients
    logits, scores = decode(sam, encode(sam, picture), prompts)
    wanted = functional.avg_pool2d(shapes, SIDE // CELLS).unsqueeze(1).expand_as(logits)
    found = logits.sigmoid()
    iou = torch.minimum(found, wanted).sum((2, 3)) / torch.maximum(found, wanted).sum((2, 3)).clamp_min(1)
    entropy = functional.binary_cross_entropy_with_logits(logits, wanted)
    return entropy + (1 - iou).mean() + functional.mse_loss(scores, iou.detach())


def draw_scene() -> tuple[Tensor, Tensor, Prompts]:
    """A picture ``[3,S,S]`` of coloured shapes, the shapes ``[N,S,S]``, and rough prompts for them."""
    ys, xs = torch.meshgrid(torch.arange(SIDE) + 0.5, torch.arange(SIDE) + 0.5, indexing="ij")
    picture = torch.rand(3, 1, 1).expand(3, SIDE, SIDE).clone()
    shapes: list[Tensor] = []
    for _ in range(SHAPES):
        middle, half = 16 + torch.rand(2) * (SIDE - 32), 8 + torch.rand(2) * 24
        across, down = (xs - middle[0]).abs() / half[0], (ys - middle[1]).abs() / half[1]
        reach = torch.maximum(across, down) if torch.rand(()) < 0.5 else torch.hypot(across, down)
        shape = (reach < 1).float()
        shapes = [other * (1 - shape) for other in shapes] + [shape]
        picture = torch.where(shape > 0, torch.rand(3, 1, 1), picture)
    shapes = [shape for shape in shapes if shape.sum() > 200]
    picture = (picture + 0.02 * torch.randn_like(picture)).clamp(0, 1)
    boxes, points, masks = [], [], []
    for shape in shapes:
        rows, columns = shape.nonzero().unbind(1)
        box = torch.stack((columns.min(), rows.min(), columns.max() + 1, rows.max() + 1)).float()
        boxes.append(box + 4 * torch.rand(4) - 2)
        inside = int(torch.randint(len(rows), ()))
        points.append(torch.stack((columns[inside], rows[inside])).float() + 0.5)
        # What a detector says: too large or too small here and there, and blurred.
        blurred = functional.avg_pool2d(shape[None, None], 9, 1, 4, count_include_pad=False)[0, 0]
        rough = functional.interpolate(torch.randn(1, 1, 4, 4), (SIDE, SIDE), mode="bicubic")[0, 0]
        masks.append(((blurred - 0.5 + 0.25 * rough) * 4 + 0.5).clamp(0, 1))
    stack = functional.avg_pool2d(torch.stack(masks), SIDE // CELLS).unsqueeze(1)
    inside = torch.stack(points)
    # Half of the prompts have a point on another shape, which does not belong to theirs.
    marks = torch.stack((torch.ones(len(shapes)), -(torch.rand(len(shapes)) < 0.5).float()), 1)
    places = torch.stack((inside, inside.roll(1, 0)), 1)
    prompts = Prompts(torch.stack(boxes), places, marks, (stack * 2 - 1) * 10)
    return picture, torch.stack(shapes), prompts


if __name__ == "__main__":
    main(*(int(word) for word in sys.argv[1:] if word.isdigit()), again="--again" in sys.argv)
