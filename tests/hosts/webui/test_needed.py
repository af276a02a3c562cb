"""The panel's way through a picture needs what every host has and what install.py adds, and nothing else."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
CODE = """
import importlib.abc, importlib.util, sys
from pathlib import Path
root = Path(sys.argv.pop(1))

spec = importlib.util.spec_from_file_location("install", root / "install.py")
install = importlib.util.module_from_spec(spec)
spec.loader.exec_module(install)
import numpy, PIL.Image, torch, yaml  # with all that they load themselves
host = {"torch", "torchgen", "sympy", "mpmath", "networkx", "jinja2", "typing_extensions", "numpy", "PIL", "yaml"}
allowed = {*host, *install.NEEDED, *sys.stdlib_module_names, "hemline", "modules", "figures"}

class Refuse(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in allowed:
            raise ImportError(f"{name} is not in a bare host")

sys.meta_path.insert(0, Refuse())
sys.path[:0] = [str(root / "tests" / "hosts" / "webui" / "stub"), str(root / "tests")]
spec = importlib.util.spec_from_file_location("hemline_webui.py", root / "scripts" / "hemline_webui.py")
extension = importlib.util.module_from_spec(spec)
spec.loader.exec_module(extension)
assert extension.HemlineScript and extension.HemlinePostprocessing

from figures import draw_person
from hemline.hosts.webui.host import lent_context
from hemline.hosts.webui.masking import composite, draw_preview, garment_mask, sampling_mask
from hemline.hosts.webui.panel_ports import PORTS
from hemline.hosts.webui.settings import parse_settings

image = draw_person(320, 240, seed=3)[0]
cuts = [{"target_cut": "long sleeve"}, {"target_cut": "coat", "silhouette": "hull"}, {"protect": "nothing"}]
for way in [*({"edges": choice} for choice in PORTS["edges"].choices()), *cuts, {"detector": "heuristic"}]:
    with lent_context(stops=False) as context:
        settings = parse_settings({"what": "outfit", **way})
        found = garment_mask(image, settings, context=context)
        draw_preview(image, found, context=context)
mask = sampling_mask(found.mask, settings)
for seam in PORTS["seam"].choices():
    for match in PORTS["match_colours"].choices():
        settings = parse_settings({"seam": seam, "match_colours": match})
        with lent_context(stops=False) as context:
            whole, _ = composite(image, found.mask, image * 0.9, (0, 0, 240, 320), settings, context=context)
        assert whole.shape == image.shape
"""


def test_edges_cuts_seams_and_matches_of_colours_need_nothing_else():
    done = subprocess.run([sys.executable, "-c", CODE, str(ROOT)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
