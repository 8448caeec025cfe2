"""The tab "Why?": a heat map of what moved the estimate of one face."""

import gradio as gr
import numpy as np
from gradio.utils import get_upload_folder

from age_model.page import page_html, words
from age_model.page.answers import Predictor, answer_for
from age_model.page.drawing import face_crops
from age_model.page.photo_html import notes_html
from age_model.page.tabs.photo import AFTER_ANSWER, add_examples
from age_model.page.why_html import explanation_html, introduction_html, strip_html
from age_model.results import picture_notes


def build_why_tab(predictor: Predictor) -> None:
    """The content of the tab.

    Args:
        predictor: an `AgePredictor`, or what answers in its place.
    """
    gr.HTML(introduction_html(), padding=False)
    with gr.Row(equal_height=False):
        with gr.Column(scale=4, min_width=320):
            picture = gr.Image(
                label=words.YOUR_PICTURE,
                sources=["upload", "clipboard"],
                type="filepath",
                height=320,
                buttons=[],
                elem_id="why-input",
            )
            add_examples(picture)
        with gr.Column(scale=7, min_width=320, elem_id="why-result"):
            strip = gr.HTML(padding=False, visible=False, elem_id="why-strip")
            # A visitor's choice comes back as a number among these, with arrow keys or a finger.
            face = gr.Radio([], label=words.WHY_CHOOSE, visible=False, elem_id="why-face")
            answer = gr.HTML(
                page_html.waiting_html(words.WAITING_WHY), padding=False, elem_id="why-answer"
            )
    event = {
        "preprocess": False,  # the file as it came: our own reader turns, converts and complains
        "trigger_mode": "always_last",
        "concurrency_id": "predict",
        "api_visibility": "private",
    }
    picture.change(
        lambda upload: first_answer(predictor, upload), picture, [strip, face, answer], **event
    ).then(None, js=AFTER_ANSWER.replace("NAME", "why"), api_visibility="private")
    # Not `change`: the answer to a new picture sets the choice too, and explains face 1 itself.
    face.input(
        lambda upload, chosen: face_answer(predictor, upload, chosen),
        [picture, face],
        answer,
        **event,
    )


def first_answer(predictor: Predictor, upload: dict | None) -> tuple[dict, dict, str]:
    """What the page shows for a new picture: updates of strip and choice, HTML about face 1."""

    def shown(image_rgb: np.ndarray, frames: int) -> tuple[list[str] | None, str]:
        ages = predictor(image_rgb)
        notes = notes_html(picture_notes(frames, ages))
        if len(ages) == 0:
            return None, page_html.message_html(*words.NO_FACE) + notes
        return face_crops(image_rgb, ages), notes + explanation_html(
            predictor.explain(image_rgb), 1
        )

    crops, html = answer_for(upload, get_upload_folder(), words.WAITING_WHY, shown)
    choices = [(words.FACE.format(number=i + 1), i) for i in range(len(crops or ()))]
    several = len(choices) > 1
    return (
        gr.update(value=strip_html(crops or []), visible=several),
        gr.update(choices=choices, value=0 if several else None, visible=several),
        html,
    )


def face_answer(predictor: Predictor, upload: dict | None, chosen: int | None) -> str:
    """HTML about the face that a visitor chose, 0 being the first."""

    def shown(image_rgb: np.ndarray, _frames: int) -> tuple[None, str]:
        return None, explanation_html(predictor.explain(image_rgb, chosen), chosen + 1)

    return answer_for(upload, get_upload_folder(), words.WAITING_WHY, shown)[1]
