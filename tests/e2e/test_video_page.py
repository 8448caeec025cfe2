"""The tab for a clip as a person meets it."""

import csv
import time
from pathlib import Path

import pytest

from tests.support.clips import FPS, scene, write_clip


@pytest.fixture(scope="session")
def clip(astronaut, tmp_path_factory) -> Path:
    """clip.mp4: 3 seconds, a face that moves and one that leaves after a while."""
    face, frames = astronaut[:330, 60:390], []
    for index in range(3 * FPS):
        places = [(10 + 2 * index, 20, 200), (370, 60, 220)]
        frames.append(scene(face, *places[: 2 if index < 2 * FPS else 1], size_wh=(640, 360)))
    return write_clip(tmp_path_factory.mktemp("clip") / "clip.mp4", frames)


@pytest.fixture
def open_tab(tab_opener):
    return tab_opener("Video", "#video-input input[type=file]")


def _start(page, path: Path) -> None:
    page.locator("#video-input input[type=file]").set_input_files(path)
    page.locator("#video-input video").wait_for(state="attached")
    page.locator("#video-start").click()


def _done(page) -> None:
    page.locator("#video-csv").wait_for()


def test_clip_gives_a_line_and_a_card_a_person_and_a_table(open_tab, clip, tmp_path, server_said):
    page = open_tab()
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    _start(page, clip)
    _done(page)
    assert page.locator("#video-people .plot-line").count() == 2
    label = page.locator("#video-people .plot-area").get_attribute("aria-label")
    assert "Person 1: between" in label and "Person 2: between" in label
    cards = [card.inner_text() for card in page.locator("#video-people article").all()]
    assert len(cards) == 2 and all("years" in card for card in cards)
    # The same picture in both: the one who left was seen until about second 2.
    assert any("to 2.8 s" in card for card in cards) and any("to 1.8 s" in card for card in cards)
    with page.expect_download() as download:
        page.locator("#video-csv").click()
    download.value.save_as(tmp_path / "ages.csv")
    with open(tmp_path / "ages.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert {row["person"] for row in rows} == {"1", "2"} and 14 <= len(rows) <= 18
    assert "clip.mp4" not in server_said() and "Traceback" not in server_said()
    here = page.url.split("/")[2]
    assert {url.split("/")[2] for url in asked if url.startswith("http")} == {here}


def test_cancelling_stops_and_leaves_the_queue_free(open_tab, astronaut, clip, tmp_path):
    face = scene(astronaut[:330, 60:390], (10, 20, 200), (370, 60, 220), size_wh=(640, 360))
    page = open_tab()
    _start(page, write_clip(tmp_path / "long.mp4", [face] * 29 * FPS))
    page.locator("#video-status progress").wait_for()
    page.locator("#video-cancel").click()
    page.locator("#video-status").get_by_text("Stopped").wait_for()
    time.sleep(2)
    assert page.locator("#video-status").get_by_text("Stopped").is_visible()
    assert page.locator("#video-people article").count() == 0
    again = open_tab()
    _start(again, clip)
    _done(again)


def test_people_of_a_clip_go_when_another_is_given(open_tab, clip):
    page = open_tab()
    _start(page, clip)
    _done(page)
    page.locator("#video-input").get_by_role("button", name="Clear").click()
    page.locator("#video-people article").first.wait_for(state="detached")
    page.locator("#video-csv").wait_for(state="hidden")
    assert not page.locator("#video-status").inner_text().strip()
    _start(page, clip)
    _done(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone_shows_all_without_sideways_scrolling(open_tab, clip, scheme):
    page = open_tab(390, 844)
    page.emulate_media(color_scheme=scheme)
    _start(page, clip)
    _done(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    parts = page.locator("#video-people .plot-area > *, #video-people article")
    edges = parts.evaluate_all(
        "parts => parts.map(p => p.getBoundingClientRect()).map(r => [r.left, r.right])"
    )
    assert min(left for left, _ in edges) >= 0 and max(right for _, right in edges) <= 390
    sizes = page.locator(".plot-x, .plot-y").evaluate_all(
        "labels => labels.map(l => parseFloat(getComputedStyle(l).fontSize))"
    )
    assert min(sizes) >= 12, "numbers are as legible as on a wide screen"


def test_file_that_is_no_clip_is_said_so(open_tab, tmp_path):
    path = tmp_path / "clip.mp4"
    path.write_text("a text")
    page = open_tab()
    _start(page, path)
    problem = page.locator("#video-status .answer-problem")
    problem.wait_for()
    assert "clip.mp4 is not a video that is taken" in problem.inner_text()
