"""Asks a running demo over HTTP as its page does; for the benchmarks."""

import json
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

PORTRAIT = Path(__file__).parents[1] / "examples" / "portrait.jpg"
TIMEOUT_SECONDS = 60
WAIT_SECONDS = 240  # for an answer, where many visitors ask at once and the machine is busy
GIVEN_UP_SECONDS = 1  # after which an upload that is not complete is left


def event(url: str, wanted: Callable[[dict[str, Any]], bool]) -> int:
    """Number of the first of the page's events that is `wanted`.

    Raises:
        ValueError: there is none, so what answers at `url` is something else.
    """
    for one in json.loads(ask(f"{url}/config"))["dependencies"]:
        if wanted(one):
            return one["id"]
    raise ValueError(f"expected this version of the demo at {url}, but another page answers there")


def photo_seconds(url: str) -> float:
    """How long one photo takes, from its upload to its ages.

    Raises:
        ValueError: the demo could not examine it.
    """
    predict = event(url, lambda e: e["api_name"] == "predict")
    session, started = uuid.uuid4().hex, time.monotonic()
    path = json.loads(_upload(f"{url}/gradio_api/upload"))[0]
    given = {"path": path, "orig_name": PORTRAIT.name, "meta": {"_type": "gradio.FileData"}}
    body = {"fn_index": predict, "session_hash": session, "data": [given, False]}
    ask(f"{url}/gradio_api/queue/join", body)
    for message in messages(url, session):
        if message["msg"] == "process_completed":
            if not message["success"]:
                raise ValueError(f"the demo could not examine the photo: {message['output']}")
            break
    return time.monotonic() - started


def messages(url: str, session: str) -> Iterator[dict[str, Any]]:
    """The messages of a session, as they come."""
    address = f"{url}/gradio_api/queue/data?session_hash={session}"
    with urllib.request.urlopen(address, timeout=TIMEOUT_SECONDS) as lines:
        for line in lines:
            if line.startswith(b"data:"):
                yield json.loads(line[5:])


def ask(address: str, body: dict[str, Any] | None = None) -> bytes:
    """The answer to a GET, or to a POST of `body` as JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(address, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
        return answer.read()


class Client:
    """A visitor's browser or program, behind a proxy that is named to the server."""

    def __init__(self, url: str, address: str):
        """Ask the demo at `url`; the proxy says that the visitor has this address."""
        self._url, self._address = url, address

    def upload(self, name: str, data: bytes) -> dict[str, Any]:
        """A file as it is to be named to an endpoint."""
        head = f'--b\r\nContent-Disposition: form-data; name="files"; filename="{name}"\r\n\r\n'
        (path,) = json.loads(self.send("upload", head.encode() + data + b"\r\n--b--\r\n"))
        return {"path": path, "orig_name": name, "meta": {"_type": "gradio.FileData"}}

    def call(self, endpoint: str, data: list[Any]) -> list[Any]:
        """What an endpoint answers.

        Raises:
            ValueError: an error.
        """
        started = json.loads(self.ask(f"call/{endpoint}", {"data": data}))["event_id"]
        lines = self.open(f"call/{endpoint}/{started}").decode().splitlines()
        if "event: complete" not in lines:
            raise ValueError("no answer")
        answer: list[Any] = json.loads(
            lines[lines.index("event: complete") + 1].removeprefix("data: ")
        )
        return answer

    def event(self, element: str, data: list[Any]) -> dict[str, Any]:
        """What the first event of an element of the page gives in the end; see `wait`."""
        session = uuid.uuid4().hex
        self.ask("queue/join", self.body(element, data, session))
        return self.wait(session)

    def body(self, element: str, data: list[Any], session: str) -> dict[str, Any]:
        """What begins the first event of an element of the page, named by its id in it."""
        config = json.loads(self.open("../config"))
        ids = [c["id"] for c in config["components"] if c["props"].get("elem_id") == element]
        number: int = next(
            e["id"] for e in config["dependencies"] if any(t[0] in ids for t in e["targets"])
        )
        return {"data": data, "fn_index": number, "session_hash": session}

    def wait(self, session: str) -> dict[str, Any]:
        """What the event of a session gives in the end.

        Raises:
            ValueError: no answer.
        """
        lines = self.open(f"queue/data?session_hash={session}").splitlines()
        said = [line for line in lines if line.startswith(b"data:")] or [b"data:{}"]
        message: dict[str, Any] = json.loads(said[-1].removeprefix(b"data:"))
        if message.get("msg") != "process_completed":
            raise ValueError("no answer")
        output: dict[str, Any] = message["output"]
        return output

    def ask(self, path: str, body: dict[str, Any]) -> bytes:
        """The answer to a POST of JSON."""
        return self.open(path, json.dumps(body).encode(), {"Content-Type": "application/json"})

    def send(self, path: str, data: bytes, length: int | None = None) -> bytes:
        """The answer to a POST of a form; one of another `length` than that of `data` is left."""
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        if length is None:
            return self.open(path, data, headers)
        headers["Content-Length"] = str(length)
        return self.open(path, data, headers, GIVEN_UP_SECONDS)

    def open(
        self,
        path: str,
        data: bytes | None = None,
        headers: dict[str, str] | None = None,
        timeout: float = WAIT_SECONDS,
    ) -> bytes:
        """What the server answers, up to the end of an event.

        Raises:
            OSError: it does not answer in time; HTTPError, one of them: it refuses.
        """
        address = f"{self._url}/gradio_api/{path}".replace("gradio_api/../", "")
        said = {"X-Forwarded-For": self._address} | (headers or {})
        until, content = time.monotonic() + timeout, b""
        request = urllib.request.Request(address, data, said)
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            for line in answer:
                content += line
                if b'"msg":"process_completed"' in line:
                    break
                if time.monotonic() > until:  # streams have a heartbeat, so they never time out
                    raise TimeoutError("no answer in time")
        return content


def _upload(address: str) -> bytes:
    border = uuid.uuid4().hex
    head = f'--{border}\r\nContent-Disposition: form-data; name="files"; filename="{PORTRAIT.name}"'
    data = head.encode() + b"\r\nContent-Type: image/jpeg\r\n\r\n" + PORTRAIT.read_bytes()
    kind = {"Content-Type": f"multipart/form-data; boundary={border}"}
    request = urllib.request.Request(address, data + f"\r\n--{border}--\r\n".encode(), kind)
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
        return answer.read()
