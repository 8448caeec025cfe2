"""How long the app takes to start, what takes the time, and its memory after many photos.

Both commands start `app.py` themselves, as a process of their own.
"""

import argparse
import json
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from age_model.bench import client

APP = Path(__file__).resolve().parents[2] / "app.py"
GIVE_UP_SECONDS = 240

# Run in a fresh process: the steps of a start one after the other, seconds each, and whom it asked
# for a connection meanwhile. Python reports each attempt to its audit hooks, also where none comes
# about: a start that asks nobody waits for nobody.
STEPS = """
import json, sys, time
steps, asked, last = {}, [], time.perf_counter()
def audit(event, args):
    if event in ("socket.connect", "socket.getaddrinfo"):
        asked.append(str(args[1] if event == "socket.connect" else args[0]))
sys.addaudithook(audit)
def done(name):
    global last
    now = time.perf_counter()
    steps[name], last = now - last, now
import gradio
done("import Gradio")
import app
done("import app.py, build the page")
import torch, transformers
done("import torch and transformers")
from age_model.faces.detector import load_detector
load_detector()
done("load the face detector")
predictor = app.predictor.load()
done("load the model, with its detector")
predictor(sys.argv[1])
done("first photo")
predictor(sys.argv[1])
done("second photo")
app.demo.answer_first(app.predictor)
done("the page's first answer")
print(json.dumps({"steps": steps, "asked": asked}))
"""


def add_memory_options(parser: argparse.ArgumentParser) -> None:
    """What `python -m age_model.bench memory` takes."""
    parser.add_argument("--photos", type=int, default=1000, help="default: %(default)s")
    parser.add_argument(
        "--first", type=int, default=100, help="compare with after so many; default: %(default)s"
    )


def run_start(_options: argparse.Namespace) -> None:
    """Measure a start, in steps and as a whole, and print it."""
    done = subprocess.run(
        [sys.executable, "-c", STEPS, str(client.PORTRAIT)],
        cwd=APP.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode:
        raise ValueError(f"the app cannot be imported; Python said:\n{done.stderr}")
    measured = json.loads(done.stdout.splitlines()[-1])
    for step, seconds in measured["steps"].items():
        print(f"{step + ':':34}{seconds:6.2f} s")
    print(f"{'connections asked for:':34}{', '.join(measured['asked']) or 'none'}")
    started = time.monotonic()
    with running_app() as (url, _process):
        page = time.monotonic() - started
        client.photo_seconds(url)
        answer = time.monotonic() - started
    print(f"app.py, from start to its page:   {page:6.2f} s")
    print(f"app.py, from start to first ages: {answer:6.2f} s")


def run_memory(options: argparse.Namespace) -> None:
    """Send photos one after the other, and print the app's resident memory on the way."""
    if not 1 <= options.first < options.photos:
        raise ValueError(
            f"expected --first from 1 to below --photos, got {options.first} and {options.photos}"
        )
    after_first = 0.0
    with running_app() as (url, process):
        print(f"at the start:        {resident_mb(process.pid):7.0f} MB")
        for i in range(1, options.photos + 1):
            client.photo_seconds(url)
            if i == options.first:
                after_first = resident_mb(process.pid)
                print(f"after {i:5d} photos:  {after_first:7.0f} MB")
        last = resident_mb(process.pid)
    print(f"after {options.photos:5d} photos:  {last:7.0f} MB, {last / after_first - 1:+.1%}")


@contextmanager
def running_app() -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """The app on a free port of this machine: its address and process; stopped at the end."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    process = subprocess.Popen(
        [sys.executable, str(APP), "--port", str(port)], cwd=APP.parent, stdout=subprocess.DEVNULL
    )
    try:
        wait_for(url, process)
        yield url, process
    finally:
        process.terminate()
        process.wait(30)


def free_port() -> int:
    """A port of this machine that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for(url: str, process: subprocess.Popen[bytes]) -> None:
    """Wait until an app answers.

    Raises:
        ValueError: it ended, or takes too long.
    """
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        try:
            client.ask(url)
            return
        except OSError:
            time.sleep(0.05)
    if process.poll() is not None:
        raise ValueError(f"app.py ended with status {process.returncode} before it answered")
    raise ValueError(f"app.py did not answer within {GIVE_UP_SECONDS} seconds")


def resident_mb(pid: int) -> float:
    """Resident memory of a process in MB, from Linux's /proc.

    Raises:
        OSError: no such process, or another system.
    """
    status = Path(f"/proc/{pid}/status").read_text(encoding="ascii")
    (resident,) = re.findall(r"VmRSS:\s+(\d+) kB", status)
    return int(resident) / 1024
