"""The visitors of `bench endure`: each does one thing after the other, drawn by chance."""

import base64
import http.client
import json
import random
import socket
import threading
import time
import urllib.error
import uuid
from collections.abc import Callable
from contextlib import ExitStack, suppress
from functools import cache
from io import BytesIO
from typing import Any, Protocol

from PIL import Image

from age_model.bench import hostile
from age_model.bench.client import PORTRAIT, WAIT_SECONDS, Client
from age_model.bench.report import Report

EXAMPLES = PORTRAIT.parent
HALF_HEADS = 20  # connections that one visitor opens and leaves half of a request's head on
LARGE_WH = (8165, 6123)  # 50 million pixels, all but a few


class Server(Protocol):
    """What visitors know of the server."""

    url: str
    port: int
    down: threading.Event  # set while it is killed and started again


class Visitor:
    """One visitor, with an address of its own."""

    def __init__(self, server: Server, report: Report, number: int, wanted: dict[str, Any]):
        """Expect the faces in `wanted` by the names of examples, and "clip"'s people."""
        self._server, self._report, self._wanted = server, report, wanted
        self._random = random.Random(number)
        self._client = Client(server.url, f"203.0.113.{number + 1}")

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
            self._do(doing)

    def _do(self, doing: Callable[[], None]) -> None:
        """Do one thing, and note how it went."""
        self._report.requests[doing.__name__] += 1
        began = time.monotonic()
        try:
            doing()
            self._report.seconds.setdefault(doing.__name__, []).append(time.monotonic() - began)
        except urllib.error.HTTPError as error:
            self._report.refused[error.code] += 1
            time.sleep(min(5.0, float(error.headers.get("Retry-After", 0))))
        except (OSError, ValueError, http.client.HTTPException) as error:
            time.sleep(0.2)
            if not self._server.down.is_set() and doing != self.harm:
                self._report.lost[f"{doing.__name__}: {error or type(error).__name__}"] += 1

    def photo(self) -> None:
        """Ask for the ages in a photo."""
        name = self._random.choice([name for name in self._wanted if name != "clip"])
        self._compare(self._wanted[name], self.faces_in(name))

    def faces_in(self, name: str) -> Any:
        """What the server says of an example."""
        given = self._client.upload(name, _example(name))
        record = self._client.call("predict", [given, False])[0]
        return record["faces"] if record["file"] == name else None

    def batch(self) -> None:
        """Ask for the ages in several photos."""
        names = self._random.choices([name for name in self._wanted if name != "clip"], k=3)
        given = [self._client.upload(name, _example(name)) for name in names]
        (records,) = self._client.call("predict_many", [given])
        for name, record in zip(names, records, strict=True):
            self._compare([name, self._wanted[name]], [record["file"], record["faces"]])

    def clip(self) -> None:
        """Have the people in a clip followed."""
        self._compare(self._wanted["clip"], self.people_in_the_clip())

    def people_in_the_clip(self) -> Any:
        """What the page shows of a clip: the text of its answer."""
        output = self._client.event("video-start", [self._client.upload("clip.avi", _clip())])
        return [part for part in output["data"] if isinstance(part, str)] or None

    def live(self) -> None:
        """Send a few frames of a camera, and go."""
        session = uuid.uuid4().hex
        body = self._client.body("live-camera", [_frame(), None], session)
        event = json.loads(self._client.ask("queue/join", body))["event_id"]
        for _ in range(5):
            self._client.ask(f"stream/{event}", body)
            time.sleep(0.1)
        self._client.ask(f"stream/{event}/close", {})
        self._client.wait(session)

    def leave(self) -> None:
        """Ask for something, and do not wait for it."""
        given = self._client.upload("portrait.jpg", _example("portrait.jpg"))
        body = self._client.body("batch-start", [[given] * 3], uuid.uuid4().hex)
        self._client.ask("queue/join", body)
        with suppress(OSError, http.client.HTTPException):
            self._client.send("upload", b"--b\r\n" + bytes(5000), length=10**6)

    def harm(self) -> None:
        """Do something from which others must not suffer."""
        doings = (self._bad_file, self._bad_request, self._half_heads, self._name_the_server)
        (doing,) = self._random.choices(doings, (8, 5, 1, 1))
        doing()

    def _bad_file(self) -> None:
        """Have a file examined that is damaged, slow, large, or no picture or clip."""
        portrait = _example("portrait.jpg")
        files: list[Callable[[], bytes]] = [
            _chain, _slow, _large, lambda: b"text", lambda: portrait[:2000],
            lambda: hostile.mutated(portrait, self._random.randrange(10**6)),
        ]  # fmt: skip
        if self._random.random() < 0.2:
            clip = hostile.avi_with_wild_index(_clip())
            self._client.event("video-start", [self._client.upload("clip.avi", clip)])
        else:
            given = self._client.upload("a.jpg", self._random.choice(files)())
            self._client.call("predict", [given, False])

    def _bad_request(self) -> None:
        """Send what the server is to refuse."""
        session = self._random.choice(("a" * 65, "\ud800", "a b", ""))
        requests: list[tuple[str, dict[str, Any]]] = [
            ("queue/join", {"data": [], "fn_index": 0, "session_hash": session}),
            ("queue/join", {"data": [], "fn_index": 999, "session_hash": "a"}),
            ("call/none", {"data": []}),
            ("component_server", {"data": ["/"], "fn_name": "ls"}),
        ]
        if self._random.random() < 0.2:
            self._client.send("upload", b"--b\r\n\r\n1\r\n--b--\r\n")
        else:
            self._client.ask(*self._random.choice(requests))

    def _half_heads(self) -> None:
        """Open connections, and say half of what a request begins with."""
        with ExitStack() as opened:
            for _ in range(HALF_HEADS):
                address = ("127.0.0.1", self._server.port)
                one = opened.enter_context(socket.create_connection(address, WAIT_SECONDS))
                one.sendall(b"GET / HTTP/1.1\r\nHost:")
            time.sleep(2)

    def _name_the_server(self) -> None:
        """Say that the server has another name: a page that repeats it is a wrong answer."""
        names = {"X-Gradio-Server": "http://evil.example"}
        page = self._client.open("../config", headers=names)
        self._compare(False, b"evil.example" in page)

    def _compare(self, wanted: Any, got: Any) -> None:
        self._report.compared += 1
        self._report.wrong += wanted != got


@cache
def _example(name: str) -> bytes:
    return (EXAMPLES / name).read_bytes()


@cache
def _chain() -> bytes:
    return hostile.tiff_chain(20_000)


@cache
def _slow() -> bytes:
    return hostile.slow_jpeg(2000, 50)


@cache
def _large() -> bytes:
    with BytesIO() as file:
        Image.new("I;16", LARGE_WH, 7000).save(file, "PNG", compress_level=1)
        return file.getvalue()


@cache
def _clip() -> bytes:
    with Image.open(PORTRAIT) as portrait:
        return hostile.mjpeg_avi([portrait.resize((320, 240))] * 8)


@cache
def _frame() -> dict[str, str]:
    with Image.open(PORTRAIT) as portrait, BytesIO() as file:
        portrait.convert("RGB").resize((640, 480)).save(file, "JPEG")
        return {"url": "data:image/jpeg;base64," + base64.b64encode(file.getvalue()).decode()}
