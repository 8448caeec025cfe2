"""The answer to "Why?" without a browser."""

from dataclasses import replace

import numpy as np
import pytest

from age_model.network.deletion import Deletion, read_deletion
from age_model.network.loading import EMBEDDED
from age_model.page.tabs.answer_view import why_answer
from age_model.page.why import (
    EITHER,
    MOST_PARTS,
    OLDER,
    YOUNGER,
    deletion_figure,
    signed_map,
    why_html,
)
from tests.support.markup import read
from tests.support.stub_predictor import StubPredictor, explanation

BOXES = ((180, 60, 270, 180), (10, 10, 60, 60))


@pytest.fixture
def upload(photo) -> dict:
    return {"path": str(photo), "orig_name": "<i>me.jpg"}


def _ask(ages, upload, face) -> str:
    folder = upload["path"].rsplit("/", 1)[0]
    return why_answer(StubPredictor(ages), upload | {"face": face}, folder)


def test_the_face_that_is_asked_for_is_explained(upload, ages_of):
    predictor = StubPredictor(ages_of(*BOXES))
    html = why_answer(predictor, upload | {"face": 2}, upload["path"].rsplit("/", 1)[0])
    assert predictor.explained == [1]
    section = read(html).one("section", "why")
    assert "face 2" in section["aria-label"] and section.one("input", type="range")
    assert section.one("li", "why-younger").text == "The mouth 3.0 years younger"


@pytest.mark.parametrize("face", [3, 0, -1, None, "1", [1]])
def test_a_face_that_is_none_of_them_breaks_nothing(upload, ages_of, face):
    html = _ask(ages_of(*BOXES), upload, face)
    assert read(html).one(role="alert") and not read(html).all("section")


def test_a_bad_file_gives_its_reason(upload, photo, ages_of):
    photo.write_bytes(b"no picture")
    assert "<i>me.jpg" in read(_ask(ages_of(*BOXES), upload, 1)).one(role="alert").text


def test_only_parts_that_count_are_named_and_the_largest_first():
    parts = [("the mouth", -6.0), ("the eyes", 3.0), ("the nose", 0.4), *[("the chin", 1.0)] * 5]
    html = read(why_html(explanation(None, *sorted(parts, key=lambda p: -abs(p[1]))), 1, None))
    items = html.one("ul", "why-parts").all("li")
    assert len(items) == MOST_PARTS and items[0].text == "The mouth 6.0 years younger"
    assert [item.one("i")["style"] for item in items[:2]] == ["width: 100%", "width: 50%"]
    assert "No single part" in read(why_html(explanation(), 1, None)).text


def test_the_map_is_signed_as_clear_as_the_change_and_grey_where_it_could_be_chance():
    effect, error = np.zeros((8, 8)), np.full((8, 8), 0.1)
    effect[1, 1], effect[6, 6], effect[1, 6] = 2.0, -2.0, 1.9
    error[0:3, 5:8] = 40.0
    change = np.zeros((8, 8))
    change[1, 1], change[6, 6], change[1, 6] = 4.0, 2.0, 4.0
    shown = signed_map(replace(explanation(effect), change_years=change, effect_error_years=error))
    older, younger, chance = shown[36, 36], shown[156, 156], shown[36, 156]
    assert tuple(older[:3]) == OLDER and tuple(younger[:3]) == YOUNGER
    assert np.allclose(chance[:3], EITHER, atol=10)
    assert older[3] > 200 and chance[3] > 200 and 80 < younger[3] < 130
    assert not signed_map(explanation()).any(axis=(0, 1))[3], "an even map is empty"


def test_the_deletion_test_stands_beside_it():
    measured = read_deletion(EMBEDDED)
    assert measured is not None and measured.shares[0] == 0 and measured.shares[-1] == 1
    figure = deletion_figure(measured)
    assert figure.years > figure.random_years > 0
    text = read(why_html(explanation(), 1, measured)).one("figure", "why-test").text
    assert str(measured.n) in text and f"{figure.years:.0f}" in text
    flat = Deletion(1, (0.0, 1.0), (0.0, 0.0), (0.0, 0.0), (0.0, 0.0))
    assert deletion_figure(flat).years == 0


def test_a_model_without_that_measurement_says_nothing_of_it(tmp_path):
    assert read_deletion(tmp_path) is None
    (tmp_path / "deletion.json").write_text("[]")
    assert read_deletion(tmp_path) is None
    assert not read(why_html(explanation(), 1, None)).all("figure", "why-test")
