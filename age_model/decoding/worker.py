"""The side that may die: `python -m age_model.decoding.worker FD` forks decoding processes."""

import contextlib
import gc
import math
import mmap
import os
import resource
import signal
import socket
import sys
import time
from collections.abc import Iterator
from io import BytesIO
from typing import BinaryIO

import numpy as np
from PIL import Image

from age_model.decoding.limits import (
    ALL_CPU_SECONDS,
    ALL_MEMORY,
    CLIP_CPU_SECONDS,
    ERROR_CHARACTERS,
    MEMORY,
    OPEN_FILES,
    PICTURE_CPU_SECONDS,
    PICTURES_A_PROCESS,
    REUSED_PIXELS,
    STEP_SECONDS,
)
from age_model.decoding.messages import receive, send
from age_model.images.load import TOO_MUCH_MEMORY, ImageError, decode, open_picture
from age_model.video.clip import read_clip


def main() -> None:
    """Fork a process for each socket that comes, until the server is gone."""
    control = socket.socket(fileno=int(sys.argv[1]))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C ends the server, and by that this one
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the system forgets processes that ended
    # What decoders print names neither file nor visitor, but anyone could fill the log with it.
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    _warm_up()
    gc.freeze()  # so that looking for garbage does not copy what all processes share
    while True:
        data, (*files,), _, _ = socket.recv_fds(control, 1, 1)
        if not data:
            return
        if os.fork() == 0:
            control.close()
            with contextlib.suppress(OSError):  # the server is gone, or no longer interested
                _serve(socket.socket(fileno=files[0]))
            os._exit(0)
        os.close(files[0])


def _warm_up() -> None:
    """Do once what each process would repeat: Pillow imports its decoders with a first picture."""
    Image.init()
    for kind in ("JPEG", "PNG"):
        with BytesIO() as file:
            Image.new("RGB", (64, 64)).save(file, kind)
            decode(open_picture(file, file.tell()))


def _serve(server: socket.socket) -> None:
    """Answer for one clip, or for pictures until one is large, unusable or the last."""
    memory: mmap.mmap | None = None
    for picture in range(1, PICTURES_A_PROCESS + 1):
        request, descriptor = receive(server)
        if descriptor is None:
            return
        is_clip = request["kind"] == "clip"
        _limit(CLIP_CPU_SECONDS if is_clip else PICTURE_CPU_SECONDS)
        try:
            with os.fdopen(descriptor, "rb") as file:
                if is_clip:
                    return _clip(server, file)
                memory = _picture(server, file, memory, picture < PICTURES_A_PROCESS)
        except ImageError as error:
            return send(server, {"error": str(error)[:ERROR_CHARACTERS]})
        except MemoryError:
            return send(server, {"error": TOO_MUCH_MEMORY})


def _limit(cpu_seconds: int) -> None:
    """Limit what the process may take from now on."""
    with open("/proc/self/statm", "rb", buffering=0) as file:
        memory = int(file.read().split()[0]) * mmap.PAGESIZE + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (memory, ALL_MEMORY))
    used = math.ceil(time.process_time())
    resource.setrlimit(resource.RLIMIT_CPU, (used + cpu_seconds, ALL_CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_NOFILE, (OPEN_FILES, OPEN_FILES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


@contextlib.contextmanager
def _step() -> Iterator[None]:
    """End the process, whatever it is doing, if this takes longer than STEP_SECONDS."""
    signal.alarm(STEP_SECONDS)
    yield
    signal.alarm(0)


def _picture(
    server: socket.socket, file: BinaryIO, memory: mmap.mmap | None, again: bool
) -> mmap.mmap:
    """Answer for a picture; gives the memory it lies in, `memory` unless the server sends other."""
    with _step():
        image = open_picture(file, os.fstat(file.fileno()).st_size)
    send(server, {"size": image.size})
    _, descriptor = receive(server)  # comes once there is room for so many pixels
    pixels = image.width * image.height
    again = again and pixels <= REUSED_PIXELS
    with _step():
        if descriptor is not None:
            with contextlib.closing(os.fdopen(descriptor, "rb")):
                # Of a large picture all pages are needed, and quicker to get at once.
                populate = 0 if again else mmap.MAP_POPULATE
                memory = mmap.mmap(descriptor, 0, flags=mmap.MAP_SHARED | populate)
        if memory is None:
            raise ConnectionResetError("the picture is not wanted")
        picture = decode(image, np.frombuffer(memory, np.uint8, 3 * pixels))
    shape, frames = picture.image_rgb.shape, picture.frames
    send(server, {"shape": shape, "frames": frames, "again": again})
    if not again:
        raise ConnectionResetError("its memory is given back by its end")
    return memory


def _clip(server: socket.socket, file: BinaryIO) -> None:
    with contextlib.ExitStack() as stack:
        with _step():
            clip = stack.enter_context(read_clip(file))
        send(server, {"seconds": clip.seconds})
        frames = clip.frames()
        while True:
            receive(server)
            with _step():
                frame = next(frames, None)
                if frame is None:
                    send(server, {"end": True, "cut": clip.cut})
                    return
                with os.fdopen(os.memfd_create("frame"), "wb", buffering=0) as memory:
                    memory.write(np.ascontiguousarray(frame.image_rgb).data)
                    answer = {"second": frame.second, "shape": frame.image_rgb.shape}
                    send(server, answer, memory.fileno())


if __name__ == "__main__":
    main()
