"""The tabs "Photo" and "Webcam", and the endpoint /predict behind them."""

from pathlib import Path
from typing import Any, Literal

import gradio as gr
from gradio.utils import get_upload_folder

import age_model
from age_model.labels import PAGE_THRESHOLDS
from age_model.page.answers import QUEUE, api_answer, page_answer
from age_model.page.lazy_predictor import Predictor
from age_model.page.render import render
from age_model.page.theme import script

ImageSource = Literal["upload", "webcam", "clipboard"]
EXAMPLES_FOLDER = Path(age_model.__file__).parent / "examples"
EXAMPLES = [EXAMPLES_FOLDER / name for name in ("portrait.jpg", "group.jpg", "cat.jpg")]
HEIC_UPLOAD = script("heic_upload.js")
FACE_SELECT = script("face_select.js")
AFTER_ANSWER = script("after_answer.js")


def build_photo_tab(predictor: Predictor) -> None:
    """The content of the tab for files, and the endpoint."""
    picture = _tab("photo", ["upload", "clipboard"], predictor)
    _add_api(picture, predictor)


def build_webcam_tab(predictor: Predictor) -> None:
    """The content of the tab for pictures that are taken on the page."""
    _tab("webcam", ["webcam"], predictor)


def _tab(name: str, sources: list[ImageSource], predictor: Predictor) -> gr.Image:
    """A picture to give on the left, the answer to it on the right; examples go with uploads."""
    waiting = render("photo.html", "waiting", webcam="webcam" in sources)

    def show(picture: dict[str, Any] | None) -> tuple[dict[str, Any], str, str]:
        shown, boxes, html = page_answer(predictor, picture, get_upload_folder(), waiting)
        return gr.update(value=shown, visible=shown is not None), boxes, html

    with gr.Row(equal_height=False, elem_classes="photo-view"):
        with gr.Column(scale=5, min_width=320):
            picture = _given_picture(name, sources)
        with gr.Column(scale=6, min_width=320, elem_id=f"{name}-result"):
            shown, boxes = _shown_picture(name)
            answer = gr.HTML(
                waiting,
                js_on_load=HEIC_UPLOAD if "upload" in sources else None,
                padding=False,
                elem_id=f"{name}-answer",
            )
    picture.change(
        show,
        picture,
        [shown, boxes, answer],
        preprocess=False,  # the file as it came: our own reader turns, converts and complains
        trigger_mode="always_last",
        **QUEUE,
        api_visibility="private",
    ).then(None, js=AFTER_ANSWER.replace("NAME", name), api_visibility="private")
    return picture


def _shown_picture(name: str) -> tuple[gr.Image, gr.HTML]:
    """The picture, and the boxes over it by which its faces are selected."""
    with gr.Column(elem_classes="photo-faces"):
        shown = gr.Image(
            label="Faces found",
            visible=False,
            interactive=False,
            format="jpeg",
            buttons=["fullscreen"],
            elem_id=f"{name}-faces",
        )
        boxes = gr.HTML("", js_on_load=FACE_SELECT, padding=False, elem_classes="photo-boxes")
    return shown, boxes


def _given_picture(name: str, sources: list[ImageSource]) -> gr.Image:
    picture = gr.Image(
        label="Your picture",
        sources=sources,
        type="filepath",
        height=380,
        buttons=[],
        elem_id=f"{name}-input",
    )
    # Only the page's style listens to it: the numbers come with every answer.
    gr.Checkbox(
        label=f"Probability of looking {', '.join(map(str, PAGE_THRESHOLDS))} or older",
        container=False,
        interactive=True,
        elem_classes="at-least-switch",
    )
    if "upload" in sources:
        add_examples(picture)
    return picture


def add_examples(picture: gr.Image) -> None:
    """Pictures to try, below the field that takes them."""
    gr.Examples(
        [[str(path)] for path in EXAMPLES],
        picture,
        label="Or try one of these",
        cache_examples=False,
        api_visibility="private",
    )


def _add_api(picture: gr.Image, predictor: Predictor) -> None:
    def predict(picture: dict[str, Any] | None, thresholds: bool = False) -> dict[str, Any]:
        """Find the faces in a picture and say how old each of them looks, in years.

        The ages are estimates and can be wrong by many years. They are no age verification: do not
        use them to grant or refuse anything, to watch people, or to decide anything about people.

        Args:
            picture: an upload, or its data: URL (data:image/jpeg;base64,...), of at most 6 MB then.
            thresholds: also say how probable it is that a face looks 13, 16, 18, 21, 25 or older.

        Returns:
            A dictionary. Its "faces", the largest first and none if no face is found, have "age"
            in years, "interval" (from and to which age it most likely is, 80%), "group" (of ages
            in years), "group_probabilities" and "gender_probability" (0 to 1), "gender" as it
            looks, and "box" (x1, y1, x2, y2 in pixels of the upright picture). Its "error" is None,
            or says why the picture cannot be used.
        """
        return api_answer(predictor, picture, get_upload_folder(), thresholds)

    record = gr.JSON(visible=False)
    # Its value is what a client gets that does not name the parameter.
    thresholds = gr.Checkbox(value=False, label="Thresholds", visible=False)
    # Nobody sees this button: an endpoint of Gradio needs an event, and the page's own events
    # answer with HTML.
    gr.Button(visible=False).click(
        predict,
        [picture, thresholds],
        record,
        preprocess=False,
        **QUEUE,
        api_name="predict",
    )
