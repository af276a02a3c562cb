"""What stops a generation on every host: Interrupt and failures. Nothing stays stuck, nothing stays behind."""

from __future__ import annotations

import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from support.webui_host import PAINT, PATIENCE_S, Host, from_text, mask_of, painted, pixels, request_of, to_text

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")
STEPS, TOP = 30, {"what": "tops", "grow": 4, "feather": 8, "match_colours": "none"}


def meanwhile(webui: Host, body: dict[str, Any], seen: Callable[[], bool], act: Callable[[], object]) -> Any:
    """The answer of a generation, during which something is done as soon as something is seen."""
    with ThreadPoolExecutor(1) as pool:
        answer: Future[Any] = pool.submit(webui.ask, "/sdapi/v1/img2img", body)
        until = time.monotonic() + PATIENCE_S
        while not seen() and time.monotonic() < until and not answer.done():
            time.sleep(0.05)
        assert not answer.done(), answer.result()
        act()
        return answer.result(timeout=PATIENCE_S)


def is_sampling(webui: Host) -> bool:
    return 2 <= webui.ask("/sdapi/v1/progress?skip_current_image=true")["state"]["sampling_step"] < STEPS / 2


class TestInterrupt:
    def test_while_it_is_painted_the_half_done_picture_is_put_back_exactly(self, probed: Host, person: Any):
        told: list[Any] = []

        def interrupt() -> None:
            told.append(probed.ask("/sdapi/v1/progress?skip_current_image=true"))
            probed.ask("/sdapi/v1/interrupt", {})

        body = request_of(TOP, init_images=[to_text(person)], prompt="slowly", steps=STEPS)
        answer = meanwhile(probed, body, lambda: is_sampling(probed), interrupt)
        image, source = pixels(from_text(answer["images"][0])), pixels(person)
        mask = mask_of(probed, person, **TOP)
        assert torch.equal(image[mask == 0], source[mask == 0])
        inside = image[mask == 255].float()
        assert float((inside - source[mask == 255]).abs().amax(-1).mean()) > 5  # something new
        assert float((inside - PAINT).abs().amax(-1).mean()) > 40  # and not all of it
        assert 0 < told[0]["progress"] < 1
        self.goes_on(probed, person)

    def test_while_garments_are_looked_for_no_picture_is_made(self, probed: Host, person: Any):
        probed.probe(mask_s=2)
        body = request_of(TOP, init_images=[to_text(person)])

        def interrupt() -> None:
            assert "state" in probed.ask("/sdapi/v1/progress?skip_current_image=true")
            probed.ask("/sdapi/v1/interrupt", {})

        answer = meanwhile(probed, body, lambda: probed.told()["looking"], interrupt)
        assert answer["images"] == []
        probed.probe()
        self.goes_on(probed, person)

    def goes_on(self, webui: Host, person: Any) -> None:
        """The next generation is right, and the host's own fields are as they were after each."""
        image, mask = webui.img2img(person, TOP).image, mask_of(webui, person, **TOP)
        assert torch.equal(image[mask == 0], pixels(person)[mask == 0])
        assert bool(painted(image)[mask == 255].all())
        assert webui.told()["as_before"]


class TestFailures:
    """They are the test extension's: it replaces a function of ours by one that raises."""

    def test_of_the_mask_are_an_error_of_the_request(self, probed: Host, person: Any):
        probed.probe(broken="mask")
        code, text = probed.refusal("/sdapi/v1/img2img", request_of(TOP, init_images=[to_text(person)]))
        assert code == 500
        assert "the probe broke the mask" in text

    def test_of_the_composite_leave_the_hosts_own_and_say_so(self, probed: Host, person: Any):
        probed.probe(broken="composite")
        done = probed.img2img(person, TOP)
        assert "the probe broke the composite" in done.infotext
        mask = mask_of(probed, person, **TOP)
        assert done.pictures[0].size == person.size
        far = mask_of(probed, person, **{**TOP, "grow": 8}) == 0
        assert int((done.image - pixels(person))[far].abs().amax()) <= 1  # as exact as hosts are
        assert bool(painted(done.image)[mask == 255].all())

    @pytest.mark.parametrize("place", ["mask", "composite"])
    def test_of_the_second_pass_leave_the_first_picture_and_say_so(
        self, probed: Host, person: Any, tmp_path: Path, place: str
    ):
        person.resize((256, 320)).save(tmp_path / "drawn.png")
        fields = {"prompt": str(tmp_path / "drawn.png"), "width": 256, "height": 320}
        first = probed.generate("txt2img", [], **fields)
        probed.probe(broken=place)
        done = probed.generate("txt2img", {"what": "tops", "detector": "heuristic"}, **fields)
        assert torch.equal(done.image, first.image)
        assert f"the probe broke the {place}" in done.infotext

    def test_are_told_of_the_picture_that_had_them_only(self, probed: Host, person: Any):
        probed.probe(broken="composite")
        assert "Hemline error" in probed.img2img(person, TOP).infotext
        probed.probe()
        assert "Hemline error" not in probed.img2img(person, TOP).infotext


class TestMemory:
    def test_nothing_of_a_generation_is_kept_alive(self, probed: Host, person: Any, wall: Any):
        before = probed.told()
        probed.img2img(person, TOP, batch_size=2)
        probed.img2img(wall, {"nothing_found": "skip"})
        probed.refusal("/sdapi/v1/img2img", request_of({}, init_images=[to_text(wall)]))
        probed.img2img(person, TOP)  # a host may hold on to what failed until the next generation
        after = probed.told()
        assert after["followed"] > before["followed"]
        assert after["alive"] == {"p": 0, "run": 0, "mask": 0, "picture": 0}
        assert after["as_before"]

    def test_the_host_is_asked_to_empty_its_cache_and_no_model_stays_on_a_gpu(self, probed: Host, person: Any):
        before = probed.told()["collected"]
        mask_of(probed, person)
        after = probed.told()
        assert after["collected"] > before
        assert after["devices"] == ["cpu"]
