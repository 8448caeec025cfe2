"""Where a request says that it comes from, and how an answer may be used."""

import pytest

from age_model.page.guard.headers import (
    FROM_PROXIES,
    SECURITY,
    from_visitor,
    is_allowed_host,
    with_security,
)

PROXY, STRANGER, VISITOR = "10.0.0.1", "203.0.113.7", "198.51.100.9"


def _scope(peer: str, **headers: str) -> dict:
    pairs = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "client": (peer, 1234), "scheme": "http", "headers": pairs}


def test_claims_of_strangers_are_dropped():
    claims = {name.decode().replace("-", "_"): "evil.example" for name in FROM_PROXIES}
    for proxies in ((), (PROXY,)):
        seen = from_visitor(_scope(STRANGER, host="a", **claims), proxies)
        assert seen["headers"] == [(b"host", b"a")] and seen["client"] == (STRANGER, 1234)


@pytest.mark.parametrize("proxies", [(PROXY,), ("*",), (PROXY, "10.0.0.2")])
def test_named_proxy_is_believed(proxies):
    scope = _scope(PROXY, x_forwarded_for=VISITOR, x_forwarded_proto="https",
                   x_forwarded_host="demo.example", x_gradio_server="evil.example")  # fmt: skip
    seen = from_visitor(scope, proxies)
    assert seen["client"] == (VISITOR, 0) and seen["scheme"] == "https"
    names = [name for name, _ in seen["headers"]]
    assert b"x-forwarded-host" in names and b"x-gradio-server" not in names


def test_only_what_the_proxy_itself_added_counts():
    scope = _scope(PROXY, x_forwarded_for=f"127.0.0.1, {VISITOR}, {PROXY}")
    assert from_visitor(scope, (PROXY,))["client"] == (VISITOR, 0)
    assert from_visitor(_scope(PROXY), (PROXY,))["client"] == (PROXY, 1234)


def test_hosts():
    for host, good in (
        ("demo.example", True), ("Demo.Example:7860", True), ("evil.example", False), ("", False),
        ("demo.example.evil.example", False),
    ):  # fmt: skip
        headers = [(b"host", host.encode())]
        assert is_allowed_host(headers, ("demo.example",)) == good, host
        assert is_allowed_host(headers, ())
    assert is_allowed_host([(b"host", b"[::1]:7860")], ("[::1]",))
    assert is_allowed_host([(b"host", b"[::1]")], ("[::1]",))


def test_answers_get_what_they_do_not_have():
    headers = with_security([(b"X-Content-Type-Options", b"own")])
    assert [name.lower() for name, _ in headers].count(b"x-content-type-options") == 1
    assert {name for name, _ in SECURITY} <= {name.lower() for name, _ in headers}
