"""The HTML of the page's frame and of its answers."""

import math
from html import escape

from age_model.labels import PAGE_THRESHOLDS
from age_model.network.calibration import INTERVAL_COVERAGE
from age_model.page import words
from age_model.page.drawing import face_color
from age_model.page.photo_html import at_least_html, at_least_note, warnings_html
from age_model.results import FaceAges

RUNNING = "answer-running"  # class of what says that something is being examined


def header_html() -> str:
    """Title and the one sentence under it."""
    return f'<header class="page-head"><h1>{words.TITLE}</h1><p>{words.INTRODUCTION}</p></header>'


def notes_html() -> str:
    """The note on privacy and limits at the foot of the page."""
    notes = "".join(
        f"<section><h2>{title}</h2><p>{text}</p></section>"
        for title, text in (words.PRIVACY, words.LIMITS)
    )
    return f'<div class="page-notes">{notes}</div>'


def model_html(model: str, detector: str, instead_of: str | None) -> str:
    """Which model answers on this page.

    Args:
        instead_of: the model that was asked for and could not be reached, if so.
    """
    text = f"Model: <b>{escape(model)}</b>. Faces are found with {escape(detector)}."
    if instead_of:
        text += f" {escape(instead_of)} could not be reached, so the page's own model answers."
    return f'<p class="page-model">{text}</p>'


def waiting_html(text: str) -> str:
    """What stands where the answer will be."""
    return f'<p class="answer-waiting">{escape(text)}</p>'


def message_html(title: str, text: str, problem: bool = False) -> str:
    """A sentence in place of ages.

    Args:
        problem: the picture could not be used, as against a picture without a face.
    """
    kind, role = ("answer-problem", "alert") if problem else ("answer-message", "status")
    return f'<div class="{kind}" role="{role}"><strong>{escape(title)}</strong><p>{escape(text)}</p></div>'


def running_html(text: str, done: float, total: float) -> str:
    """How far it has come: `done` of `total`, in whatever unit."""
    return (
        f'<div class="{RUNNING}"><p>{escape(text)}</p><progress max="{total:g}" value="{done:g}" '
        f'aria-label="{words.PROGRESS}"></progress></div>'
    )


def count_of(number: int, nouns: tuple[str, str]) -> str:
    """A number with its noun, of which there are two: for one, and for more."""
    return f"{number} {nouns[number != 1]}"


def faces_html(ages: FaceAges, crops: list[str]) -> str:
    """A heading and one card a face.

    Args:
        ages: at least one face.
        crops: for each face the address or data URI of its picture.
    """
    count = words.FACES_COUNT[len(ages) > 1].format(count=len(ages))
    faces = ages.to_dicts(at_least=PAGE_THRESHOLDS)
    cards = [
        _card_html(index, face, crop)
        for index, (face, crop) in enumerate(zip(faces, crops, strict=True))
    ]
    return f'<h2 class="faces-count">{count}</h2>{at_least_note()}<div class="faces">{"".join(cards)}</div>'


def _card_html(index: int, face: dict, crop: str) -> str:
    number, color = index + 1, face_color(index)
    show = words.FACE_TO_SHOW.format(number=number)
    gender = words.GENDER.format(gender=face["gender"], probability=face["gender_probability"])
    return f"""
<article class="face" style="--face: {color}" data-face="{number}" aria-label="{words.FACE.format(number=number)}">
  <div class="face-top">
    <button class="face-picture" type="button" aria-pressed="false" title="{show}">
      <img src="{escape(crop)}" alt="{show}" width="96" height="96">
      <span class="face-number">{number}</span>
    </button>
    <div class="face-answer">
      <p class="face-age">{years_html(face)}</p>
      <p class="face-interval">{interval_html(face["interval"])}</p>
      <p class="face-gender">{escape(gender)}</p>
    </div>
  </div>
  <div class="face-groups" aria-label="{words.AGE_GROUPS}">{_bars_html(face)}</div>
  {at_least_html(face)}{warnings_html(face)}
</article>"""


def years_html(face: dict) -> str:
    """The age of a face, a dict of `FaceAges.to_dicts`, in whole years."""
    years = round(face["age"])
    return f'<span class="face-years">{years}</span> {words.YEARS[years != 1]}'


def group_html(name: str) -> str:
    """The name of an age group, such as 30–39."""
    return escape(name.replace("-", "–"))


def interval_html(interval_years: list[float]) -> str:
    """The range that an age most likely lies in, from its two ends in years."""
    # Rounded outwards: the whole years shown hold at least the interval that was computed.
    low, high = math.floor(interval_years[0]), math.ceil(interval_years[1])
    hint = words.RANGE_HINT.format(coverage=INTERVAL_COVERAGE)
    between = words.RANGE_BETWEEN.format(low=f"<b>{low}</b>", high=f"<b>{high}</b>")
    return (
        f'{words.RANGE} <span class="face-range">{between}</span> '
        f'<span class="face-hint" title="{hint}">({INTERVAL_COVERAGE:.0%})</span>'
    )


def _bars_html(face: dict) -> str:
    rows = []
    for name, probability in face["group_probabilities"].items():
        top = " face-group-top" if name == face["group"] else ""
        rows.append(
            f'<div class="face-group{top}"><span>{group_html(name)}</span>'
            f'<span class="face-bar"><i style="width: {probability:.1%}"></i></span>'
            f"<span>{probability:.0%}</span></div>"
        )
    return "".join(rows)
