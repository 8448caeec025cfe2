"""For everybody: every state of the page by axe-core, the keyboard, what is read aloud, zoom."""

import re
from pathlib import Path

import pytest

from tests.support.access import AT_REST, violations

CAT = Path(__file__).resolve().parents[2] / "age_model" / "examples" / "cat.jpg"
REFUSE = """() => {
  navigator.mediaDevices.asked = navigator.mediaDevices.getUserMedia;
  navigator.mediaDevices.getUserMedia = () =>
    Promise.reject(new DOMException("Permission denied", "NotAllowedError"));
}"""
ALLOW = "navigator.mediaDevices.getUserMedia = navigator.mediaDevices.asked; 0"
FOCUSED = "document.activeElement"


@pytest.fixture
def broken(tmp_path) -> Path:
    path = tmp_path / "broken.jpg"
    path.write_bytes(b"no picture")
    return path


def _running(page) -> list[str]:
    """What is wrong while the photo is examined."""
    held = []
    page.route("**/queue/join*", lambda route: held.append(route))
    page.locator("[data-example=group]").click()
    page.locator("#photo-view.view-busy").wait_for()
    page.wait_for_timeout(500)  # the words come a little later
    found = violations(page)
    for route in held:
        route.continue_()
    page.unroute("**/queue/join*")
    page.locator("#photo-answer .face").nth(2).wait_for()
    return found


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_nothing_is_wrong_in_any_state(open_page, choose_tab, give, broken, theme):
    page = open_page(query=f"?__theme={theme}")
    found: dict[str, list[str]] = {}

    def look(state: str) -> None:
        page.wait_for_function(AT_REST)
        found[state] = violations(page)

    look("answered")
    found["running"] = _running(page)
    card = page.locator("#photo-answer .face").first
    for panel in ("Details", "Crop"):
        card.get_by_role("button", name=panel).click()
        look(f"card, {panel}")
    give(page, CAT)
    look("no face")
    give(page, broken)
    page.locator("#photo-answer [role=alert]").wait_for()
    look("error")
    for name in ("Batch", "Video", "Webcam"):
        choose_tab(page, name)
        look(f"{name}, empty")
    page.evaluate(REFUSE)
    page.get_by_role("button", name="Start the camera").click()
    page.locator(".live-problem:visible").wait_for()
    look("camera refused")
    page.evaluate(ALLOW)
    page.locator(".live-problem:visible button").click()
    page.locator("#live-boxes .box-years").first.wait_for(state="attached")
    look("live")
    page.get_by_role("button", name="Stop").click()
    choose_tab(page, "Accuracy")
    page.locator("#accuracy-explorer").wait_for()
    page.evaluate("document.querySelectorAll('.accuracy details').forEach(d => d.open = true)")
    look("accuracy")
    wrong = [f"{state}: {line}" for state, lines in found.items() for line in lines]
    assert not wrong, "\n".join(wrong)


def _tab_to(page, selector: str, most: int = 60) -> None:
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(f"{FOCUSED}.matches('{selector}')"):
            return
    raise AssertionError(f"{selector} is not reached by the Tab key")


def test_the_keyboard_alone_does_everything(open_page):
    page = open_page()
    _tab_to(page, "[data-example=group]")
    assert page.evaluate(f"getComputedStyle({FOCUSED}).outlineStyle") != "none"
    page.keyboard.press("Enter")
    page.locator("#photo-answer .face").nth(2).wait_for()
    _tab_to(page, "#photo-stage a[data-face]")
    page.keyboard.press("Enter")
    assert page.evaluate(f"{FOCUSED}.matches('.face-picture')"), "the box leads to its card"
    _tab_to(page, ".face-buttons [data-open=details]")
    page.keyboard.press("Space")
    assert page.locator(".face-groups:visible").count() == 1

    page.get_by_role("tab", name="Webcam").focus()
    page.keyboard.press("Enter")
    _tab_to(page, ".live-start")
    page.keyboard.press("Enter")
    page.locator("#live-boxes .box-years").first.wait_for(state="attached")
    assert page.evaluate(f"{FOCUSED}.matches('.live-stop')"), "the focus is lost"
    page.keyboard.press("Enter")
    page.locator("#live-view[data-live=off]").wait_for()

    page.get_by_role("tab", name="Accuracy").focus()
    page.keyboard.press("Enter")
    page.locator("#accuracy-explorer").wait_for()
    before = page.locator(".explorer-answer").inner_text()
    _tab_to(page, "[data-choice=decade]")
    page.keyboard.press("ArrowDown")
    page.wait_for_function(
        "(b) => document.querySelector('.explorer-answer').innerText !== b", arg=before
    )


def test_an_answer_makes_sense_read_aloud(open_page):
    page = open_page()
    said = page.locator("#photo-answer").aria_snapshot()
    heading = re.search(r'heading "(.*?)"', said)[1]
    assert re.fullmatch(r"1 face ?: looks \d+, most likely \d+ to \d+", heading), heading
    card = re.search(r'article "(.*?)"', said)[1]
    assert card == "Face 1"
    assert re.search(r"looks \d+ years old", said) and re.search(r"\d+ to \d+, most likely", said)
    assert re.search(r'img "How probable each age', said), "the curve has no words"
    for name in ("Why?", "Details", "Crop"):
        assert f'button "{name}"' in said
    status = page.locator("#photo-view [role=status]").first
    page.locator("[data-example=group]").click()
    page.locator("#photo-answer .face").nth(2).wait_for()
    page.wait_for_function(
        "() => /3 faces/.test(document.querySelector('#photo-view .stage-busy').textContent)"
    )
    assert re.search(r"3 faces.*looks \d+", status.text_content(), re.S), "the answer is not said"


def test_nothing_moves_for_those_who_want_no_motion(open_page):
    page = open_page()
    page.emulate_media(reduced_motion="reduce")
    page.locator("[data-example=group]").click()
    page.locator("#photo-answer .face").nth(2).wait_for()
    page.locator("#photo-answer [data-open=details]").first.click()
    moving = "document.getAnimations().filter(a => a.playState === 'running').length"
    assert page.evaluate(moving) == 0


@pytest.mark.parametrize(("zoom", "size"), [("200%", (640, 450)), ("400%", (320, 256))])
def test_zoomed_in_nothing_is_cut_off(open_page, choose_tab, zoom, size):
    page = open_page(*size)
    wide = []
    for name in ("Photo", "Webcam", "Batch", "Video", "Accuracy"):
        choose_tab(page, name)
        if name == "Accuracy":
            page.locator("#accuracy-explorer").wait_for()
        if page.evaluate("document.documentElement.scrollWidth") > size[0]:
            wide.append(name)
    assert not wide, f"scrolls to the side at {zoom}: {wide}"
