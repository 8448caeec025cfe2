"""The figures and their arithmetic; the commands themselves run in the slow test."""

import re

import pytest

from age_model.bench import __main__ as bench
from age_model.bench import batch
from age_model.bench import table as bench_table
from age_model.bench.processes import memory_mb, tree


def row(what: str, command: str, rate: float) -> dict:
    return {"what": what, "command": command, "a_second": rate, "start_seconds": 3.0,
            "memory_mb": 800.0}  # fmt: skip


@pytest.fixture
def measured() -> dict:
    return {
        "machine": "2 cores", "date": "2026-11-27", "crops_in_memory": 400.0,
        "photo_bytes": 50_000,
        "rows": [row("photos", "command line, 2 workers", 52), row("photos", "Ray, 2 actors", 50)],
    }  # fmt: skip


def test_estimate_shows_its_arithmetic(measured):
    options = bench.parse_args(["batch", "--machines", "16", "--cores", "8"])
    text = " ".join(batch._text(measured, options).split())
    assert "50.0 / 2 = 25.0 a second" in text
    assert "16 x 8 x 25.0 = 3200 a second" in text
    assert "10,000,000 / 3200 = 3125 s, which is 0.9 hours" in text
    assert "reads 10.0 MB a second" in text
    assert "| photos | command line, 2 workers | 52 | 3.0 s | 800 MB |" in text


def test_table_goes_between_its_marks(measured, tmp_path, monkeypatch):
    monkeypatch.setattr(bench_table, "DOCS", tmp_path)
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- batch:start -->\nold\n<!-- batch:end -->\nafter\n")
    bench_table.keep("batch", measured, "new")
    assert page.read_text() == "before\n<!-- batch:start -->\nnew\n<!-- batch:end -->\nafter\n"
    assert '"crops_in_memory": 400.0' in (tmp_path / "batch.json").read_text()
    with pytest.raises(ValueError, match="expected a page with <!-- load:start -->"):
        bench_table.keep("load", measured, "new")


def test_too_few_pictures_are_refused(capsys):
    assert bench.main(["batch", "--photos", "10"]) == 1
    assert "expected 256 photos and crops or more" in capsys.readouterr().err


def test_rate_is_told_apart_from_the_start(tmp_path, monkeypatch):
    few = batch._links(tmp_path / "few", tmp_path, 10)
    many = batch._links(tmp_path / "many", tmp_path, 60)
    program = (
        "import os, sys, time; time.sleep(0.4 + 0.02 * len(os.listdir(sys.argv[1])));"
        "assert sys.argv[2] == '--out'"
    )
    rate = batch._rate([batch.sys.executable, "-c", program], few, many, tmp_path)
    assert 25 < rate["a_second"] < 60 and rate["start_seconds"] > 0.3
    with pytest.raises(ValueError, match="ended with 3"):
        batch._rate([batch.sys.executable, "-c", "raise SystemExit(3)"], few, many, tmp_path)


def test_memory_counts_the_processes_that_were_started():
    import os
    import subprocess

    with subprocess.Popen([batch.sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert child.pid in tree(os.getpid())
        assert memory_mb(os.getpid()) > 0


@pytest.mark.slow
def test_memory_after_few_and_after_many_crops(tiny_checkpoint, capsys):
    assert bench.main(["batch", "--model", str(tiny_checkpoint), "--memory", "200", "800"]) == 0
    assert re.search(r"change: [+-]\d+\.\d%", capsys.readouterr().out)
