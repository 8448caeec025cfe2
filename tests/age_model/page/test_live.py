"""The live tab without a browser: what a frame is answered with."""

import base64
import threading
import time
from html import unescape
from io import BytesIO

import gradio as gr
import numpy as np
import pytest
from PIL import Image

from age_model.faces.tracking import SETTLED_FRAMES, LiveFace
from age_model.network.calibration import Calibration
from age_model.page import words
from age_model.page.drawing import face_color
from age_model.page.live_html import boxes_html, camera_problems, introduction_html, status_html
from age_model.page.tabs import live
from age_model.page.tabs.live import TURN_SECONDS, Turn, build_live_tab, live_answer


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


@pytest.fixture
def predictor(ages_of):
    return Faces(ages_of, (10, 10, 30, 30), (40, 5, 60, 25))


def test_ages_appear_over_the_picture_and_below_it(predictor):
    turn = Turn()
    for i in range(SETTLED_FRAMES):
        boxes, status, turn = live_answer(predictor, sent(), turn, 100 + i / 10)
    assert 'viewBox="0 0 64 48"' in boxes
    assert boxes.count('class="live-years">35<') == 2 and boxes.count("28–42") == 2
    assert face_color(0) in boxes and face_color(1) in boxes
    assert status.count("looks <b>35</b>, most likely 28–42") == 2
    assert "About 60 seconds left" in status
    red = predictor.seen[0].reshape(-1, 3).mean(axis=0)
    assert predictor.seen[0].shape == (48, 64, 3) and red[0] > 180 and red[2] < 60


def test_first_frames_say_that_the_age_is_coming(predictor):
    boxes, status, _ = live_answer(predictor, sent(), Turn(), 0)
    assert "live-years" not in boxes and "…" in boxes
    assert "one moment" in status and "looks" not in status


def test_no_face_is_said(ages_of):
    boxes, status, turn = live_answer(Faces(ages_of), sent(), Turn(), 0)
    assert "<rect" not in boxes and words.LIVE_NO_FACE in status and turn.tracks == ()


def test_time_left_counts_down_and_a_new_turn_begins(predictor):
    _, first, turn = live_answer(predictor, sent(), Turn(), 50)
    assert f"About {TURN_SECONDS} seconds" in first
    for now in range(51, 50 + TURN_SECONDS, 4):
        _, status, turn = live_answer(predictor, sent(), turn, now)
    assert f"About {50 + TURN_SECONDS - now} seconds" in status
    _, status, turn = live_answer(predictor, sent(), turn, 50 + TURN_SECONDS)
    assert f"About {TURN_SECONDS} seconds" in status
    _, status, turn = live_answer(predictor, sent(), turn, 100 + TURN_SECONDS)  # after a pause
    assert f"About {TURN_SECONDS} seconds" in status


def test_nothing_of_the_frame_is_kept_between_frames(predictor):
    _, _, turn = live_answer(predictor, sent((640, 480)), Turn(), 0)
    size = sum(track.box_xyxy.size + track.age_probabilities.size for track in turn.tracks)
    assert set(vars(turn)) == {"tracks", "began", "last"} and size < 300


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        (None, words.LIVE_UNREADABLE),
        ({"url": None, "path": "/etc/passwd"}, words.LIVE_UNREADABLE),
        ({"url": "data:image/jpeg;base64,@@@"}, words.LIVE_UNREADABLE),
        ({"url": "data:image/jpeg;base64,AAAA"}, words.LIVE_UNREADABLE),
        ({"url": "https://example.org/x.jpg"}, words.LIVE_UNREADABLE),
        (sent((2000, 1500)), words.LIVE_TOO_LARGE),
        ({"url": "data:image/jpeg;base64," + "A" * (live.MAX_FRAME_CHARACTERS + 1)},
         words.LIVE_TOO_LARGE),
    ],
)  # fmt: skip
def test_unusable_frame_is_said_and_the_faces_stay_known(predictor, frame, words):
    _, _, turn = live_answer(predictor, sent(), Turn(), 0)
    boxes, status, after = live_answer(predictor, frame, turn, 0.1)
    assert boxes == "" and words in unescape(status) and after.tracks == turn.tracks
    assert len(predictor.seen) == 1


def test_failure_is_said_and_the_log_has_no_picture(ages_of, caplog):
    class Broken(Faces):
        def predict_frame(self, image_rgb):
            raise RuntimeError("no")

    frame = sent()
    boxes, status, _ = live_answer(Broken(ages_of), frame, Turn(), 0)
    assert boxes == "" and words.FAILED[0] in status
    assert "no" in caplog.text and frame["url"][30:60] not in caplog.text


def test_text_stays_inside_the_picture():
    face = LiveFace(1, np.array([-20.0, -10.0, 40.0, 50.0]), 34.2, (27.6, 40.1))
    html = boxes_html((face,), (640, 480))
    x, y, size = _text_place(html)
    assert x >= 2 * size and size <= y <= 480
    assert "27–41" in html, "the range is rounded outwards"


def _text_place(html: str) -> tuple[float, float, float]:
    tag = html.split("<text ")[1].split(">")[0]
    values = dict(part.split("=") for part in tag.split())
    return tuple(float(values[name].strip('"')) for name in ("x", "y", "font-size"))


def test_words_say_the_limits():
    html = introduction_html(4, 60)
    assert "4 visitors" in html and "60 seconds" in html and "6 faces" in html
    assert "Allow this page" in camera_problems()["NotAllowedError"]
    assert "1 second " in status_html((), 0.4)


def _stream_event(predictor):
    with gr.Blocks() as page:
        build_live_tab(predictor)
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
