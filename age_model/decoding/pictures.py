"""Pictures from strangers, each decoded in a process of its own."""

import os
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from age_model.decoding.limits import (
    LARGE_PIXELS,
    REUSED_PIXELS,
    SMALL_AT_A_TIME,
    WAIT_SECONDS,
)
from age_model.decoding.memory import SharedMemory
from age_model.decoding.process import DIED, SUPPORTED, Process, keep, start_picture
from age_model.images.load import (
    ImageError,
    Picture,
    TooManyPixelsError,
    check_bytes,
    check_pixels,
    open_file,
    read_picture,
)

BUSY = "could not be examined, as too many others are being examined: try again in a minute"

_large = threading.BoundedSemaphore(1)
_small = threading.BoundedSemaphore(SMALL_AT_A_TIME)


@contextmanager
def decoded(source: Path | bytes, max_pixels: int | None = None) -> Iterator[Picture]:
    """A picture, for as long as it is worked with: large ones wait for each other.

    What is to be kept of its pixels is to be copied.

    Args:
        source: a file, or its bytes.
        max_pixels: fewer than `images.load.MAX_PIXELS`, where it may not have so many.

    Raises:
        TooManyPixelsError: it has more than `max_pixels`.
        ImageError: as `images.load.read_picture`; or the process that decodes it died.
    """
    if not SUPPORTED:
        yield read_picture(source)
        return
    with ExitStack() as stack:
        file = stack.enter_context(_file(source))
        process, answer = start_picture(file)
        ending = stack.enter_context(ExitStack())
        ending.callback(process.close)
        width, height = _size(answer)
        if max_pixels is not None and width * height > max_pixels:
            raise TooManyPixelsError(f"has too many pixels: {width} x {height}")
        stack.enter_context(_turn(width * height))
        pixels, answer = _written(process, width * height)
        if answer.get("again") is True:
            ending.pop_all()
            stack.callback(keep, process)  # afterwards: the picture lies in its memory
        else:
            ending.close()
        yield Picture(_shaped(pixels, answer), 2 if answer.get("frames") == 2 else 1)


@contextmanager
def _file(source: Path | bytes) -> Iterator[int]:
    """Descriptor of a file that holds the source."""
    if isinstance(source, Path):
        with open_file(source) as file:
            yield file.fileno()
        return
    check_bytes(len(source))
    with os.fdopen(os.memfd_create("picture"), "r+b", buffering=0) as memory:
        with memoryview(source) as rest:
            while rest:
                rest = rest[memory.write(rest) :]
        memory.seek(0)
        yield memory.fileno()


def _size(answer: dict[str, Any]) -> tuple[int, int]:
    """Width and height; the process that says them may no longer be its own master."""
    match answer.get("size"):
        case [int(width), int(height)]:
            check_pixels(width, height)
            return width, height
    raise ImageError(DIED)


@contextmanager
def _turn(pixels: int) -> Iterator[None]:
    """Wait until no other picture of this kind is being worked with, or not too many."""
    turns = _large if pixels > LARGE_PIXELS else _small
    if not turns.acquire(timeout=WAIT_SECONDS):
        raise ImageError(BUSY)
    try:
        yield
    finally:
        turns.release()


def _written(process: Process, pixels: int) -> tuple[np.ndarray, dict[str, Any]]:
    """The pixels of a picture, (3 * pixels,) uint8, and what the process says of them.

    To get a picture's memory from the system takes as long as to decode it, so small pictures lie
    one after the other in the same.
    """
    small = pixels <= REUSED_PIXELS
    memory = process.memory if small else None
    if memory is None:
        memory = SharedMemory(3 * (REUSED_PIXELS if small else pixels))
        try:
            answer, _ = process.ask({}, memory.descriptor)
        finally:
            memory.close()
        process.memory = memory if small else None
    else:
        answer, _ = process.ask({})
    return memory.pixels(3 * pixels), answer


def _shaped(pixels: np.ndarray, answer: dict[str, Any]) -> np.ndarray:
    match answer.get("shape"):
        case [int(height), int(width), 3] if height > 0 and height * width * 3 == len(pixels):
            return pixels.reshape(height, width, 3)
    raise ImageError(DIED)
