"""A picture with its answer, as the tabs Photo and Webcam show it: boxes, cards, and "Why?".

The browser keeps the picture that it was given; the server sends what lies over it and the cards.
"""

from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np
from gradio.events import Dependency
from gradio.utils import get_upload_folder

from age_model.page.answers import QUEUE, answer_for, page_answer
from age_model.page.lazy_predictor import Predictor
from age_model.page.render import render
from age_model.page.theme import script
from age_model.page.why import why_html

CHANGED = "() => document.getElementById('NAME-view').dispatchEvent(new Event('EVENT'))"


@dataclass(frozen=True)
class AnswerView:
    """The parts that an answer fills; their values at the start are what the page opens with."""

    boxes: gr.HTML
    answer: gr.HTML


def build_answer_view(name: str, bar: str, bar_script: str, predictor: Predictor) -> AnswerView:
    """The picture's place, its boxes and its cards.

    Args:
        name: of the tab; the parts' ids begin with it.
        bar: HTML of the buttons by which a picture is given.
        bar_script: makes the buttons work: JavaScript that comes after `static/give.js`.
        predictor: asked for the ages.
    """

    def show(event: gr.EventData) -> tuple[str, str]:
        return page_answer(predictor, event._data, get_upload_folder())

    def explain(event: gr.EventData) -> str:
        return why_answer(predictor, event._data, get_upload_folder())

    with gr.Column(elem_id=f"{name}-view", elem_classes="answer-view"):
        giving = script("give.js") + bar_script
        given = gr.HTML(bar, js_on_load=giving, padding=False, elem_classes="view-bar")
        with gr.Column(elem_id=f"{name}-stage", elem_classes="stage"):
            gr.HTML(render("photo.html", "stage"), js_on_load=None, padding=False)
            boxes = gr.HTML("", js_on_load=None, padding=False, elem_classes="stage-boxes")
        gr.HTML(
            render("photo.html", "options"),
            js_on_load=None,
            padding=False,
            elem_classes="stage-options",
        )
        answer = gr.HTML(
            "",
            js_on_load=script("faces.js") + script("keep.js"),
            padding=False,
            elem_id=f"{name}-answer",
            elem_classes="view-answer",
        )
        # Filled by the server, and moved into a card by faces.js.
        why = gr.HTML("", js_on_load=None, padding=False, elem_classes="view-why")
    event: dict[str, Any] = {
        "trigger_mode": "multiple",  # the scripts ask one after the other
        "show_progress": "hidden",  # the view says itself that it is busy
        "api_visibility": "private",
    }

    def changed(what: str) -> str:
        return CHANGED.replace("NAME", name).replace("EVENT", what)

    def tell(ended: Dependency, done: str, failed: str) -> None:
        ended.success(None, js=changed(done), api_visibility="private")
        ended.failure(None, js=changed(failed), api_visibility="private")

    answering = given.submit(show, None, [boxes, answer], **event, **QUEUE)
    tell(answering, "answered", "unanswered")
    explaining = answer.select(explain, None, why, **event, **QUEUE)
    tell(explaining, "explained", "unexplained")
    return AnswerView(boxes, answer)


def why_answer(predictor: Predictor, given: object, upload_folder: str) -> str:
    """HTML on why a face looks as old as it does.

    Args:
        given: the picture, see `answers.answer_for`, and the number of its "face", from 1.
    """

    def shown(image_rgb: np.ndarray, _frames: int) -> str:
        number = given["face"] if isinstance(given, dict) else None
        if not isinstance(number, int):
            raise ValueError(f"expected the number of a face, got {number!r}")
        return why_html(predictor.explain(image_rgb, number - 1), number, predictor.deletion)

    return answer_for(given, upload_folder, shown)
