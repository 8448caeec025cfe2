"""The real app in a process of its own, for the tests of the API and of the page."""

import atexit
import functools
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]
START_SECONDS = 240  # a machine that is busy with something else takes its time to import torch


@dataclass(frozen=True)
class AppServer:
    """A running `python app.py`.

    Attributes:
        url: without a slash at the end.
        log: file with what the process printed.
        uploads: folder where it puts uploads.
    """

    url: str
    log: Path
    uploads: Path
    process: subprocess.Popen


def offline_environment(uploads: Path) -> dict[str, str]:
    """Environment in which the app neither needs nor tries a network; the default detector."""
    return os.environ | {
        "GRADIO_ANALYTICS_ENABLED": "False",
        "GRADIO_TEMP_DIR": str(uploads),
        "HF_HUB_OFFLINE": "1",
        "NO_PROXY": "127.0.0.1,localhost",
        "PYTHONUNBUFFERED": "1",
    }


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@functools.cache
def shared_server() -> AppServer:
    """One server for the whole test run; it is stopped when Python ends."""
    folder = tempfile.TemporaryDirectory(prefix="app-server-")
    server = start_server(Path(folder.name))
    atexit.register(_stop, server.process, folder)
    return server


def start_server(folder: Path, *options: str) -> AppServer:
    """A server that puts its files in `folder`, once it answers; the caller stops it."""
    port = str(free_port())
    command = [sys.executable, "app.py", "--port", port, *options]
    return start_process(command, REPOSITORY, offline_environment(folder / "uploads"), port, folder)


def start_process(
    command: list[str], cwd: Path, env: dict[str, str], port: str, folder: Path
) -> AppServer:
    """The server that `command` starts, once it answers at `port`; its log goes to `folder`."""
    log, uploads = folder / "log.txt", Path(env["GRADIO_TEMP_DIR"])
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, cwd=cwd, env=env, stdout=stream, stderr=subprocess.STDOUT
        )
    server = AppServer(f"http://127.0.0.1:{port}", log, uploads, process)
    try:
        _wait_until_it_answers(server)
    except BaseException:
        process.kill()
        raise
    return server


def _wait_until_it_answers(server: AppServer) -> None:
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            urllib.request.urlopen(server.url, timeout=10).close()
            return
        except (urllib.error.URLError, TimeoutError, ConnectionError):
            time.sleep(0.2)
    raise RuntimeError(f"the app did not start; it printed:\n{server.log.read_text()}")


def _stop(process: subprocess.Popen, folder: tempfile.TemporaryDirectory) -> None:
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    folder.cleanup()
