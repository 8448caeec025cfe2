"""Connections that bring no request, or too many of them, on the real server."""

import resource
import socket
import subprocess
import sys
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from age_model.page.guard import connections
from tests.support.app_server import REPOSITORY
from tests.support.asking import HTTP, ask, upload
from tests.support.processes import limits_of

pytestmark = pytest.mark.skipif(not Path("/proc/self/limits").exists(), reason="needs Linux")


def _open(server, text: bytes = b"") -> socket.socket:
    address = urlsplit(server.url)
    connection = socket.create_connection((address.hostname, address.port), timeout=60)
    connection.sendall(text)
    return connection


def _is_closed(connection: socket.socket, seconds: float) -> bool:
    """Whether the server hangs up within so many seconds after its last answer."""
    connection.settimeout(seconds)
    try:
        while connection.recv(2**16):
            pass
    except TimeoutError:
        return False
    except OSError:
        pass
    return True


def test_connections_of_one_address_have_a_limit_and_others_are_served(server, photo):
    began = server.log.stat().st_size
    given = upload(server, photo)
    opened = [_open(server, b"GET / HTTP/1.1\r\nHost:") for _ in range(2 * 100)]
    try:
        assert sum(_is_closed(one, 0.01) for one in opened) >= 80
        # Those of one address are at their limit; the kept connection of this test is one of them.
        assert '"age"' in ask(server, "predict", given, False)
    finally:
        for one in opened:
            one.close()
    assert len(server.log.read_bytes()[began:]) < 5000
    deadline = time.monotonic() + 20
    while HTTP.get(f"{server.url}/gradio_api/queue/status").status_code != 200:
        assert time.monotonic() < deadline
        time.sleep(0.2)


@pytest.mark.slow
def test_half_a_head_is_not_waited_for(server):
    for text in (b"", b"GET / HTTP/1.1\r\nHost:", b"GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /x"):
        assert _is_closed(_open(server, text), connections.HEAD_SECONDS + 15)


def test_server_may_open_more_files_than_it_lets_in_connections(server):
    assert limits_of(server.process.pid)["Max open files"] > connections.MAX_CONNECTIONS + 200
    assert resource.getrlimit(resource.RLIMIT_NOFILE)[1] > connections.MAX_CONNECTIONS


def test_strangers_cannot_name_the_server(server):
    for name in ("X-Forwarded-Host", "X-Gradio-Server", "Forwarded"):
        for path in ("/", "/config", "/gradio_api/info", "/gradio_api/mcp/"):
            reply = HTTP.get(f"{server.url}{path}", headers={name: "http://evil.example"})
            assert "evil.example" not in reply.text, (name, path)


def test_answers_say_how_they_may_be_used(server):
    for path in ("/", "/config", "/none"):
        headers = HTTP.get(f"{server.url}{path}").headers
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'self' https://huggingface.co" in headers["content-security-policy"]


@pytest.mark.slow
def test_taken_port_is_said_before_the_model_loads():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        command = [sys.executable, "app.py", "--port", port, "--model", "/no/such/model"]
        done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=240)
    assert done.returncode == 1 and f"port {port}" in done.stderr and "--port" in done.stderr
    assert "no/such/model" not in done.stderr
