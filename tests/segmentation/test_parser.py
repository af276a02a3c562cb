"""The parser: what it makes of pictures of any size, and of weights that are not what they should be."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from figures import draw_person
from safetensors.torch import save_file
from torch import nn

from hemline.segmentation.parser import (
    CLASSES,
    FORMAT,
    WIDTHS,
    Parser,
    ParserNet,
    Plan,
    fold_norms,
    load_parser,
    parse_image,
)  # fmt: skip
from hemline.tensors import BadFile, MissingModel, ShapeError

pytestmark = pytest.mark.usefixtures("one_thread")
SMALL = Plan((8, 8, 16, 16, 16), (1, 1, 1, 2))
LONG_SIDE = 64


def random_net(plan: Plan = SMALL, seed: int = 0) -> ParserNet:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        net = ParserNet(plan)
        for module in net.modules():
            if isinstance(module, nn.BatchNorm2d):
                nn.init.uniform_(module.weight, 0.5, 1.5)
                nn.init.normal_(module.bias, 0, 0.2)
                nn.init.normal_(module.running_mean, 0, 0.2)
                nn.init.uniform_(module.running_var, 0.5, 1.5)
    return net.eval()


@pytest.fixture
def parser() -> Parser:
    return Parser(random_net(), long_side=LONG_SIDE)


def picture(height: int, width: int, channels: int = 3, batch: int = 1) -> torch.Tensor:
    return torch.rand((batch, height, width, channels), generator=torch.Generator().manual_seed(height + width))


def metadata(plan: Plan = SMALL, **changes: str) -> dict[str, str]:
    return {
        "format": FORMAT, "classes": " ".join(CLASSES), "widths": " ".join(map(str, plan.widths)),
        "blocks": " ".join(map(str, plan.blocks)), "long_side": str(LONG_SIDE), "mean": "0.5 0.5 0.5",
        "std": "0.25 0.25 0.25", "data": "none",
    } | changes  # fmt: skip


def save_weights(path: Path, net: ParserNet, **changes: str) -> Path:
    state = {name: value.half().contiguous() for name, value in fold_norms(net).state_dict().items()}
    save_file(state, str(path), metadata(net.plan, **changes))
    return path


def test_the_shipped_plan_has_about_three_million_weights_and_logits_at_half_size() -> None:
    net = ParserNet().eval()
    assert net.plan.widths == WIDTHS
    assert 2.5e6 < sum(weight.numel() for weight in net.parameters()) < 3.5e6
    with torch.no_grad():
        assert net(torch.zeros(1, 3, 64, 32)).shape == (1, 14, 32, 16)


@pytest.mark.parametrize(("height", "width"), [(1, 1), (3, 7), (32, 32), (97, 61), (300, 4000), (501, 333)])
def test_every_size_gives_probabilities_of_its_own_size(parser: Parser, height: int, width: int) -> None:
    found = parse_image(parser, picture(height, width))
    assert found.shape == (1, 14, height, width)
    assert found.dtype == torch.float32
    assert float((found.sum(1) - 1).abs().max()) < 1e-4
    assert float(found.min()) >= 0


def test_alpha_is_ignored_and_grey_is_taken(parser: Parser) -> None:
    image = picture(40, 30, 4)
    assert torch.equal(parse_image(parser, image), parse_image(parser, image[..., :3]))
    grey = picture(40, 30, 1)
    assert torch.equal(parse_image(parser, grey), parse_image(parser, grey.expand(-1, -1, -1, 3)))


def test_batch_equals_singles(parser: Parser) -> None:
    image = picture(50, 37, batch=3)
    singles = torch.cat([parse_image(parser, single.unsqueeze(0), flip=True) for single in image])
    assert torch.equal(parse_image(parser, image, flip=True), singles)


def test_half_precision_input_changes_little(parser: Parser) -> None:
    image, _ = draw_person(90, 60)
    assert float((parse_image(parser, image.half()) - parse_image(parser, image)).abs().max()) < 1e-2


def test_result_is_the_same_every_time_and_the_picture_untouched(parser: Parser) -> None:
    image = picture(50, 37)
    before = image.clone()
    assert torch.equal(parse_image(parser, image), parse_image(parser, image))
    assert torch.equal(image, before)


def test_with_flip_a_mirrored_picture_gives_the_mirrored_result(parser: Parser) -> None:
    image = picture(50, 37)
    there, back = parse_image(parser, image, flip=True), parse_image(parser, image.flip(2), flip=True).flip(-1)
    assert float((there - back).abs().max()) < 1e-5
    assert float((there - parse_image(parser, image)).abs().max()) > 1e-4


def test_holes_in_the_numbers_and_hdr_do_not_spread(parser: Parser) -> None:
    image = picture(20, 20)
    image[0, 3, 3] = float("nan")
    image[0, 4, 4] = 7.0
    assert bool(parse_image(parser, image).isfinite().all())


def test_cancelling_is_asked_for_once_per_picture_and_goes_through(parser: Parser) -> None:
    def cancel() -> None:
        raise InterruptedError

    calls: list[int] = []
    parse_image(parser, picture(20, 20, batch=3), check_cancelled=lambda: calls.append(1))
    assert len(calls) == 3
    with pytest.raises(InterruptedError):
        parse_image(parser, picture(20, 20), check_cancelled=cancel)


def test_what_is_no_image_raises(parser: Parser) -> None:
    with pytest.raises(ShapeError):
        parse_image(parser, torch.zeros(2, 5))


def test_folded_equals_unfolded() -> None:
    net = random_net()
    planes = torch.randn((2, 3, 64, 96), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        assert float((net(planes) - fold_norms(net)(planes)).abs().max()) < 1e-4


def test_loaded_weights_do_what_the_saved_ones_did(tmp_path: Path, parser: Parser) -> None:
    loaded = load_parser(save_weights(tmp_path / "any_name.safetensors", parser.net))
    assert (loaded.classes, loaded.long_side, loaded.metadata["data"]) == (CLASSES, LONG_SIDE, "none")
    image = picture(50, 37)
    assert float((parse_image(loaded, image) - parse_image(parser, image)).abs().max()) < 5e-3


def test_classes_come_from_the_metadata(tmp_path: Path) -> None:
    net = random_net(Plan((8, 8, 16, 16, 16), (1, 1, 1, 2), classes=3))
    loaded = load_parser(save_weights(tmp_path / "three.safetensors", net, classes="background cloth skin"))
    assert loaded.classes == ("background", "cloth", "skin")
    assert parse_image(loaded, picture(9, 9)).shape[1] == 3


def test_loading_leaves_the_random_numbers_alone(tmp_path: Path, parser: Parser) -> None:
    path = save_weights(tmp_path / "w.safetensors", parser.net)
    before = torch.random.get_rng_state()
    load_parser(path)
    assert torch.equal(before, torch.random.get_rng_state())


def test_missing_weights_name_the_file_and_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(MissingModel, match=r"nowhere\.safetensors .*training/train\.py"):
        load_parser(tmp_path / "nowhere.safetensors")


@pytest.mark.parametrize("content", [b"", b"no weights at all", b"\xff" * 64], ids=["empty", "text", "bytes"])
def test_corrupt_weights_name_the_file(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "corrupt.safetensors"
    path.write_bytes(content)
    with pytest.raises(BadFile, match=r"corrupt\.safetensors"):
        load_parser(path)


def test_a_file_cut_short_is_a_bad_file(tmp_path: Path, parser: Parser) -> None:
    path = save_weights(tmp_path / "short.safetensors", parser.net)
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(BadFile, match=r"short\.safetensors"):
        load_parser(path)


def test_foreign_weights_are_a_bad_file(tmp_path: Path) -> None:
    path = tmp_path / "foreign.safetensors"
    save_file({"weight": torch.zeros(3)}, str(path))
    with pytest.raises(BadFile, match="no garment parser"):
        load_parser(path)


@pytest.mark.parametrize(
    "changes",
    [
        {"widths": "8 8 16 16 32"}, {"widths": "8 8"}, {"widths": "9 9 9 9 999999999"}, {"blocks": "1 1 1 999999"},
        {"classes": "background cloth"}, {"long_side": "0"}, {"long_side": "wide"}, {"std": "0 1 1"}, {"mean": "0"},
    ],
    ids=str,
)  # fmt: skip
def test_metadata_that_does_not_fit_is_a_bad_file(tmp_path: Path, parser: Parser, changes: dict[str, str]) -> None:
    with pytest.raises(BadFile, match=r"w\.safetensors"):
        load_parser(save_weights(tmp_path / "w.safetensors", parser.net, **changes))


def test_weights_that_are_no_numbers_are_a_bad_file(tmp_path: Path, parser: Parser) -> None:
    parser.net.classify.bias.data.fill_(float("nan"))
    with pytest.raises(BadFile, match="no numbers"):
        load_parser(save_weights(tmp_path / "w.safetensors", parser.net))
