"""The live part of the tab "Webcam": the moving picture with the faces' ages over it."""

import base64
import binascii
import logging
import math
import threading
import time
from dataclasses import dataclass
from typing import Any

import gradio as gr
import numpy as np

from age_model.decoding.pictures import decoded
from age_model.faces.detector import QUICK_FACES
from age_model.faces.tracking import LiveFace, Track, follow, live_faces
from age_model.images.load import ImageError, TooManyPixelsError
from age_model.page.boxes import live_boxes_html
from age_model.page.lazy_predictor import Predictor
from age_model.page.private_log import log_without_text
from age_model.page.render import render
from age_model.page.theme import script

VISITORS = 4  # live at once; others wait for one of them to end
TURN_SECONDS = 60  # then the longest waiting has a turn; with nobody waiting it goes on
FRAME_EVERY_SECONDS = 0.08
PAUSE_SECONDS = 5.0  # without a frame: what comes after is a new turn
MAX_FRAME_PIXELS = 1920 * 1440
MAX_FRAME_CHARACTERS = 4 * 1024 * 1024
DATA_URL = "data:image/jpeg;base64"
CAMERA = gr.WebcamOptions(
    mirror=True,  # the frames that are sent are mirrored too, so that boxes fit what is seen
)
# Why a camera does not start: the names that browsers give, and two of our own. Each has a message.
CAMERA_PROBLEMS = ("NotAllowedError", "NotFoundError", "NotReadableError", "insecure", "other")
CAMERA_JS = script("live_camera.js")
STALE_JS = script("live_stale.js")
TOO_LARGE = "The camera's frames are too large: choose a lower resolution for it."
UNREADABLE = "The browser sent an unreadable frame. Reload the page, or try another browser."
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


def build_live_view(predictor: Predictor) -> None:
    """The camera's picture, the boxes over it and the faces below it."""
    # One frame is examined at a time, whoever sent it: a visitor's next frame has to come in first,
    # so they take turns, and a photo finds a processor free. Of the frames that come while the one
    # before waits, Gradio keeps the newest only.
    one_at_a_time = threading.Lock()

    def answer(frame: dict[str, Any] | None, turn: Turn) -> tuple[str, str, Turn, None]:
        with one_at_a_time:
            return *live_answer(predictor, frame, turn, time.monotonic()), None

    limits = {
        "max_faces": QUICK_FACES,
        "max_visitors": VISITORS,
        "turn_seconds": TURN_SECONDS,
    }
    gr.HTML(render("live.html", "introduction"), padding=False)
    with gr.Column(elem_id="live-view"):
        with gr.Column(elem_id="live-stage"):
            camera = gr.Image(
                sources=["webcam"],
                streaming=True,
                interactive=True,
                show_label=False,
                buttons=[],
                webcam_options=CAMERA,
                elem_id="live-camera",
            )
            boxes = gr.HTML("", js_on_load=STALE_JS, padding=False, elem_id="live-boxes")
            stage = render("live.html", "stage", reasons=CAMERA_PROBLEMS)
            gr.HTML(stage, js_on_load=CAMERA_JS, padding=False, elem_id="live-over")
        status = gr.HTML("", js_on_load=STALE_JS, padding=False, elem_id="live-status")
        gr.HTML(render("live.html", "details", **limits), js_on_load=None, padding=False)
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
    predictor: Predictor, frame: dict[str, Any] | None, turn: Turn, now: float
) -> tuple[str, str, Turn]:
    """What the page shows after one more frame.

    Args:
        frame: as Gradio's page sends it: "url" is a data URL of a JPEG, mirrored.
        turn: what the frame before left.
        now: seconds on a monotonic clock.

    Returns:
        HTML to lay over the picture, HTML of the faces below it, and the turn for the next frame.
    """
    turn = turn.at(now)
    try:
        image_rgb = _frame_rgb(frame)
        tracks = follow(turn.tracks, predictor.predict_frame(image_rgb), now)
        faces = live_faces(tracks, now, predictor.calibration)
    except ImageError as error:
        return "", render("live.html", "unusable", reason=str(error)), turn
    except Exception as error:  # the next frame may do; the picture stays out of the log
        log_without_text(log, "a live frame", error)
        return "", render("message.html", "failed", kind="picture"), turn
    height, width = image_rgb.shape[:2]
    left = turn.began + TURN_SECONDS - now
    turn = Turn(tracks, turn.began, turn.last)
    return live_boxes_html(faces, (width, height)), status_html(faces, left), turn


def status_html(faces: tuple[LiveFace, ...], seconds_left: float) -> str:
    """The faces in view, and how long this visitor's turn still lasts."""
    left = math.ceil(max(seconds_left, 0))
    return render("live.html", "status", faces=faces, seconds_left=left)


def _frame_rgb(frame: dict[str, Any] | None) -> np.ndarray:
    """(H, W, 3) uint8 of a frame; a caller writes it, so its size is checked before it is read."""
    head, _, data = ((frame or {}).get("url") or "").partition(",")
    if head != DATA_URL:
        raise ImageError(UNREADABLE)
    if len(data) > MAX_FRAME_CHARACTERS:
        raise ImageError(TOO_LARGE)
    try:
        with decoded(base64.b64decode(data, validate=True), MAX_FRAME_PIXELS) as picture:
            return picture.image_rgb
    except TooManyPixelsError as error:
        raise ImageError(TOO_LARGE) from error
    except (binascii.Error, ImageError) as error:
        raise ImageError(UNREADABLE) from error
