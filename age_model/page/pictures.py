"""Pictures for people to look at: at the size of a screen, faces cut out, as data URIs."""

import base64
from io import BytesIO

import numpy as np
from PIL import Image

from age_model.faces.crop import upright_crop
from age_model.results import FaceAges

LONGEST_SHOWN = 1600  # pixels: larger pictures are shrunk, a phone need not fetch 50 megapixels
CROP_SHOWN = 192  # pixels: sharp at the 96 CSS pixels of a card on a dense screen

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


def face_crops(image_rgb: np.ndarray, ages: FaceAges, size: int = CROP_SHOWN) -> list[str]:
    """One data URI (JPEG, `size` x `size` pixels) for each face; nothing touches the disk.

    Args:
        image_rgb: (H, W, 3) uint8, the picture that `ages` is about.
    """
    return [data_uri(upright_crop(image_rgb, box, size)) for box in ages.box_xyxy]


def data_uri(image_rgb: np.ndarray) -> str:
    """(H, W, 3) uint8 as a JPEG inside an address, so that the page need not ask for it."""
    with BytesIO() as buffer:
        Image.fromarray(image_rgb).save(buffer, "JPEG", quality=88)
        return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
