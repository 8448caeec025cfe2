"""Clips from strangers, each decoded in a process of its own, frame by frame on request."""

import os
import stat
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from age_model.decoding.process import DIED, SUPPORTED, Process
from age_model.images.load import ImageError
from age_model.video import clip
from age_model.video.clip import Frame, VideoError, check_size, open_file


class DecodedClip:
    """A clip that is being read; has what `video.clip.Clip` has."""

    def __init__(self, process: Process, seconds: float):
        self._process = process
        self.seconds = seconds
        self.cut = False

    def frames(self) -> Iterator[Frame]:
        """See `video.clip.Clip.frames`."""
        while True:
            answer, memory = _ask(self._process, {})
            if answer.get("end"):
                self.cut = bool(answer.get("cut"))
                return
            if memory is None:
                raise VideoError(DIED)
            with os.fdopen(memory, "rb", buffering=0) as file:
                yield Frame(_number(answer.get("second")), _image(answer.get("shape"), file))


@contextmanager
def open_clip(path: Path) -> Iterator[clip.Clip | DecodedClip]:
    """A clip whose file and header are within the limits.

    Raises:
        VideoError: as `video.clip.open_clip`; or the process that decodes it died.
    """
    if not SUPPORTED:
        with clip.open_clip(path) as opened:
            yield opened
        return
    with open_file(path) as file, closing(Process()) as process:
        answer, _ = _ask(process, {"kind": "clip"}, file.fileno())
        yield DecodedClip(process, _number(answer.get("seconds")))


def _ask(
    process: Process, message: dict[str, Any], file: int | None = None
) -> tuple[dict[str, Any], int | None]:
    try:
        return process.ask(message, file)
    except VideoError:
        raise
    except ImageError as error:
        raise VideoError(str(error)) from error


def _number(value: object) -> float:
    """A number of seconds; the process that says it may no longer be its own master."""
    if not isinstance(value, int | float) or not 0 <= value < 1e6:
        raise VideoError(DIED)
    return float(value)


def _image(shape: object, file: BinaryIO) -> np.ndarray:
    match shape:
        case [int(height), int(width), 3] if height > 0 and width > 0:
            check_size(width, height)
        case _:
            raise VideoError(DIED)
    image_rgb = np.empty((height, width, 3), np.uint8)
    # Not mapped: the process could shrink it. A pipe could be read for ever.
    if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
        raise VideoError(DIED)
    if os.preadv(file.fileno(), [image_rgb.data], 0) != image_rgb.nbytes:
        raise VideoError(DIED)
    return image_rgb
