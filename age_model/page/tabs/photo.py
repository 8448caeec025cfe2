"""The tab "Photo", and the endpoint /predict behind it."""

from typing import Any

import gradio as gr
from gradio.utils import get_upload_folder

from age_model.page.answers import QUEUE, api_answer
from age_model.page.examples import EXAMPLES
from age_model.page.lazy_predictor import Predictor
from age_model.page.render import render
from age_model.page.tabs.answer_view import AnswerView, build_answer_view
from age_model.page.theme import script


def build_photo_tab(predictor: Predictor) -> AnswerView:
    """The content of the tab, and the endpoint."""
    bar = render("photo.html", "bar", examples=EXAMPLES)
    view = build_answer_view("photo", bar, script("photo.js"), predictor)
    _add_api(predictor)
    return view


def _add_api(predictor: Predictor) -> None:
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
            looks, where the model was taught it, and "box" (x1, y1, x2, y2 in pixels of the
            upright picture). Its "error" is None,
            or says why the picture cannot be used.
        """
        return api_answer(predictor, picture, get_upload_folder(), thresholds)

    # Nobody sees these: an endpoint of Gradio needs an event with components, and the page's own
    # events answer with HTML.
    picture = gr.Image(label="Picture", type="filepath", visible=False)
    thresholds = gr.Checkbox(value=False, label="Thresholds", visible=False)
    gr.Button(visible=False).click(
        predict,
        [picture, thresholds],
        gr.JSON(visible=False),
        preprocess=False,  # the file as it came: our own reader turns, converts and complains
        **QUEUE,
        api_name="predict",
    )
