"""What the page says: its words, and the HTML of its answers."""

import math
from html import escape

from age_model.calibration import INTERVAL_COVERAGE
from age_model.presentation import face_color
from age_model.results import FaceAges

TITLE = "How old do they look?"
INTRODUCTION = (
    "Give a photo or a webcam picture: each face gets an age in years, with the range that it "
    "most likely lies in, from a small Vision Transformer trained for this project."
)
WAITING_PHOTO = "Choose a photo or click an example: the faces and their ages appear here."
WAITING_WEBCAM = "Take a picture: the faces and their ages appear here."
WAITING_RESULTS = "One moment: the results of the model that is loaded appear here."
NOT_MEASURED = "Nothing is measured about this model"
RESULTS_UNREADABLE = "The model's results.json is not in the form that train.evaluate writes."
NO_FACE = (
    "No face found",
    "Try a picture in which the face is larger, upright, well lit and turned to the camera.",
)
UNUSABLE = "This picture cannot be used"
FAILED = (
    "Something went wrong",
    "The picture could not be examined. Try again, or try another picture.",
)
MANY_INTRODUCTION = (
    "Up to {most} pictures, or zip files of pictures, of at most {megabytes} MB a file: a row for "
    "each picture, and at the end a table to keep."
)
MANY_NONE = ("No pictures yet", "Choose pictures or a zip file first.")
MANY_STOPPED = (
    "Stopped",
    "The pictures that were done before are below. Start again for all of them and the downloads.",
)
LIVE_INTRODUCTION = (
    "Start the camera, then press Record: up to {most} faces get a number and an age that goes on "
    "being averaged while they are seen. {visitors} visitors can be live at once, each for "
    "{seconds} seconds at a time; if nobody waits, it goes on by itself until you press Stop."
)
LIVE_WAITING = "The camera is off. Frames are examined one by one as they come and then forgotten."
LIVE_NO_FACE = "No face seen: come nearer, face the camera, and see to light from the front."
LIVE_TOO_LARGE = "The camera's frames are too large: choose a lower resolution for it."
LIVE_UNREADABLE = "The browser sent a frame that cannot be read. Reload the page, or try another."
# By the names that browsers give to their reasons.
CAMERA_PROBLEMS = {
    "NotAllowedError": (
        "The camera was refused",
        "Allow this page to use the camera (the icon beside the address), then click again. "
        "Without one, use the tab Photo.",
    ),
    "NotFoundError": (
        "No camera found",
        "Connect one and click again, or use the tab Photo.",
    ),
    "NotReadableError": (
        "The camera cannot be used",
        "Another program may be using it: close that program and click again.",
    ),
    "insecure": (
        "No camera on this address",
        "Browsers give the camera only to pages from https:// or from this very machine.",
    ),
    "other": (
        "The camera did not start",
        "Try again, or use the tab Photo.",
    ),
}
PRIVACY = (
    "Privacy",
    "Pictures are examined on the machine that runs this page. None is kept, logged or used for "
    "training: uploads lie in a temporary folder and are deleted within minutes, live pictures from "
    "the camera never touch a disk.",
)
LIMITS = (
    "Limits",
    "The age is how old a face looks to the model, and can be wrong by many years, more so for "
    "some groups of people than for others; the model card (age_model/checkpoint/README.md) has "
    "the measured errors. Gender is what the face looks like to the model, not who someone is. "
    "Not for verifying ages, and not for decisions about people.",
)


def header_html() -> str:
    """Title and the one sentence under it."""
    return f'<header class="page-head"><h1>{TITLE}</h1><p>{INTRODUCTION}</p></header>'


def notes_html() -> str:
    """The note on privacy and limits at the foot of the page."""
    notes = "".join(
        f"<section><h2>{title}</h2><p>{text}</p></section>" for title, text in (PRIVACY, LIMITS)
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
    return (
        f'<div class="{kind}" role="{role}"><strong>{escape(title)}</strong>'
        f"<p>{escape(text)}</p></div>"
    )


def faces_html(ages: FaceAges, crops: list[str]) -> str:
    """A heading and one card a face.

    Args:
        ages: at least one face.
        crops: for each face the address or data URI of its picture.
    """
    count = "1 face" if len(ages) == 1 else f"{len(ages)} faces, the largest first"
    cards = [
        _card_html(index, face, crop)
        for index, (face, crop) in enumerate(zip(ages.to_dicts(), crops, strict=True))
    ]
    return f'<h2 class="faces-count">{count}</h2><div class="faces">{"".join(cards)}</div>'


def _card_html(index: int, face: dict, crop: str) -> str:
    number, color = index + 1, face_color(index)
    gender = f"looks {face['gender']}, {face['gender_probability']:.0%}"
    return f"""
<article class="face" style="--face: {color}" aria-label="Face {number}">
  <div class="face-top">
    <div class="face-picture">
      <img src="{escape(crop)}" alt="Face {number}" width="96" height="96">
      <span class="face-number">{number}</span>
    </div>
    <div class="face-answer">
      <p class="face-age">{years_html(face)}</p>
      <p class="face-interval">{interval_html(face["interval"])}</p>
      <p class="face-gender">{escape(gender)}</p>
    </div>
  </div>
  <div class="face-groups" aria-label="Age groups">{_bars_html(face)}</div>
</article>"""


def years_html(face: dict) -> str:
    """The age of a face, a dict of `FaceAges.to_dicts`, in whole years."""
    years = round(face["age"])
    return f'<span class="face-years">{years}</span> {"year" if years == 1 else "years"}'


def group_html(name: str) -> str:
    """The name of an age group, such as 30–39."""
    return escape(name.replace("-", "–"))


def interval_html(interval_years: list[float]) -> str:
    """The range that an age most likely lies in, from its two ends in years."""
    # Rounded outwards: the whole years shown hold at least the interval that was computed.
    low, high = math.floor(interval_years[0]), math.ceil(interval_years[1])
    hint = f"The model gives this range a probability of {INTERVAL_COVERAGE:.0%}"
    return (
        f'most likely <span class="face-range">between <b>{low}</b> and <b>{high}</b></span> '
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
