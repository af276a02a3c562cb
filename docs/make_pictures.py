"""Makes the pictures of the documentation: drawn people, and what our own nodes make of them.

python docs/make_pictures.py                      all of them
python docs/make_pictures.py HemlineEditMask ...  those of some nodes' help pages
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PIL import Image
from torch import Tensor

from hemline.hosts.files import FolderStore

DOCS = Path(__file__).parent
HELP_PICTURES = DOCS.parent / "web" / "docs" / "pictures"
QUALITY = 82
sys.path += [str(DOCS), str(DOCS.parent / "tests")]


def make_contact_sheet() -> None:
    """Writes the README's picture: `hemline demo` on the figure that the tests draw."""
    from figures import draw_person

    with tempfile.TemporaryDirectory() as folder:
        photo = FolderStore(Path(folder)).save_image("figure", draw_person(900, 640, seed=2)[0][0])
        command = [sys.executable, "-m", "hemline", "demo", "--photo", str(photo), "--what", "tops", "-o", folder]
        subprocess.run(command, check=True)
        (DOCS / "contact_sheet.png").write_bytes((Path(folder) / "demo_sheet.png").read_bytes())


def make_help_picture(id: str, folder: Path = HELP_PICTURES) -> Path:
    """Writes the picture of a node's help page; returns its path."""
    from pictures import PICTURES

    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{id}.webp"
    path.write_bytes(encode(PICTURES[id]()))
    return path


def encode(picture: Tensor) -> bytes:
    """A picture ``[H,W,3]`` as a WebP file; the same bytes for the same values and the same Pillow."""
    file = io.BytesIO()
    Image.fromarray((picture * 255).round().byte().numpy()).save(file, "WEBP", quality=QUALITY, method=6)
    return file.getvalue()


def main(ids: Sequence[str]) -> None:
    """Makes the pictures of these nodes' help pages; all, and the contact sheet, where none are named."""
    from pictures import PICTURES

    for id in ids or PICTURES:
        make_help_picture(id)
    if not ids:
        make_contact_sheet()


if __name__ == "__main__":
    main(sys.argv[1:])
