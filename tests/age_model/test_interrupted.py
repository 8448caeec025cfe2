"""The command as a process of its own that ends before its work is done, and goes on later."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.support.processes import tree

REPOSITORY = Path(__file__).parents[2]
KILLS = int(os.environ.get("AGE_TEST_KILLS", "3"))


@pytest.mark.slow
def test_a_reader_that_leaves_early(tiny_checkpoint, tmp_path):
    for i in range(40):
        Image.fromarray(np.full((20, 20, 3), i, np.uint8)).save(tmp_path / f"{i}.png")
    command = (
        f'"{sys.executable}" -m age_model --crops --json --model "{tiny_checkpoint}" "{tmp_path}"'
        " | head -n 1"
    )
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=REPOSITORY,
        check=False,
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert len(done.stdout.splitlines()) == 1
    assert "Traceback" not in done.stderr
    assert "Error" not in done.stderr
    assert "roken pipe" not in done.stderr


@pytest.mark.slow
def test_command_that_is_ended_deletes_what_it_has_begun(tmp_path):
    target = tmp_path / "out.jsonl"
    command = [sys.executable, "-m", "age_model", "--json", "--detector", "haar", "--out", target]
    process = subprocess.Popen(
        [*command, *[REPOSITORY / "age_model" / "examples"] * 500],
        cwd=REPOSITORY,
        stderr=subprocess.DEVNULL,
    )
    deadline = time.monotonic() + 120
    while not list(tmp_path.iterdir()) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert list(tmp_path.iterdir())
    process.terminate()
    assert process.wait(60) == 130
    assert list(tmp_path.iterdir()) == []


def _written(form: str, out: Path) -> list[str]:
    if form == "json":
        lines = out.read_bytes().splitlines(keepends=True) if out.exists() else []
        return [json.loads(line)["file"] for line in lines if line.endswith(b"\n")]
    parts = out.glob("*.parquet")
    return [name for part in parts for name in pq.read_table(part)["file"].to_pylist()]


@pytest.mark.slow
@pytest.mark.parametrize(("form", "kills", "many"), [("json", KILLS, 2000), ("parquet", 2, 2800)])
def test_killed_runs_have_every_file_once_in_the_end(
    form, kills, many, tiny_checkpoint, tmp_path, astronaut
):
    crops, out = tmp_path / "crops", tmp_path / "ages"
    crops.mkdir()
    Image.fromarray(astronaut[:90, :80]).save(tmp_path / "crop.png")
    for i in range(many):
        (crops / f"{i:04}.png").symlink_to(tmp_path / "crop.png")
    command = [
        sys.executable, "-m", "age_model", crops, "--crops", f"--{form}", "--resume", "--out", out,
        "--model", tiny_checkpoint, "--workers", "2",
    ]  # fmt: skip
    chance, killed = random.Random(form), 0
    for kill in range(kills):
        before = len(_written(form, out))
        wanted = before + chance.randrange(1, max(2, (many - before) // (kills - kill + 1)))
        process = subprocess.Popen(command, cwd=REPOSITORY, stderr=subprocess.PIPE, text=True)
        while len(_written(form, out)) < wanted and process.poll() is None:
            time.sleep(0.02)
        if process.poll() is not None:  # a fast machine was ready first
            assert process.returncode == 0, process.stderr.read()
            break
        started = tree(process.pid)
        last = kill == kills - 1
        process.send_signal(signal.SIGINT if last else signal.SIGKILL)
        assert process.wait(60) in (0, 130 if last else -9)
        killed += process.returncode != 0
        deadline = time.monotonic() + 60
        while any(Path(f"/proc/{pid}").exists() for pid in started[1:]):
            assert time.monotonic() < deadline, "a process that it started stays"
            time.sleep(0.1)
    assert killed, "it was ready before it was killed"
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    names = _written(form, out)
    assert len(names) == len(set(names)) == many
