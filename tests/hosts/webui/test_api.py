"""Pictures that requests bring; what each route answers is in test_webui_api.py."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hemline.errors import RangeError
from hemline.hosts.webui.api import TooLarge, read_picture


def coded(picture: Image.Image, kind: str = "PNG", **options: Any) -> str:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return base64.b64encode(buffer.getvalue()).decode()


class TestReadPicture:
    @pytest.mark.parametrize("front", ["", "data:image/png;base64,"])
    def test_reads_a_file_with_or_without_a_data_url(self, front: str):
        assert read_picture(front + coded(Image.new("RGB", (3, 2), "red")), "image").getpixel((0, 0)) == (255, 0, 0)

    def test_turns_a_phones_photo_upright(self):
        photo = Image.new("RGB", (32, 16), "blue")
        photo.paste("red", (0, 0, 16, 16))
        exif = Image.Exif()
        exif[0x0112] = 6  # Orientation: turn by 90 degrees clockwise
        upright = read_picture(coded(photo, "JPEG", exif=exif, quality=100), "image")
        assert upright.size == (16, 32)
        assert upright.getpixel((8, 4))[0] > 200
        assert upright.getpixel((8, 28))[2] > 200

    def test_sixteen_bits_of_grey_are_scaled(self):
        soft = Image.fromarray(np.array([[0, 257, 32896, 65535]], dtype=np.uint16))
        assert np.asarray(read_picture(coded(soft), "mask", flat=False)).tolist() == [[0, 1, 128, 255]]

    def test_flat_puts_transparency_on_white(self):
        clear = coded(Image.new("RGBA", (2, 2), (0, 0, 0, 0)))
        assert read_picture(clear, "image").getpixel((0, 0)) == (255, 255, 255)
        assert read_picture(clear, "mask", flat=False).getpixel((0, 0)) == (0, 0, 0, 0)

    @pytest.mark.parametrize(
        "text", ["", "no base64", "QUJD", coded(Image.new("RGB", (64, 64)))[:80], coded(Image.new("L", (2, 2)), "BMP")]
    )
    def test_what_is_no_picture_is_refused_by_name(self, text: str):
        with pytest.raises(RangeError, match=r"^drawn is no PNG, JPEG or WebP"):
            read_picture(text, "drawn")

    def test_too_many_pixels_are_refused(self):
        with pytest.raises(TooLarge, match="9000x9000"):
            read_picture(coded(Image.new("1", (9000, 9000))), "image")
