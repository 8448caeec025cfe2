"""Boxes and tags over a picture: where they are, and who can select them."""

import re

import numpy as np
import pytest

from age_model.faces.tracking import LiveFace
from age_model.page.boxes import live_boxes_html, photo_boxes_html
from age_model.page.pictures import face_color
from tests.support.markup import Element, read

SIZE_WH = (400, 300)


def _place(rect: Element) -> tuple[float, ...]:
    return tuple(float(rect[name]) for name in ("x", "y", "width", "height"))


def _boxes(ages, size_wh=SIZE_WH) -> list[Element]:
    return read(photo_boxes_html(ages, size_wh)).one("svg").all("a")


def _tags(html: str) -> list[Element]:
    return read(html).all("g", "box-tag")


def test_each_face_in_the_picture_can_be_selected_and_has_its_age(ages_of):
    links = _boxes(ages_of((100, 50, 300, 250), (10, 20, 40, 60)))
    assert [link["data-face"] for link in links] == ["1", "2"]
    assert all(re.search(r"\b35\b", link["aria-label"]) for link in links)
    assert all(link["role"] == "button" and link["aria-pressed"] == "false" for link in links)
    lines = [link.one("rect", "box-line")["stroke"] for link in links]
    assert lines == [face_color(1), face_color(2)]
    assert {_place(rect) for rect in links[0].all("rect")} == {(100, 50, 200, 200)}
    assert len(links[0].all("rect")) == 3, "white line, coloured line, mark"


def test_box_over_the_border_ends_with_the_picture(ages_of):
    (link,) = _boxes(ages_of((-50, -20, 450, 310)))
    assert _place(link.all("rect")[0]) == (0, 0, 400, 300)


@pytest.mark.parametrize("size_wh", [(40, 30), (300, 400), (1000, 700), (5000, 4000)])
@pytest.mark.parametrize(
    "box", [(0.2, 0.3, 0.7, 0.9), (-0.3, -0.2, 0.3, 0.3), (0.8, 0.7, 1.6, 1.5), (0, 0, 0.01, 0.01)]
)
def test_tag_lies_in_the_picture_at_the_box_and_is_large_enough(ages_of, size_wh, box):
    width, height = size_wh
    html = photo_boxes_html(ages_of(np.array(box) * [*size_wh, *size_wh]), size_wh)
    (tag,) = _tags(html)
    x, y, tag_width, tag_height = _place(tag.one("rect"))
    assert x >= 0 and y >= 0 and x + tag_width <= width + 0.1 and y + tag_height <= height + 0.1
    assert tag_height >= max(size_wh) / 32 - 0.1 and tag.one("text").text == "35"
    _, top, *_ = _place(read(html).one("rect", "box-line"))
    assert (
        y == pytest.approx(top - tag_height, abs=0.2)
        or y == pytest.approx(top, abs=0.2)
        or (y == pytest.approx(height - tag_height, abs=0.2))
    )


def test_no_box_crosses_out_a_tag(ages_of):
    svg = read(photo_boxes_html(ages_of((0, 0, 99, 99), (50, 50, 90, 90)), SIZE_WH)).one("svg")
    kinds = [element.tag for element in svg.parts if isinstance(element, Element)]
    assert kinds == ["a", "a", "g", "g"]
    tags = [tag["data-tag"] for tag in svg.all(css_class="box-tag")]
    assert tags == ["2", "1"], "1 lies on top"


def test_live_tag_says_number_age_and_range_and_nothing_is_selectable():
    face = LiveFace(2, np.array([-20.0, -10.0, 140.0, 150.0]), 34.2, (27.6, 40.1))
    html = live_boxes_html((face,), (640, 480))
    (tag,) = _tags(html)
    parts = {part["class"]: part.text for part in tag.all("tspan")}
    assert parts == {"box-number": "2:", "box-years": "34", "box-range": "27–41"}
    svg = read(html).one("svg")
    assert svg["viewbox"] == "0 0 640 480" and svg["aria-hidden"] == "true"
    assert not svg.all("a") and svg.one("g", data_face="2")
    assert _place(tag.one("rect"))[0] >= 0


def test_live_face_without_an_age_yet_has_a_box():
    html = live_boxes_html((LiveFace(1, np.array([9.0, 9, 40, 40]), None, None),), (640, 480))
    assert "…" in _tags(html)[0].text and not read(html).all(css_class="box-years")


def test_no_face_gives_no_box():
    assert not read(live_boxes_html((), (640, 480))).all("rect")


def test_the_drawing_needs_no_stylesheet_to_be_saved(ages_of):
    svg = read(photo_boxes_html(ages_of((100, 50, 300, 250)), SIZE_WH)).one("svg")
    assert svg["xmlns"] == "http://www.w3.org/2000/svg"
    assert all("stroke" in rect.attributes or "fill" in rect.attributes for rect in svg.all("rect"))
    assert svg.one("text")["fill"] == "#fff" and "style" not in str(svg.attributes)
