"""Short clips: a few upright frames a second out of a video file, within limits.

OpenCV is never given a name: it would take one for an address, a camera or a row of pictures
("img%03d.jpg") as well. It reads a file that is open already, and only if that starts as a video
does: FFmpeg, which does the work, also knows lists of other files and would open those.
"""

import io
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import cv2
import numpy as np

from age_model.images.load import ImageError

MAX_SECONDS = 30
SLACK_SECONDS = 1  # cameras stop a little late
MAX_BYTES = 50 * 1024 * 1024
MAX_SIZE = (1920, 1080)  # pixels, lying or standing: it is their product that counts
MAX_FRAMES_A_SECOND = 120  # all are decoded, though few are looked at
FRAMES_A_SECOND = 4  # that are looked at

FORMATS = "MP4, MOV, WebM, MKV or AVI"
MP4_BOXES = (b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip")  # that such a file begins with
START_BYTES = 12  # of a file, which tell its form

SAVE_AGAIN = "save it again, as MP4"
NOT_READABLE = (
    "holds no video that can be read: it may be damaged, cut short, or sound alone; " + SAVE_AGAIN
)
NO_TIMES = (
    f"has more than {MAX_FRAMES_A_SECOND} frames a second, or does not say when each was taken: "
    + SAVE_AGAIN
)
# One thread: the photos of others need a processor too. Times in milliseconds.
CAPTURE = {
    cv2.CAP_PROP_N_THREADS: 1,
    cv2.CAP_PROP_OPEN_TIMEOUT_MSEC: 20_000,
    cv2.CAP_PROP_READ_TIMEOUT_MSEC: 20_000,
}


class VideoError(ImageError):
    """A clip that cannot be used: unreadable, too long, too large, or in an unsupported format."""


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
    with open_file(path) as file, read_clip(file) as clip:
        yield clip


def open_file(path: Path) -> BinaryIO:
    """Open a clip's file.

    Raises:
        VideoError: there is none, or it may not be read.
    """
    if not path.is_file():  # opening a pipe could take for ever
        raise VideoError("is no file: expected a video file")
    try:
        return path.open("rb")
    except OSError as error:
        raise VideoError(f"cannot be read ({error.strerror}): add it again") from error


@contextmanager
def read_clip(file: BinaryIO) -> Iterator[Clip]:
    """The clip in a file that is open already, as `open_clip`."""
    check_file(os.fstat(file.fileno()).st_size, file.read(START_BYTES))
    file.seek(0)
    capture = cv2.VideoCapture()
    # Held here: OpenCV would let go of the last reference without Python's lock, and end Python.
    calm = _Calm(file)
    try:
        _start(capture, calm)
        yield Clip(capture)
    finally:
        capture.release()


def _start(capture: cv2.VideoCapture, file: "_Calm") -> None:
    settings = [number for pair in CAPTURE.items() for number in pair]
    try:
        # OpenCV's types do not know of files that are open already.
        opened = capture.open(file, cv2.CAP_FFMPEG, settings)  # type: ignore[call-overload]
    except cv2.error as error:
        raise VideoError(NOT_READABLE) from error
    if not opened:
        raise VideoError(NOT_READABLE)
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)  # clips of phones are often turned
    sides = (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)
    check_size(*(int(capture.get(side)) for side in sides))
    check_seconds(_said_seconds(capture) or 0.0)


class _Calm(io.BufferedIOBase):
    """A file whose methods never raise: OpenCV calls them, and takes an exception for a result.

    It then reads through a null pointer. FFmpeg seeks wherever a clip's own numbers say, also to
    before its beginning.
    """

    def __init__(self, file: BinaryIO):
        self._file = file

    def read(self, size: int | None = -1) -> bytes:
        """What is left, at most `size` bytes; nothing where it cannot be read."""
        with suppress(OSError, ValueError, OverflowError, MemoryError):
            return self._file.read(-1 if size is None else size)
        return b""

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """The new place; -1, which FFmpeg takes for an error, where there is no such place."""
        with suppress(OSError, ValueError, OverflowError):
            return self._file.seek(offset, whence)
        return -1


def _said_seconds(capture: cv2.VideoCapture) -> float | None:
    """How long the header says that the clip is; None where it says nothing of use."""
    frames, rate = capture.get(cv2.CAP_PROP_FRAME_COUNT), capture.get(cv2.CAP_PROP_FPS)
    return frames / rate if frames > 0 and rate > 0 else None


def check_file(size: int, start: bytes) -> None:
    """Raise VideoError for a file of `size` bytes that starts so, START_BYTES of it."""
    if size == 0:
        raise VideoError("is empty (0 bytes): expected a video")
    if size > MAX_BYTES:
        raise VideoError(
            f"is too large: {size / 2**20:.0f} MB, at most {MAX_BYTES // 2**20} MB are taken; "
            "cut it, or save a smaller copy"
        )
    mp4, matroska = start[4:8] in MP4_BOXES, start[:4] == b"\x1a\x45\xdf\xa3"
    if not (mp4 or matroska or (start[:4] == b"RIFF" and start[8:12] == b"AVI ")):
        raise VideoError(f"is not a video that is taken: expected {FORMATS}")


def check_seconds(seconds: float) -> None:
    """Raise VideoError for a clip that says that it is too long."""
    if seconds > MAX_SECONDS + SLACK_SECONDS:
        raise VideoError(
            f"is too long: {seconds:.0f} seconds, at most {MAX_SECONDS} are taken; cut it first"
        )


def check_size(width: int, height: int) -> None:
    """Raise VideoError for frames without pixels or with too many."""
    if width * height <= 0:
        raise VideoError(NOT_READABLE)
    if width * height > MAX_SIZE[0] * MAX_SIZE[1]:
        raise VideoError(
            f"has too large frames: {width} x {height} pixels, at most "
            f"{MAX_SIZE[0]} x {MAX_SIZE[1]} are taken; save a smaller copy"
        )
