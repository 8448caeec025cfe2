import asyncio
import json
import logging
import re
from collections import namedtuple

import gradio as gr
import pytest

from age_model.page import guard as request_guard
from age_model.page.guard import RequestGuard
from age_model.page.routes import is_open


async def _app(scope, receive, send):
    """Reads the whole body, and answers with its length."""
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise RuntimeError("gone, and the secret was swordfish")
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"%d" % size})


async def _polite_app(scope, receive, send):
    """As FastAPI: where the body breaks off it answers all the same."""
    try:
        await _app(scope, receive, send)
    except RuntimeError:
        await send({"type": "http.response.start", "status": 400, "headers": []})
        await send({"type": "http.response.body", "body": b"error"})


def _ask(
    path, *parts, app=_app, length=None, folder="/tmp/no/such/folder", method="POST", root=""
) -> tuple[int, bytes]:
    """Status and body of the answer to a request that comes in `parts`."""
    waiting = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    waiting.append({"type": "http.request", "body": b"", "more_body": False})
    sent = []

    async def receive():
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    headers = [] if length is None else [(b"content-length", b"%d" % length)]
    scope = {
        "type": "http", "method": method, "path": path, "root_path": root, "headers": headers
    }  # fmt: skip
    asyncio.run(RequestGuard(app, lambda: folder)(scope, receive, send))
    start, body = sent
    return start["status"], body["body"]


@pytest.fixture(autouse=True)
def small_limits(monkeypatch):
    monkeypatch.setattr(request_guard, "MAX_BODY", 2**20)
    monkeypatch.setattr(request_guard, "MAX_UPLOAD", 3 * 2**20)


def test_ordinary_requests_pass():
    assert _ask("/gradio_api/queue/join", b"12345", b"678") == (200, b"8")
    assert _ask("/gradio_api/file=/tmp/gradio/abc/http.jpg", method="GET") == (200, b"0")


@pytest.mark.parametrize(
    "method, path",
    [
        ("GET", "/gradio_api/file=http://example.com/a.jpg"),
        ("GET", "/gradio_api/file= HTTPS://example.com/a.jpg"),
        ("GET", "/gradio_api/file=file:///etc/passwd"),
        ("GET", "/gradio_api/file/http://example.com/a.jpg"),
        ("GET", "/gradio_api/proxy=https://a.hf.space/x"),
        ("POST", "/gradio_api/process_recording"),
        ("POST", "/gradio_api/component_server/"),
        ("GET", "/gradio_api/deep_link"),
        ("POST", "/gradio_api/api/predict"),
        ("GET", "/monitoring"),
        ("POST", "/gradio_api/stream/../../login/close"),
        ("GET", "/gradio_api/call/predict/a\nb"),
        ("GET", "/gradio_api/a-route-of-the-next-release"),
        ("DELETE", "/gradio_api/upload"),
        ("POST", "/"),
    ],
)
def test_what_is_not_listed_is_closed(method, path):
    status, body = _ask(path, method=method)
    assert status == 404 and "nothing at this address" in json.loads(body)["detail"]


def test_every_listed_route_is_one_of_gradios():
    """A listed route that Gradio renames would close a part of the page unnoticed."""
    served = set(gr.routes.App.create_app(gr.Blocks()).openapi()["paths"])
    expected = {
        "/", "/config", "/theme.css", "/gradio_api/theme.css", "/static/{path}",
        "/assets/{path}", "/favicon.ico", "/robots.txt", "/manifest.json", "/pwa_icon/{size}",
        "/gradio_api/info", "/gradio_api/openapi.json", "/gradio_api/upload",
        "/gradio_api/upload_progress", "/gradio_api/file={path_or_url}",
        "/gradio_api/queue/join", "/gradio_api/queue/data", "/gradio_api/queue/status",
        "/gradio_api/call/{api_name}", "/gradio_api/call/v2/{api_name}",
        "/gradio_api/call/{api_name}/{event_id}", "/gradio_api/run/{api_name}",
        "/gradio_api/stream/{event_id}",
        "/gradio_api/stream/{event_id}/close", "/gradio_api/cancel", "/gradio_api/reset",
        "/gradio_api/heartbeat/{session_hash}", "/gradio_api/startup-events",
        "/gradio_api/app_id", "/gradio_api/login_check",
    }  # fmt: skip
    assert expected <= served
    for path in expected:
        path = path.replace("{api_name}", "predict")
        path = re.sub(r"{[^}]*}", "7", path)
        assert is_open("GET", path) or is_open("POST", path), path


def test_folder_of_a_proxy_is_no_part_of_the_address():
    assert _ask("/behind/a/proxy/gradio_api/queue/join", b"1", root="/behind/a/proxy")[0] == 200
    assert _ask("/behind/a/proxy/monitoring", method="GET", root="/behind/a/proxy")[0] == 404


@pytest.mark.parametrize("app", [_app, _polite_app])
@pytest.mark.parametrize("says_its_length", [True, False])
@pytest.mark.parametrize(
    "path, limit",
    [("/gradio_api/upload", 3), ("/gradio_api/upload/", 3), ("/gradio_api/call/predict", 1)],
)
def test_body_has_a_limit(path, limit, says_its_length, app):
    parts = [bytes(2**18)] * (4 * limit)
    for more, status in ((b"", 200), (b"x", 413)):
        length = limit * 2**20 + len(more) if says_its_length else None
        got, body = _ask(path, *parts, *([more] if more else []), app=app, length=length)
        assert got == status
    assert f"at most {limit} MB" in json.loads(body)["detail"]


def test_uploads_leave_room_on_the_disk(monkeypatch):
    usage = namedtuple("usage", "free")
    free = request_guard.KEEP_FREE + 1000
    monkeypatch.setattr(request_guard.shutil, "disk_usage", lambda path: usage(free))
    assert _ask("/gradio_api/upload", bytes(1000), length=1000)[0] == 200
    assert _ask("/gradio_api/upload", bytes(1001), length=1001)[0] == 507
    assert _ask("/gradio_api/upload", bytes(10))[0] == 507, "it may be as long as it likes"
    assert _ask("/gradio_api/queue/join", bytes(1001), length=1001)[0] == 200


def test_error_is_logged_without_its_text(caplog):
    async def broken(scope, receive, send):
        raise ValueError("the secret was swordfish")

    with caplog.at_level(logging.ERROR):
        status, body = _ask("/gradio_api/queue/join", b"1", app=broken)
    assert status == 500 and b"could not be answered" in body
    assert "ValueError" in caplog.text and "in broken" in caplog.text
    assert "swordfish" not in caplog.text.replace(
        'raise ValueError("the secret was swordfish")', ""
    )


def test_visitor_who_leaves_is_not_in_the_log(caplog):
    async def leaves(scope, receive, send):
        while (await receive())["type"] != "http.disconnect":
            pass
        raise RuntimeError("client disconnected")

    with caplog.at_level(logging.INFO):
        _ask("/gradio_api/upload", b"1", app=leaves)
    assert caplog.text == ""
