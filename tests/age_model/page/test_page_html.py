import re
from html.parser import HTMLParser

import numpy as np
import pytest

from age_model.labels import AGE_GROUP_NAMES
from age_model.page import page_html


class _Balance(HTMLParser):
    """Fails on tags that are not closed in order."""

    def __init__(self):
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag, attrs):
        if tag != "img":
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def _text(html: str) -> str:
    parser = _Balance()
    parser.feed(html)
    parser.close()
    assert not parser.open
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def test_card_says_what_the_model_says(ages_of):
    text = _text(page_html.faces_html(ages_of((0, 0, 9, 9)), ["data:image/jpeg;base64,AA=="]))
    assert "1 face " in text
    assert "35 years" in text
    assert "most likely between 28 and 42 (80%)" in text  # 28.6 to 41.4, rounded outwards
    assert "looks female, 93%" in text
    for name in AGE_GROUP_NAMES:
        assert f" {name.replace('-', '–')} " in text
    assert sum(
        map(int, re.findall(r"(\d+)% ", text.split("93%")[1].split("18 or")[0]))
    ) == pytest.approx(100, abs=3)


def test_cards_are_numbered_in_the_order_of_the_faces(ages_of):
    html = page_html.faces_html(ages_of(*[(0, 0, 9, 9)] * 3), ["data:,a", "data:,b", "data:,c"])
    assert re.findall(r'src="data:,(.)"', html) == ["a", "b", "c"]
    assert re.findall(r'class="face-number">(\d)<', html) == ["1", "2", "3"]
    assert "3 faces" in _text(html)


def test_one_year_is_singular(ages_of):
    ages = ages_of((0, 0, 9, 9))
    ages.age_years[:] = 1.2
    assert re.search(r"\b1 year most", _text(page_html.faces_html(ages, ["data:,"])))


def test_ethnicity_is_not_on_the_page(ages_of):
    ages = ages_of((0, 0, 9, 9))
    ages.ethnicity_probabilities[:] = np.eye(5)[1]
    assert "Black" not in page_html.faces_html(ages, ["data:,"])


def test_message_is_escaped():
    html = page_html.message_html("<b>", '<img src=x onerror="alert(1)">.jpg & co', problem=True)
    assert "<img" not in html and "<b>" not in html
    assert "&lt;img" in html and "&amp; co" in html


def test_crop_address_cannot_leave_its_attribute(ages_of):
    html = page_html.faces_html(ages_of((0, 0, 9, 9)), ['" onerror="alert(1)'])
    assert '" onerror="' not in html


def test_notes_say_privacy_and_limits():
    text = _text(page_html.notes_html())
    for words in ("None is kept", "Not for verifying ages", "decisions about people", "model card"):
        assert words in text
