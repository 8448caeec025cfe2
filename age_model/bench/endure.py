"""Many visitors at once, one in ten of their requests hostile, with a kill -9 in the middle.

Each visitor does one thing after the other, drawn by chance: a photo, a batch, a clip, live frames,
leaving in the middle, or something from `hostile`. Every answer is compared with the one that the
photo had alone. Needs Linux, whose /proc tells of memory and files.
"""

import argparse
import base64
import http.client
import json
import os
import random
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import Any

from PIL import Image

from age_model.bench import hostile
from age_model.bench.app import APP, free_port, wait_for
from age_model.bench.client import PORTRAIT

WAIT_SECONDS = 90
EXAMPLES = PORTRAIT.parent
SAMPLE_SECONDS = 1.0
SETTLE_SECONDS = 15  # before the memory at the start and at the end is read
MAX_GROWTH = 0.15


@dataclass
class Report:
    """What happened; visitors write to it from their threads."""

    requests: Counter[str] = field(default_factory=Counter)
    refused: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    compared: int = 0
    wrong: int = 0
    lost: int = 0
    deaths: int = 0
    memory_mb: list[float] = field(default_factory=list)
    files: list[int] = field(default_factory=list)


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


class Visitor:
    """One visitor, with an address of its own."""

    def __init__(self, server: Server, report: Report, number: int, wanted: dict[str, Any]):
        self._server, self._report, self._wanted = server, report, wanted
        self._random = random.Random(number)
        self._address = f"203.0.113.{number + 1}"
        self._photos = {name: (EXAMPLES / name).read_bytes() for name in wanted}

    def visit(self, until: float) -> None:
        """Do one thing after the other."""
        doings: list[tuple[Callable[[], None], int]] = [
            (self.photo, 50), (self.batch, 8), (self.clip, 5), (self.live, 12), (self.leave, 15),
            (self.harm, 10),
        ]  # fmt: skip
        while time.monotonic() < until:
            if self._server.down.is_set():
                time.sleep(0.2)
                continue
            (doing,) = self._random.choices(*zip(*doings, strict=True))
            self._report.requests[doing.__name__] += 1
            began = time.monotonic()
            try:
                doing()
                if doing == self.photo:
                    self._report.seconds.append(time.monotonic() - began)
            except urllib.error.HTTPError as error:
                self._report.refused[error.code] += 1
                time.sleep(min(5.0, float(error.headers.get("Retry-After", 0))))
            except (OSError, ValueError, http.client.HTTPException):
                time.sleep(0.2)
                if not self._server.down.is_set() and doing != self.harm:
                    self._report.lost += 1

    def photo(self) -> None:
        """Ask for the ages in a photo."""
        name = self._random.choice(list(self._wanted))
        given = self.upload(name, self._photos[name])
        self._compare(name, self.call("predict", [given, False])[0])

    def batch(self) -> None:
        """Ask for the ages in several photos."""
        names = self._random.choices(list(self._wanted), k=3)
        given = [self.upload(name, self._photos[name]) for name in names]
        (records,) = self.call("predict_many", [given])
        for name, record in zip(names, records, strict=True):
            self._compare(name, record)

    def clip(self) -> None:
        """Have the people in a clip followed."""
        self._event("video-start", [self.upload("clip.avi", _clip())])

    def live(self) -> None:
        """Send a few frames of a camera, and go."""
        session = uuid.uuid4().hex
        body = self._body("live-camera", [_frame(), None], session)
        event = json.loads(self.ask("queue/join", body))["event_id"]
        for _ in range(5):
            self.ask(f"stream/{event}", body)
            time.sleep(0.1)
        self.ask(f"stream/{event}/close", {})
        self._wait(session)

    def leave(self) -> None:
        """Ask for something, and do not wait for it."""
        given = self.upload("portrait.jpg", self._photos["portrait.jpg"])
        self.ask("queue/join", self._body("batch-start", [[given] * 3], uuid.uuid4().hex))
        with suppress(OSError, http.client.HTTPException):
            self._send("upload", b"--b\r\n" + bytes(5000), length=10**6)

    def harm(self) -> None:
        """Do something from which others must not suffer."""
        clip = hostile.avi_with_wild_index(_clip())
        portrait = self._photos["portrait.jpg"]
        files = [
            hostile.tiff_chain(20_000), hostile.slow_jpeg(2000, 50), portrait[:2000],
            hostile.mutated(portrait, self._random.randrange(10**6)), b"text",
        ]  # fmt: skip
        session = "a" * 65 if self._random.random() < 0.5 else "\ud800"
        doings: list[Callable[[], object]] = [
            lambda: self._event("video-start", [self.upload("clip.avi", clip)]),
            lambda: self.ask("queue/join", {"data": [], "fn_index": 0, "session_hash": session}),
            lambda: self.ask("call/none", {"data": []}),
            lambda: self.ask("component_server", {"data": ["/"], "fn_name": "ls"}),
            *(
                lambda f=file: self.call("predict", [self.upload("a.jpg", f), False])
                for file in files
            ),
        ]
        self._random.choice(doings)()

    def upload(self, name: str, data: bytes) -> dict[str, Any]:
        """A file as it is to be named to an endpoint."""
        head = f'--b\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        (path,) = json.loads(self._send("upload", head.encode() + data + b"\r\n--b--\r\n"))
        return {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}

    def call(self, endpoint: str, data: list[Any]) -> list[Any]:
        """What an endpoint answers."""
        event = json.loads(self.ask(f"call/{endpoint}", {"data": data}))["event_id"]
        lines = self._open(f"call/{endpoint}/{event}").decode().splitlines()
        if "event: complete" not in lines:
            raise ValueError("no answer")
        answer: list[Any] = json.loads(
            lines[lines.index("event: complete") + 1].removeprefix("data: ")
        )
        return answer

    def ask(self, path: str, body: dict[str, Any]) -> bytes:
        """The answer to a POST of JSON."""
        return self._open(path, json.dumps(body).encode(), "application/json")

    def _event(self, element: str, data: list[Any]) -> None:
        session = uuid.uuid4().hex
        self.ask("queue/join", self._body(element, data, session))
        self._wait(session)

    def _wait(self, session: str) -> None:
        messages = self._open(f"queue/data?session_hash={session}")
        if b"process_completed" not in messages:
            raise ValueError("no answer")

    def _body(self, element: str, data: list[Any], session: str) -> dict[str, Any]:
        return {"data": data, "fn_index": self._server_event(element), "session_hash": session}

    def _server_event(self, element: str) -> int:
        """Number of the first event of an element of the page."""
        config = json.loads(self._open("../config"))
        ids = [c["id"] for c in config["components"] if c["props"].get("elem_id") == element]
        number: int = next(
            e["id"] for e in config["dependencies"] if any(t[0] in ids for t in e["targets"])
        )
        return number

    def _send(self, path: str, data: bytes, length: int | None = None) -> bytes:
        return self._open(path, data, "multipart/form-data; boundary=b", length)

    def _open(
        self, path: str, data: bytes | None = None, kind: str = "", length: int | None = None
    ) -> bytes:
        address = f"{self._server.url}/gradio_api/{path}".replace("gradio_api/../", "")
        request = urllib.request.Request(address, data, {"X-Forwarded-For": self._address})
        if kind:
            request.add_header("Content-Type", kind)
        if length is not None:
            request.add_header("Content-Length", str(length))
        timeout = WAIT_SECONDS if length is None else 1
        until, content = time.monotonic() + timeout, b""
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            for line in answer:
                content += line
                if b'"msg":"process_completed"' in line:
                    break
                if time.monotonic() > until:  # streams have a heartbeat, so they never time out
                    raise TimeoutError("no answer in time")
        return content

    def _compare(self, name: str, record: dict[str, Any]) -> None:
        self._report.compared += 1
        if record["file"] != name or record["faces"] != self._wanted[name]:
            self._report.wrong += 1


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `python -m age_model.bench endure`."""
    parser.add_argument("--minutes", type=float, default=10, help="default: %(default)s")
    parser.add_argument("--visitors", type=int, default=8, help="default: %(default)s")


def run(options: argparse.Namespace) -> None:
    """Let visitors come for a while, print what happened.

    Raises:
        ValueError: an answer was wrong, the server died, its memory grew, or uploads stayed.
    """
    if options.minutes <= 0 or options.visitors < 1:
        raise ValueError("expected --minutes and --visitors of more than 0")
    report = Report()
    with tempfile.TemporaryDirectory(prefix="endure-") as folder:
        uploads = Path(folder) / "uploads"
        uploads.mkdir()
        free = shutil.disk_usage(folder).free
        server = Server(uploads)
        try:
            start, end = _visits(server, report, options)
        finally:
            server.process.terminate()
            server.process.wait(60)
        left = sorted(path.name for path in uploads.rglob("*"))
        spent = free - shutil.disk_usage(folder).free
    _print(report, start, end, left, spent)
    growth = end / start - 1
    if report.wrong or report.deaths or report.lost or left or growth > MAX_GROWTH:
        raise ValueError(
            "expected no wrong or lost answer, no death, no upload left, and memory within "
            f"{MAX_GROWTH:.0%}; see above"
        )


def _visits(server: Server, report: Report, options: argparse.Namespace) -> tuple[float, float]:
    """Memory in MB before and after the visits that follow the restart."""
    wanted = _answers_alone(server)
    visitors = [Visitor(server, report, n, wanted) for n in range(options.visitors)]
    over = threading.Event()
    watch = threading.Thread(target=_watch, args=(server, report, over))
    watch.start()
    try:
        half = 60 * options.minutes / 2
        _together(visitors, half, lambda: server.kill())
        server.start()
        _together(visitors, min(half / 4, 60), lambda: None)  # until it has what it keeps
        time.sleep(SETTLE_SECONDS)
        start = memory_mb(server.process.pid)
        _together(visitors, half, lambda: None)
        time.sleep(SETTLE_SECONDS)
        end = memory_mb(server.process.pid)
    finally:
        over.set()
        watch.join()
    return start, end


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
    """The faces in each example, asked for with nobody else there."""
    names = ("portrait.jpg", "group.jpg", "cat.jpg")
    alone = Visitor(server, Report(), 200, dict.fromkeys(names))
    answers = {}
    for name in names:
        given = alone.upload(name, (EXAMPLES / name).read_bytes())
        answers[name] = alone.call("predict", [given, False])[0]["faces"]
    return answers


def _watch(server: Server, report: Report, over: threading.Event) -> None:
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


def memory_mb(pid: int) -> float:
    """Memory of a process and of those that it started, MB; what they share counts once."""
    total, waiting = 0, [pid]
    while waiting:
        one = waiting.pop()
        with suppress(OSError):
            rollup = Path(f"/proc/{one}/smaps_rollup").read_text(encoding="ascii")
            total += int(rollup.split("\nPss:")[1].split()[0])
            for task in Path(f"/proc/{one}/task").iterdir():
                waiting += map(int, (task / "children").read_text(encoding="ascii").split())
    return total / 1024


def _print(report: Report, start: float, end: float, left: list[str], spent: int) -> None:
    print(f"requests:  {report.requests.total()}: " + _counts(report.requests))
    print(f"answers:   {report.compared} compared, {report.wrong} wrong, {report.lost} lost")
    print(f"refused:   {report.refused.total()}: " + _counts(report.refused))
    if len(report.seconds) > 1:
        p95 = statistics.quantiles(report.seconds, n=20)[-1]
        print(f"photo:     median {statistics.median(report.seconds):.2f} s, 95% {p95:.2f} s")
    print(f"deaths:    {report.deaths}, beside the kill -9")
    peak = max(report.memory_mb, default=0.0)
    growth = end / start - 1
    print(f"memory:    {start:.0f} MB, at most {peak:.0f}, at the end {end:.0f} ({growth:+.1%})")
    print(f"files:     at most {max(report.files, default=0)} open")
    print(
        f"disk:      {max(0, spent) / 2**20:.0f} MB fewer free; left of uploads: {len(left)} files"
    )


def _counts(counter: Counter[Any]) -> str:
    return ", ".join(f"{count} {name}" for name, count in sorted(counter.items())) or "none"


def _clip() -> bytes:
    with Image.open(PORTRAIT) as portrait:
        return hostile.mjpeg_avi([portrait.resize((320, 240))] * 8)


def _frame() -> dict[str, str]:
    with Image.open(PORTRAIT) as portrait, BytesIO() as file:
        portrait.convert("RGB").resize((640, 480)).save(file, "JPEG")
        return {"url": "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()}
