"""Turns a training into weights that Hemline loads: the running average, folded, 16 bit, with its metadata.

    python training/export.py --run RUN --out parser.safetensors

Nothing else of the training is in the file. Metrics are those of the last validation; give --metrics FILE to put in
what `evaluate.py --json` printed instead.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
from pathlib import Path

import torch
from checkpoint import Progress, load_average, read_progress
from picks import RARE
from safetensors.torch import save_file
from train import LONG_SIDE, MEAN, STD

from hemline.segmentation.parser import CLASSES, FORMAT, ParserNet, fold_norms

MOST_BYTES = 8_000_000
# Photos with a hat or a scarf are picked five and four times as often (`picks.RARE`), so the network expects them too
# often: hair is called a hat. Its odds of a hat are put right in full; those of neckwear half way, which the photos of
# the validation part bear better than in full (Saerens et al., "Adjusting the Outputs of a Classifier to New a Priori
# Probabilities", 2002).
ODDS = {"headwear": 1 / RARE["headwear"], "neckwear": 1 / RARE["neckwear"] ** 0.5}
DATA = (
    "Clothing Co-Parsing (Yang, Luo, Lin, CVPR 2014), github.com/bearpaw/clothing-co-parsing, Apache-2.0; no "
    "pretrained weights; no photo inside"
)
SPLIT = "training part of split.json; 40 photos validate, 200 are kept apart; tag-only photos with pseudo-labels"
LIMITS = "mostly young women in western street fashion before 2014, whole body upright, one main person per photo"


def main() -> None:
    """Writes the file and says how large it is."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--run", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--metrics", type=Path, help="JSON to store as the metrics")
    options = parser.parse_args()
    progress = read_progress(options.run)
    metrics = options.metrics.read_text().strip() if options.metrics else json.dumps(progress.scores)
    net = ParserNet()
    net.load_state_dict(load_average(options.run))
    folded = fold_norms(net)
    with torch.no_grad():
        for name, odds in ODDS.items():
            folded.classify.bias[CLASSES.index(name)] += math.log(odds)
    state = {name: value.to(torch.float16).contiguous() for name, value in folded.state_dict().items()}
    save_file(state, str(options.out), metadata(net, progress) | {"metrics": metrics})
    options.out.chmod(0o644)  # safetensors writes files that nobody else may read
    size = options.out.stat().st_size
    if size > MOST_BYTES:
        raise SystemExit(f"{options.out} has {size} bytes; the package takes {MOST_BYTES}.")
    print(f"{options.out}: {size} bytes, {progress.samples} samples, {progress.seconds / 60:.1f} minutes")


def metadata(net: ParserNet, progress: Progress) -> dict[str, str]:
    """What the weights say of themselves; `load_parser` builds the network from the first six."""
    chosen = ("minutes", "steps", "batch", "rate", "small_share", "pseudo", "seed")
    recipe = {name: (progress.options or {}).get(name) for name in chosen}
    return {
        "format": FORMAT,
        "classes": " ".join(CLASSES),
        "widths": " ".join(map(str, net.plan.widths)),
        "blocks": " ".join(map(str, net.plan.blocks)),
        "long_side": str(LONG_SIDE),
        "mean": " ".join([str(MEAN)] * 3),
        "std": " ".join([str(STD)] * 3),
        "data": DATA,
        "split": SPLIT,
        "limits": LIMITS,
        "date": datetime.datetime.now(datetime.timezone.utc).date().isoformat(),
        "recipe": json.dumps(recipe | {"samples": progress.samples, "seconds": round(progress.seconds)}),
    }


if __name__ == "__main__":
    main()
