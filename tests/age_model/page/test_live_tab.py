"""The live tab without a browser: what a frame is answered with."""

import base64
import re
import threading
import time
from io import BytesIO

import gradio as gr
import pytest
from PIL import Image

from age_model.faces.tracking import SETTLED_FRAMES
from age_model.network.calibration import Calibration
from age_model.page.pictures import face_color
from age_model.page.render import render
from age_model.page.tabs import live
from age_model.page.tabs.live import (
    TURN_SECONDS,
    Turn,
    build_live_view,
    live_answer,
    status_html,
)
from tests.support.markup import read


class Faces:
    """A predictor that finds a face in each frame, at the boxes that it was made with."""

    calibration = Calibration()

    def __init__(self, ages_of, *boxes):
        self.answer = ages_of(*boxes)
        self.seen = []

    def predict_frame(self, image_rgb):
        self.seen.append(image_rgb)
        return self.answer


def sent(size_wh=(64, 48), kind="jpeg") -> dict:
    with BytesIO() as buffer:
        Image.new("RGB", size_wh, (200, 30, 30)).save(buffer, kind)
        data = base64.b64encode(buffer.getvalue()).decode()
    return {"path": None, "url": f"data:image/{kind};base64,{data}"}


def _seconds_left(status: str) -> int:
    return int(read(status).one("div")["data-seconds-left"])


@pytest.fixture
def predictor(ages_of):
    return Faces(ages_of, (10, 10, 30, 30), (40, 5, 60, 25))


def test_ages_appear_over_the_picture_and_below_it(predictor):
    turn = Turn()
    for i in range(SETTLED_FRAMES):
        boxes, status, turn = live_answer(predictor, sent(), turn, 100 + i / 10)
    picture = read(boxes)
    assert picture.one("svg")["viewbox"] == "0 0 64 48"
    assert [part.text for part in picture.all(css_class="box-years")] == ["35", "35"]
    assert [part.text for part in picture.all(css_class="box-range")] == ["28–42"] * 2
    assert face_color(1) in boxes and face_color(2) in boxes
    faces = read(status).all("li")
    assert [face["data-face"] for face in faces] == ["1", "2"]
    assert all("35" in face.text and "28–42" in face.text for face in faces)
    bands = [face.one(css_class="live-range")["style"] for face in faces]
    assert bands == ["left: 28%; right: 58%"] * 2
    assert _seconds_left(status) == 60
    red = predictor.seen[0].reshape(-1, 3).mean(axis=0)
    assert predictor.seen[0].shape == (48, 64, 3) and red[0] > 180 and red[2] < 60


def test_first_frames_say_that_the_age_is_coming(predictor):
    boxes, status, _ = live_answer(predictor, sent(), Turn(), 0)
    assert not read(boxes).all(css_class="box-years") and "…" in read(boxes).text
    assert len(read(status).all("li")) == 2 and "35" not in status


def test_no_face_is_said(ages_of):
    boxes, status, turn = live_answer(Faces(ages_of), sent(), Turn(), 0)
    assert "<rect" not in boxes and read(status).one(css_class="live-no-face")
    assert turn.tracks == ()


def test_time_left_counts_down_and_a_new_turn_begins(predictor):
    _, first, turn = live_answer(predictor, sent(), Turn(), 50)
    assert _seconds_left(first) == TURN_SECONDS
    for now in range(51, 50 + TURN_SECONDS, 4):
        _, status, turn = live_answer(predictor, sent(), turn, now)
    assert _seconds_left(status) == 50 + TURN_SECONDS - now
    _, status, turn = live_answer(predictor, sent(), turn, 50 + TURN_SECONDS)
    assert _seconds_left(status) == TURN_SECONDS
    _, status, turn = live_answer(predictor, sent(), turn, 100 + TURN_SECONDS)  # after a pause
    assert _seconds_left(status) == TURN_SECONDS


def test_nothing_of_the_frame_is_kept_between_frames(predictor):
    _, _, turn = live_answer(predictor, sent((640, 480)), Turn(), 0)
    size = sum(track.box_xyxy.size + track.age_probabilities.size for track in turn.tracks)
    assert set(vars(turn)) == {"tracks", "began", "last"} and size < 300


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (None, live.UNREADABLE),
        ({"url": None, "path": "/etc/passwd"}, live.UNREADABLE),
        ({"url": "data:image/jpeg;base64,@@@"}, live.UNREADABLE),
        ({"url": "data:image/jpeg;base64,AAAA"}, live.UNREADABLE),
        ({"url": "https://example.org/x.jpg"}, live.UNREADABLE),
        (sent((2000, 1500)), live.TOO_LARGE),
        ({"url": "data:image/jpeg;base64," + "A" * (live.MAX_FRAME_CHARACTERS + 1)},
         live.TOO_LARGE),
    ],
)  # fmt: skip
def test_unusable_frame_is_said_and_the_faces_stay_known(predictor, frame, reason):
    _, _, turn = live_answer(predictor, sent(), Turn(), 0)
    boxes, status, after = live_answer(predictor, frame, turn, 0.1)
    assert (
        boxes == ""
        and reason in read(status).one(role="alert").text
        and after.tracks == turn.tracks
    )
    assert len(predictor.seen) == 1


def test_failure_is_said_and_the_log_has_no_picture(ages_of, caplog):
    class Broken(Faces):
        def predict_frame(self, image_rgb):
            raise RuntimeError("no")

    frame = sent()
    boxes, status, _ = live_answer(Broken(ages_of), frame, Turn(), 0)
    assert boxes == "" and read(status).one(role="alert")
    assert "no" in caplog.text and frame["url"][30:60] not in caplog.text


def test_details_say_the_limits():
    limits = {"max_faces": 6, "max_visitors": 4, "turn_seconds": 60}
    text = read(render("live.html", "details", **limits)).text
    assert re.findall(r"\d+", text) == ["0", "6", "4", "60"]  # frames a second come first
    assert _seconds_left(status_html((), 0.4)) == 1


def test_each_reason_of_a_camera_has_its_message():
    stage = read(render("live.html", "stage", reasons=live.CAMERA_PROBLEMS))
    problems = [p for p in stage.all("div", "live-problem") if "hidden" in p.attributes]
    assert [p["data-problem"] for p in problems] == list(live.CAMERA_PROBLEMS)
    titles = {p.one(role="alert").one("strong").text for p in problems}
    assert len(titles) == len(problems) == 5
    again = [p["data-problem"] for p in problems if p.all("button")]
    assert again == [name for name in live.CAMERA_PROBLEMS if name != "insecure"]


def _stream_event(predictor):
    with gr.Blocks() as page:
        build_live_view(predictor)
    return next(fn for fn in page.fns.values() if fn.targets[0][1] == "stream")


def test_stream_has_its_own_queue_and_a_time_limit(predictor):
    event = _stream_event(predictor)
    assert event.concurrency_id == "live" and event.concurrency_limit == live.VISITORS == 4
    assert event.time_limit == TURN_SECONDS and event.stream_every <= 0.1
    assert not event.preprocess and not event.postprocess, "frames would touch the disk"
    camera = event.inputs[0]
    assert event.outputs[-1] is camera and camera.webcam_options.mirror
    assert event.fn(sent(), Turn())[-1] is None, "Gradio would remember the frame"


def test_one_frame_is_examined_at_a_time(ages_of):
    running, most = [], []

    class Slow(Faces):
        def predict_frame(self, image_rgb):
            running.append(1)
            most.append(len(running))
            time.sleep(0.05)
            running.pop()
            return self.answer

    event = _stream_event(Slow(ages_of, (10, 10, 30, 30)))
    threads = [threading.Thread(target=event.fn, args=(sent(), Turn())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert most == [1] * 4
