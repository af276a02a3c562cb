"""The training pipeline on drawn figures: prepare, train, resume, export, load, evaluate; no photo of anybody."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from argparse import Namespace
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
import torch
from figures import draw_person
from PIL import Image
from safetensors.torch import load_file

from hemline.segmentation.parser import CLASSES, load_parser, parse_image
from hemline.segmentation.taxonomies import CCP

SOURCE = Path(__file__).resolve().parents[2] / "training"
# In the order of their imports: the scripts find one another by these names when they are run from their folder.
SCRIPTS = (
    "ccp", "cache", "light", "augment", "losses", "schedule", "picks", "pseudo", "scores", "checkpoint", "team",
    "prepare", "train", "export", "parser_report", "scenes", "evaluate", "parts_report", "fit_parser_scores",
)  # fmt: skip
WORDS = {"upper": "blouse", "lower": "jeans", "footwear": "shoes", "hair": "hair", "skin": "skin"}
CLASS_OF = {"upper": "upper", "lower": "pants", "footwear": "footwear", "hair": "hair", "skin": "skin"}
HEIGHT, WIDTH, CACHED_WIDTH = 150, 100, 60


@pytest.fixture(scope="module")
def scripts() -> Iterator[Namespace]:
    """The training scripts as modules, under their own names only while these tests run."""
    threads, before = torch.get_num_threads(), {name: sys.modules.get(name) for name in SCRIPTS}
    torch.set_num_threads(1)
    yield Namespace(**{name: _load(name) for name in SCRIPTS})
    torch.set_num_threads(threads)
    for name, module in before.items():
        if module is None:
            sys.modules.pop(name, None)
        else:
            sys.modules[name] = module


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(name, SOURCE / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder as `ccp.py` reads it: six labelled figures, two of them for validation, three with tags only."""
    folder = tmp_path_factory.mktemp("ccp")
    words = ["null", *sorted(word for word in CCP if word != "null")]
    for part in ("photos", "labels", "unlabelled"):
        (folder / part).mkdir()
    tags = {}
    for number in range(9):
        picture, masks = draw_person(HEIGHT, WIDTH, seed=number)
        photo = Image.fromarray((picture[0] * 255).round().byte().numpy())
        if number >= 6:
            photo.save(folder / "unlabelled" / f"{number:04}.jpg")
            tags[f"{number:04}"] = [0, words.index("tights"), *(words.index(word) for word in WORDS.values())]
            continue
        labels = torch.zeros((HEIGHT, WIDTH), dtype=torch.uint8)
        for name, mask in masks.items():
            labels[mask >= 0.5] = words.index(WORDS[name])
        photo.save(folder / "photos" / f"{number:04}.jpg")
        Image.fromarray(labels.numpy()).save(folder / "labels" / f"{number:04}.png")
    (folder / "classes.json").write_text(json.dumps(words))
    (folder / "split.json").write_text(json.dumps({"validation": ["0001", "0004"]}))
    (folder / "unlabelled_tags.json").write_text(json.dumps(tags))
    return folder


@pytest.fixture(scope="module")
def cache(scripts: Namespace, data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cache")
    call(scripts.prepare, "--data", data, "--out", folder, "--width", CACHED_WIDTH)
    return folder


def call(script: ModuleType, *arguments: object) -> None:
    """Runs a script's `main` as its command line would."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", [str(script.__file__), *map(str, arguments)])
        script.main()


def options(scripts: Namespace, cache: Path, out: Path, *more: object) -> Namespace:
    out.mkdir(exist_ok=True)
    words = ("--cache", cache, "--out", out, "--batch", 2, "--small-share", 1, "--device", "cpu", *more)
    return scripts.train.parse_options([str(word) for word in words])


def coloured_photos(scripts: Namespace, count: int = 4) -> Namespace:
    """Photos whose every colour says its label: a pixel's red is 18 times it."""
    labels = torch.zeros((count, 90, 60), dtype=torch.uint8)
    labels[:, 10:30, 20:40], labels[:, 30:60, 15:45], labels[:, 60:85, 20:40] = 2, 4, 6
    photos = (labels * 18).unsqueeze(1).expand(-1, 3, -1, -1).contiguous()
    heights = torch.full((count,), 90, dtype=torch.int32)
    return scripts.cache.Photos(photos, heights, labels, torch.ones((count, len(CLASSES)), dtype=torch.bool))


def test_the_cache_holds_every_part_and_nothing_crosses_the_split(scripts: Namespace, cache: Path) -> None:
    held = scripts.cache.load_cache(cache, torch.device("cpu"))
    assert held.names["validation"] == ["0001", "0004"]
    assert [len(part) for part in (held.training, held.validation, held.unlabelled)] == [4, 2, 3]
    assert held.training.photos.shape[1:] == (3, 90, CACHED_WIDTH)
    assert set(held.training.labels.unique().tolist()) == {0, *(CLASSES.index(name) for name in CLASS_OF.values())}
    assert bool((held.unlabelled.labels == 255).all())


def test_tights_are_no_label_and_a_tag(scripts: Namespace, cache: Path, data: Path) -> None:
    words = json.loads((data / "classes.json").read_text())
    assert scripts.ccp._label_table(words)[words.index("tights")] == 255
    held = scripts.cache.load_cache(cache, torch.device("cpu"))
    assert bool(held.unlabelled.present[:, CLASSES.index("legwear")].all())
    assert not bool(held.unlabelled.present[:, CLASSES.index("dress")].any())


def test_shrinking_votes_by_area(scripts: Namespace) -> None:
    labels = torch.zeros((6, 6), dtype=torch.uint8)
    labels[:, 0:2], labels[0:3, 3:6] = 5, 255
    voted = scripts.prepare.vote_labels(labels.numpy(), 2, 2)
    assert voted.tolist() == [[5, 255], [5, 0]]


def test_framing_keeps_labels_on_their_pixels(scripts: Namespace) -> None:
    photos = coloured_photos(scripts)
    generator, index = torch.Generator().manual_seed(0), torch.arange(4).repeat(4)
    framing = scripts.augment.draw_framing(photos, index, (64, 48), generator)
    image, labels = scripts.augment.sample(photos, index, framing, (64, 48))
    said = image[:, 0] * 255 / 18
    assert float(((said - labels).abs() < 0.2).float().mean()) > 0.9  # the rest lies on edges, which are mixed colours
    assert set(labels.unique().tolist()) == {0, 2, 4, 6}


def test_pasted_people_and_backgrounds_keep_labels_on_their_pixels(
    scripts: Namespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scripts.augment, "change_light", lambda image, generator: image)
    photos, generator = coloured_photos(scripts), torch.Generator().manual_seed(1)
    picks = (torch.arange(4).repeat(8), torch.zeros(0, dtype=torch.long))
    image, labels = scripts.augment.make_batch(photos, photos, picks, (48, 64), generator)
    cloth = (labels != 0) & (labels != 255)
    agree = ((image[:, 0] * 255 / 18 - labels).abs() < 0.2)[cloth].float().mean()
    assert float(agree) > 0.8
    assert bool((labels == 255).any()), "something was cut out"
    plain = scripts.augment.sample(
        photos, picks[0], scripts.augment.draw_framing(photos, picks[0], (48, 64), generator), (48, 64)
    )
    assert int(cloth.sum()) > 1.05 * int((plain[1] != 0).sum()), "second people were pasted"


def test_a_batch_is_in_range_and_the_same_for_the_same_seed(scripts: Namespace, cache: Path) -> None:
    held = scripts.cache.load_cache(cache, torch.device("cpu"))
    picks = (torch.tensor([0, 1, 2, 3]), torch.tensor([0, 1]))
    batches = [
        scripts.augment.make_batch(held.training, held.unlabelled, picks, (64, 48), torch.Generator().manual_seed(7))
        for _ in range(2)
    ]
    assert torch.equal(batches[0][0], batches[1][0]) and torch.equal(batches[0][1], batches[1][1])
    assert float(batches[0][0].min()) >= 0 and float(batches[0][0].max()) <= 1


def test_pseudo_labels_are_limited_to_the_tags(scripts: Namespace) -> None:
    generator = torch.Generator().manual_seed(0)
    chances = torch.softmax(4 * torch.randn((5, len(CLASSES), 20, 20), generator=generator), dim=1)
    present = torch.rand((5, len(CLASSES)), generator=generator) < 0.3
    labels = scripts.pseudo.limit_to_tags(chances, present)
    for row, tags in zip(labels, present, strict=True):
        assert set(row.unique().tolist()) <= {0, 255, *tags.nonzero().flatten().tolist()}
    assert bool((labels == 255).any()) and bool((labels < 14).any())


def test_rare_garments_are_picked_more_often_and_pseudo_labels_are_a_quarter(scripts: Namespace) -> None:
    present = torch.zeros((10, len(CLASSES)), dtype=torch.bool)
    present[0, CLASSES.index("headwear")] = True
    weights, generator = scripts.picks.pick_weights(present), torch.Generator().manual_seed(0)
    assert weights.tolist() == [5.0] + [1.0] * 9
    ours, theirs = scripts.picks.pick_photos(weights, weights, 4000, generator, with_pseudo=True)
    assert len(ours) + len(theirs) == 4000
    assert 0.2 < len(theirs) / 4000 < 0.3
    assert 0.30 < float((ours == 0).float().mean()) < 0.42


def test_a_class_that_is_picked_more_often_weighs_less(scripts: Namespace) -> None:
    labels = torch.zeros((2, 32, 32), dtype=torch.uint8)
    labels[0, :4], labels[1, :4] = CLASSES.index("skirt"), CLASSES.index("pants")
    evenly = scripts.losses.class_weights(labels, torch.tensor([1.0, 1.0]))
    skirts = scripts.losses.class_weights(labels, torch.tensor([5.0, 1.0]))
    skirt, pants = CLASSES.index("skirt"), CLASSES.index("pants")
    assert evenly[skirt] == evenly[pants]
    assert skirts[skirt] < evenly[skirt] and skirts[pants] > evenly[pants]


def test_the_loss_is_least_where_the_labels_are_and_ignores_what_is_to_be_ignored(scripts: Namespace) -> None:
    labels = torch.randint(0, 14, (2, 16, 16), generator=torch.Generator().manual_seed(0))
    right = 12.0 * torch.nn.functional.one_hot(labels, 14).permute(0, 3, 1, 2).float()
    weights = torch.ones(14)
    assert float(scripts.losses.parsing_loss(right, labels, weights).total) < 0.01
    labels[:, :8] = 255
    wrong = right.clone()
    wrong[:, :, :8] = wrong[:, :, :8].flip(1)
    assert float(scripts.losses.parsing_loss(wrong, labels, weights).total) < 0.01
    assert float(scripts.losses.parsing_loss(right.flip(1), labels, weights).total) > 5


def test_the_rate_warms_up_and_ends_low(scripts: Namespace) -> None:
    rates = [scripts.schedule.learning_rate(1.0, share / 100) for share in range(101)]
    assert rates[0] < 0.02 and max(rates) == pytest.approx(1.0, abs=0.01) and rates[-1] == pytest.approx(0.01)
    assert all(later < earlier for earlier, later in pairwise(rates[3:]))


def test_the_outline_score_allows_a_small_shift_only(scripts: Namespace) -> None:
    mask = torch.zeros((400, 300), dtype=torch.bool)
    mask[100:300, 100:200] = True
    assert scripts.scores.boundary_score(mask, mask) == 1
    assert scripts.scores.boundary_score(mask.roll(3, 1), mask) == 1
    assert scripts.scores.boundary_score(mask.roll(20, 1), mask) < 0.6


def test_a_resumed_run_ends_where_an_unbroken_one_does(scripts: Namespace, cache: Path, tmp_path: Path) -> None:
    def chosen(name: str, *more: object) -> Namespace:
        return options(scripts, cache, tmp_path / name, "--steps", 4, "--pseudo", 0.25, *more)

    scripts.train.Training(chosen("whole")).run()
    broken = scripts.train.Training(chosen("broken"))
    broken.run(until=2)
    scripts.train.Training(chosen("broken", "--resume")).run()
    whole, resumed = (load_file(str(tmp_path / name / "state.safetensors")) for name in ("whole", "broken"))
    assert whole.keys() == resumed.keys()
    assert all(torch.equal(whole[name], resumed[name]) for name in whole)


def test_two_processes_learn_as_one_and_clear_up(cache: Path, tmp_path: Path) -> None:
    words = ("--cache", cache, "--out", tmp_path, "--batch", 4, "--small-share", 1, "--device", "cpu", "--pseudo", 0.5)
    command = [sys.executable, SOURCE / "train.py", *words, "--processes", 2, "--steps", 2]
    subprocess.run([str(word) for word in command], check=True, capture_output=True, timeout=100)
    state = json.loads((tmp_path / "state.json").read_text())
    assert (state["step"], state["samples"], state["pseudo_rounds"]) == (2, 8, 1)
    assert not list(tmp_path.glob("meeting-*"))


def test_prepared_trained_exported_loaded_and_evaluated(
    scripts: Namespace, data: Path, cache: Path, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(scripts.train, "LOG_EVERY", 1)
    training = scripts.train.Training(options(scripts, cache, tmp_path / "run", "--steps", 24, "--pseudo", 0.8))
    training.run()
    rows = [json.loads(line) for line in (tmp_path / "run" / "log.jsonl").read_text().splitlines()]
    losses = [row["loss"] for row in rows if "loss" in row]
    assert sum(losses[-6:]) < 0.9 * sum(losses[:6])
    assert any("garment_iou" in row for row in rows)
    seen = set(training.data.unlabelled.labels.unique().tolist())
    assert seen <= {0, 255, CLASSES.index("legwear"), *(CLASSES.index(name) for name in CLASS_OF.values())}

    weights = tmp_path / "parser.safetensors"
    call(scripts.export, "--run", tmp_path / "run", "--out", weights)
    assert weights.stat().st_size < 8_000_000
    parser = load_parser(weights)
    assert {"data", "split", "date", "recipe", "metrics", "limits"} <= parser.metadata.keys()
    image, _ = draw_person(90, 60)
    averaged = scripts.train.Parser(training.average)
    expected = parse_image(averaged, image)
    for name, odds in scripts.export.ODDS.items():
        expected[:, CLASSES.index(name)] *= odds
    expected /= expected.sum(1, keepdim=True)
    assert float((parse_image(parser, image) - expected).abs().max()) < 2e-2

    capsys.readouterr()
    call(scripts.evaluate, "--data", data, "--method", "parser", "--weights", weights, "--flip", "--json")
    report = json.loads(capsys.readouterr().out)
    assert report["photos"] == 2 and 0 <= report["garments"]["mean"] <= 1
    assert set(report["class_iou"]) == {*CLASSES, "garment_classes", "all_classes"}
    call(scripts.evaluate, "--data", data, "--method", "parser", "--weights", weights)
    assert "IoU of upper" in capsys.readouterr().out


@pytest.mark.parametrize("scene", ["whole", "upper_half", "lower_half", "pair", "small", "dark", "grey"])
def test_scenes_are_seeded_and_keep_photo_and_labels_together(scripts: Namespace, data: Path, scene: str) -> None:
    names = scripts.ccp.photo_names(data, "validation")
    once, again = (list(scripts.scenes.make_scenes(data, names, scene)) for _ in range(2))
    assert [photo.name for photo in once] == names
    for photo, same in zip(once, again, strict=True):
        assert photo.image.shape[:2] == photo.labels.shape
        assert (photo.image == same.image).all() and (photo.labels == same.labels).all()
        assert photo.mask("upper", "pants").any()


def test_the_person_of_a_small_scene_has_half_the_height(scripts: Namespace, data: Path) -> None:
    (photo, *_) = scripts.scenes.make_scenes(data, scripts.ccp.photo_names(data, "validation"), "small")
    _, top, _, bottom = photo.person_box()
    height, width = photo.labels.shape
    assert 0.45 < (bottom - top) / height < 0.55
    assert width > height


def test_part_annotations_lie_within_their_photos(scripts: Namespace) -> None:
    drawings = json.loads(scripts.parts_report.ANNOTATIONS.read_text())
    assert len(drawings) >= 60
    for drawing in drawings.values():
        width, height = drawing["size"]
        for part in scripts.parts_report.DRAWN:
            for polygon in drawing[part]:
                assert len(polygon) >= 3
                assert all(0 <= x <= width and 0 <= y <= height for x, y in polygon)


def test_score_lines_find_the_slope_of_what_tells_the_iou(scripts: Namespace) -> None:
    fit = scripts.fit_parser_scores
    places = torch.linspace(0, 1, 40).tolist()
    samples = [fit.Sample(number, "upper", (place, 0.0, 0.0), 0.2 + 0.6 * place) for number, place in enumerate(places)]
    line = fit.fit_line(samples)
    assert abs(fit.predict(line, samples[0]) - 0.2) < 0.02
    assert abs(fit.predict(line, samples[-1]) - 0.8) < 0.02
