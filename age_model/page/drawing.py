"""Pictures for people to look at: numbered boxes drawn over a photo, and faces as small JPEGs."""

import base64
from io import BytesIO

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from age_model.faces.crop import crop_face
from age_model.results import FaceAges, Faces

# Longest side, in pixels, of a picture as it is shown: smaller ones are enlarged so that numbers
# stay legible, larger ones are shrunk so that a phone need not fetch 50 megapixels.
SHORTEST_SHOWN = 720
LONGEST_SHOWN = 1600
CROP_SHOWN = 192  # pixels: sharp at the 96 CSS pixels of a card on a dense screen

# One a face, in turn; white digits are legible on each of them (contrast at least 4.5 to 1).
FACE_COLORS = ("#1d4ed8", "#b45309", "#047857", "#be185d", "#6d28d9", "#0e7490")


def face_color(index: int) -> str:
    """ "#rrggbb" of face `index` (0 is the first), for its box and for its card."""
    return FACE_COLORS[index % len(FACE_COLORS)]


def draw_faces(image_rgb: np.ndarray, box_xyxy: np.ndarray) -> np.ndarray:
    """A copy of a picture, at a size fit for a screen, with a numbered box around each face.

    Args:
        image_rgb: (H, W, 3) uint8; it is not changed.
        box_xyxy: (N, 4), pixels of `image_rgb`; may reach over the border.

    Returns:
        (H', W', 3) uint8 of the same proportions. Face 1 is drawn last, so it lies on top.
    """
    picture = _at_screen_size(Image.fromarray(image_rgb))
    scale = np.array(picture.size) / np.array(image_rgb.shape[1::-1])
    boxes = np.asarray(box_xyxy, dtype=np.float64) * np.tile(scale, 2)
    draw = ImageDraw.Draw(picture)
    line = max(2, round(max(picture.size) / 160))
    limits = np.array(picture.size * 2) - 1
    boxes = np.clip(boxes, 0, limits)
    for index in reversed(range(len(boxes))):
        # A line that suits the picture may be too thick for a small face.
        face = max(boxes[index][2:] - boxes[index][:2])
        _draw_box(draw, boxes[index], face_color(index), max(2, min(line, round(face / 20))))
    for index in reversed(range(len(boxes))):  # no box may cross out a number
        _draw_number(draw, boxes[index], str(index + 1), face_color(index), picture.size)
    return np.asarray(picture)


def face_crops(image_rgb: np.ndarray, ages: FaceAges, size: int = CROP_SHOWN) -> list[str]:
    """One data URI (JPEG, `size` x `size` pixels) a face, for the page; nothing touches the disk.

    Args:
        image_rgb: (H, W, 3) uint8, the picture that `ages` is about.
    """
    # Boxes alone: a crop that people look at stays upright as in the photo, not turned to the eyes.
    no_landmarks = np.full((len(ages), 5, 2), np.nan, dtype=np.float32)
    faces = Faces(ages.box_xyxy, ages.score, no_landmarks)
    return [data_uri(crop_face(image_rgb, faces, i, size)) for i in range(len(faces))]


def _at_screen_size(picture: Image.Image) -> Image.Image:
    longest = max(picture.size)
    shown = min(max(longest, SHORTEST_SHOWN), LONGEST_SHOWN)
    if shown == longest:
        return picture.copy()
    size_wh = tuple(max(1, round(side * shown / longest)) for side in picture.size)
    return picture.resize(size_wh, Image.Resampling.LANCZOS)


def _draw_box(draw: ImageDraw.ImageDraw, box: np.ndarray, color: str, line: int) -> None:
    """A coloured line between two white ones: seen on dark, light and coloured ground."""
    radius = 2 * line
    halo = max(1, line // 2)
    for inset, width, stroke in ((0, line + 2 * halo, "white"), (halo, line, color)):
        x1, y1, x2, y2 = box[0] + inset, box[1] + inset, box[2] - inset, box[3] - inset
        if x2 - x1 > 2 * width and y2 - y1 > 2 * width:
            draw.rounded_rectangle((x1, y1, x2, y2), radius, outline=stroke, width=width)


def _draw_number(
    draw: ImageDraw.ImageDraw, box: np.ndarray, number: str, color: str, size_wh: tuple[int, int]
) -> None:
    """A filled tag above the box's left corner, or inside it where the picture ends."""
    longest, face = max(size_wh), max(box[2] - box[0], box[3] - box[1])
    # Grows with the face, but stays legible on a phone and does not hide small faces in a crowd.
    height = float(np.clip(face * 0.35, longest / 32, longest / 18))
    font = ImageFont.load_default(size=height * 0.72)
    width = max(height, draw.textlength(number, font=font) + height * 0.55)
    x = min(box[0], size_wh[0] - width - 1)
    y = box[1] - height if box[1] >= height else box[1]
    tag = (x, y, x + width, y + height)
    border = max(1, round(height / 16))
    draw.rounded_rectangle(tag, height / 5, fill=color, outline="white", width=border)
    draw.text((x + width / 2, y + height / 2), number, fill="white", font=font, anchor="mm")


def data_uri(image_rgb: np.ndarray) -> str:
    """(H, W, 3) uint8 as a JPEG inside an address, so that the page need not ask for it."""
    with BytesIO() as buffer:
        Image.fromarray(image_rgb).save(buffer, "JPEG", quality=88)
        return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
