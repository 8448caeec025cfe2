"""The tab for a clip, without a browser: what it yields, and the files it takes and leaves."""

import csv
import re
from pathlib import Path

import gradio as gr
import numpy as np
import pytest

from age_model.network.calibration import Calibration
from age_model.page.tabs.cancelling import RUNNING, status_after_stop
from age_model.page.tabs.video import QUEUE, build_video_tab, shown_people, without_answer
from tests.support.clips import FPS, scene, write_clip
from tests.support.markup import read

BAD_NAME = "<img src=x onerror=alert(1)>.mp4"
FACE = (180, 60, 270, 180)


class Predictor:
    """Sees one face of about 35 years in every frame."""

    calibration = Calibration()

    def __init__(self, ages_of, error: Exception | None = None):
        self.seen: list[tuple] = []
        self._ages_of, self._error = ages_of, error

    def predict_frame(self, image_rgb: np.ndarray):
        self.seen.append(image_rgb.shape)
        if self._error:
            raise self._error
        return self._ages_of(FACE)


@pytest.fixture
def uploads(tmp_path, monkeypatch) -> Path:
    """The upload folder."""
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    (tmp_path / "uploads").mkdir()
    return tmp_path / "uploads"


@pytest.fixture
def clip(uploads, astronaut) -> dict:
    """An upload: a clip of 2 seconds."""
    path = write_clip(uploads / "clip.mp4", [scene(astronaut, (20, 0, 240))] * 2 * FPS)
    return {"path": str(path), "orig_name": "clip.mp4"}


def test_clip_gives_progress_then_people_and_a_table(clip, ages_of, uploads):
    predictor = Predictor(ages_of)
    *before, (status, people, button) = shown_people(predictor, clip)
    assert len(before) == len(predictor.seen) == 8
    assert all(RUNNING in said and not html for said, html, _ in before)
    assert 'value="0.5"' in before[3][0] and not any(update["visible"] for *_, update in before)
    assert read(status).one(role="status").text.split()[1] == "1"
    card = read(people).one("article", data_face="1")
    assert card.one(css_class="face-years").text == "35" and people.count("<polyline") == 1
    assert re.findall(r"\d\S*", card.one("p", "face-sure").text) == ["0.0", "1.8", "8"]
    assert card.one("img")["src"].startswith("data:image/jpeg;base64,")
    table = Path(button["value"])
    assert button["visible"] and table.is_relative_to(uploads)
    with table.open(newline="") as stream:
        assert [row["age"] for row in csv.DictReader(stream)] == ["35.0"] * 6


def test_table_is_told_to_gradio_which_deletes_it(clip, ages_of):
    with gr.Blocks():
        button = gr.DownloadButton()
        path = list(shown_people(Predictor(ages_of), clip))[-1][2]["value"]
        assert button.move_resource_to_block_cache(path) == path, "a copy would be left behind"


def test_nothing_of_the_clip_is_copied(clip, ages_of, uploads):
    before = {path for path in uploads.rglob("*") if path.is_file()}
    last = list(shown_people(Predictor(ages_of), clip))[-1]
    left = {path for path in uploads.rglob("*") if path.is_file()} - before
    assert left == {Path(last[2]["value"])}


def test_without_a_clip_the_page_asks_for_one(uploads):
    ((status, people, button),) = shown_people(None, None)
    assert read(status).one(role="status") and not people and not button["visible"]


def test_nobody_in_the_clip_gives_no_table(clip, ages_of):
    predictor = Predictor(lambda face: ages_of())
    status, people, button = list(shown_people(predictor, clip))[-1]
    assert read(status).one(role="status") and not people and not button["visible"]


def test_clips_that_cannot_be_used_say_why(uploads, ages_of, tmp_path, capsys):
    path = uploads / "bad.mp4"
    path.write_text("a text")
    elsewhere = tmp_path / "secret.mp4"
    elsewhere.write_text("no upload")
    for upload, reason in [
        ({"path": str(path), "orig_name": BAD_NAME}, "is not a video that is taken"),
        ({"path": str(elsewhere)}, "not an uploaded picture"),
        ({"path": "http://127.0.0.1:9/a.mp4"}, "not an uploaded picture"),
        ({"path": "/dev/video0"}, "not an uploaded picture"),
        ({"path": "0"}, "not an uploaded picture"),
        ({"path": str(uploads / "gone%03d.mp4")}, "no longer here"),
        ({}, "not an uploaded picture"),
    ]:
        *_, (status, people, button) = shown_people(Predictor(ages_of), upload)
        if upload:
            assert reason in read(status).one(role="alert").text, upload
            assert "<img" not in status and str(uploads) not in status
        assert not people and not button["visible"]


def test_surprise_gives_a_sentence_and_keeps_the_name_out_of_the_log(clip, ages_of, caplog):
    predictor = Predictor(ages_of, RuntimeError(" ".join(["a", "secret"])))
    *_, (status, people, _) = shown_people(predictor, clip | {"orig_name": "swordfish.mp4"})
    assert read(status).one(role="alert") and not people
    assert "RuntimeError with a clip" in caplog.text
    assert "swordfish" not in caplog.text and "a secret" not in caplog.text


def test_leaving_in_the_middle_ends_the_work(clip, ages_of):
    predictor = Predictor(ages_of)
    running = shown_people(predictor, clip)
    for _ in range(3):
        status, *_ = next(running)
    running.close()
    assert len(predictor.seen) == 2
    assert status_after_stop(status, "stopped") == "stopped"


def test_stopping_changes_only_what_is_running(clip, ages_of):
    status, *_ = list(shown_people(Predictor(ages_of), clip))[-1]
    assert status_after_stop(status, "stopped") == status


def test_another_clip_takes_away_the_answer_and_leaves_progress(clip, ages_of):
    shown = list(shown_people(Predictor(ages_of), clip))
    assert without_answer(shown[0][0]) == (shown[0][0], "", gr.update(value=None, visible=False))
    assert without_answer(shown[-1][0])[:2] == without_answer(None)[:2] == ("", "")


def test_clips_wait_in_a_queue_of_their_own_and_the_tab_has_no_endpoint():
    with gr.Blocks() as page:
        build_video_tab(None)
    visibility = {function.api_visibility for function in page.fns.values()}
    assert visibility == {"private"}
    (running,) = [f for f in page.fns.values() if f.concurrency_id == QUEUE["concurrency_id"]]
    assert running.concurrency_limit == 1 and not running.preprocess
    assert QUEUE["concurrency_id"] not in {"predict", "batch", "live"}
