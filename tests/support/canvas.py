"""What a browser's canvas makes of two colours: the recorded oracle of the W3C modes and operators.

python tests/support/canvas.py    records it anew with the `chromium` on this machine

Every pair of colours is painted, straight and in float16, into a `float16` OffscreenCanvas with each blend mode and
each operator. What comes back is rounded by the canvas itself: premultiplied to half precision, in between and at the
end.
"""

from __future__ import annotations

import base64
import itertools
import json
import shutil
import sys
from pathlib import Path

import numpy as np

FILE = Path(__file__).parents[1] / "golden" / "canvas.npz"
MODES = (
    "multiply", "screen", "overlay", "darken", "lighten", "color-dodge", "color-burn", "hard-light", "soft-light",
    "difference", "exclusion", "hue", "saturation", "color", "luminosity",
)  # fmt: skip
OPERATORS = (
    "source-over", "destination-over", "source-in", "destination-in", "source-out", "destination-out", "source-atop",
    "destination-atop", "xor", "lighter", "copy",
)  # fmt: skip
LEVELS = (0, 1 / 16, 1 / 4, 1 / 2, 3 / 4, 1)
SIDE = 24
PAINT = """
async ([base, layer, side, operation]) => {
  const pixels = (text) => {
    const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
    return new ImageData(new Float16Array(bytes.buffer), side, side, {pixelFormat: "rgba-float16"});
  };
  const options = {colorType: "float16", willReadFrequently: true};
  const canvas = () => new OffscreenCanvas(side, side).getContext("2d", options);
  const below = canvas(), above = canvas();
  below.putImageData(pixels(base), 0, 0);
  above.putImageData(pixels(layer), 0, 0);
  below.globalCompositeOperation = operation;
  if (below.globalCompositeOperation !== operation) throw new Error("no operation " + operation);
  below.drawImage(above.canvas, 0, 0);
  const data = below.getImageData(0, 0, side, side, {pixelFormat: "rgba-float16"}).data;
  if (!(data instanceof Float16Array)) throw new Error("this browser gives no float16 pixels");
  return btoa(String.fromCharCode(...new Uint8Array(data.buffer)));
}
"""


def pixel_pairs(opaque: bool) -> tuple[np.ndarray, np.ndarray]:
    """Base and layer ``[SIDE,SIDE,4]`` float16: where formulas change branch, and random colours and alphas."""
    random = np.random.default_rng(7)
    count = SIDE * SIDE
    colours = random.random((2, count, 3))
    grid = np.array(list(itertools.product(LEVELS, LEVELS)))
    corners = np.concatenate([grid[random.permutation(len(grid))] for _ in range(count // 2 * 3 // len(grid) + 1)])
    colours[:, : count // 2] = np.moveaxis(corners[: count // 2 * 3].reshape(-1, 3, 2), -1, 0)
    alphas = np.ones((2, count, 1)) if opaque else random.choice([0, 0.25, 0.5, 0.8, 1], (2, count, 1))
    pairs = np.concatenate([colours, alphas], axis=-1).astype(np.float16)
    return pairs[0].reshape(SIDE, SIDE, 4), pairs[1].reshape(SIDE, SIDE, 4)


def record() -> dict[str, np.ndarray]:
    """Inputs and what the browser makes of them, by operation, in float16."""
    from playwright.sync_api import sync_playwright

    found: dict[str, np.ndarray] = {}
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"))
        page = browser.new_page()
        found["browser"] = np.array(browser.version)
        for kind in ("opaque", "partial"):
            pair = pixel_pairs(kind == "opaque")
            found[f"{kind} base"], found[f"{kind} layer"] = pair
            texts = [base64.b64encode(pixels.tobytes()).decode() for pixels in pair]
            for operation in (*MODES, *OPERATORS):
                painted = page.evaluate(PAINT, [*texts, SIDE, operation])
                values = np.frombuffer(base64.b64decode(painted), dtype=np.float16)
                found[f"{kind} {operation}"] = values.reshape(SIDE, SIDE, 4)
        browser.close()
    return found


def main() -> None:
    """Records the file anew."""
    found = record()
    np.savez_compressed(FILE, **found)
    sys.stdout.write(
        json.dumps({"file": FILE.name, "bytes": FILE.stat().st_size, "browser": str(found["browser"])}) + "\n"
    )


if __name__ == "__main__":
    main()
