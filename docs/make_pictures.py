"""Makes the README's picture: `hemline demo` on the figure that the tests draw.

python docs/make_pictures.py
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from hemline.hosts.files import FolderStore

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS.parent / "tests"))


def main() -> None:
    """Draws the figure, runs the demo on it and keeps the contact sheet."""
    from figures import draw_person

    with tempfile.TemporaryDirectory() as folder:
        photo = FolderStore(Path(folder)).save_image("figure", draw_person(900, 640, seed=2)[0][0])
        command = [sys.executable, "-m", "hemline", "demo", "--photo", str(photo), "--what", "tops", "-o", folder]
        subprocess.run(command, check=True)
        (DOCS / "contact_sheet.png").write_bytes((Path(folder) / "demo_sheet.png").read_bytes())


if __name__ == "__main__":
    main()
