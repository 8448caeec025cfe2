"""Boxes with tags to lay over a picture: of a photo, a snapshot or the live camera.

The picture itself is left as it is. The boxes are an SVG over it (`templates/boxes.html`): they are
sharp at any size, can be selected, and need no second picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from age_model.faces.tracking import LiveFace
from age_model.page.render import render
from age_model.results import FaceAges, whole_years

# Of the font size. The template fits a tag's text to the width that these give.
DIGIT_WIDTH, COLON_WIDTH, GAP_WIDTH = 0.6, 0.3, 0.3


@dataclass(frozen=True)
class TagPart:
    """A stretch of a tag's text.

    Attributes:
        text: what it says.
        scale: its font size, as a share of the tag's.
        name: its class; "number", "years" or "range".
    """

    text: str
    scale: float
    name: str


@dataclass(frozen=True)
class Box:
    """A face's box and its tag, in pixels of the picture.

    Attributes:
        number: of the face, from 1.
        x, y, width, height: of the box, within the picture.
        line: width of its line.
        tag_x, tag_y, tag_width, tag_height: of the tag, within the picture.
        font_size, text_width: of the tag's text.
        gap: between two of its parts.
        parts: the tag's text.
        label: the face in words.
    """

    number: int
    x: float
    y: float
    width: float
    height: float
    line: float
    tag_x: float
    tag_y: float
    tag_width: float
    tag_height: float
    font_size: float
    text_width: float
    gap: float
    parts: tuple[TagPart, ...]
    label: str


def photo_boxes_html(ages: FaceAges, size_wh: tuple[int, int], picture: str | None = None) -> str:
    """The boxes of a photo's faces, which can be selected, each with the age at it.

    Args:
        size_wh: of the picture that `ages` is about, pixels.
        picture: data URI of the picture itself, where the browser does not have it or cannot show
            it; None where it does.
    """
    # The largest first: the Tab key goes from face to face in the order of the cards, and a smaller
    # face that lies on a larger one can still be clicked.
    boxes = [
        _box(
            number,
            box_xyxy,
            size_wh,
            (TagPart(str(round(years)), 1, "years"),),
            label=f"Face {number}, looks {round(years)}",
        )
        for number, (box_xyxy, years) in enumerate(
            zip(ages.box_xyxy, ages.age_years, strict=True), start=1
        )
    ]
    return render("boxes.html", "photo", boxes=boxes, size_wh=size_wh, picture=picture)


def live_boxes_html(faces: Sequence[LiveFace], size_wh: tuple[int, int]) -> str:
    """The boxes of the faces in a live frame, each with its age.

    Args:
        size_wh: of the frame, pixels.
    """
    boxes = [_box(face.number, face.box_xyxy, size_wh, _live_parts(face)) for face in faces]
    return render("boxes.html", "live", boxes=boxes, size_wh=size_wh)


def _live_parts(face: LiveFace) -> tuple[TagPart, ...]:
    number = TagPart(f"{face.number}:", 1, "number")
    if face.age_years is None or face.interval_years is None:
        return number, TagPart("…", 1, "waiting")
    low, high = whole_years(face.interval_years)
    return (
        number,
        TagPart(str(round(face.age_years)), 1, "years"),
        TagPart(f"{low}–{high}", 0.65, "range"),
    )


def _box(
    number: int,
    box_xyxy: np.ndarray,
    size_wh: tuple[int, int],
    parts: tuple[TagPart, ...],
    label: str = "",
) -> Box:
    """Place a box and its tag: above the box's left corner, or inside it where the picture ends."""
    picture_width, picture_height = size_wh
    longest = max(size_wh)
    x1, y1, x2, y2 = np.clip(box_xyxy, 0, [*size_wh, *size_wh]).tolist()
    face = max(x2 - x1, y2 - y1)
    # A line that suits the picture may be too thick for a small face.
    line = min(longest / 160, max(face / 20, longest / 400))
    # The tag grows with the face, but stays legible on a phone and does not hide faces in a crowd.
    tag_height = float(np.clip(face * 0.35, longest / 32, longest / 18))
    font_size = tag_height * 0.72
    text_width = font_size * _text_width(parts)
    tag_width = max(tag_height, text_width + 0.55 * tag_height)
    above = y1 - tag_height
    return Box(
        number=number,
        x=x1,
        y=y1,
        width=max(x2 - x1, 1),
        height=max(y2 - y1, 1),
        line=line,
        tag_x=max(min(x1, picture_width - tag_width), 0),
        tag_y=above if above >= 0 else min(y1, max(picture_height - tag_height, 0)),
        tag_width=tag_width,
        tag_height=tag_height,
        font_size=font_size,
        text_width=text_width,
        gap=GAP_WIDTH * font_size,
        parts=parts,
        label=label,
    )


def _text_width(parts: tuple[TagPart, ...]) -> float:
    """Width of a tag's text, as a share of its font size."""
    widths = (
        part.scale * sum(COLON_WIDTH if c == ":" else DIGIT_WIDTH for c in part.text)
        for part in parts
    )
    return sum(widths) + GAP_WIDTH * (len(parts) - 1)
