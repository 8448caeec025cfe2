"""Short clips: a few upright frames a second out of a video file, within `video_limits`.

OpenCV is never given a name: it would take one for an address, a camera or a row of pictures
("img%03d.jpg") as well. It reads a file that is open already, and only if that starts as a video
does: FFmpeg, which does the work, also knows lists of other files and would open those.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from age_model.video_limits import (
    FRAMES_A_SECOND,
    MAX_FRAMES_A_SECOND,
    MAX_SECONDS,
    NO_TIMES,
    NOT_READABLE,
    SAVE_AGAIN,
    SLACK_SECONDS,
    START_BYTES,
    VideoError,
    check_file,
    check_seconds,
    check_size,
)

# One thread: the photos of others need a processor too. Times in milliseconds.
CAPTURE = {
    cv2.CAP_PROP_N_THREADS: 1,
    cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: 20_000,
    cv2.CAP_PROP_READ_TIMEOUT_MSEC: 20_000,
}


@dataclass(frozen=True)
class Frame:
    """One moment of a clip.

    Attributes:
        second: since its first frame.
        image_rgb: (H, W, 3) uint8, turned as the file says.
    """

    second: float
    image_rgb: np.ndarray


class Clip:
    """A clip that is being read; see `open_clip`.

    Attributes:
        seconds: how long it is by its own account, or MAX_SECONDS where it does not say.
        cut: the limit ended the reading before the clip did.
    """

    def __init__(self, capture: cv2.VideoCapture):
        self._capture = capture
        self.seconds = _said_seconds(capture) or float(MAX_SECONDS)
        self.cut = False

    def frames(self) -> Iterator[Frame]:
        """FRAMES_A_SECOND frames a second, or all where there are fewer, in their order.

        Raises:
            VideoError: nothing in it can be read, or its frames are too large or have no times.
        """
        grabbed, start, second, due = 0, 0.0, 0.0, 0.0
        while self._capture.grab():
            at = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000
            start, grabbed = (start if grabbed else at), grabbed + 1
            second = max(second, at - start)  # a clock that never goes back
            if second > MAX_SECONDS + SLACK_SECONDS:  # whatever its header said
                self.cut = True
                return
            if grabbed > MAX_FRAMES_A_SECOND * (second + 1):
                raise VideoError(NO_TIMES)
            if second >= due:
                yield Frame(second, self._image())
                # The next whole step, so that steps do not drift with the frames' own times.
                due = (int(second * FRAMES_A_SECOND) + 1) / FRAMES_A_SECOND
        if grabbed == 0:
            raise VideoError(NOT_READABLE)
        if grabbed > 1 and second == 0:
            raise VideoError(NO_TIMES)

    def _image(self) -> np.ndarray:
        good, image_bgr = self._capture.retrieve()
        if not good or image_bgr is None or image_bgr.ndim != 3:
            raise VideoError("has a frame that cannot be read: " + SAVE_AGAIN)
        check_size(image_bgr.shape[1], image_bgr.shape[0])  # it may change within a clip
        return cv2.cvtColor(image_bgr, cv2.COLOR_BGR2RGB)


@contextmanager
def open_clip(path: Path) -> Iterator[Clip]:
    """A clip whose file and header are within the limits; nothing of it is copied.

    Args:
        path: of a plain file.

    Raises:
        VideoError: no file, no video or too large a one; says what was expected and what came.
    """
    with _open(path) as file:
        capture = cv2.VideoCapture()
        try:
            _start(capture, file)
            yield Clip(capture)
        finally:
            capture.release()


def _start(capture: cv2.VideoCapture, file: BinaryIO) -> None:
    try:
        opened = capture.open(file, cv2.CAP_FFMPEG, sum(CAPTURE.items(), ()))
    except cv2.error as error:
        raise VideoError(NOT_READABLE) from error
    if not opened:
        raise VideoError(NOT_READABLE)
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)  # clips of phones are often turned
    sides = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
    check_size(*(int(capture.get(side)) for side in sides))
    check_seconds(_said_seconds(capture) or 0.0)


def _open(path: Path) -> BinaryIO:
    if not path.is_file():  # opening a pipe could take for ever
        raise VideoError("is no file: expected a video file")
    try:
        file = path.open("rb")
    except OSError as error:
        raise VideoError(f"cannot be read ({error.strerror}): add it again") from error
    try:
        check_file(os.fstat(file.fileno()).st_size, file.read(START_BYTES))
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file


def _said_seconds(capture: cv2.VideoCapture) -> float | None:
    """How long the header says that the clip is; None where it says nothing of use."""
    frames, rate = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
    return frames / rate if frames > 0 and rate > 0 else None
