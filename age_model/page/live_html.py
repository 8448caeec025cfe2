"""HTML of the tab "Live": boxes and ages over the camera's picture, and the line below it."""

import math
from html import escape

from age_model.faces.detector import QUICK_FACES
from age_model.faces.tracking import LiveFace
from age_model.page import page_html, words
from age_model.page.drawing import face_color


def introduction_html(visitors: int, seconds: int) -> str:
    """What stands above the camera.

    Args:
        visitors: how many can be live at once.
        seconds: how long each at a time.
    """
    text = words.LIVE_INTRODUCTION.format(most=QUICK_FACES, visitors=visitors, seconds=seconds)
    return f'<p class="live-introduction">{escape(text)}</p>'


def camera_problems() -> dict[str, str]:
    """HTML for each reason of `words.CAMERA_PROBLEMS`."""
    return {
        reason: page_html.message_html(title, text, problem=True)
        for reason, (title, text) in words.CAMERA_PROBLEMS.items()
    }


def idle_html() -> str:
    """The line below the camera while nothing comes from it."""
    return f'<p class="live-left">{words.LIVE_WAITING}</p>'


def boxes_html(faces: tuple[LiveFace, ...], size_wh: tuple[int, int]) -> str:
    """A drawing to lay over the camera's picture.

    The picture itself does not come back from the server: what the visitor sees stays smooth, and
    no drawn frame is made, sent or stored.

    Args:
        size_wh: of the frame that the boxes are about, pixels.
    """
    width, height = size_wh
    drawn = "".join(_box_html(face, width, height) for face in faces)
    # As the video: whole, in the middle ("object-fit: contain").
    return (
        f'<svg viewBox="0 0 {width} {height}" preserveAspectRatio="xMidYMid meet" '
        f'aria-hidden="true">{drawn}</svg>'
    )


def status_html(faces: tuple[LiveFace, ...], seconds_left: float) -> str:
    """The faces seen now in words, and how long this visitor's turn still lasts."""
    if faces:
        items = "".join(f"<li>{_sentence_html(face)}</li>" for face in faces)
        seen = f'<ul class="live-faces">{items}</ul>'
    else:
        seen = f"<p>{words.LIVE_NO_FACE}</p>"
    left = page_html.count_of(math.ceil(max(seconds_left, 0)), words.SECONDS)
    return f'{seen}<p class="live-left">{words.LIVE_LEFT.format(seconds=left)}</p>'


def _box_html(face: LiveFace, width: int, height: int) -> str:
    x1, y1, x2, y2 = (round(float(v), 1) for v in face.box_xyxy)
    rect = f'x="{x1}" y="{y1}" width="{max(x2 - x1, 1):.1f}" height="{max(y2 - y1, 1):.1f}" rx="6"'
    size = min(max(0.22 * (x2 - x1), width / 28), width / 14)
    above = y1 - 0.4 * size
    y = above if above >= size else min(max(y1, 0) + 1.2 * size, height - 0.4 * size)
    x = min(max((x1 + x2) / 2, 3 * size), width - 3 * size)
    return (
        f'<g style="--face: {face_color(face.number - 1)}">'
        f'<rect class="live-halo" {rect}/><rect {rect}/>'
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{size:.1f}">{_label_html(face)}</text></g>'
    )


def _label_html(face: LiveFace) -> str:
    if face.age_years is None:
        return f"{face.number}: …"
    return (
        f'{face.number}: <tspan class="live-years">{round(face.age_years)}</tspan>'
        f'<tspan font-size="65%" dx="0.4em">{_range(face)}</tspan>'
    )


def _sentence_html(face: LiveFace) -> str:
    color = face_color(face.number - 1)
    number = f'<span class="live-number" style="--face: {color}">{face.number}</span>'
    if face.age_years is None:
        return f"{number} {words.LIVE_FACE_WAITING}"
    years = f"<b>{round(face.age_years)}</b>"
    return f"{number} {words.LIVE_FACE.format(years=years, range=_range(face))}"


def _range(face: LiveFace) -> str:
    # Rounded outwards, as on the cards: the whole years hold at least the interval.
    low, high = face.interval_years
    return f"{math.floor(low)}–{math.ceil(high)}"
