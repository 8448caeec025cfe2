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


def _upload(address: str) -> bytes:
    border = uuid.uuid4().hex
    head = f'--{border}\r\nContent-Disposition: form-data; name="files"; filename="{PORTRAIT.name}"'
    data = head.encode() + b"\r\nContent-Type: image/jpeg\r\n\r\n" + PORTRAIT.read_bytes()
    kind = {"Content-Type": f"multipart/form-data; boundary={border}"}
    request = urllib.request.Request(address, data + f"\r\n--{border}--\r\n".encode(), kind)
    with urllib.request.urlopen(request, timeout=TIMEOUT_SECONDS) as answer:
        return answer.read()
