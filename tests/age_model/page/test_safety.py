"""No visitor gets at files that are not theirs, and the server fetches nothing for anyone."""

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest

from age_model.page.blocks import NO_ADDRESSES
from tests.support.asking import HTTP, ask, file_data, get, upload

REPOSITORY = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize(
    "path",
    [
        "/etc/passwd",
        "//etc/passwd",
        "../../../../../../etc/passwd",
        "..%2f..%2f..%2f..%2f..%2f..%2fetc%2fpasswd",
        "%2e%2e/%2e%2e/%2e%2e/%2e%2e/%2e%2e/etc/passwd",
        "..%252f..%252f..%252fetc%252fpasswd",
        "/proc/self/environ",
        "file:///etc/passwd",
        "app.py",
        "./app.py",
        "age_model/checkpoint/config.json",
        quote(str(REPOSITORY / "README.md")),
        "{folder}",
        "{folder}/photo.jpg",
        "{folder}/../../log.txt",
        "{mine}/../../../../../../../../../../../etc/passwd",
        "{mine}%00.jpg",
        "http://127.0.0.1:{port}/config",
        "HTTP://127.0.0.1:{port}/config",
        "http://169.254.169.254/latest/meta-data/",
        "https://example.com/",
    ],
)
def test_file_route_gives_uploads_to_those_who_know_their_names_and_no_more(server, photo, path):
    mine = upload(server, photo)["path"]
    assert get(server, f"/gradio_api/file={mine}") == (200, photo.read_bytes())
    path = path.format(mine=mine, folder=Path(mine).parents[1], port=urlsplit(server.url).port)
    for route in ("file=", "file/"):
        status, body = get(server, f"/gradio_api/{route}{path}")
        assert 400 <= status < 500, (route, path, status, body[:200])
        assert b"root:" not in body and b"import " not in body


@pytest.mark.parametrize(
    "path",
    [
        "/static/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/assets/%2e%2e/%2e%2e/index.html",
        "/gradio_api/proxy=http://127.0.0.1:1/x",
        "/gradio_api/proxy=https://a.hf.space/x",
        "/gradio_api/custom_component/x/client/component/..%2f..%2fapp.py",
        "/gradio_api/deep_link?session_hash=x",
        "/gradio_api/stream/a/1/1/playlist.m3u8",
        "/gradio_api/stream/a/1/1/playlist-file",
        "/gradio_api/stream/a/1/1/..%2f..%2fetc.ts",
        "/gradio_api/runs",
        "/monitoring",
        "/monitoring/summary",
        "/gradio_api/vibe-code",
        "/svelte/x",
    ],
)
def test_other_routes_are_closed(server, path):
    got, body = get(server, path)
    assert got in (400, 403, 404), (got, body[:200])
    assert b"root:" not in body


def test_functions_of_components_cannot_be_called(server):
    body = {"data": ["/"], "component_id": 1, "fn_name": "ls", "session_hash": "a"}
    assert HTTP.post(f"{server.url}/gradio_api/component_server", json=body).status_code == 404
    video = {"video": ("a.mp4", b"1")}
    assert HTTP.post(f"{server.url}/gradio_api/process_recording", files=video).status_code == 404
    body = {"data": [None, False]}
    assert HTTP.post(f"{server.url}/gradio_api/run/predict", json=body).status_code == 404


@pytest.fixture
def listener():
    """Address of a server on this machine, and the list of what was asked of it."""
    asked = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            self.send_response(200)
            self.end_headers()

        do_HEAD = do_POST = do_GET

        def log_message(self, *arguments):
            """Silent."""

    made = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=made.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{made.server_port}", asked
    made.shutdown()
    made.server_close()


def test_server_fetches_nothing_that_it_is_told_to(server, photo, listener):
    address, asked = listener
    mine = upload(server, photo)
    # Gradio itself refuses addresses of this machine; those outside are up to this project.
    for url in (f"{address}/a.jpg", "https://example.com/a.jpg", "ftp://example.com/a.jpg"):
        for given in (
            file_data(url),
            file_data(url, url=url),
            {"path": url},
            {"a": [file_data(url)]},
        ):
            assert NO_ADDRESSES in ask(server, "predict", given, False), given
            assert NO_ADDRESSES in ask(server, "predict_many", [given]), given
        assert NO_ADDRESSES in ask(server, "predict_many", [url])
    # Beside an upload's path, its address does not count.
    for url in (f"{address}/b.jpg", "file:///etc/passwd", "http://169.254.169.254/"):
        assert '"age"' in ask(server, "predict", mine | {"url": url}, False)
        assert '"age"' not in ask(server, "predict", file_data("", url=url), False)
    assert asked == []


def test_files_outside_the_upload_folder_are_not_opened(server, photo):
    folder = Path(upload(server, photo)["path"]).parents[1]
    here = str(REPOSITORY / "age_model" / "examples" / "portrait.jpg")
    up = f"{folder}/../../../../../../../../../../../..{here}"
    for path in (
        here,
        up,
        f"file://{here}",
        str(folder),
        f"/gradio_api/file={here}",
        "",
        "\0",
        7,
        None,
    ):
        for given in (file_data(path), {"path": path}):
            for answer in (
                ask(server, "predict", given, False),
                ask(server, "predict_many", [given]),
            ):
                assert '"age"' not in answer, path
