"""The tab "Live": the camera's picture with the faces' ages over it, frame after frame."""

import base64
import binascii
import json
import logging
import threading
import time
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import gradio as gr
import numpy as np
from PIL import Image

import age_model
from age_model.faces.tracking import FramePredictor, Track, follow, live_faces
from age_model.images.load import FORMATS, ImageError, load_image
from age_model.page import page_html, words
from age_model.page.live_html import (
    boxes_html,
    camera_problems,
    idle_html,
    introduction_html,
    status_html,
)
from age_model.page.private_log import log_without_text

VISITORS = 4  # live at once; others wait for one of them to end
TURN_SECONDS = 60  # then the longest waiting has a turn; with nobody waiting it goes on
FRAME_EVERY_SECONDS = 0.08
PAUSE_SECONDS = 5.0  # without a frame: what comes after is a new turn
MAX_FRAME_PIXELS = 1920 * 1440
MAX_FRAME_CHARACTERS = 4 * 1024 * 1024
DATA_URL = "data:image/jpeg;base64"
CAMERA = gr.WebcamOptions(
    mirror=True,  # the frames that are sent are mirrored too, so that boxes fit what is seen
    # Wishes, not demands: the camera that the visitor picks from the list counts.
    constraints={
        "video": {"facingMode": "user", "width": {"ideal": 640}, "height": {"ideal": 480}}
    },
)
PACKAGE = Path(age_model.__file__).parent
STATIC = PACKAGE / "page" / "static"
CAMERA_JS = (STATIC / "live_camera.js").read_text(encoding="utf-8")
STALE_JS = (STATIC / "live_stale.js").read_text(encoding="utf-8")
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Turn:
    """What is kept of one visitor between two frames: no picture.

    Attributes:
        tracks: see `tracking.follow`.
        began: when the turn began; seconds on a monotonic clock, as `last`.
        last: when the last frame came.
    """

    tracks: tuple[Track, ...] = ()
    began: float = -np.inf
    last: float = -np.inf

    def at(self, now: float) -> "Turn":
        """This turn when a frame comes now, or a new one if it is over or was left."""
        if now - self.last > PAUSE_SECONDS or now - self.began >= TURN_SECONDS:
            return Turn(self.tracks, now, now)
        return Turn(self.tracks, self.began, now)


def build_live_tab(predictor: FramePredictor) -> None:
    """The content of the tab."""
    # One frame is examined at a time, whoever sent it: a visitor's next frame has to come in first,
    # so they take turns, and a photo finds a processor free. Of frames that come while the one before
    # waits, Gradio keeps the newest only.
    one_at_a_time = threading.Lock()

    def answer(frame: dict | None, turn: Turn) -> tuple[str, str, Turn, None]:
        with one_at_a_time:
            return *live_answer(predictor, frame, turn, time.monotonic()), None

    gr.HTML(introduction_html(VISITORS, TURN_SECONDS), padding=False)
    problem = CAMERA_JS.replace("WORDS", json.dumps(camera_problems()))
    gr.HTML("", js_on_load=problem, padding=False, elem_id="live-problem")
    with gr.Column(elem_id="live-view"):
        camera = gr.Image(
            sources=["webcam"],
            streaming=True,
            interactive=True,
            show_label=False,
            height=480,
            buttons=[],
            webcam_options=CAMERA,
            elem_id="live-camera",
        )
        boxes = gr.HTML("", js_on_load=STALE_JS, padding=False, elem_id="live-boxes")
    status = gr.HTML(idle_html(), js_on_load=STALE_JS, padding=False, elem_id="live-status")
    turn = gr.State(Turn())
    camera.stream(
        answer,
        [camera, turn],
        # Gradio remembers the values of a session for up to an hour after it: None takes the place
        # of the frame in its memory. (A frame comes as text in the request, and touches no disk.)
        [boxes, status, turn, camera],
        preprocess=False,
        postprocess=False,
        stream_every=FRAME_EVERY_SECONDS,
        time_limit=TURN_SECONDS,
        concurrency_id="live",
        concurrency_limit=VISITORS,
        show_progress="hidden",
        api_visibility="private",
    )


def live_answer(
    predictor: FramePredictor, frame: dict | None, turn: Turn, now: float
) -> tuple[str, str, Turn]:
    """What the page shows after one more frame.

    Args:
        frame: as Gradio's page sends it: "url" is a data URL of a JPEG, mirrored.
        turn: what the frame before left.
        now: seconds on a monotonic clock.

    Returns:
        HTML to lay over the picture, HTML of the line below it, and the turn for the next frame.
    """
    turn = turn.at(now)
    try:
        image_rgb = _frame_rgb(frame)
        tracks = follow(turn.tracks, predictor.predict_frame(image_rgb), now)
        faces = live_faces(tracks, now, predictor.calibration)
    except ImageError as error:
        return "", page_html.message_html(words.UNUSABLE, str(error), problem=True), turn
    except Exception as error:  # the next frame may do; the picture stays out of the log
        log_without_text(log, "a live frame", error)
        return "", page_html.message_html(*words.FAILED, problem=True), turn
    height, width = image_rgb.shape[:2]
    left = turn.began + TURN_SECONDS - now
    turn = Turn(tracks, turn.began, turn.last)
    return boxes_html(faces, (width, height)), status_html(faces, left), turn


def _frame_rgb(frame: dict | None) -> np.ndarray:
    """(H, W, 3) uint8 of a frame; the caller writes it, so its size is checked before it is read."""
    head, _, data = ((frame or {}).get("url") or "").partition(",")
    if head != DATA_URL:
        raise ImageError(words.LIVE_UNREADABLE)
    if len(data) > MAX_FRAME_CHARACTERS:
        raise ImageError(words.LIVE_TOO_LARGE)
    try:
        picture = Image.open(BytesIO(base64.b64decode(data, validate=True)), formats=FORMATS)
    except (binascii.Error, OSError, ValueError, Image.DecompressionBombError) as error:
        raise ImageError(words.LIVE_UNREADABLE) from error
    if picture.width * picture.height > MAX_FRAME_PIXELS:
        raise ImageError(words.LIVE_TOO_LARGE)
    return load_image(picture)
