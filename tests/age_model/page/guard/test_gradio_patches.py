"""The parts of Gradio that are replaced: they do what they are for, and Gradio uses them."""

import asyncio
from pathlib import Path
from types import SimpleNamespace

import gradio as gr
import httpx
import pytest
from gradio import mcp, queueing, route_utils, routes
from starlette.datastructures import Headers

from age_model.page.guard import disk, gradio_patches
from age_model.page.guard.gradio_patches import BoundedProgress, PlainMCPServer, TidyParser
from age_model.page.guard.middleware import DISK_FULL, REQUEST_FAILED
from age_model.page.guard.visitors import FairQueue

HEAD = "--b\r\nContent-Disposition: form-data; name={name}; filename={file}\r\n\r\n{data}\r\n"


def _parse(folder: Path, *parts: str, error: BaseException | None = None, end: str = "--b--\r\n"):
    async def stream():
        for part in (*parts, end):
            yield part.encode()
            if error and part == parts[-1]:
                raise error

    headers = Headers({"content-type": "multipart/form-data; boundary=b"})
    parser = TidyParser(headers, stream(), upload_dir=folder, max_file_size=10**6)
    return asyncio.run(parser.parse())


def test_good_upload_stays(tmp_path):
    form = _parse(tmp_path, HEAD.format(name="files", file="a.jpg", data="1234"))
    assert [Path(file.file.name).read_text() for file in form.getlist("files")] == ["1234"]


@pytest.mark.parametrize(
    "error", [RuntimeError("gone"), OSError(28, "full"), asyncio.CancelledError()]
)
def test_upload_that_breaks_off_is_deleted_at_once(tmp_path, error):
    part = HEAD.format(name="files", file="a.jpg", data="x" * 1000)
    with pytest.raises(type(error)):
        _parse(tmp_path, part, part, error=error)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "parts",
    [
        [HEAD.format(name="other", file="a.jpg", data="1")],
        ["--b\r\nContent-Disposition: form-data; name=files\r\n\r\nno file\r\n"],
        [HEAD.format(name="files", file="a.jpg", data="1"),
         "--b\r\nContent-Disposition: form-data; name=files\r\n\r\nno file\r\n"],
        [],
    ],
)  # fmt: skip
def test_form_without_files_is_refused_in_words_and_leaves_nothing(tmp_path, parts):
    with pytest.raises(route_utils.MultiPartException) as raised:
        _parse(tmp_path, *parts)
    assert "expected files" in raised.value.message
    assert list(tmp_path.iterdir()) == []


def test_file_of_another_field_is_deleted(tmp_path):
    form = _parse(
        tmp_path,
        HEAD.format(name="files", file="a.jpg", data="1234"),
        HEAD.format(name="other", file="b.jpg", data="5678"),
    )
    (kept,) = tmp_path.iterdir()
    assert str(kept) == form["files"].file.name


def test_progress_forgets_the_oldest(monkeypatch):
    monkeypatch.setattr(gradio_patches, "REMEMBERED_UPLOADS", 3)

    async def ask():
        progress = BoundedProgress()
        for number in range(9):
            progress.track(str(number))
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(progress.is_tracked(f"x{number}"), 0.01)
        assert len(progress._signals) <= 3 and len(progress._statuses) <= 3
        progress.track("8")
        assert await progress.is_tracked("8")

    asyncio.run(ask())


def _refusal(status: int, **body) -> httpx.HTTPStatusError:
    request = httpx.Request("POST", "http://127.0.0.1/gradio_api/upload")
    reply = httpx.Response(status, json=body, request=request)
    return httpx.HTTPStatusError("Client error for url", request=request, response=reply)


@pytest.mark.parametrize(
    "error, said",
    [
        (OSError(28, "No space left on device", "/tmp/x"), DISK_FULL),
        (PermissionError(13, "Permission denied", "/tmp/x"), REQUEST_FAILED),
        (_refusal(507, detail=DISK_FULL), DISK_FULL),
        (_refusal(429, detail="Too many requests"), "Too many requests"),
        (_refusal(507), DISK_FULL),
        (_refusal(500), REQUEST_FAILED),
    ],
)
def test_mcp_server_answers_in_words(error, said):
    def fail():
        raise error

    server = PlainMCPServer.__new__(PlainMCPServer)
    with pytest.raises(ValueError) as raised:
        asyncio.run(server._execute_tool_without_progress(SimpleNamespace(result=fail)))
    assert str(raised.value) == said


def test_mcp_server_writes_nothing_to_a_full_disk(monkeypatch, tmp_path):
    monkeypatch.setattr(gradio_patches, "get_upload_folder", lambda: str(tmp_path))
    server = PlainMCPServer.__new__(PlainMCPServer)
    free = disk.KEEP_FREE + 2 * 999
    monkeypatch.setattr(disk.shutil, "disk_usage", lambda folder: SimpleNamespace(free=free))
    for arguments in ({"picture": "data:" + "a" * 995}, {"files": ["data:" + "a" * 495] * 2}):
        with pytest.raises(ValueError, match="no room for uploads"):
            server._prepare_tool_call_args("predict", arguments)


def test_gradio_uses_them(monkeypatch):
    monkeypatch.setattr(mcp, "GradioMCPServer", mcp.GradioMCPServer)
    monkeypatch.setattr(route_utils, "GradioMultiPartParser", route_utils.GradioMultiPartParser)
    monkeypatch.setattr(routes, "file_upload_statuses", routes.file_upload_statuses)
    monkeypatch.setattr(queueing, "EventQueue", queueing.EventQueue)
    gradio_patches.apply(9)
    assert route_utils.upload_fn.__globals__["GradioMultiPartParser"] is TidyParser
    assert isinstance(routes.file_upload_statuses, BoundedProgress)
    assert routes.gradio.mcp.GradioMCPServer is PlainMCPServer
    for name in gradio_patches.MCP_TRANSPORTS:
        assert getattr(PlainMCPServer, name).keywords == {"max_request_body_size": 9}
    queue = gr.Blocks().queue()._queue
    queue.create_event_queue_for_fn(SimpleNamespace(concurrency_id="a", concurrency_limit=1))
    assert isinstance(queue.event_queue_per_concurrency_id["a"].queue, FairQueue)
