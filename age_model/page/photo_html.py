"""HTML of the tabs "Photo" and "Webcam" that goes with the faces' cards of `page_html`."""

from html import escape

import numpy as np

from age_model.labels import PAGE_THRESHOLDS
from age_model.page import words
from age_model.page.drawing import face_color
from age_model.results import FaceAges


def notes_html(notes: list[str]) -> str:
    """The sentences of `results.picture_notes`; nothing where there are none."""
    return "".join(f'<p class="photo-note" role="note">{escape(note)}</p>' for note in notes)


def warnings_html(face: dict) -> str:
    """The warnings about a face, a dict of `FaceAges.to_dicts`; nothing where there are none."""
    items = "".join(f"<li>{escape(text)}</li>" for text in face["warnings"])
    return f'<ul class="face-warnings" aria-label="Warnings">{items}</ul>' if items else ""


def at_least_switch() -> str:
    """The label of the switch that shows what `at_least_html` and `at_least_note` give."""
    return words.AT_LEAST_SWITCH.format(ages=", ".join(map(str, PAGE_THRESHOLDS)))


def at_least_note() -> str:
    """The sentence above all faces that says what these probabilities are not."""
    return f'<p class="photo-note face-at-least" role="note">{words.AT_LEAST_NOTE}</p>'


def at_least_html(face: dict) -> str:
    """How probably a face, a dict of `FaceAges.to_dicts`, looks each age that it names or older."""
    items = "".join(
        f"<div><dt>{words.OR_OLDER.format(age=age)}</dt><dd>{_share(probability)}</dd></div>"
        for age, probability in face["probability_at_least"].items()
    )
    return f'<dl class="face-at-least">{items}</dl>'


def boxes_html(ages: FaceAges, size_wh: tuple[int, int]) -> str:
    """A drawing to lay over the picture with its boxes: what makes a face there selectable.

    Args:
        size_wh: of the picture that the boxes are about, pixels.
    """
    # The largest first, so that the keys go from face to face in order and a smaller face that lies
    # on a larger one is still to be hit.
    links = "".join(
        _link_html(index, box, size_wh, round(age))
        for index, (box, age) in enumerate(zip(ages.box_xyxy, ages.age_years, strict=True))
    )
    return (
        f'<svg viewBox="0 0 {size_wh[0]} {size_wh[1]}" preserveAspectRatio="xMidYMid meet" '
        f'role="group" aria-label="{words.FACES_TO_SELECT}">{links}</svg>'
    )


def _link_html(index: int, box_xyxy: np.ndarray, size_wh: tuple[int, int], years: int) -> str:
    left, top, right, bottom = np.clip(box_xyxy, 0, [*size_wh, *size_wh]).round(1).tolist()
    return (
        f'<a href="#face-{index + 1}" data-face="{index + 1}" style="--face: {face_color(index)}" '
        f'role="button" aria-pressed="false" aria-label="{words.FACE.format(number=index + 1)}, {years} {words.YEARS[1]}">'
        f'<rect x="{left}" y="{top}" width="{max(right - left, 1):.1f}" '
        f'height="{max(bottom - top, 1):.1f}"/></a>'
    )


def _share(probability: float) -> str:
    """A whole number of per cent; never a certainty that the model does not have."""
    percent = round(100 * probability)
    return {0: words.UNDER_1, 100: words.OVER_99}.get(percent, f"{percent}%")
