"""The log is short, says nothing of the visitors, and does not fill the disk."""

import logging
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from gradio import http_server

from age_model.page import private_log
from age_model.page.guard import connections
from age_model.page.launch import parse_args
from age_model.page.private_log import ENTRIES_A_MINUTE, log_without_text, open_log

log = logging.getLogger(__name__)


@pytest.fixture
def clock(monkeypatch) -> SimpleNamespace:
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(private_log, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


@pytest.fixture(autouse=True)
def own_handlers(monkeypatch):
    """Loggers as in a new process: apps of other tests have set theirs."""
    for name in (None, "uvicorn", "uvicorn.error", "uvicorn.access", "asyncio"):
        logger = logging.getLogger(name)
        fresh = {"handlers": [], "disabled": False, "propagate": True}
        for attribute, value in fresh.items():
            monkeypatch.setattr(logger, attribute, value)


def test_log_file_is_rotated(tmp_path, clock, monkeypatch):
    monkeypatch.setattr(private_log, "FILE_BYTES", 2000)
    open_log(tmp_path / "log.txt")
    for minute in range(20):
        clock.now = 60 * minute
        for _ in range(ENTRIES_A_MINUTE):
            log.error("a" * 100)
    names = sorted(path.name for path in tmp_path.iterdir())
    assert names == ["log.txt", "log.txt.1", "log.txt.2", "log.txt.3"]
    assert all(path.stat().st_size <= 2000 for path in tmp_path.iterdir())


def test_few_entries_a_minute_are_written(clock, capsys):
    open_log(None)
    for _ in range(5 * ENTRIES_A_MINUTE):
        log.error("an error")
    clock.now = 61
    log.error("another %s", "error")
    log.error("and a third")
    lines = capsys.readouterr().err.splitlines()
    assert sum("an error" in line for line in lines) == ENTRIES_A_MINUTE
    assert [line[-len("ERROR and a third") :] for line in lines[-1:]] == ["ERROR and a third"]
    assert lines[-3].endswith("ERROR another error")
    assert lines[-2] == f"({4 * ENTRIES_A_MINUTE} others were left out before)"


def test_errors_are_logged_without_their_text(capsys):
    open_log(None)
    try:
        raise ValueError("sword" + "fish")
    except ValueError as error:
        log_without_text(log, "a picture", error)
    said = capsys.readouterr().err
    assert "ValueError with a picture" in said and Path(__file__).name in said
    assert "swordfish" not in said


def test_the_server_logs_there_too(monkeypatch, tmp_path):
    monkeypatch.setattr(http_server, "uvicorn", http_server.uvicorn)
    monkeypatch.setattr(sys, "argv", ["app.py"])
    open_log(tmp_path / "log.txt")
    connections.apply(())
    http_server.uvicorn.Config("app", log_level="warning")
    logging.getLogger("uvicorn.error").error("Invalid HTTP request received.")
    logging.getLogger("asyncio").error("socket.accept() out of system resource")
    said = (tmp_path / "log.txt").read_text()
    assert said.count("Invalid HTTP") == said.count("out of system resource") == 1


def test_log_file_is_an_option(tmp_path):
    assert parse_args([]).log_file is None
    assert parse_args(["--log-file", str(tmp_path)]).log_file == tmp_path
