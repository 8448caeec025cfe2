"""The tab "Why?" without a browser: what a picture and a choice are answered with."""

import re

import numpy as np
import pytest
from PIL import Image

from age_model.network.explain import Explanation
from age_model.page import words
from age_model.page.tabs.why import face_answer, first_answer
from age_model.page.why_html import HEAT_COLORS, explanation_html, heat_color

BOXES = ((180, 60, 270, 180), (10, 10, 60, 60))


class Predictor:
    """Finds faces at the boxes that it was made with; the map of face i is strongest at patch i."""

    def __init__(self, ages_of, *boxes):
        self._ages = ages_of(*boxes)

    def __call__(self, image_rgb):
        return self._ages

    def explain(self, image_rgb, face=0):
        if face not in range(len(self._ages)):
            raise ValueError("no such face")
        return explanation(face)


def explanation(strongest=0, years=2.5) -> Explanation:
    change = np.linspace(0, 1, 64)
    change[strongest] = years
    return Explanation(np.full((128, 128, 3), 90, np.uint8), 41.2, change.reshape(8, 8))


@pytest.fixture
def upload(photo, monkeypatch) -> dict:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(photo.parent))
    return {"path": str(photo), "orig_name": "<i>me.jpg"}


def test_a_face_alone_is_explained_without_a_choice(upload, ages_of):
    strip, choice, html = first_answer(Predictor(ages_of, BOXES[0]), upload)
    assert not strip["visible"] and not choice["visible"]
    assert "Face 1" in html and html.count("<rect") == 64
    assert re.search(r"41</span> years", html)


def test_several_faces_can_be_chosen_from(upload, ages_of):
    predictor = Predictor(ages_of, *BOXES)
    strip, choice, html = first_answer(predictor, upload)
    assert strip["visible"] and strip["value"].count("<img") == 2
    assert choice["visible"] and choice["value"] == 0
    assert choice["choices"] == [("Face 1", 0), ("Face 2", 1)]
    assert "Face 1:" in html and "row 1 from the top, column 1" in html
    second = face_answer(predictor, upload, 1)
    assert "Face 2:" in second and "row 1 from the top, column 2" in second


def test_no_face_and_no_picture_are_said_as_on_the_photo_tab(upload, ages_of):
    strip, choice, html = first_answer(Predictor(ages_of), upload)
    assert words.NO_FACE[0] in html and "<svg" not in html
    assert not strip["visible"] and not choice["visible"]
    assert words.WAITING_WHY in first_answer(None, None)[2]


def test_a_bad_file_gives_its_reason(upload, photo, ages_of):
    photo.write_bytes(b"no picture")
    predictor = Predictor(ages_of, *BOXES)
    for html in (first_answer(predictor, upload)[2], face_answer(predictor, upload, 1)):
        assert 'role="alert"' in html and "&lt;i&gt;me.jpg" in html and "<i>" not in html


def test_a_file_that_is_gone_or_is_no_upload_is_not_read(upload, photo, ages_of, tmp_path):
    predictor = Predictor(ages_of, *BOXES)
    photo.unlink()
    assert "no longer here" in face_answer(predictor, upload, 1)
    assert "is not an uploaded picture" in face_answer(predictor, {"path": "/etc/hostname"}, 0)


@pytest.mark.parametrize("chosen", [2, -1, None, "1"])
def test_a_choice_that_is_none_of_them_breaks_nothing(upload, ages_of, chosen):
    assert words.FAILED[0] in face_answer(Predictor(ages_of, *BOXES), upload, chosen)


def test_the_map_says_how_much_and_what_it_cannot_tell():
    html = explanation_html(explanation(years=3.21), 1)
    assert "3.2 years" in html
    assert "128 × 128 pixels, cut into 8 × 8 squares of 16 pixels" in html
    assert "Whether the estimate is right" in html
    assert "{" not in html
    assert html.count(HEAT_COLORS[-1]) == 2, "the strongest square and the end of the legend"


def test_an_empty_map_has_one_colour():
    flat = Explanation(np.zeros((128, 128, 3), np.uint8), 30.0, np.zeros((8, 8)))
    html = explanation_html(flat, 1)
    assert html.count(f'fill="{HEAT_COLORS[0]}"') == 64 and "0.0 years" in html


def test_colours_grow_lighter_with_the_value():
    def lightness(color):
        return Image.new("RGB", (1, 1), color).convert("L").getpixel((0, 0))

    assert heat_color(0) == HEAT_COLORS[0] and heat_color(1) == HEAT_COLORS[-1]
    assert heat_color(0.5) == HEAT_COLORS[4]
    shades = [lightness(heat_color(share)) for share in np.linspace(0, 1, 30)]
    assert np.all(np.diff(shades) > 0)
    assert heat_color(-1) == HEAT_COLORS[0] and heat_color(2) == HEAT_COLORS[-1]
