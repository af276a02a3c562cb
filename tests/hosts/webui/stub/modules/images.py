"""Pictures flattened and resized."""

from PIL import Image, ImageOps

LANCZOS = Image.Resampling.LANCZOS


def flatten(picture, colour):
    ground = Image.new("RGBA", picture.size, colour)
    ground.alpha_composite(picture.convert("RGBA"))
    return ground.convert("RGB")


def resize_image(mode, picture, width, height, upscaler_name=None):
    """0: stretched; 1: cut to fit; 2: whole, with room filled."""
    if mode == 0:
        return picture.resize((width, height), LANCZOS)
    if mode == 1:
        return ImageOps.fit(picture, (width, height), LANCZOS)
    return ImageOps.pad(picture, (width, height), LANCZOS)
