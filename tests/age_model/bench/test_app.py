import json
import re
import subprocess
import sys

import pytest

from age_model.bench import __main__ as bench
from age_model.bench import app as app_bench
from age_model.bench import client

# In a process of its own, where no other test's memory is given back meanwhile.
HOLDER = """
print("begun", flush=True)
input()
held = bytearray(64 * 2**20)
held[::4096] = b"1" * (len(held) // 4096)
print("held", flush=True)
input()
"""


def test_resident_memory_is_that_of_the_process():
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([sys.executable, "-c", HOLDER], **pipes) as process:
        assert process.stdout.readline() == "begun\n"
        before = app_bench.resident_mb(process.pid)
        process.stdin.write("\n")
        process.stdin.flush()
        assert process.stdout.readline() == "held\n"
        assert 40 < app_bench.resident_mb(process.pid) - before < 90
        process.communicate("\n")


def test_no_such_process():
    with pytest.raises(OSError):
        app_bench.resident_mb(2**30)


@pytest.mark.parametrize("options", [["--photos", "10", "--first", "10"], ["--first", "0"]])
def test_memory_needs_two_moments(options, capsys):
    assert bench.main(["memory", *options]) == 1
    assert "expected --first from 1 to below --photos" in capsys.readouterr().err


def test_an_app_that_ends_at_once(monkeypatch, tmp_path):
    broken = tmp_path / "app.py"
    broken.write_text("raise SystemExit(3)")
    monkeypatch.setattr(app_bench, "APP", broken)
    with pytest.raises(ValueError, match="ended with status 3"), app_bench.running_app():
        pass


@pytest.mark.slow
def test_an_app_that_cannot_be_imported(monkeypatch, tmp_path, capsys):
    (tmp_path / "app.py").write_text("raise ImportError('no page today')")
    monkeypatch.setattr(app_bench, "APP", tmp_path / "app.py")
    assert bench.main(["start"]) == 1
    assert "no page today" in capsys.readouterr().err


@pytest.mark.slow
def test_a_start_asks_no_other_machine_and_says_what_takes_how_long(monkeypatch):
    """As a newcomer starts it: nothing is set, and nothing keeps the Hub's client from asking."""
    for name in ("HF_HUB_OFFLINE", "AGE_FACE_DETECTOR", "AGE_MODEL_ID"):
        monkeypatch.delenv(name, raising=False)
    done = subprocess.run(
        [sys.executable, "-c", app_bench.STEPS, str(client.PORTRAIT)],
        cwd=app_bench.APP.parent, capture_output=True, text=True, check=True,
    )  # fmt: skip
    measured = json.loads(done.stdout.splitlines()[-1])
    assert measured["asked"] == []
    assert list(measured["steps"])[-1] == "the page's first answer"
    steps = {"import Gradio", "load the face detector", "first photo", "second photo"}
    assert steps <= set(measured["steps"])


def test_another_page_is_no_demo(monkeypatch):
    monkeypatch.setattr(
        client, "ask", lambda url: b'{"dependencies": [{"id": 3, "api_name": "x"}]}'
    )
    with pytest.raises(ValueError, match="expected this version of the demo at http://there"):
        client.event("http://there", lambda e: e["api_name"] == "predict")
    assert client.event("http://there", lambda e: e["api_name"] == "x") == 3


@pytest.mark.slow
def test_memory_of_the_real_app(monkeypatch, capsys):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("AGE_FACE_DETECTOR", "haar")
    assert bench.main(["memory", "--photos", "3", "--first", "2"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [re.sub(r"[\d.]+ MB.*", "", line).split() for line in lines] == [
        ["at", "the", "start:"], ["after", "2", "photos:"], ["after", "3", "photos:"]
    ]  # fmt: skip
    assert re.search(r"[+-]\d+\.\d%$", lines[-1])
