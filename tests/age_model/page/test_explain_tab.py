"""The tab "Why?" without a browser: what a picture and a choice are answered with."""

import re

import numpy as np
import pytest
from PIL import Image

from age_model.network.explain import Explanation
from age_model.page.tabs.explain import (
    HEAT_COLORS,
    explanation_html,
    face_answer,
    first_answer,
    heat_color,
)
from tests.support.markup import read

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
    section = read(html).one("section", data_face="1")
    assert len(section.all("rect")) == 64 and section.one(css_class="face-years").text == "41"


def test_several_faces_can_be_chosen_from(upload, ages_of):
    predictor = Predictor(ages_of, *BOXES)
    strip, choice, html = first_answer(predictor, upload)
    assert strip["visible"] and strip["value"].count("<img") == 2
    assert choice["visible"] and choice["value"] == 0
    assert choice["choices"] == [("Face 1", 0), ("Face 2", 1)]
    assert read(html).one("section", data_face="1")["data-strongest"] == "0,0"
    second = face_answer(predictor, upload, 1)
    assert read(second).one("section", data_face="2")["data-strongest"] == "0,1"


def test_no_face_and_no_picture_are_said_as_on_the_photo_tab(upload, ages_of):
    strip, choice, html = first_answer(Predictor(ages_of), upload)
    assert read(html).one(role="status") and not read(html).all("svg")
    assert not strip["visible"] and not choice["visible"]
    assert read(first_answer(None, None)[2]).one(css_class="answer-waiting")


def test_a_bad_file_gives_its_reason(upload, photo, ages_of):
    photo.write_bytes(b"no picture")
    predictor = Predictor(ages_of, *BOXES)
    for html in (first_answer(predictor, upload)[2], face_answer(predictor, upload, 1)):
        assert "<i>me.jpg" in read(html).one(role="alert").text


def test_a_file_that_is_gone_or_is_no_upload_is_not_read(upload, photo, ages_of, tmp_path):
    predictor = Predictor(ages_of, *BOXES)
    photo.unlink()
    assert "no longer here" in face_answer(predictor, upload, 1)
    assert "is not an uploaded picture" in face_answer(predictor, {"path": "/etc/hostname"}, 0)


@pytest.mark.parametrize("chosen", [2, -1, None, "1"])
def test_a_choice_that_is_none_of_them_breaks_nothing(upload, ages_of, chosen):
    html = face_answer(Predictor(ages_of, *BOXES), upload, chosen)
    assert read(html).one(role="alert") and not read(html).all("svg")


def test_the_map_says_how_much_and_what_it_cannot_tell():
    html = explanation_html(explanation(years=3.21), 1)
    ends = read(html).one(css_class="explanation-legend").text
    assert re.findall(r"[\d.]+", ends) == ["0.0", "3.2"]
    sizes = [re.findall(r"\d+", item.text) for item in read(html).all("li")]
    assert ["128", "128", "8", "8", "16"] in sizes, "pixels, squares and their side"
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
