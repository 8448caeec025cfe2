"""Many visitors at once, one in ten of their requests hostile, with a kill -9 in the middle.

Every answer is compared with the one that it had alone. Needs Linux, whose /proc tells of memory
and files.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from age_model.bench.app import APP, free_port, wait_for
from age_model.bench.client import WAIT_SECONDS
from age_model.bench.processes import memory_mb
from age_model.bench.report import Report
from age_model.bench.visitors import Visitor

PHOTOS = ("portrait.jpg", "group.jpg", "cat.jpg")
SAMPLE_SECONDS = 1.0
SETTLE_SECONDS = 15  # before the memory is read; in a short run, a tenth of it
WARM_SECONDS = 60  # after the restart, until the server has what it keeps; at most a quarter


class Server:
    """The app, which can be killed and started again at the same address."""

    def __init__(self, uploads: Path):
        self._uploads, self.port = uploads, free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.down = threading.Event()
        self.start()

    def start(self) -> None:
        """Start it, and wait until it answers."""
        command = [sys.executable, str(APP), "--port", str(self.port), "--proxy", "127.0.0.1"]
        self.process = subprocess.Popen(
            command,
            cwd=APP.parent,
            env=os.environ | {"GRADIO_TEMP_DIR": str(self._uploads)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_for(self.url, self.process)
        self.down.clear()

    def kill(self) -> None:
        """End it as a crash would."""
        self.down.set()
        self.process.kill()
        self.process.wait()


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `python -m age_model.bench endure`."""
    parser.add_argument("--minutes", type=float, default=10, help="default: %(default)s")
    parser.add_argument("--visitors", type=int, default=8, help="default: %(default)s")


def run(options: argparse.Namespace) -> None:
    """Let visitors come for a while, print what happened.

    Raises:
        ValueError: an answer was wrong or lost, the server died, its memory grew, or uploads
            stayed.
    """
    if options.minutes <= 0 or options.visitors < 1:
        raise ValueError("expected --minutes and --visitors of more than 0")
    report = Report()
    with tempfile.TemporaryDirectory(prefix="endure-") as folder:
        uploads = Path(folder) / "uploads"
        uploads.mkdir()
        report.disk_mb.append(shutil.disk_usage(folder).free / 2**20)
        server = Server(uploads)
        try:
            _visits(server, report, options)
        finally:
            server.process.terminate()
            server.process.wait(60)
        report.left = sorted(str(path.relative_to(uploads)) for path in uploads.rglob("*"))
        report.disk_mb.append(shutil.disk_usage(folder).free / 2**20)
    report.print()
    if broken := report.broken():
        raise ValueError("; ".join(broken))


def _visits(server: Server, report: Report, options: argparse.Namespace) -> None:
    """The visits, half of them before the kill -9; reads the memory in between."""
    seconds = 60 * options.minutes
    settle = min(SETTLE_SECONDS, seconds / 10)
    wanted = _answers_alone(server)
    visitors = [Visitor(server, report, n, wanted) for n in range(options.visitors)]
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(server, report, over))

    def read_memory() -> None:
        time.sleep(settle)
        report.settled_mb.append(memory_mb(server.process.pid))

    watch.start()
    try:
        read_memory()
        _together(visitors, seconds / 2, server.kill)
        server.start()
        warm, last = min(WARM_SECONDS, seconds / 4), seconds / 10
        for part in (warm, seconds / 2 - warm - last, last):
            _together(visitors, part, lambda: None)
            read_memory()
    finally:
        over.set()
        watch.join()


def _together(visitors: list[Visitor], seconds: float, at_the_end: Callable[[], None]) -> None:
    """All visitors for so long; what is done at the end is done while they are there."""
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=v.visit, args=(until,)) for v in visitors]
    for thread in threads:
        thread.start()
    time.sleep(seconds)
    at_the_end()
    for thread in threads:
        thread.join()


def _answers_alone(server: Server) -> dict[str, Any]:
    """The faces in each photo, and the people in the clip, asked for with nobody else there."""
    alone = Visitor(server, Report(), 200, {})
    answers = {name: alone.faces_in(name) for name in PHOTOS}
    return answers | {"clip": alone.people_in_the_clip()}


def _watch(server: Server, report: Report, over: threading.Event) -> None:
    """Sample memory and open files, and notice where the server dies."""
    while not over.wait(SAMPLE_SECONDS):
        if server.down.is_set():
            continue
        if server.process.poll() is not None:
            if not server.down.is_set():
                report.deaths += 1
                over.wait(WAIT_SECONDS)
            continue
        with suppress(OSError, IndexError):
            report.memory_mb.append(memory_mb(server.process.pid))
            report.files.append(len(os.listdir(f"/proc/{server.process.pid}/fd")))
