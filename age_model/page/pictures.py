"""Pictures for people to look at: at the size of a screen, as data URIs."""

import base64
from io import BytesIO

import numpy as np
from PIL import Image

LONGEST_SHOWN = 1600  # pixels: larger pictures are shrunk, a phone need not fetch 50 megapixels

# One for each face, in turn; white digits are legible on each of them (contrast at least 4.5 to 1).
FACE_COLORS = ("#1d4ed8", "#b45309", "#047857", "#be185d", "#6d28d9", "#0e7490")


def face_color(number: int) -> str:
    """Colour of the face with this number, from 1, for its box, card and line: "#rrggbb"."""
    return FACE_COLORS[(number - 1) % len(FACE_COLORS)]


def screen_size(image_rgb: np.ndarray) -> np.ndarray:
    """The picture, shrunk to at most LONGEST_SHOWN pixels a side.

    Args:
        image_rgb: (H, W, 3) uint8; it is not changed.

    Returns:
        (H', W', 3) uint8 of the same proportions.
    """
    longest = max(image_rgb.shape[:2])
    if longest <= LONGEST_SHOWN:
        return image_rgb
    picture = Image.fromarray(image_rgb)
    width, height = (max(1, round(side * LONGEST_SHOWN / longest)) for side in picture.size)
    # By whole pixels first, then the rest: twice as quick, and looks the same.
    shown = picture.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=1.1)
    return np.asarray(shown)


def data_uri(image_rgb: np.ndarray) -> str:
    """(H, W, 3) uint8 as a JPEG inside an address, so that the page need not ask for it."""
    return _uri(image_rgb, "jpeg", quality=88)


def png_uri(image_rgba: np.ndarray) -> str:
    """(H, W, 4) uint8 as a PNG inside an address, which keeps what is transparent."""
    return _uri(image_rgba, "png")


def _uri(image: np.ndarray, form: str, **options: int) -> str:
    with BytesIO() as buffer:
        Image.fromarray(image).save(buffer, form, **options)
        data = base64.b64encode(buffer.getvalue()).decode("ascii")
    return f"data:image/{form};base64,{data}"
