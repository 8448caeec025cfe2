"""Every tab at desktop and phone width, light and dark; screenshots of all are in artifacts/."""

import re
from pathlib import Path

import pytest

from tests.support.access import AT_REST, violations
from tests.support.clips import FPS, scene, write_clip

REPOSITORY = Path(__file__).resolve().parents[2]
SCREENSHOTS = REPOSITORY / "artifacts" / "screenshots"
EXAMPLES = REPOSITORY / "age_model" / "examples"


def _group_example(page) -> None:
    page.locator("[data-example=group]").click()


def _photo(page, _clip) -> None:
    _group_example(page)
    page.locator("#photo-answer .face").nth(2).wait_for()
    card = page.locator("#photo-answer .face").nth(1)
    card.get_by_role("button", name="Why?").click()
    card.locator(".why").wait_for()


def _video(page, clip: Path) -> None:
    page.locator("#video-input input[type=file]").set_input_files(clip)
    page.locator("#video-input video").wait_for(state="attached")
    page.locator("#video-start").click()
    page.locator("#video-people article").first.wait_for()


def _batch(page, _clip) -> None:
    files = [EXAMPLES / "portrait.jpg", EXAMPLES / "group.jpg", EXAMPLES / "cat.jpg"]
    page.locator("#batch-input input[type=file]").set_input_files(files)
    page.locator("#batch-input .file-preview tr").nth(2).wait_for()
    page.locator("#batch-start").click()
    page.locator("#batch-csv").wait_for()


def _accuracy(page, _clip) -> None:
    page.locator("#accuracy-explorer").wait_for()


# What a visitor does in each tab before it is looked at.
TABS = {
    "Photo": _photo,
    "Webcam": lambda page, clip: None,
    "Batch": _batch,
    "Video": _video,
    "Accuracy": _accuracy,
}


@pytest.fixture(scope="module")
def clip(astronaut, tmp_path_factory) -> Path:
    """2 seconds of two people, one of whom moves."""
    face = astronaut[:330, 60:390]
    frames = [
        scene(face, (10 + 2 * i, 20, 200), (370, 60, 220), size_wh=(640, 360))
        for i in range(2 * FPS)
    ]
    return write_clip(tmp_path_factory.mktemp("tabs") / "clip.mp4", frames)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_every_tab_fits_and_can_be_read(open_page, choose_tab, clip, width, theme):
    page = open_page(width, 900, f"?__theme={theme}")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    problems = []
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    for name, fill in TABS.items():
        choose_tab(page, name)
        fill(page, clip)
        page.wait_for_function(AT_REST)
        file = re.sub(r"\W+", "-", name).strip("-").lower()
        page.screenshot(path=SCREENSHOTS / f"{file}-{width}-{theme}.png", full_page=True)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            problems.append(f"{name}: wider than the window")
        problems += [f"{name}: {line}" for line in violations(page)]
    assert not problems, "\n".join(problems)
    assert not errors


def test_a_photo_with_the_keyboard_alone(open_page):
    page = open_page()
    on_example = "document.activeElement.matches('[data-example=group]')"
    for _ in range(40):
        if page.evaluate(on_example):
            break
        page.keyboard.press("Tab")
    assert page.evaluate(on_example), "no example is reached"
    page.keyboard.press("Enter")
    page.locator("#photo-answer .face").nth(2).wait_for()


def test_tabs_are_reached_and_changed_with_the_keyboard(open_page):
    page = open_page()
    for _ in range(10):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('role')") == "tab":
            break
    assert page.evaluate("document.activeElement.textContent").strip() == "Photo"
    for _ in range(20):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.textContent").strip() == "Accuracy":
            break
        page.keyboard.press("ArrowRight")
        if page.evaluate("document.activeElement.textContent").strip() == "Accuracy":
            break
    page.keyboard.press("Enter")
    page.locator("#accuracy-explorer").wait_for()
