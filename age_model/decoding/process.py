"""The server's side of a decoding process: it asks, waits no longer than is allowed, and checks."""

import atexit
import os
import socket
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from age_model.decoding import messages
from age_model.decoding.limits import IDLE_PROCESSES, START_SECONDS, STEP_SECONDS
from age_model.decoding.memory import SharedMemory
from age_model.images.load import ImageError

# Decoding in another process needs what Linux has. Elsewhere it happens in this one.
SUPPORTED = hasattr(os, "memfd_create") and hasattr(os, "fork")
PACKAGES = Path(__file__).parents[2]
DIED = (
    "could not be decoded: it is damaged, or takes too long or too much memory; get it again from "
    "its source, or save it anew"
)


class Process:
    """A process that decodes; to be closed, which ends it, or kept for another picture.

    Attributes:
        memory: what it writes small pictures to, once it has been given that.
    """

    def __init__(self) -> None:
        self.memory: SharedMemory | None = None
        self._socket = _forks.fork()

    def ask(
        self, message: dict[str, Any], file: int | None = None
    ) -> tuple[dict[str, Any], int | None]:
        """Send a message, and wait for the answer; see `messages`.

        Args:
            file: descriptor of a file to go with it.

        Returns:
            the answer, and the descriptor that came with it, which is then the caller's.

        Raises:
            DeadError: the process died, or took too long.
            ImageError: the file cannot be decoded.
        """
        try:
            messages.send(self._socket, message, file)
            answer, received = messages.receive(self._socket)
        except (OSError, ValueError) as error:
            raise DeadError(DIED) from error
        # The first answer of all may have to wait for the imports.
        self._socket.settimeout(STEP_SECONDS + 5)  # it ends itself before
        if "error" in answer:
            raise ImageError(str(answer["error"]))
        return answer, received

    def close(self) -> None:
        """Let go of the process: it ends with its next message, or when its time is over."""
        self._socket.close()


class DeadError(ImageError):
    """The process died, or took too long."""


_idle: list[Process] = []
_idle_lock = threading.Lock()


def start_picture(file: int) -> tuple[Process, dict[str, Any]]:
    """A process, and its answer to a picture.

    Raises:
        ImageError: see `Process.ask`.
    """
    process = _free()
    if process is not None:
        with suppress(DeadError):  # the system may have ended it while it had nothing to do
            return process, _start_picture(process, file)
        os.lseek(file, 0, os.SEEK_SET)
    process = Process()
    return process, _start_picture(process, file)


def _start_picture(process: Process, file: int) -> dict[str, Any]:
    try:
        return process.ask({"kind": "picture"}, file)[0]
    except BaseException:
        process.close()
        raise


def _free() -> Process | None:
    """One of the idle processes whose last picture nobody looks at any more."""
    with _idle_lock:
        for index, process in enumerate(_idle):
            if process.memory is None or not process.memory.is_in_use():
                return _idle.pop(index)
    return None


def keep(process: Process) -> None:
    """Take back a process that may decode another picture."""
    with _idle_lock:
        if len(_idle) < IDLE_PROCESSES:
            _idle.append(process)
            return
    process.close()


class _Forks:
    """The process that the others are forked from; it starts when it is first needed.

    It is not forked from the server, which has many threads, and 500 MB that no decoder needs.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._control: socket.socket | None = None
        atexit.register(self._stop)

    def fork(self) -> socket.socket:
        """The server's end of the line to a new process."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, messages.SOCKET)
        ours.settimeout(START_SECONDS)
        with theirs, self._lock:
            try:
                self._send(theirs)
            except OSError:  # it died, or was never there
                self._start()
                self._send(theirs)
        return ours

    def _send(self, theirs: socket.socket) -> None:
        if self._control is None:
            raise ConnectionResetError("not started")
        socket.send_fds(self._control, [b"f"], [theirs.fileno()])

    def _start(self) -> None:
        self._stop()
        self._control, control = socket.socketpair(socket.AF_UNIX, messages.SOCKET)
        with control:
            # No environment: nothing that decodes has use for a token or a path.
            subprocess.Popen(
                [sys.executable, "-P", "-m", "age_model.decoding.worker", str(control.fileno())],
                env={
                    "PYTHONPATH": os.pathsep.join([str(PACKAGES), *filter(None, sys.path)]),
                    "OPENBLAS_NUM_THREADS": "1",
                    "MALLOC_ARENA_MAX": "1",
                },
                cwd="/",
                stdin=subprocess.DEVNULL,
                pass_fds=[control.fileno()],
                start_new_session=True,
            )

    def _stop(self) -> None:
        if self._control is not None:
            self._control.close()  # by which the process knows
            self._control = None


_forks = _Forks()
