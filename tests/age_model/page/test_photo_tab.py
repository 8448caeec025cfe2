"""The card of a face, and what stands around the cards."""

import re
from dataclasses import replace

import numpy as np
import pytest

from age_model.labels import AGE_GROUP_NAMES, parse_groups
from age_model.page.cards import face_cards
from age_model.page.render import ENVIRONMENT, render
from age_model.page.sureness import Sureness
from tests.support.factories import face_ages
from tests.support.markup import Element, read
from tests.support.stub_predictor import CROP

MEASURED = {"30-39": Sureness("30-39", 400, 0.79, 13.0)}


def _answer(ages, notes=(), measured=MEASURED) -> Element:
    cards = face_cards(ages, [CROP] * len(ages), measured)
    values = {"record": "{}", "table": "a,b", "example": None}
    return read(render("photo.html", "answer", cards=cards, notes=list(notes), **values))


def test_card_says_what_the_model_says(ages_of):
    card = _answer(ages_of((0, 0, 9, 9))).one("article")
    assert card.one(css_class="face-years").text == "35" and card["data-face"] == "1"
    # 28.6 to 41.4, rounded outwards
    assert re.findall(r"\d+", card.one("p", "face-range").text) == ["28", "42"]
    assert "looks female to the model (93%)" in card.one(css_class="face-gender").text.lower()
    rows = [row.text.split() for row in card.all(css_class="face-group")]
    assert [name for name, _ in rows] == [name.replace("-", "–") for name in AGE_GROUP_NAMES]
    shares = [int(share.rstrip("%")) for _, share in rows]
    assert sum(shares) == pytest.approx(100, abs=3)
    assert card.one(css_class="face-group-top").text.startswith("30–39")


def test_card_of_a_model_with_groups_of_its_own_that_was_taught_no_gender():
    other = {
        "groups": parse_groups("0-17,18-64,65+"), "gender_probabilities": None,
        "group_probabilities": np.array([[0.1, 0.7, 0.2]]),
    }  # fmt: skip
    card = _answer(replace(face_ages([35.0]), **other)).one("article")
    rows = [row.text.split()[0] for row in card.all(css_class="face-group")]
    assert rows == ["0–17", "18–64", "65+"]
    assert not card.all(css_class="face-gender") and "male" not in card.text


def test_how_sure_is_said_by_what_was_measured(ages_of):
    ages = ages_of((0, 0, 9, 9))  # its range is 12.8 years wide
    for width, words in ((13.0, "As sure as"), (20.0, "Surer than"), (9.0, "Less sure than")):
        measured = {"30-39": Sureness("30-39", 400, 0.79, width)}
        sure = _answer(ages, measured=measured).one("p", "face-sure").text
        assert sure.startswith(f"{words} usual.") and "79 of 100 test faces aged 30–39" in sure
    assert "nobody has measured" in _answer(ages, measured={}).one("p", "face-sure").text


def test_cards_are_numbered_in_the_order_of_the_faces(ages_of):
    answer = _answer(ages_of(*[(0, 0, 9, 9)] * 3))
    assert [card["data-face"] for card in answer.all("article")] == ["1", "2", "3"]
    buttons = answer.all("button", "face-picture")
    assert [button["aria-pressed"] for button in buttons] == ["false"] * 3
    assert answer.one("h2").text.startswith("3 faces")


def test_more_than_three_faces_are_a_list(ages_of):
    few, many = (_answer(ages_of(*[(0, 0, 9, 9)] * n)) for n in (3, 4))
    assert not few.all(css_class="faces-many") and many.one(css_class="faces-many")


def test_the_answer_read_aloud_is_a_sentence(ages_of):
    heard = _answer(ages_of((0, 0, 9, 9), (9, 0, 18, 9))).one("h2").text
    assert heard.count("looks 35, most likely 28 to 42") == 2
    curve = _answer(ages_of((0, 0, 9, 9))).one(css_class="curve").one("svg")
    assert "between 28 and 42, half of it below 35" in curve["aria-label"]


def test_one_year_is_singular():
    assert "1 year old" in _answer(face_ages([1.2])).one(css_class="face-age").text


def test_ethnicity_is_not_on_the_page():
    ages = face_ages([35], ethnicity_probabilities=np.eye(5)[1:2])
    assert "Black" not in _answer(ages).text


def test_gender_is_left_out_where_the_model_does_not_answer_it(ages_of):
    cards = face_cards(ages_of((0, 0, 9, 9)), [CROP], {})
    for name in ("gender", "gender_probability"):
        del cards[0].face[name]
    card = read(ENVIRONMENT.get_template("face_card.html").module.card(cards[0]))
    assert not card.all(css_class="face-gender") and card.one(css_class="face-years")


def test_details_hold_the_probabilities_of_being_older(ages_of):
    card = _answer(ages_of((0, 0, 9, 9))).one("article")
    details = card.one(data_panel="details")
    first = details.one("dl", "face-at-least")
    assert [int(dt.text.split()[0]) for dt in first.all("dt")] == [18, 21, 25]
    assert [dd.text for dd in first.all("dd")] == ["over 99%", "over 99%", "98%"]
    assert "not age verification" in details.text and "hidden" in details.attributes


@pytest.mark.parametrize(
    ("probability", "text"), [(0, "under 1%"), (0.004, "under 1%"), (0.5, "50%"), (1, "over 99%")]
)
def test_no_certainty_is_claimed(probability, text):
    card = ENVIRONMENT.get_template("face_card.html").module
    assert card.cautious_percent(probability) == text


def test_warnings_are_chips_on_the_card_of_their_face():
    sentence = "Dark, it seems: on test pictures & so on."
    first, second = _answer(face_ages([35, 35], warnings=((), (sentence,)))).all("article")
    assert not first.all(css_class="face-warnings")
    chip = second.one("details", "chip")
    assert chip.one("summary").text == "Dark" and chip.one("p").text == sentence


def test_notes_come_before_the_cards_and_with_no_face_too(ages_of):
    for ages, after in ((ages_of((0, 0, 9, 9)), "article"), (ages_of(), "")):
        answer = _answer(ages, ["Two pages."])
        tags = [element.tag for element in answer.walk()]
        assert answer.all(css_class="photo-note")[0].text == "Two pages."
        assert not after or tags.index("p") < tags.index(after)
    assert answer.one(role="status") and not answer.all(css_class="face-years")
