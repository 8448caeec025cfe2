import asyncio
import errno
import json
import logging
import re
import time
from types import SimpleNamespace

import gradio as gr
import pytest

from age_model.page.guard import disk
from age_model.page.guard import middleware as guard
from age_model.page.guard.middleware import RequestGuard
from age_model.page.guard.routes import is_open
from age_model.page.guard.visitors import REQUESTS_AT_ONCE, Visitors


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


async def _must_not_be_asked(scope, receive, send):
    raise AssertionError("the app was asked")


def _ask(
    path,
    *parts,
    app=_app,
    length=None,
    folder="/tmp/no/such/folder",
    method="POST",
    root="",
    query="",
    silent=False,
    pause=0.0,
    visitors=None,
    hosts=(),
) -> tuple[int, bytes]:
    """Status and body of the answer to a request that comes in `parts`.

    Args:
        silent: its end never comes.
        pause: seconds before each part.
    """
    waiting = [{"type": "http.request", "body": part, "more_body": True} for part in parts]
    if parts and not silent:
        waiting[-1]["more_body"] = False
    elif not silent:
        waiting.append({"type": "http.request", "body": b"", "more_body": False})
    sent = []

    async def receive():
        await asyncio.sleep(pause)
        if not waiting and silent:
            await asyncio.sleep(60)
        return waiting.pop(0) if waiting else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    headers = [] if length is None else [(b"content-length", b"%d" % length)]
    scope = {
        "type": "http", "method": method, "path": path, "root_path": root, "headers": headers,
        "query_string": query.encode(), "client": ("203.0.113.7", 1),
    }  # fmt: skip
    events = {1: SimpleNamespace(api_name="predict", api_visibility="public")}
    guarded = RequestGuard(app, lambda: folder, lambda: events, visitors, (), hosts)
    asyncio.run(guarded(scope, receive, send))
    start, body = sent or [{"status": 0}, {"body": b""}]
    return start["status"], body["body"]


@pytest.fixture(autouse=True)
def small_limits(monkeypatch):
    monkeypatch.setattr(guard, "MAX_BODY", 2**20)
    monkeypatch.setattr(guard, "MAX_UPLOAD", 3 * 2**20)


def test_ordinary_requests_pass():
    assert _ask("/gradio_api/queue/join", b'{"data":', b"[]}") == (200, b"11")
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
    assert _ask("/behind/a/proxy/gradio_api/queue/join", b"{}", root="/behind/a/proxy")[0] == 200
    assert _ask("/behind/a/proxy/monitoring", method="GET", root="/behind/a/proxy")[0] == 404


@pytest.mark.parametrize("app", [_app, _polite_app])
@pytest.mark.parametrize("says_its_length", [True, False])
@pytest.mark.parametrize(
    "path, limit",
    [("/gradio_api/upload", 3), ("/gradio_api/upload/", 3), ("/gradio_api/queue/join", 1)],
)
def test_body_has_a_limit(path, limit, says_its_length, app):
    parts = [b'{"a":"', *[b" " * 2**18] * (4 * limit - 1), b" " * (2**18 - 8)]
    for end, status in ((b'"}', 200), (b'"}x', 413)):
        sent = [*parts, end]
        length = sum(map(len, sent)) if says_its_length else None
        got, body = _ask(path, *sent, app=app, length=length)
        assert got == status
    assert f"at most {limit} MB" in json.loads(body)["detail"]


def test_error_is_logged_without_its_text(caplog):
    async def broken(scope, receive, send):
        raise ValueError("the secret was swordfish")

    with caplog.at_level(logging.ERROR):
        status, body = _ask("/gradio_api/queue/join", b"{}", app=broken)
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


@pytest.mark.parametrize("path", ["/gradio_api/upload", "/gradio_api/queue/join"])
def test_visitor_who_sends_nothing_is_hung_up_on(path, monkeypatch):
    monkeypatch.setattr(guard, "IDLE_SECONDS", 0.05)
    status, body = _ask(path, b'{"a": "', silent=True)
    assert status == 408 and "too long" in json.loads(body)["detail"]


def test_slow_visitor_is_hung_up_on_in_the_end(monkeypatch):
    monkeypatch.setattr(guard, "UPLOAD_SECONDS", 0.1)
    began = time.monotonic()
    assert _ask("/gradio_api/upload", *[b"1"] * 1000, pause=0.02)[0] == 408
    assert time.monotonic() - began < 1


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EROFS])
def test_full_or_read_only_disk_is_no_error_of_the_visitor(number):
    async def full(scope, receive, send):
        raise OSError(number, "no space")

    for path in ("/gradio_api/upload", "/gradio_api/queue/join"):
        status, body = _ask(path, b"{}", app=full)
        assert status == 507 and "no room" in json.loads(body)["detail"]


def test_pictures_in_requests_need_room_too(monkeypatch):
    monkeypatch.setattr(disk, "KEEP_FREE", 2**60)
    large = b'{"data": ["' + b"a" * guard.UNWRITTEN + b'"]}'
    for path in ("/gradio_api/call/predict", "/gradio_api/queue/join"):
        status, body = _ask(path, large, app=_must_not_be_asked)
        assert status == 507 and "no room" in json.loads(body)["detail"]
        assert _ask(path, b'{"data": []}')[0] == 200
    assert _ask("/gradio_api/mcp", large)[0] == 200, "it says so in its own way"


BAD_IDS = ["", "a" * 65, "\ud800", "a b", "../x", "\n", "é", 7, {"a": 1}, [], True]
BAD_NUMBERS = [-1, 2**31, 1.5, True, "1", [], 1e300, 99]


@pytest.mark.parametrize(
    "body",
    [*({"session_hash": value} for value in BAD_IDS), *({"event_id": value} for value in BAD_IDS),
     *({"fn_index": value} for value in BAD_NUMBERS),
     *({"trigger_id": value} for value in BAD_NUMBERS[:-1]),
     {"batched": True}, {"oauth_token": "x"}, [], 7, None, {"data": ["\ud800"]}],
)  # fmt: skip
def test_fields_that_gradio_remembers_are_checked(body):
    for path in ("/gradio_api/queue/join", "/gradio_api/cancel", "/gradio_api/run/predict"):
        status, reason = _ask(path, json.dumps(body).encode(), app=_must_not_be_asked)
        assert status in (400, 404) and len(json.loads(reason)["detail"]) > 20, body


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff", b'{"a": NaN}', b"[" * 10**6, b'{"session_hash": "\\ud800"}']
)
def test_what_is_no_json_is_refused(body):
    for path in ("/gradio_api/queue/join", "/gradio_api/mcp", "/gradio_api/call/v2/predict"):
        assert _ask(path, body, app=_must_not_be_asked)[0] == 400


def test_unknown_endpoint_and_event_are_named():
    status, body = _ask("/gradio_api/call/none", b'{"data": []}', app=_must_not_be_asked)
    assert status == 404 and json.loads(body)["detail"].endswith("expected one of /predict.")
    status, body = _ask("/gradio_api/queue/join", b'{"fn_index": 2}', app=_must_not_be_asked)
    assert status == 404 and "no event" in json.loads(body)["detail"]
    good = b'{"fn_index": 1, "session_hash": "abc-1_Z", "trigger_id": 0, "event_id": null}'
    assert _ask("/gradio_api/queue/join", good)[0] == 200


@pytest.mark.parametrize(
    "query", ["session_hash=%ED%A0%80", "upload_id=" + "a" * 65, "deep_link=.."]
)
def test_ids_in_addresses_are_checked(query):
    for path in ("/gradio_api/queue/data", "/"):
        assert _ask(path, method="GET", query=query, app=_must_not_be_asked)[0] == 400
    assert _ask("/", method="GET", query="session_hash=a1&view=api")[0] == 200


def test_too_many_requests_are_told_how_long_to_wait():
    limited = Visitors(60)
    for _ in range(REQUESTS_AT_ONCE):
        assert _ask("/gradio_api/queue/join", b"{}", visitors=limited)[0] == 200
    status, body = _ask("/gradio_api/queue/join", b"{}", visitors=limited)
    assert status == 429 and "in 1 seconds" in json.loads(body)["detail"]
    assert _ask("/", method="GET", visitors=limited)[0] == 200, "looking is free"
    assert _ask("/gradio_api/stream/abc", b"{}", visitors=limited)[0] == 200, "so are frames"


def test_other_names_are_not_answered():
    assert _ask("/", method="GET", hosts=("demo.example",))[0] == 421


def test_upload_that_drips_is_hung_up_on(monkeypatch):
    monkeypatch.setattr(guard, "IDLE_SECONDS", 0.2)
    began = time.monotonic()
    assert _ask("/gradio_api/upload", *[b"1"] * 1000, pause=0.02)[0] == 408
    assert time.monotonic() - began < 3
