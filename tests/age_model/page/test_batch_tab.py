import csv
import json
import re
import time
import urllib.request
import zipfile
from pathlib import Path

import gradio as gr
import numpy as np
import pytest
from gradio_client import Client, handle_file
from PIL import Image

from age_model.page.batch import CARDS_SHOWN, Examined
from age_model.page.cards import face_cards
from age_model.page.tabs.batch import (
    build_batch_tab,
    progress_html,
    row_html,
    shown_answers,
    summary_html,
    write_downloads,
)
from age_model.page.tabs.cancelling import RUNNING, status_after_stop
from age_model.records.columns import Answers
from age_model.results import picture_record
from tests.support.app_server import free_port
from tests.support.markup import read
from tests.support.stub_predictor import CROP, StubPredictor

REPOSITORY = Path(__file__).resolve().parents[3]
EXAMPLES = REPOSITORY / "age_model" / "examples"
BAD_NAME = '<img src=x onerror="alert(1)">${document.title}{{value}}.jpg'
FACE = (180, 60, 270, 180)


@pytest.fixture(scope="module")
def client(server) -> Client:
    return Client(server.url, verbose=False)


@pytest.fixture
def holiday(tmp_path) -> Path:
    """holiday.zip: three people, a text that is named like a picture, a note."""
    path = tmp_path / "holiday.zip"
    with zipfile.ZipFile(path, "w") as made:
        made.write(EXAMPLES / "group.jpg", "2026/group.jpg")
        made.writestr(BAD_NAME, "no picture")
        made.writestr("note.txt", "no picture")
    return path


def _predict(client: Client, *paths: Path) -> list[dict]:
    return client.predict(files=[handle_file(p) for p in paths], api_name="/predict_many")


def test_pictures_and_zips_give_a_record_each(client, photo, holiday):
    empty = photo.with_name("empty.png")
    empty.write_bytes(b"")
    records = _predict(client, photo, holiday, empty, EXAMPLES / "cat.jpg")
    # What follows the last slash of a name in a zip is all that is told of it.
    assert [(r["file"], len(r["faces"]), r["error"] is None) for r in records] == [
        ("photo.jpg", 1, True), ("group.jpg", 3, True), (BAD_NAME, 0, False),
        ("note.txt", 0, False), ("empty.png", 0, False), ("cat.jpg", 0, True),
    ]  # fmt: skip
    assert "empty (0 bytes)" in records[4]["error"]
    (face,) = records[0]["faces"]
    assert face == client.predict(picture=handle_file(photo), api_name="/predict")["faces"][0]
    assert "ethnicity" not in face


def test_snippet_of_the_docs_runs(client, photo, holiday, monkeypatch):
    text = (REPOSITORY / "docs" / "api.md").read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (snippet,) = [block for block in blocks if "/predict_many" in block]
    monkeypatch.chdir(photo.parent)
    names = {"client": client, "handle_file": handle_file}
    exec(snippet, names)
    assert [len(answer["faces"]) for answer in names["answers"]] == [1, 3, 0, 0]


def test_no_files_give_no_records(client):
    assert _predict(client) == []
    assert client.predict(files=None, api_name="/predict_many") == []


def test_other_files_of_the_server_cannot_be_named(server):
    body = json.dumps({"data": [[{"path": str(EXAMPLES / "portrait.jpg")}]]}).encode()
    url = f"{server.url}/gradio_api/call/predict_many"
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=60) as reply:
        event = json.load(reply)["event_id"]
    with urllib.request.urlopen(f"{url}/{event}", timeout=60) as reply:
        answer = reply.read().decode()
    assert '"age"' not in answer
    assert "not an uploaded picture" in answer or "event: error" in answer


@pytest.fixture
def slow_page(ages_of, tmp_path, monkeypatch):
    """A page with this tab alone and a slow predictor: its Client, and what was seen."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    seen = []

    def predictor(image_rgb: np.ndarray):
        seen.append(image_rgb.shape)
        time.sleep(0.3)
        return ages_of()

    with gr.Blocks() as page:
        build_batch_tab(predictor)
    _, url, _ = page.launch(
        server_port=free_port(), prevent_thread_lock=True, quiet=True, ssr_mode=False
    )
    yield Client(url, verbose=False), seen
    page.close()


@pytest.mark.slow
def test_cancelling_ends_the_work_and_leaves_the_queue_free(slow_page, tmp_path):
    client, seen = slow_page
    Image.new("RGB", (9, 7)).save(tmp_path / "a.png")
    with zipfile.ZipFile(tmp_path / "60.zip", "w") as made:
        for index in range(60):
            made.write(tmp_path / "a.png", f"{index}.png")
    job = client.submit(files=[handle_file(tmp_path / "60.zip")], api_name="/predict_many")
    deadline = time.monotonic() + 60
    while len(seen) < 3 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert len(job.outputs()) >= 2, "records come as they are done"
    job.cancel()
    time.sleep(1)
    done = len(seen)
    time.sleep(2)
    assert 3 <= done == len(seen) < 30
    assert len(_predict(client, tmp_path / "a.png")) == 1


def _answers(uploads, predictor, folder, monkeypatch) -> list[tuple]:
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(folder))
    return list(shown_answers(predictor, uploads))


def test_page_fills_row_by_row_and_ends_with_downloads(photo, ages_of, monkeypatch):
    (photo.parent / "bad.jpg").write_text("no")
    uploads = [
        {"path": str(photo), "orig_name": "photo.jpg"},
        {"path": str(photo.parent / "bad.jpg"), "orig_name": BAD_NAME},
    ]
    *before, last = _answers(uploads, StubPredictor(ages_of(FACE)), photo.parent, monkeypatch)
    assert [status.count("photo.jpg") for status, *_ in before] == [1, 0]
    assert all(RUNNING in status and "<img" not in status for status, *_ in before)
    assert all(not update["visible"] for *_, a, b in before for update in (a, b))
    rows = [rows for _, rows, *_ in [*before, last]]
    assert [row.count("<section") for row in rows] == [0, 1, 2]
    assert rows[1].startswith(rows[0]) and rows[2].startswith(rows[1]), "Gradio sends what is new"
    assert re.findall(r"\d+", read(last[0]).one(role="status").text) == ["1", "1", "1"]
    table, lines = (Path(update["value"]) for update in last[2:])
    assert table.is_relative_to(photo.parent) and table.name == "ages.csv"
    with table.open(newline="") as stream:
        written = list(csv.DictReader(stream))
    assert [(row["file"], row["age"], row["error"] != "") for row in written] == [
        ("photo.jpg", "35.0", False), (BAD_NAME, "", True),
    ]  # fmt: skip
    assert [json.loads(line)["file"] for line in lines.open()] == ["photo.jpg", BAD_NAME]
    assert "ethnicity" not in table.read_text() + lines.read_text()


def test_without_files_the_page_asks_for_some(tmp_path, monkeypatch):
    ((status, rows, *_),) = _answers(None, None, tmp_path, monkeypatch)
    assert read(status).one(role="status") and rows == ""


def _row(ages, name="me.jpg"):
    cards = face_cards(ages, [CROP] * min(len(ages), CARDS_SHOWN), {})
    return read(row_html(Examined(picture_record(name, (9, 7), ages), cards)))


def test_row_has_the_card_of_each_face(ages_of):
    row = _row(ages_of(FACE))
    assert row.one("h2").text == "me.jpg"
    card = row.one("article", "face")
    assert re.findall(r"\d+", card.one("p", "face-range").text) == ["28", "42"]
    assert card.one(css_class="face-years").text == "35" and card.one("svg")
    assert not card.all("button", data_open="why"), "its picture is not on the page"
    empty = _row(ages_of(), "cat.jpg")
    assert "No face found" in empty.text and not empty.all("img")


def test_row_of_a_crowd_shows_some_and_counts_the_others(ages_of):
    row = _row(ages_of(*[FACE] * 9))
    assert len(row.all("article")) == CARDS_SHOWN
    assert re.findall(r"\d+", row.all("p")[-1].text) == ["3"]


def test_names_and_reasons_are_escaped():
    bad = Examined(picture_record(BAD_NAME, error=f"is {BAD_NAME}"), [])
    good = Examined(picture_record(BAD_NAME, (9, 7)), [])
    for html in (row_html(bad), row_html(good), progress_html(0, 2, BAD_NAME)):
        assert BAD_NAME in read(html).text and not read(html).all("img")


def test_summary_counts_each_once(ages_of):
    records = [
        picture_record("a", (9, 7), ages_of(FACE, FACE)),
        picture_record("b", (9, 7), ages_of()),
        picture_record("c", error="is empty"),
    ]
    text = read(summary_html(records)).one(role="status").text
    assert re.findall(r"(\d+) (face|picture|of|file)", text) == [
        ("2", "face"), ("2", "picture"), ("1", "of"), ("1", "file"),
    ]  # fmt: skip


def test_stopping_changes_only_what_is_running():
    assert status_after_stop(progress_html(1, 3, "a.jpg"), "stopped") == "stopped"
    done = summary_html([picture_record("a", (9, 7))])
    assert status_after_stop(done, "stopped") == done and not status_after_stop(None, "stopped")


def test_downloads_are_told_to_gradio_which_deletes_them(tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    with gr.Blocks():
        button = gr.DownloadButton()
        first, _ = write_downloads([picture_record("a")], str(tmp_path / "uploads"), Answers())
        second, _ = write_downloads([picture_record("a")], str(tmp_path / "uploads"), Answers())
        assert button.move_resource_to_block_cache(first) == first, "a copy would be left behind"
        assert first in button.temp_files and first != second
