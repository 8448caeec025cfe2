"""The tab "Why?": a heat map of what moved the estimate of one face."""

from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
from gradio.utils import get_upload_folder

from age_model.network.explain import Explanation
from age_model.page.answers import QUEUE, answer_for
from age_model.page.lazy_predictor import Predictor
from age_model.page.pictures import data_uri, face_crops
from age_model.page.render import render
from age_model.page.tabs.photo import AFTER_ANSWER, add_examples
from age_model.results import picture_notes

# "viridis" at nine equal steps: equal differences look equally large, also to the colour-blind.
# Source: van der Walt and Smith, SciPy 2015; the colours are released under CC0.
HEAT_COLORS = (
    "#440154", "#472d7b", "#3b528b", "#2c728e", "#21918c",
    "#28ae80", "#5ec962", "#addc30", "#fde725",
)  # fmt: skip


@dataclass(frozen=True)
class HeatMap:
    """An `Explanation` as the page shows it.

    Attributes:
        age_years: the estimate.
        crop, grey_crop: data URIs of the face as the network sees it, in colour and in grey.
        size: side of the crop, pixels.
        grid: squares along a side.
        squares: "#rrggbb" of each square, row by row.
        strongest: row and column of the strongest square.
        least_years, most_years: what the weakest and the strongest square stand for.
        colors: from the weakest to the strongest, for the legend.
    """

    age_years: float
    crop: str
    grey_crop: str
    size: int
    grid: int
    squares: tuple[tuple[str, ...], ...]
    strongest: tuple[int, int]
    least_years: float
    most_years: float
    colors: tuple[str, ...] = HEAT_COLORS


def build_explain_tab(predictor: Predictor) -> None:
    """The content of the tab."""
    gr.HTML(render("explanation.html", "introduction"), padding=False)
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=320):
            picture = gr.Image(
                label="Your picture",
                sources=["upload", "clipboard"],
                type="filepath",
                height=320,
                buttons=[],
                elem_id="explain-input",
            )
            add_examples(picture)
        with gr.Column(scale=7, min_width=320, elem_id="explain-result"):
            faces = gr.HTML(padding=False, visible=False, elem_id="explain-faces")
            # A visitor's choice comes back as a number among these, with arrow keys or a finger.
            choice = gr.Radio([], label="Which face?", visible=False, elem_id="explain-choice")
            answer = gr.HTML(
                render("explanation.html", "waiting"), padding=False, elem_id="explain-answer"
            )
    event: dict[str, Any] = {
        "preprocess": False,  # the file as it came: our own reader turns, converts and complains
        "trigger_mode": "always_last",
        **QUEUE,
        "api_visibility": "private",
    }
    picture.change(
        lambda upload: first_answer(predictor, upload), picture, [faces, choice, answer], **event
    ).then(None, js=AFTER_ANSWER.replace("NAME", "explain"), api_visibility="private")
    # Not `change`: the answer to a new picture sets the choice too, and explains face 1 itself.
    choice.input(
        lambda upload, chosen: face_answer(predictor, upload, chosen),
        [picture, choice],
        answer,
        **event,
    )


def first_answer(
    predictor: Predictor, upload: dict[str, Any] | None
) -> tuple[dict[str, Any], dict[str, Any], str]:
    """What the page shows for a new picture: updates of faces and choice, HTML about face 1."""

    def shown(image_rgb: np.ndarray, frames: int) -> tuple[list[str] | None, str]:
        ages = predictor(image_rgb)
        notes = picture_notes(frames, ages)
        if len(ages) == 0:
            return None, render("photo.html", "answer", faces=[], crops=[], notes=notes)
        explanation = predictor.explain(image_rgb)
        return face_crops(image_rgb, ages), explanation_html(explanation, 1, notes)

    waiting = render("explanation.html", "waiting")
    crops, html = answer_for(upload, get_upload_folder(), waiting, shown)
    choices = [(f"Face {i + 1}", i) for i in range(len(crops or ()))]
    several = len(choices) > 1
    faces = render("explanation.html", "faces", crops=crops) if several else ""
    return (
        gr.update(value=faces, visible=several),
        gr.update(choices=choices, value=0 if several else None, visible=several),
        html,
    )


def face_answer(predictor: Predictor, upload: dict[str, Any] | None, chosen: int | None) -> str:
    """HTML about the face that a visitor chose, 0 being the first."""

    def shown(image_rgb: np.ndarray, _frames: int) -> tuple[None, str]:
        if chosen is None:
            raise ValueError("expected a face to be chosen, got none")
        return None, explanation_html(predictor.explain(image_rgb, face=chosen), chosen + 1)

    waiting = render("explanation.html", "waiting")
    return answer_for(upload, get_upload_folder(), waiting, shown)[1]


def explanation_html(explanation: Explanation, number: int, notes: list[str] | None = None) -> str:
    """The estimate, the face as the network sees it, its heat map, and how to read it.

    Args:
        number: of the face, from 1.
        notes: sentences of `results.picture_notes`.
    """
    heat = heat_map(explanation)
    return render("explanation.html", "answer", number=number, map=heat, notes=notes or [])


def heat_map(explanation: Explanation) -> HeatMap:
    """The colours and pictures of an explanation."""
    change = explanation.change_years
    shares = (change - change.min()) / (np.ptp(change) or 1.0)
    row, column = np.unravel_index(change.argmax(), change.shape)
    grey = explanation.crop_rgb.mean(axis=2, keepdims=True).astype(np.uint8)
    return HeatMap(
        age_years=explanation.age_years,
        crop=data_uri(explanation.crop_rgb),
        grey_crop=data_uri(np.repeat(grey, 3, axis=2)),
        size=len(explanation.crop_rgb),
        grid=len(change),
        squares=tuple(tuple(map(heat_color, line)) for line in shares),
        strongest=(int(row), int(column)),
        least_years=float(change.min()),
        most_years=float(change.max()),
    )


def heat_color(share: float) -> str:
    """Colour of a share 0..1 of the way from the least value to the largest: "#rrggbb"."""
    steps = np.linspace(0, 1, len(HEAT_COLORS))
    channels = np.array([list(bytes.fromhex(color[1:])) for color in HEAT_COLORS]).T
    return "#" + bytes(round(float(np.interp(share, steps, c))) for c in channels).hex()
