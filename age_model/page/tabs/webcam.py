"""The tab "Webcam": ages over the moving picture, and a still of it with the full answer."""

from age_model.page.lazy_predictor import Predictor
from age_model.page.render import render
from age_model.page.tabs.answer_view import build_answer_view
from age_model.page.tabs.live import build_live_view
from age_model.page.theme import script


def build_webcam_tab(predictor: Predictor) -> None:
    """The content of the tab."""
    build_live_view(predictor)
    bar = render("live.html", "still")
    build_answer_view("webcam", bar, script("still.js"), predictor)
