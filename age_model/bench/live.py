"""How fast the tab Live is for several visitors at once, asked over HTTP as the page asks.

Needs `python app.py` running. Each visitor sends a frame of 640 x 480 pixels every 0.08 seconds,
without waiting for answers, as a browser does: the example portrait, moved about. Each frame is a
little lower than 480 pixels, by which an answer says which frame it is for.
"""

import argparse
import base64
import json
import re
import threading
import time
import uuid
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from io import BytesIO

import numpy as np
from PIL import Image

from age_model.bench import client

SIZE_WH = (640, 480)
FRAMES = 48  # different ones, which come round again after 5 seconds


@dataclass
class Visit:
    """What one visitor met.

    Attributes:
        answered: how many frames were answered.
        delays: for each of these, seconds from sending it to its answer.
        seconds: from the first answer to the last.
    """

    answered: int = 0
    delays: list[float] = field(default_factory=list)
    seconds: float = 0.0


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `python -m age_model.bench live`."""
    parser.add_argument("--url", default="http://127.0.0.1:7860", help="default: %(default)s")
    parser.add_argument("--visitors", type=int, nargs="+", default=[1, 2, 4], help="default: 1 2 4")
    parser.add_argument("--seconds", type=float, default=15, help="for each; default: %(default)s")
    parser.add_argument("--every", type=float, default=0.08, help="seconds between two frames")


def run(options: argparse.Namespace) -> None:
    """Measure for each number of visitors, and print a row each."""
    url = options.url.rstrip("/")
    live = client.event(url, lambda e: any(t[1] == "stream" for t in e["targets"]))
    frames = [_frame(i) for i in range(FRAMES)]
    print(f"a photo, with nobody live: {client.photo_seconds(url):.2f} s")
    print("visitors  frames/s each (slowest)  delay median  95%    a photo meanwhile")
    for count in options.visitors:
        with ThreadPoolExecutor(count + 1) as pool:
            visits = [
                pool.submit(_visit, url, live, frames, options.seconds, options.every)
                for _ in range(count)
            ]
            time.sleep(options.seconds / 2)
            meanwhile = pool.submit(client.photo_seconds, url).result()
            done = [visit.result() for visit in visits]
        rates = [(v.answered - 1) / v.seconds if v.seconds else 0.0 for v in done]
        delays = np.array([delay for v in done for delay in v.delays] or [np.nan])
        median, most = np.quantile(delays, (0.5, 0.95))
        print(
            f"{count:8d}  {np.mean(rates):13.1f} {f'({min(rates):.1f})':9s}"
            f"  {median:10.2f} s  {most:.2f} s  {meanwhile:.2f} s"
        )


def _visit(url: str, event: int, frames: list[str], seconds: float, every: float) -> Visit:
    """One visitor, live for `seconds`."""
    session = uuid.uuid4().hex
    body = {"fn_index": event, "session_hash": session, "data": [{"url": frames[0]}, None]}
    sent_at = {0: time.monotonic()}
    event_id = json.loads(client.ask(f"{url}/gradio_api/queue/join", body))["event_id"]
    over = threading.Event()

    def send() -> None:
        for i in range(1, int(seconds / every) + 1):
            if over.wait(every):
                return
            chunk = body | {"data": [{"url": frames[i % len(frames)]}, None]}
            sent_at[i % len(frames)] = time.monotonic()
            client.ask(f"{url}/gradio_api/stream/{event_id}", chunk)
        client.ask(f"{url}/gradio_api/stream/{event_id}/close", {})

    visit, first = Visit(), 0.0
    for message in client.messages(url, session):
        now = time.monotonic()
        if message["msg"] == "process_starts":
            threading.Thread(target=send, daemon=True).start()
        elif message["msg"] == "process_streaming":
            first = first or now
            visit.answered, visit.seconds = visit.answered + 1, now - first
            height = re.search(r'viewBox="0 0 \d+ (\d+)"', message["output"]["data"][0])
            if height is None:
                raise ValueError(f"a frame could not be examined: {message['output']['data'][1]}")
            visit.delays.append(now - sent_at[SIZE_WH[1] - int(height[1])])
        elif message["msg"] == "process_completed":
            break
    over.set()
    return visit


def _frame(index: int) -> str:
    """The data URL of a frame: the portrait at one of its places, `index` pixels cut off below."""
    frame = Image.new("RGB", (SIZE_WH[0], SIZE_WH[1] - index), (90, 110, 120))
    with Image.open(client.PORTRAIT) as portrait:
        turn = 2 * np.pi * index / FRAMES
        frame.paste(portrait.resize((420, 420)), (110 + round(60 * np.cos(turn)), 10))
    with BytesIO() as buffer:
        frame.save(buffer, "JPEG", quality=92)  # as a browser's canvas does
        return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")
