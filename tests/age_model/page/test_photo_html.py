import re
from dataclasses import replace
from xml.etree import ElementTree

import pytest

from age_model.page import photo_html
from age_model.page.page_html import faces_html


def _links(ages, size_wh=(400, 300)) -> list[ElementTree.Element]:
    return list(ElementTree.fromstring(photo_html.boxes_html(ages, size_wh)))


def test_each_face_in_the_picture_is_a_link_with_its_number_and_age(ages_of):
    links = _links(ages_of((100, 50, 300, 250), (10, 20, 40, 60)))
    assert [link.attrib["data-face"] for link in links] == ["1", "2"]
    assert links[1].attrib["aria-label"] == "Face 2, 35 years"
    assert all(link.attrib["href"] and link.attrib["aria-pressed"] == "false" for link in links)
    rect = links[0][0].attrib
    assert [float(rect[name]) for name in ("x", "y", "width", "height")] == [100, 50, 200, 200]


def test_box_over_the_border_ends_with_the_picture(ages_of):
    (link,) = _links(ages_of((-50, -20, 450, 310)))
    rect = link[0].attrib
    assert [float(rect[name]) for name in ("x", "y", "width", "height")] == [0, 0, 400, 300]


def test_cards_and_boxes_have_the_same_numbers(ages_of):
    ages = ages_of(*[(0, 0, 9, 9)] * 3)
    cards = faces_html(ages, ["data:,"] * 3)
    numbers = [link.attrib["data-face"] for link in _links(ages)]
    assert re.findall(r'<article[^>]* data-face="(\d)"', cards) == numbers == ["1", "2", "3"]
    assert cards.count('<button class="face-picture" type="button" aria-pressed="false"') == 3


def test_cards_hold_the_probabilities_that_the_switch_shows(ages_of):
    html = faces_html(ages_of((0, 0, 9, 9)), ["data:,"])
    rows = re.findall(r"<dt>(\d+) or older</dt><dd>(.*?)</dd>", html)
    assert rows == [("18", "over 99%"), ("21", "over 99%"), ("25", "98%")]
    assert html.index("no age verification") < html.index("<article"), "once, above all cards"
    assert html.count("no age verification") == 1
    assert photo_html.at_least_switch() == "How probably 18, 21, 25 or older?"


@pytest.mark.parametrize(
    ("probability", "text"), [(0, "under 1%"), (0.004, "under 1%"), (0.5, "50%"), (1, "over 99%")]
)
def test_no_certainty_is_claimed(probability, text):
    html = photo_html.at_least_html({"probability_at_least": {"18": probability}})
    assert f"<dd>{text}</dd>" in html


def test_warnings_stand_on_the_card_of_their_face(ages_of):
    ages = ages_of((0, 0, 9, 9), (20, 0, 29, 9))
    photo = replace(ages, warnings=((), ("Dark & small.",)))
    first, second = faces_html(photo, ["data:,"] * 2).split("</article>")[:2]
    assert "face-warnings" not in first
    assert "<li>Dark &amp; small.</li>" in second


def test_notes_are_escaped_and_none_is_nothing():
    assert photo_html.notes_html([]) == ""
    assert "<b>" not in photo_html.notes_html(["<b>"])
