"""From any of Pillow's modes to RGB: grey, palette, deep, transparent and printers' pictures."""

import numpy as np
from PIL import Image

# Brightest values that deep grey pictures count up to: floats, 8 bit, 16 bit, 32 bit.
FULL_SCALES = (1.0, 255.0, 65535.0, 2.0**32 - 1)


def to_rgb(image: Image.Image) -> Image.Image:
    """A picture of the mode RGB; transparent ones are laid over white."""
    if image.mode == "RGB" and "transparency" not in image.info:
        return image
    if image.mode.startswith(("I", "F")):
        return Image.fromarray(_deep_grey_to_8_bits(image)).convert("RGB")
    if image.has_transparency_data:
        picture = image.convert("RGBA")
        white = Image.new("RGBA", picture.size, "white")
        return Image.alpha_composite(white, picture).convert("RGB")
    return image.convert("RGB")


def _deep_grey_to_8_bits(image: Image.Image) -> np.ndarray:
    """(H, W) uint8 from a picture of 16 or 32 bits, whole numbers or floats.

    Such files rarely say where white lies, so it is the smallest usual full scale that holds the
    brightest pixel; a file that says 16 bit has 16.
    """
    values = np.nan_to_num(np.asarray(image, dtype=np.float64))
    brightest = values.max(initial=0.0)
    scales = [65535.0] if image.mode.startswith("I;16") else FULL_SCALES
    scale = next((s for s in scales if brightest <= s), max(brightest, 1.0))
    return np.clip(np.rint(values * (255.0 / scale)), 0, 255).astype(np.uint8)
