"""Teaches the garment parser from a cache that prepare.py made, within a given time.

    python training/train.py --cache CACHE --out RUN --minutes 110
    python training/train.py --cache CACHE --out RUN --minutes 110 --resume

Writes RUN/state.safetensors and state.json every few minutes, RUN/log.jsonl as it goes. The same on a CPU and on a GPU.
With --steps instead of --minutes a run is the same on every run with the same seed (on a CPU).
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import os
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch
from augment import make_batch
from cache import Cache, Photos, load_cache
from ccp import IGNORED
from checkpoint import PROGRESS_FILE, PSEUDO_FILE, Progress, load_state, save_state
from losses import Loss, class_weights, parsing_loss
from picks import pick_photos, pick_weights
from pseudo import label_photos
from safetensors.torch import load_file, save_file
from schedule import Clock, learning_rate, pick_size, update_average
from scores import GARMENT_CLASSES, class_ious, confusion, is_garment, mask_iou, mean_iou
from team import ALONE, Team, join, lead, part
from torch import Tensor

from hemline.segmentation.parser import CLASSES, Parser, ParserNet, parse_image

WEIGHT_DECAY, LONGEST_GRADIENT = 0.03, 2.0
BATCH, RATE = 16, 3e-3
# One for all channels; export.py writes them into the weights.
MEAN, STD = 0.5, 0.25
LONG_SIDE = 384
LOG_EVERY = 25
# Far enough from the leader's seed that the next runs' seeds do not meet it.
STRANGER = 1_000_003


def main() -> None:
    """Trains until the budget is spent."""
    options = parse_options()
    options.out.mkdir(parents=True, exist_ok=True)
    size = options.processes or (1 if _device(options).type != "cpu" else min(2, os.cpu_count() or 1))
    if options.threads or size > 1:
        torch.set_num_threads(options.threads or 1)
    if options.member:
        team, others = join(*options.member, options.out), []
    else:
        team, others = lead(size, options.out, sys.argv)
    try:
        Training(options, team).run()
    finally:
        part(team, options.out, others)


def _device(options: argparse.Namespace) -> torch.device:
    return torch.device(options.device or ("cuda" if torch.cuda.is_available() else "cpu"))


class Training:
    """One training: the network, its running average, the data, the budget."""

    def __init__(self, options: argparse.Namespace, team: Team = ALONE) -> None:
        self.options, self.team = options, team
        torch.manual_seed(options.seed)
        self.device = _device(options)
        self.data: Cache = load_cache(options.cache, self.device)
        self.net = ParserNet().to(self.device, memory_format=torch.channels_last)
        self.average = copy.deepcopy(self.net).requires_grad_(False).eval()
        self.optimizer = torch.optim.AdamW(self.net.parameters(), lr=options.rate, weight_decay=WEIGHT_DECAY)
        self.generator = torch.Generator().manual_seed(options.seed)
        self.picks = [pick_weights(part.present) for part in (self.data.training, self.data.unlabelled)]
        self.weights = class_weights(self.data.training.labels, self.picks[0]).to(self.device)
        self.progress = Progress(options={name: str(value) for name, value in vars(options).items()})
        if options.resume and (options.out / PROGRESS_FILE).is_file():
            self._resume()
        if not team.leads:  # every member sees other photos; what a resume brings back is the leader's chances
            self.generator.manual_seed(options.seed + STRANGER * team.rank + self.progress.step)
        self.clock = Clock(options.minutes, options.steps, self.progress.seconds)

    def run(self, until: float = math.inf) -> None:
        """Steps until the budget is spent, or a step is reached; validates and saves now and then and at the end."""
        saved = time.monotonic()
        while (spent := self.team.agree(self.clock.progress(self.progress.step))) < 1 and self.progress.step < until:
            self._pseudo_label(spent)
            loss = self.step(spent)
            if self.progress.step % LOG_EVERY == 0 and self.team.leads:  # reading the loss waits for a GPU
                self._log(loss.figures())
            if time.monotonic() - saved > 60 * self.options.save_every:
                self.save()
                saved = time.monotonic()
        self.save()

    def step(self, spent: float) -> Loss:
        """Learns from one batch."""
        chances = torch.Generator().manual_seed(self.options.seed + self.progress.step)  # one size for the whole team
        size = pick_size(spent, self.options.small_share, chances)
        with_pseudo = self.progress.pseudo_rounds > 0
        batch = max(1, self.options.batch // self.team.size)
        picks = pick_photos(*self.picks, batch, self.generator, with_pseudo=with_pseudo)
        with torch.no_grad():
            image, labels = make_batch(self.data.training, self.data.unlabelled, picks, size, self.generator)
        # Logits lie at half the size: one pixel of each four is compared, another one each time.
        down, across = torch.randint(2, (2,), generator=self.generator).tolist()
        planes = ((image - MEAN) / STD).contiguous(memory_format=torch.channels_last)
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.options.fast):
            logits = self.net(planes)
        loss = parsing_loss(logits, labels[:, down::2, across::2], self.weights)
        self._descend(loss.total, learning_rate(self.options.rate, spent))
        self.progress.step += 1
        self.progress.samples += batch * self.team.size
        return loss

    def _descend(self, loss: Tensor, rate: float) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.team.average_gradients(self.net.parameters())
        torch.nn.utils.clip_grad_norm_(self.net.parameters(), LONGEST_GRADIENT)
        self.optimizer.step()
        update_average(self.average, self.net, self.progress.step)

    def _pseudo_label(self, spent: float) -> None:
        """Labels the tagged photos whenever a share of the budget is reached that is on the list."""
        due = sum(spent >= share for share in self.options.pseudo)
        if due <= self.progress.pseudo_rounds or not len(self.data.unlabelled):
            return
        self.progress.pseudo_rounds = due
        if self.team.leads:
            label_photos(self._parser(), self.data.unlabelled, fast=self.options.fast)
            save_file({"labels": self.data.unlabelled.labels.cpu()}, str(self.options.out / PSEUDO_FILE))
            self._log({"pseudo_round": due, "ignored": float((self.data.unlabelled.labels == IGNORED).float().mean())})
        self.team.agree(due)  # the file is there
        if not self.team.leads:
            self._read_pseudo_labels()

    def _read_pseudo_labels(self) -> None:
        self.data.unlabelled.labels = load_file(str(self.options.out / PSEUDO_FILE))["labels"].to(self.device)

    def _parser(self) -> Parser:
        return Parser(self.average, CLASSES, LONG_SIDE, (MEAN,) * 3, (STD,) * 3)

    def save(self) -> None:
        """Validates, and writes everything that a resume needs; the leader does, the others go on to wait for it."""
        if not self.team.leads:
            return
        self.progress.scores = validate(self._parser(), self.data.validation)
        self.progress.seconds = self.clock.seconds()
        save_state(self.options.out, self.progress, self.net, self.average, self.optimizer, self.generator)
        self._log(self.progress.scores)

    def _resume(self) -> None:
        options = self.progress.options
        self.progress = load_state(self.options.out, self.net, self.average, self.optimizer, self.generator)
        self.progress.options = options
        if self.progress.pseudo_rounds:
            self._read_pseudo_labels()

    def _log(self, figures: dict[str, object] | dict[str, float]) -> None:
        row: dict[str, object] = {"step": self.progress.step, "samples": self.progress.samples}
        row |= {"minutes": round(self.clock.seconds() / 60, 3)}
        row |= {name: round(value, 5) if isinstance(value, float) else value for name, value in figures.items()}
        with (self.options.out / "log.jsonl").open("a") as log:
            log.write(json.dumps(row) + "\n")
        print(json.dumps(row), flush=True)


def validate(parser: Parser, photos: Photos) -> dict[str, float]:
    """The mean garment IoU per photo and the mean IoU over classes, on photos of the cache's size."""
    table = torch.zeros(len(CLASSES), len(CLASSES), dtype=torch.float64)
    reached: list[float] = []
    for found, wanted in _parsed(parser, photos):
        table += confusion(found, wanted)
        valid = wanted != IGNORED
        reached.append(mask_iou(is_garment(found) & valid, is_garment(wanted) & valid))
    ious = class_ious(table)
    garment = sum(reached) / len(reached) if reached else math.nan
    figures = {"garment_iou": garment, "garment_classes_miou": mean_iou(ious, GARMENT_CLASSES)}
    return figures | {"miou": mean_iou(ious, CLASSES)} | {f"iou_{name}": value for name, value in ious.items()}


def _parsed(parser: Parser, photos: Photos) -> Iterator[tuple[Tensor, Tensor]]:
    """Found and wanted labels of each photo, on the CPU."""
    for photo, height, labels in zip(photos.photos, photos.heights.tolist(), photos.labels, strict=True):
        image = photo[:, :height].permute(1, 2, 0).unsqueeze(0).float() / 255
        yield parse_image(parser, image)[0].argmax(0).cpu(), labels[:height].cpu()


def parse_options(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The options in `arguments`, by default those of the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=110.0)
    parser.add_argument("--steps", type=int, default=0, help="a budget of batches instead of minutes")
    parser.add_argument("--batch", type=int, default=BATCH)
    parser.add_argument("--rate", type=float, default=RATE, help="the highest learning rate")
    parser.add_argument("--small-share", type=float, default=0.5, help="share of the budget spent on small pictures")
    parser.add_argument("--pseudo", type=float, nargs="*", default=[0.5, 0.75], help="when tagged photos are labelled")
    parser.add_argument("--save-every", type=float, default=4.0, help="minutes between checkpoints")
    parser.add_argument("--processes", type=int, default=0, help="0 = two on a CPU, one on a GPU")
    parser.add_argument("--threads", type=int, default=0, help="CPU threads per process; 0 = one if there are several")
    parser.add_argument("--device", default="")
    parser.add_argument("--fast", action=argparse.BooleanOptionalAction, default=True, help="compute in bfloat16")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--resume", action="store_true")
    parser.add_argument("--member", type=int, nargs=3, help=argparse.SUPPRESS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
