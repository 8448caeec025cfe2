"""Values that nobody sends by mistake, for every route that Gradio's own OpenAPI document lists."""

import json
from urllib.parse import quote

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from age_model.page.guard.routes import is_open
from tests.support.asking import HTTP, ask, upload

# Also halves of surrogate pairs, which JSON can say and UTF-8 cannot.
TEXT = st.text(st.characters(categories=["Lu", "Nd", "Cs", "Cc", "Zs", "Po"]), max_size=80)
ANYTHING = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | TEXT
    | st.just({"path": "/etc/passwd"}),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
FIELDS = ("data", "session_hash", "event_id", "fn_index", "trigger_id", "event_data", "batched",
          "simple_format", "oauth_token", "upload_id", "request", "method", "id", "params",
          "jsonrpc")  # fmt: skip
GOOD = {
    "data": st.lists(ANYTHING, max_size=3),
    "session_hash": st.just("fuzz") | TEXT,
    "fn_index": st.integers(-2, 40),
    "method": st.sampled_from(["initialize", "tools/call", "tools/list"]) | TEXT,
    "jsonrpc": st.just("2.0"),
}
BODY = st.fixed_dictionaries(
    {}, optional={name: GOOD.get(name, ANYTHING) | ANYTHING for name in FIELDS}
)
PATHS = ("queue/join", "call/predict", "call/v2/predict", "call/predict_many", "run/predict",
         "cancel", "reset", "upload", "stream/fuzz", "mcp")  # fmt: skip


def _fuzz(server, photo, examples: int) -> None:
    @settings(
        max_examples=examples,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(st.sampled_from(PATHS), BODY | ANYTHING, TEXT)
    def send(path, body, query):
        content = json.dumps(body).encode()
        address = (
            f"{server.url}/gradio_api/{path}?session_hash={quote(query.encode(errors='ignore'))}"
        )
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json, text/event-stream",
        }
        try:
            reply = HTTP.post(address, content=content, headers=headers, timeout=30)
        except httpx.ReadTimeout:
            raise AssertionError(f"no answer to {path} {content!r}") from None
        # A full queue is an ordinary answer.
        assert reply.status_code < 500 or reply.status_code == 503, (path, content, reply.text)
        if reply.status_code == 200 and "event_id" in reply.text:
            HTTP.post(f"{server.url}/gradio_api/stream/{reply.json()['event_id']}/close")

    began = server.log.stat().st_size
    send()
    assert server.process.poll() is None
    assert '"age"' in ask(server, "predict", upload(server, photo), False)
    assert len(server.log.read_bytes()[began:]) < 200 * examples, "the log grows with each request"


def test_arguments_that_an_endpoint_lacks_are_refused(server):
    reply = HTTP.post(f"{server.url}/gradio_api/call/v2/predict", json={}, timeout=30)
    assert reply.status_code == 422 and "values" in reply.json()["detail"]


def test_no_value_is_an_error_of_the_server(server, photo):
    _fuzz(server, photo, 60)


@pytest.mark.slow
def test_no_value_of_many_is_an_error_of_the_server(server, photo):
    _fuzz(server, photo, 2000)


def test_every_listed_route_answers_without_an_error_of_the_server(server):
    document = HTTP.get(f"{server.url}/gradio_api/openapi.json").json()
    paths = set(document["paths"]) | {f"/gradio_api/{path}" for path in PATHS}
    for path in sorted(paths):
        for method in ("GET", "POST", "PUT", "DELETE"):
            with HTTP.stream(method, f"{server.url}{path}", timeout=30) as reply:  # some go on
                assert reply.status_code < 500, (method, path)
                assert is_open(method, path) or reply.status_code == 404
