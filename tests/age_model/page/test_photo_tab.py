"""The card of a face, and what stands around the cards."""

import re

import numpy as np
import pytest

from age_model.labels import AGE_GROUP_NAMES
from age_model.page.render import ENVIRONMENT, render
from tests.support.factories import face_ages
from tests.support.markup import Element, read


def _answer(ages, notes=()) -> Element:
    faces = ages.to_dicts(at_least=(18, 21, 25))
    crops = [f"data:,{i}" for i in range(len(faces))]
    return read(render("photo.html", "answer", faces=faces, crops=crops, notes=list(notes)))


def test_card_says_what_the_model_says(ages_of):
    card = _answer(ages_of((0, 0, 9, 9))).one("article")
    assert card.one(css_class="face-years").text == "35" and card["data-face"] == "1"
    # 28.6 to 41.4, rounded outwards
    assert re.findall(r"\d+", card.one(css_class="face-interval").text) == ["28", "42", "80"]
    assert card.one(css_class="face-gender").text == "looks female, 93%"
    rows = [row.text.split() for row in card.all(css_class="face-group")]
    assert [name for name, _ in rows] == [name.replace("-", "–") for name in AGE_GROUP_NAMES]
    shares = [int(share.rstrip("%")) for _, share in rows]
    assert sum(shares) == pytest.approx(100, abs=3)
    assert card.one(css_class="face-group-top").text.startswith("30–39")


def test_cards_are_numbered_in_the_order_of_the_faces(ages_of):
    answer = _answer(ages_of(*[(0, 0, 9, 9)] * 3))
    assert [img["src"] for img in answer.all("img")] == ["data:,0", "data:,1", "data:,2"]
    assert [n.text for n in answer.all(css_class="face-number")] == ["1", "2", "3"]
    assert [card["data-face"] for card in answer.all("article")] == ["1", "2", "3"]
    buttons = answer.all("button", "face-picture")
    assert [button["aria-pressed"] for button in buttons] == ["false"] * 3
    assert answer.one("h2").text.startswith("3 faces")


def test_one_year_is_singular():
    assert _answer(face_ages([1.2])).one(css_class="face-age").text == "1 year"


def test_ethnicity_is_not_on_the_page():
    ages = face_ages([35], ethnicity_probabilities=np.eye(5)[1:2])
    assert "Black" not in _answer(ages).text


def test_cards_hold_the_probabilities_that_the_switch_shows(ages_of):
    answer = _answer(ages_of((0, 0, 9, 9), (9, 0, 18, 9)))
    first = answer.all("article")[0].one("dl", "face-at-least")
    assert [int(dt.text.split()[0]) for dt in first.all("dt")] == [18, 21, 25]
    assert [dd.text for dd in first.all("dd")] == ["over 99%", "over 99%", "98%"]
    notes = answer.all("p", "face-at-least", role="note")
    assert len(notes) == 1, "once, above all cards"
    assert "not age verification" in notes[0].text


@pytest.mark.parametrize(
    ("probability", "text"), [(0, "under 1%"), (0.004, "under 1%"), (0.5, "50%"), (1, "over 99%")]
)
def test_no_certainty_is_claimed(probability, text):
    card = ENVIRONMENT.get_template("face_card.html").module
    assert card.cautious_percent(probability) == text


def test_warnings_stand_on_the_card_of_their_face():
    ages = face_ages([35, 35], warnings=((), ("Dark & small.",)))
    first, second = _answer(ages).all("article")
    assert not first.all(css_class="face-warnings")
    assert [li.text for li in second.one(css_class="face-warnings").all("li")] == ["Dark & small."]


def test_notes_come_before_the_cards_and_with_no_face_too(ages_of):
    for ages, after in ((ages_of((0, 0, 9, 9)), "article"), (ages_of(), "")):
        answer = _answer(ages, ["Two pages."])
        tags = [element.tag for element in answer.walk()]
        assert answer.all(css_class="photo-note")[0].text == "Two pages."
        assert not after or tags.index("p") < tags.index(after)
    assert answer.one(role="status") and not answer.all(css_class="face-years")
