"""Requests that are too large, too many or broken are refused, and the next one is answered."""

import socket
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import numpy as np

from age_model.bench.hostile import avi_with_wild_index, slow_jpeg, tiff_chain
from age_model.images.load import MAX_BYTES
from age_model.page import launch
from age_model.page.guard.middleware import MAX_BODY
from tests.support.asking import HTTP, ask, click_of, upload
from tests.support.clips import write_clip

NAME = "swordfish wedding.jpg"  # to be looked for in the log
BOUNDARY = "--b\r\nContent-Disposition: form-data; name=files; filename={}\r\n\r\n"


def test_too_large_bodies_are_refused_whether_they_say_so_or_not(server):
    url, body = f"{server.url}/gradio_api/call/predict", b'{"data": ["' + b"a" * MAX_BODY + b'"]}'
    for content in (body, iter([body[:1000], body[1000:]])):
        try:
            reply = HTTP.post(url, content=content)
        except httpx.WriteError:
            continue  # the server hung up in the middle
        assert reply.status_code == 413 and "at most 9 MB" in reply.json()["detail"]


def test_too_large_file_is_refused_and_nothing_of_it_stays(server):
    def content():
        yield BOUNDARY.format("a.jpg").encode()
        for _ in range(MAX_BYTES // 2**20 + 1):
            yield bytes(2**20)
        yield b"\r\n--b--\r\n"

    before = _large_uploads(server)
    kind = {"Content-Type": "multipart/form-data; boundary=b"}
    url = f"{server.url}/gradio_api/upload"
    reply = HTTP.post(url, content=content(), headers=kind)
    assert reply.status_code == 413 and "maximum allowed size" in reply.text
    assert _large_uploads(server) == before


def _large_uploads(server) -> list[Path]:
    return [
        path for path in server.uploads.rglob("*") if path.is_file() and path.stat().st_size > 10**7
    ]


def test_bombs_are_refused_before_they_are_unpacked(server, tmp_path, png_header):
    (tmp_path / "huge.png").write_bytes(png_header(60_000, 60_000))
    with zipfile.ZipFile(tmp_path / "bomb.zip", "w", zipfile.ZIP_DEFLATED) as made:
        for index in range(3):
            made.writestr(f"{index}.jpg", bytes(90 * 2**20))
    before = _peak_memory(server)
    assert "too many pixels" in ask(server, "predict", upload(server, tmp_path / "huge.png"), False)
    bombs = [upload(server, tmp_path / name) for name in ("huge.png", "bomb.zip")]
    answer = ask(server, "predict_many", bombs)
    assert "too many pixels" in answer and "may unpack to at most" in answer
    assert _peak_memory(server) - before < 500 * 2**20


def _peak_memory(server) -> int:
    """Bytes, where the system tells it."""
    status = Path(f"/proc/{server.process.pid}/status")
    if not status.exists():
        return 0
    return int(status.read_text().split("VmHWM:")[1].split()[0]) * 1024


def test_slow_picture_holds_up_nobody_else(server, photo, tmp_path):
    (tmp_path / "slow.jpg").write_bytes(slow_jpeg())
    (tmp_path / "chain.tif").write_bytes(tiff_chain(80_000))
    bad = [upload(server, tmp_path / name) for name in ("slow.jpg", "chain.tif")]
    good = upload(server, photo)
    assert '"age"' in ask(server, "predict", good, False)
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(ask, server, "predict", bad[0], False)
        time.sleep(1)
        began = time.monotonic()
        assert '"age"' in ask(server, "predict", good, False)
        assert '"error": null' in ask(server, "predict", bad[1], False)
        assert time.monotonic() - began < 8 and not slow.done()
        assert "takes too long" in slow.result()


def test_clip_that_crashes_its_decoder_ends_nothing(server, photo, tmp_path):
    clip = write_clip(tmp_path / "a.avi", [np.full((48, 64, 3), 110, np.uint8)] * 16, codec="MJPG")
    clip.write_bytes(avi_with_wild_index(clip.read_bytes()))
    body = {
        "data": [upload(server, clip)],
        "fn_index": click_of(server, "video-start"),
        "session_hash": "clip",
    }
    HTTP.post(f"{server.url}/gradio_api/queue/join", json=body)
    with HTTP.stream("GET", f"{server.url}/gradio_api/queue/data?session_hash=clip") as events:
        assert any("process_completed" in line for line in events.iter_lines())
    assert server.process.poll() is None
    assert '"age"' in ask(server, "predict", upload(server, photo), False)


def test_unknown_names_and_forms_without_files_are_said_in_words(server):
    api = f"{server.url}/gradio_api"
    reply = HTTP.post(f"{api}/call/none", json={"data": []})
    assert reply.status_code == 404 and "/predict" in reply.json()["detail"]
    body = {"data": [], "fn_index": 999, "session_hash": "a"}
    reply = HTTP.post(f"{api}/queue/join", json=body)
    assert reply.status_code == 404 and "no event" in reply.json()["detail"]
    reply = HTTP.post(f"{api}/upload", files={"other": ("a.jpg", b"1")})
    assert reply.status_code == 400 and "expected files" in reply.text


def test_session_that_is_no_text_disturbs_nobody(server, photo):
    began = server.log.stat().st_size
    url = f"{server.url}/gradio_api/queue/join"
    body = b'{"data": [null, false], "fn_index": %d, "session_hash": "\\ud800"}'
    for number in range(5):
        assert HTTP.post(url, content=body % number).status_code == 400
    assert '"age"' in ask(server, "predict", upload(server, photo), False)
    assert server.log.read_bytes()[began:] == b""


def test_parts_of_uploads_that_break_off_are_deleted_at_once(server):
    address = urlsplit(server.url)
    head = (
        "POST /gradio_api/upload HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n"
        "Content-Type: multipart/form-data; boundary=b\r\n\r\n" + BOUNDARY.format("a.jpg")
    ).encode()
    before = set(server.uploads.rglob("tmp*"))
    with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
        connection.sendall(head + bytes(2**20))
        deadline = time.monotonic() + 20
        while set(server.uploads.rglob("tmp*")) == before and time.monotonic() < deadline:
            time.sleep(0.05)
        assert set(server.uploads.rglob("tmp*")) != before
    deadline = time.monotonic() + 20
    while set(server.uploads.rglob("tmp*")) != before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert set(server.uploads.rglob("tmp*")) == before


def test_more_visitors_than_may_wait_are_told_so(server, photo):
    body = {"data": [upload(server, photo), False]}
    url = f"{server.url}/gradio_api/call/predict"
    with ThreadPoolExecutor(16) as pool:
        asked = range(3 * launch.WAITING_VISITORS)
        replies = list(pool.map(lambda _: HTTP.post(url, json=body), asked))
    full = [reply for reply in replies if reply.status_code == 503]
    assert full and all("Queue is full" in reply.text for reply in full)
    events = [reply.json()["event_id"] for reply in replies if reply.status_code == 200]
    assert len(events) >= launch.WAITING_VISITORS and len(events) + len(full) == len(replies)
    assert '"age"' in HTTP.get(f"{url}/{events[-1]}").text


BROKEN = [
    b"",
    b"{",
    b"[]",
    b"null",
    b'{"data": null}',
    b'{"data": []}',
    b'{"data": 7}',
    b'{"data": [[[[7]]], {"path": 7}, 1e999, -1e999, NaN]}',
    b'{"data": ["swordfish", 123456789012345678901234567890123456789012345678901234567890]}',
    b'{"data": ["data:image/jpeg;base64,swordfish"]}',
    b'{"data": [["data:image/jpeg;base64,swordfish!"]]}',
    b'{"data": [{"path": "swordfish.jpg", "meta": 7}, false]}',
    b'{"data": [{"path": "swordfish.jpg", "meta": {"_type": "gradio.FileData"}, "size": "x"}]}',
    b'{"data": [{"path": "'
    + b"swordfish" * 1000
    + b'", "meta": {"_type": "gradio.FileData"}}, 1]}',
    b'{"data": ' + b"[" * 500 + b'"swordfish"' + b"]" * 500 + b"}",
    b'{"data": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    b'{"data": [null, false], "fn_index": 99999, "session_hash": "swordfish"}',
    b'{"data": [null], "fn_index": -1, "session_hash": {"a": 1}}',
    b'{"data": ["swordfish"], "event_id": "x", "trigger_id": 1e99, "session_hash": "b"}',
]


def test_broken_requests_leave_the_server_well_and_the_log_without_names(server, photo):
    given, began = upload(server, photo, NAME), server.log.stat().st_size
    api, sent = f"{server.url}/gradio_api", []
    for body in BROKEN:
        for route in (
            "call/predict",
            "call/predict_many",
            "call/none",
            "queue/join",
            "mcp",
            "cancel",
        ):
            kind = {"Content-Type": "application/json"}
            sent.append(HTTP.post(f"{api}/{route}", content=body, headers=kind))
    for index in range(20):  # the page's own events, with too few inputs, and with pictures for all
        for data in ([], [given] * 9, [f"data:image/jpeg;base64,{NAME}"]):
            body = {"data": data, "fn_index": index, "session_hash": "swordfish"}
            sent.append(HTTP.post(f"{api}/queue/join", json=body))
    for reply in sent:
        if reply.status_code == 200 and "event_id" in reply.text:
            event = reply.json()["event_id"]
            if "/call/" in str(reply.request.url):
                with suppress(
                    httpx.RemoteProtocolError
                ):  # two events of one visitor: Gradio hangs up
                    HTTP.get(f"{reply.request.url}/{event}")
            else:
                HTTP.post(f"{api}/stream/{event}/close")  # the live tab's would go on for a minute
    _wait_for_the_queue(server)
    _break_off(server)
    assert '"age"' in ask(server, "predict", upload(server, photo), False)
    log = server.log.read_bytes()[began:]
    assert not [name for name in (b"swordfish", b"data:image", b"photo.jpg") if name in log]


def _wait_for_the_queue(server) -> None:
    deadline = time.monotonic() + 120
    while HTTP.get(f"{server.url}/gradio_api/queue/status").json()["queue_size"]:
        assert time.monotonic() < deadline, "broken requests fill the queue"
        time.sleep(0.5)


def _break_off(server) -> None:
    """Connections that are closed while something is sent, and while an answer is waited for."""
    address = urlsplit(server.url)
    head = "POST /gradio_api/{} HTTP/1.1\r\nHost: a\r\nContent-Length: 99999\r\n"
    head += "Content-Type: {}\r\n\r\n"
    cut = head.format("upload", "multipart/form-data; boundary=b") + BOUNDARY.format(NAME)
    for text in (cut, head.format("call/predict", "application/json"), "\0\1\2\r\n\r\n"):
        with socket.create_connection((address.hostname, address.port), timeout=60) as connection:
            connection.sendall(text.encode() + b"swordfish")
    url = f"{server.url}/gradio_api/call/predict"
    event = HTTP.post(url, json={"data": [None, False]}).json()["event_id"]
    with HTTP.stream("GET", f"{url}/{event}"):
        pass
    body = {"event_id": event, "fn_index": 1, "session_hash": "swordfish"}
    HTTP.post(f"{server.url}/gradio_api/cancel", json=body)
