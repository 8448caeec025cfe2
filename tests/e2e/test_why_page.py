"""The tab "Why?" as a person meets it."""

from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "age_model" / "examples"
ESTIMATE = "#why-answer .why-estimate"


@pytest.fixture
def open_tab(tab_opener):
    return tab_opener("Why?", "#why-input input[type=file]")


def _explained(page, number: int) -> None:
    page.locator(ESTIMATE).get_by_text(f"Face {number}:").wait_for()


def _strongest(page) -> str:
    return page.locator(".why-heat").get_attribute("aria-label")


def test_the_second_face_of_the_group_example_is_chosen_by_key(open_tab, server_said):
    page = open_tab()
    page.locator("#why-input").wait_for()
    page.locator(".gallery-item:visible, .gallery button:visible").nth(1).click()
    _explained(page, 1)
    first = page.locator(".why-heat").inner_html()
    assert page.locator("#why-strip .why-faces li").count() == 3
    choice = page.get_by_role("radio", name="Face 1", exact=True)
    assert choice.is_checked()
    choice.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    _explained(page, 2)
    assert page.get_by_role("radio", name="Face 2", exact=True).is_checked()
    assert page.locator(".why-heat rect").count() == 64
    assert "The strongest is in row" in _strongest(page)
    assert page.locator(".why-heat").inner_html() != first
    assert "Whether the estimate is right" in page.locator("#why-answer").inner_text()
    assert "Traceback" not in server_said()


def test_a_picture_without_a_face_takes_map_and_choice_away(open_tab):
    page = open_tab()
    given = page.locator("#why-input input[type=file]")
    given.set_input_files(EXAMPLES / "group.jpg")
    _explained(page, 1)
    page.locator("#why-input button[aria-label='Remove Image']").click()
    page.locator("#why-answer .answer-waiting").wait_for()
    assert not page.locator("#why-face").is_visible()
    page.locator("#why-input input[type=file]").set_input_files(EXAMPLES / "cat.jpg")
    page.locator("#why-answer").get_by_text("No face found").wait_for()
    assert page.locator(".why-heat, .why-faces").count() == 0
    assert not page.locator("#why-face").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone_shows_all_without_sideways_scrolling(open_tab, scheme):
    page = open_tab(390, 844)
    page.emulate_media(color_scheme=scheme)
    page.locator("#why-input input[type=file]").set_input_files(EXAMPLES / "group.jpg")
    _explained(page, 1)
    page.wait_for_function("() => window.scrollY > 100")  # the answer comes into view by itself
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    parts = page.locator(
        ".why img, .why-heat, .why-legend, .why li, .why-faces li, #why-face label"
    )
    boxes = parts.evaluate_all("parts => parts.map(p => p.getBoundingClientRect().toJSON())")
    assert all(box["left"] >= 0 and box["right"] <= 390 for box in boxes)
    words = page.locator(".why li").first
    color = words.evaluate("e => getComputedStyle(e).color.match(/\\d+/g).map(Number)")
    assert (sum(color[:3]) > 380) == (scheme == "dark"), "words are seen on their ground"
