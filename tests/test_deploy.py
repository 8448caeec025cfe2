"""The compose file and nginx's configuration, as far as they can be tried without an engine."""

import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections import Counter
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import yaml

from age_model.page.guard.middleware import MAX_UPLOAD
from age_model.page.guard.visitors import REQUESTS_A_MINUTE, REQUESTS_AT_ONCE
from age_model.page.launch import parse_args

DEPLOY = Path(__file__).resolve().parents[1] / "deploy"
NGINX = shutil.which("nginx")


def compose() -> dict:
    return yaml.safe_load((DEPLOY / "compose.yaml").read_text())


def test_replicas_believe_the_proxy_alone():
    app, proxy = compose()["services"]["app"], compose()["services"]["proxy"]
    options = app["command"]
    assert options[:2] == ["python", "app.py"]
    named = options[options.index("--proxy") + 1 :]
    assert named == [proxy["networks"]["inner"]["ipv4_address"]]
    assert app["deploy"]["replicas"] == 2
    assert "ports" not in app, "nobody reaches a replica past the proxy"


def test_options_of_the_replicas_exist():
    assert parse_args(compose()["services"]["app"]["command"][2:]).proxy == ["10.83.0.2"]


def test_limits_are_those_of_the_app():
    text = (DEPLOY / "nginx.conf").read_text()
    assert f"rate={REQUESTS_A_MINUTE}r/m" in text and f"burst={REQUESTS_AT_ONCE} " in text
    assert f"client_max_body_size {MAX_UPLOAD // 2**30}g" in text


class _Replica(BaseHTTPRequestHandler):
    """Says which replica it is, and what the proxy told it."""

    def do_GET(self) -> None:
        said = {"port": self.server.server_port, "for": self.headers["X-Forwarded-For"]}
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_POST = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def proxied(tmp_path):
    """The address of nginx with deploy/nginx.conf before two replicas, and the replicas."""
    if NGINX is None:
        pytest.skip("nginx is not installed: apt-get install nginx")
    replicas = [ThreadingHTTPServer(("127.0.0.1", 0), _Replica) for _ in range(2)]
    for replica in replicas:
        threading.Thread(target=replica.serve_forever, daemon=True).start()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    servers = "\n".join(f"server 127.0.0.1:{r.server_port} max_fails=2;" for r in replicas)
    text = (DEPLOY / "nginx.conf").read_text()
    assert "listen 8080;" in text and "server app:7860 max_fails=2 fail_timeout=10s;" in text
    text = text.replace("listen 8080;", f"listen 127.0.0.1:{port};")
    text = text.replace("server app:7860 max_fails=2 fail_timeout=10s;", servers)
    config = tmp_path / "nginx.conf"
    config.write_text(f"daemon off;\npid {tmp_path}/pid;\nerror_log {tmp_path}/log;\n{text}")
    checked = subprocess.run([NGINX, "-t", "-c", config], capture_output=True, text=True)
    assert checked.returncode == 0, checked.stderr
    process = subprocess.Popen([NGINX, "-c", config], stderr=subprocess.DEVNULL)
    while process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            break
        except OSError:
            time.sleep(0.05)
    yield f"http://127.0.0.1:{port}", replicas
    process.terminate()
    process.wait()
    for replica in replicas:
        replica.shutdown()
        replica.server_close()


def _ask(url: str, data: bytes | None = None) -> dict:
    request = urllib.request.Request(url, data, {"X-Forwarded-For": "203.0.113.9"})
    with urllib.request.urlopen(request, timeout=10) as answer:
        return json.load(answer)


def test_visitor_stays_with_a_replica_and_tells_no_address_of_another(proxied):
    url, replicas = proxied
    answers = [_ask(f"{url}/gradio_api/queue/data?session_hash={i}") for i in range(20)]
    assert len({answer["port"] for answer in answers}) == 1
    assert {answer["for"] for answer in answers} == {"127.0.0.1"}
    (dead,) = [r for r in replicas if r.server_port == answers[0]["port"]]
    dead.shutdown()
    dead.server_close()
    assert _ask(url)["port"] != answers[0]["port"], "the other replica takes over"


def test_visitor_who_begins_too_much_has_to_wait(proxied):
    url, _ = proxied
    status: Counter[int] = Counter()
    for _ in range(REQUESTS_AT_ONCE + 30):
        try:
            _ask(f"{url}/gradio_api/queue/join", b"{}")
            status[200] += 1
        except urllib.error.HTTPError as error:
            status[error.code] += 1
    assert status[429] > 0 and status[200] > REQUESTS_AT_ONCE
    assert _ask(url)["port"], "what begins nothing is still answered"
