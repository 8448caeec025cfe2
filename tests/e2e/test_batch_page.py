"""The tab for a batch of pictures as a person meets it."""

import csv
import time
import zipfile
from pathlib import Path

import pytest
from PIL import Image

EXAMPLES = Path(__file__).resolve().parents[2] / "age_model" / "examples"
NAME = "<img src=x onerror=document.title='hit'>${document.title='hit'}.jpg"
ROWS = "#batch-table .batch-row"


@pytest.fixture
def open_tab(tab_opener):
    return tab_opener("Batch", "#batch-input input[type=file]")


def _start(page, files: list) -> None:
    page.locator("#batch-input input[type=file]").set_input_files(files)
    page.locator("#batch-input .file-preview tr").nth(len(files) - 1).wait_for()
    page.locator("#batch-start").click()


def _three() -> list[dict]:
    def file(name: str, content: bytes) -> dict:
        return {"name": name, "mimeType": "image/jpeg", "buffer": content}

    return [
        file("portrait.jpg", (EXAMPLES / "portrait.jpg").read_bytes()),
        file(NAME, b"not a picture"),
        file("group.jpg", (EXAMPLES / "group.jpg").read_bytes()),
    ]


def _done(page) -> None:
    page.locator("#batch-status .answer-message").get_by_text("Done").wait_for()


def test_three_files_give_rows_and_downloads(open_tab, server_said, tmp_path):
    page = open_tab()
    assert page.locator(ROWS).count() == 0
    _start(page, _three())
    _done(page)
    first, second, third = (row.inner_text() for row in page.locator(ROWS).all())
    assert "portrait.jpg" in first and first.count("most likely") == 1
    assert "expected one of JPEG" in second and "onerror" in second
    assert "group.jpg" in third and third.count("most likely") == 3
    assert page.title() != "hit" and page.locator("#batch-table .face-picture img").count() == 4
    card = page.locator(f"{ROWS} .face").nth(2)
    card.get_by_role("button", name="Details").click()
    assert card.locator(".face-group").count() == 9 and card.locator("dl").is_visible()
    with page.expect_download() as download:
        page.locator("#batch-csv").click()
    download.value.save_as(tmp_path / "ages.csv")
    with open(tmp_path / "ages.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["face"] for row in rows] == ["1", "", "1", "2", "3"]
    assert download.value.suggested_filename == "ages.csv"
    assert "Traceback" not in server_said()


def test_cancelling_stops_the_work_and_keeps_the_rows(open_tab, tmp_path):
    Image.open(EXAMPLES / "portrait.jpg").resize((1500, 1500)).save(tmp_path / "large.jpg")
    with zipfile.ZipFile(tmp_path / "batch.zip", "w") as made:
        for index in range(150):
            made.write(tmp_path / "large.jpg", f"{index}.jpg")
    page = open_tab()
    _start(page, [tmp_path / "batch.zip"])
    page.locator(ROWS).nth(1).wait_for()
    page.locator("#batch-cancel").click()
    page.locator("#batch-status").get_by_text("Stopped").wait_for()
    time.sleep(1)  # a picture that was on its way
    rows = page.locator(ROWS).count()
    assert 2 <= rows < 150
    time.sleep(2)
    assert page.locator(ROWS).count() == rows
    assert page.locator("#batch-status").get_by_text("Stopped").is_visible()
    assert not page.locator("#batch-csv").is_visible()
    page.locator("#batch-start").click()  # again: from the first picture on, in place of those rows
    page.locator("#batch-status").get_by_text("1 of 150").wait_for()
    page.locator(ROWS).nth(1).wait_for()
    assert page.locator(ROWS).locator("h2").all_inner_texts()[:2] == ["0.jpg", "1.jpg"]
    names = page.locator(ROWS).locator("h2").all_inner_texts()
    assert len(set(names)) == len(names), "rows of the cancelled run are still there"
    page.locator("#batch-cancel").click()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_phone_shows_all_without_sideways_scrolling(open_tab, scheme):
    page = open_tab(390, 844)
    page.emulate_media(color_scheme=scheme)
    _start(page, _three())
    _done(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    boxes = page.locator(f"{ROWS} *").evaluate_all(
        "cells => cells.map(c => c.getBoundingClientRect().right)"
    )
    assert max(boxes) <= 390
    name = page.locator(f"{ROWS} h2").first
    color = name.evaluate("e => getComputedStyle(e).color.match(/\\d+/g).map(Number)")
    assert (sum(color[:3]) > 380) == (scheme == "dark"), "words are seen on their ground"
