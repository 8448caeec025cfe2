"""The page as a set of tools for agents, through the client of the Model Context Protocol."""

import ast
import base64
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import anyio
import numpy as np
import pytest
from mcp import ClientSession
from mcp.client.streamable_http import streamable_http_client
from mcp.types import CallToolResult, Tool
from PIL import Image

from age_model.page.blocks import NO_ADDRESSES
from age_model.page.guard.middleware import DISK_FULL, MAX_BODY
from tests.support.app_server import REPOSITORY, free_port, offline_environment, start_process
from tests.support.asking import HTTP

EXAMPLES = Path(__file__).resolve().parents[3] / "age_model" / "examples"
WAIT_SECONDS = 120


def _with_session(server, work):
    """What `work`, a coroutine function, gives for a session with the server."""

    async def run():
        with anyio.fail_after(WAIT_SECONDS):
            url = f"{server.url}/gradio_api/mcp/"
            async with (
                streamable_http_client(url) as (read, write, _),
                ClientSession(read, write) as it,
            ):
                await it.initialize()
                return await work(it)

    # In a thread of its own: a browser of the tests may have an event loop in this one.
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(anyio.run, run).result()


def _call(server, tool: str, **arguments) -> CallToolResult:
    return _with_session(server, lambda session: session.call_tool(tool, arguments))


def _record(result: CallToolResult):
    """Gradio sends Python's text of what the function returned."""
    assert not result.isError, result.content
    return ast.literal_eval(result.content[0].text)


def _data_url(path: Path) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(path.read_bytes()).decode()}"


def _uploads(server) -> set[Path]:
    return {path for path in server.uploads.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def tools(server) -> dict[str, Tool]:
    listed = _with_session(server, lambda session: session.list_tools())
    return {tool.name: tool for tool in listed.tools}


def test_tools_are_the_public_endpoints(tools):
    assert sorted(tools) == ["predict", "predict_many"]


def test_tools_say_what_goes_in_what_comes_out_and_what_they_are_not_for(tools):
    for tool in tools.values():
        assert "in years" in tool.description or "from predict" in tool.description
        assert "no age verification" in tool.description and "decide anything" in tool.description
        for name, parameter in tool.inputSchema["properties"].items():
            assert len(parameter["description"]) > 20, name
    assert tools["predict"].inputSchema["required"] == ["picture"]
    assert "data: URL" in tools["predict"].inputSchema["properties"]["picture"]["description"]


def test_predict_gives_ages(server):
    record = _record(_call(server, "predict", picture=_data_url(EXAMPLES / "group.jpg")))
    assert len(record["faces"]) == 3 and record["error"] is None
    low, high = record["faces"][0]["interval"]
    assert 0 <= low <= record["faces"][0]["age"] <= high <= 100
    record = _record(
        _call(server, "predict", picture=_data_url(EXAMPLES / "cat.jpg"), thresholds=True)
    )
    assert record["faces"] == [] and record["error"] is None


def test_predict_many_gives_a_record_a_picture(server):
    pictures = [_data_url(EXAMPLES / "portrait.jpg"), _data_url(EXAMPLES / "cat.jpg")]
    records = _record(_call(server, "predict_many", files=pictures))
    assert [len(record["faces"]) for record in records] == [1, 0]


def test_pictures_of_six_megabytes_are_taken_and_larger_ones_refused(server, tmp_path):
    path, noise = tmp_path / "photo.jpg", np.random.default_rng(0).integers(0, 255, (1600, 1800, 3))
    Image.fromarray(noise.astype(np.uint8)).save(path, quality=96)
    size = path.stat().st_size
    assert 3 * 2**20 < size < 6 * 2**20
    # What follows a JPEG's end is no part of the picture.
    path.write_bytes(path.read_bytes() + bytes(6 * 2**20 - size))
    record = _record(_call(server, "predict", picture=_data_url(path)))
    assert record["error"] is None and record["width"] == 1800
    call = {"name": "predict", "arguments": {"picture": "data:image/jpeg;base64," + "a" * MAX_BODY}}
    reply = HTTP.post(
        f"{server.url}/gradio_api/mcp/",
        json={"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": call},
        headers={"Accept": "application/json, text/event-stream"},
    )
    assert reply.status_code == 413 and "at most 9 MB" in reply.json()["detail"]


def test_unusable_pictures_are_said_in_words(server):
    text = base64.b64encode(b"hello").decode()
    record = _record(_call(server, "predict", picture=f"data:image/jpeg;base64,{text}"))
    assert record["faces"] == [] and "not a picture" in record["error"]


def test_call_without_a_picture_is_refused(server):
    result = _call(server, "predict")
    assert result.isError and "'picture' is a required property" in result.content[0].text


@pytest.mark.parametrize("tool, argument", [("predict", "picture"), ("predict_many", "files")])
def test_addresses_are_not_fetched(server, tool, argument):
    address = "https://example.com/photo.jpg"
    given = {argument: [address] if argument == "files" else address}
    result = _call(server, tool, **given)
    assert result.isError and NO_ADDRESSES in result.content[0].text


@pytest.mark.parametrize("tool, argument", [("predict", "picture"), ("predict_many", "files")])
def test_files_of_the_server_cannot_be_named(server, tool, argument):
    # Gradio's MCP server is a client of the page on the same machine: it could open any file here.
    path, before = str(EXAMPLES / "portrait.jpg"), _uploads(server)
    upload = {"path": path, "meta": {"_type": "gradio.FileData"}}
    address = f"{server.url}/gradio_api/file={path}"
    for value in (upload, path, f"file://{path}", address):
        result = _call(server, tool, **{argument: [value] if argument == "files" else value})
        assert result.isError, value
        assert "'age'" not in result.content[0].text
    assert _uploads(server) == before, "nothing was copied"


def test_other_names_are_refused(server):
    assert _call(server, "show").isError
    assert _call(server, "predict", picture="data:,", other=1).isError
    with pytest.raises(Exception, match=r"."):
        _with_session(server, lambda session: session.get_prompt("none", {"files": "x"}))


@pytest.mark.slow
def test_full_disk_is_said_in_words_everywhere(tmp_path):
    code = (
        "from age_model.page.guard import disk; disk.KEEP_FREE = 2**60\n"
        "from age_model.page.launch import main; main()"
    )
    port, env = str(free_port()), offline_environment(tmp_path / "uploads")
    full = start_process(
        [sys.executable, "-c", code, "--port", port], REPOSITORY, env, port, tmp_path
    )
    try:
        picture = _data_url(EXAMPLES / "portrait.jpg")
        for tool, name, value in (
            ("predict", "picture", picture),
            ("predict_many", "files", [picture]),
        ):
            result = _call(full, tool, **{name: value})
            assert result.isError and result.content[0].text == DISK_FULL
        large = picture + "A" * 2**19
        asked = {
            "upload": {"files": {"files": ("a.jpg", b"1")}},
            "call/predict_many": {"json": {"data": [[large]]}},
        }
        for route, content in asked.items():
            reply = HTTP.post(f"{full.url}/gradio_api/{route}", **content)
            assert reply.status_code == 507 and reply.json()["detail"] == DISK_FULL
    finally:
        full.process.kill()
        full.process.wait()
