"""The tab "Why?" as a person meets it."""

from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parents[2] / "age_model" / "examples"
ANSWER = "#explain-answer .explanation"


@pytest.fixture
def open_tab(tab_opener):
    return tab_opener("Why?", "#explain-input input[type=file]")


def _explained(page, number: int) -> None:
    page.locator(f"{ANSWER}[data-face='{number}']").wait_for()


def test_the_second_face_of_the_group_example_is_chosen_by_key(open_tab, server_said):
    page = open_tab()
    page.locator("#explain-input").wait_for()
    page.locator(".gallery-item:visible, .gallery button:visible").nth(1).click()
    _explained(page, 1)
    first = page.locator(".explanation-heat").inner_html()
    assert page.locator("#explain-faces .explanation-faces li").count() == 3
    choice = page.get_by_role("radio", name="Face 1", exact=True)
    assert choice.is_checked()
    choice.focus()
    page.keyboard.press("Tab")
    page.keyboard.press("Space")
    _explained(page, 2)
    assert page.get_by_role("radio", name="Face 2", exact=True).is_checked()
    assert page.locator(".explanation-heat rect").count() == 64
    row, column = page.locator(ANSWER).get_attribute("data-strongest").split(",")
    label = page.locator(".explanation-heat").get_attribute("aria-label")
    assert f"row {int(row) + 1} " in label and f"column {int(column) + 1} " in label
    assert page.locator(".explanation-heat").inner_html() != first
    assert "Traceback" not in server_said()


def test_a_picture_without_a_face_takes_map_and_choice_away(open_tab):
    page = open_tab()
    given = page.locator("#explain-input input[type=file]")
    given.set_input_files(EXAMPLES / "group.jpg")
    _explained(page, 1)
    page.locator("#explain-input button[aria-label='Remove Image']").click()
    page.locator("#explain-answer .answer-waiting").wait_for()
    assert not page.locator("#explain-choice").is_visible()
    page.locator("#explain-input input[type=file]").set_input_files(EXAMPLES / "cat.jpg")
    page.locator("#explain-answer .answer-message").wait_for()
    assert page.locator(".explanation-heat, .explanation-faces").count() == 0
    assert not page.locator("#explain-choice").is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone_shows_all_without_sideways_scrolling(open_tab, scheme):
    page = open_tab(390, 844)
    page.emulate_media(color_scheme=scheme)
    page.locator("#explain-input input[type=file]").set_input_files(EXAMPLES / "group.jpg")
    _explained(page, 1)
    page.wait_for_function("() => window.scrollY > 100")  # the answer comes into view by itself
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    parts = page.locator(
        ".explanation img, .explanation-heat, .explanation-legend, .explanation li, "
        ".explanation-faces li, #explain-choice label"
    )
    boxes = parts.evaluate_all("parts => parts.map(p => p.getBoundingClientRect().toJSON())")
    assert all(box["left"] >= 0 and box["right"] <= 390 for box in boxes)
    words = page.locator(".explanation li").first
    color = words.evaluate("e => getComputedStyle(e).color.match(/\\d+/g).map(Number)")
    assert (sum(color[:3]) > 380) == (scheme == "dark"), "words are seen on their ground"
