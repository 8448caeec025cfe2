import re
import subprocess
import sys
import time
from pathlib import Path

import pytest
from gradio_client import Client, handle_file

from age_model.page import blocks, launch
from age_model.page.examples import EXAMPLES
from tests.support.app_server import (
    REPOSITORY,
    START_SECONDS,
    free_port,
    offline_environment,
    start_server,
)


def _python(*arguments: str, folder: Path) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=REPOSITORY,
        env=offline_environment(folder),
        capture_output=True,
        text=True,
        timeout=240,
    )


@pytest.mark.slow
def test_importing_loads_no_model_and_needs_no_network(tmp_path):
    code = """
import socket, sys
def refuse(*arguments): raise SystemExit(f"a connection at import: {arguments}")
socket.socket.connect = socket.getaddrinfo = refuse
import app, gradio
assert isinstance(app.demo, gradio.Blocks)
print([name for name in ("torch", "transformers", "train", "datasets") if name in sys.modules])
"""
    result = _python("-c", code, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == "[]"


@pytest.mark.slow
@pytest.mark.parametrize("module", ["app", "age_model.page.tabs.live"])
def test_uploads_have_their_folder_before_gradio_is_imported(module, tmp_path):
    code = f"""
import os, sys
class Watch:
    def find_spec(self, name, *_):
        if name == "gradio":
            print(os.path.basename(os.environ["GRADIO_TEMP_DIR"])[:4])
sys.meta_path.insert(0, Watch())
import {module}
"""
    result = _python("-c", code, folder=tmp_path)
    assert result.returncode == 0, result.stderr
    assert result.stdout.split() == ["age-"]


def test_options_follow_the_environment_of_a_space(monkeypatch):
    for name in ("GRADIO_SERVER_NAME", "GRADIO_SERVER_PORT"):
        monkeypatch.delenv(name, raising=False)
    options = launch.parse_args([])
    assert (options.host, options.port, options.share) == ("127.0.0.1", 7860, False)
    monkeypatch.setenv("GRADIO_SERVER_NAME", "0.0.0.0")
    monkeypatch.setenv("GRADIO_SERVER_PORT", "7870")
    assert (launch.parse_args([]).host, launch.parse_args([]).port) == ("0.0.0.0", 7870)
    assert launch.parse_args(["--port", "80"]).port == 80


@pytest.mark.slow
def test_missing_model_is_said_in_a_sentence(tmp_path):
    result = _python("app.py", "--model", str(tmp_path / "none"), folder=tmp_path)
    assert result.returncode == 1
    assert result.stderr.count("app.py: ") == 1 and "none" in result.stderr
    assert "Traceback" not in result.stderr


def test_port_in_use_is_said_in_a_sentence(server, tiny_checkpoint, tmp_path):
    port = server.url.rsplit(":", 1)[1]
    result = _python("app.py", "--port", port, "--model", str(tiny_checkpoint), folder=tmp_path)
    assert result.returncode == 1
    assert port in result.stderr and "Traceback" not in result.stderr


@pytest.mark.slow
def test_uploads_are_deleted(photo, ages_of, tmp_path, monkeypatch):
    monkeypatch.setenv("GRADIO_TEMP_DIR", str(tmp_path / "uploads"))
    monkeypatch.setattr(blocks, "CHECK_UPLOADS_SECONDS", 1)
    monkeypatch.setattr(blocks, "UPLOADS_LIVE_SECONDS", 6)
    page = blocks.build_demo(lambda image: ages_of((180, 60, 270, 180)))
    _, url, _ = page.launch(
        server_port=free_port(), prevent_thread_lock=True, quiet=True, ssr_mode=False
    )
    try:
        client = Client(url, verbose=False)
        record = client.predict(picture=handle_file(photo), api_name="/predict")
        assert len(record["faces"]) == 1
        assert _names(tmp_path) >= {"photo.jpg"}
        deadline = time.monotonic() + 30
        while "photo.jpg" in _names(tmp_path) and time.monotonic() < deadline:
            time.sleep(0.5)
        assert "photo.jpg" not in _names(tmp_path)
    finally:
        page.close()


@pytest.mark.slow
def test_stopping_the_app_deletes_uploads(photo, tiny_checkpoint, tmp_path):
    server = start_server(tmp_path, "--model", str(tiny_checkpoint))
    try:
        client = Client(server.url, verbose=False)
        client.predict(picture=handle_file(photo), api_name="/predict")
        assert "photo.jpg" in _names(tmp_path)
    finally:
        server.process.terminate()
        server.process.wait(60)
    assert "photo.jpg" not in _names(tmp_path)
    assert "Traceback" not in server.log.read_text()


def _names(folder: Path) -> set[str]:
    return {path.name for path in (folder / "uploads").rglob("*") if path.is_file()}


def test_examples_are_small_and_there():
    for example in EXAMPLES:
        assert 0 < example.path.stat().st_size < 200_000
        assert 0 < len(example.thumbnail) < 8_000


@pytest.mark.parametrize("name", ["sdk_version", "python_version", "app_file"])
def test_front_matter_of_the_space_fits_the_project(name):
    import yaml

    front = yaml.safe_load((REPOSITORY / "README.md").read_text().split("---")[1])
    requirements = (REPOSITORY / "requirements.txt").read_text()
    pins = dict(re.findall(r"^([\w-]+)(?:\[.+\])?==(.+)$", requirements, re.MULTILINE))
    expected = {
        "sdk_version": pins["gradio"], "python_version": "3.11", "app_file": "app.py",
    }  # fmt: skip
    assert front[name] == expected[name]
    assert front["sdk"] == "gradio" and len(front["short_description"]) <= 60


@pytest.mark.slow
def test_no_request_leaves_at_start(tiny_checkpoint, tmp_path):
    # Without the settings that keep libraries quiet: the app must see to that itself.
    code = f"""
import os, signal, socket, sys, threading, time, urllib.request
asked, lookup = [], socket.getaddrinfo
def watched(host, *arguments, **options):
    asked.append(host)
    return lookup("127.0.0.1", *arguments, **options)
socket.getaddrinfo = watched
def stop_when_it_answers():
    while True:
        try:
            urllib.request.urlopen("http://127.0.0.1:{(port := free_port())}", timeout=5).close()
            break
        except OSError:
            time.sleep(0.5)
    time.sleep(2)
    os.kill(os.getpid(), signal.SIGTERM)
threading.Thread(target=stop_when_it_answers, daemon=True).start()
import app
sys.argv = ["app.py", "--port", "{port}", "--model", {str(tiny_checkpoint)!r}]
app.main()
print("asked for", sorted({{str(host) for host in asked}}))
"""
    environment = offline_environment(tmp_path) | {"AGE_FACE_DETECTOR": "haar"}
    for name in ("GRADIO_ANALYTICS_ENABLED", "HF_HUB_OFFLINE"):
        del environment[name]
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=REPOSITORY, env=environment, capture_output=True, text=True, timeout=START_SECONDS,
    )  # fmt: skip
    (line,) = [line for line in result.stdout.splitlines() if line.startswith("asked for")]
    assert set(eval(line.removeprefix("asked for"))) <= {"127.0.0.1", "localhost"}, line
