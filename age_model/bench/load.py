"""How many visitors the app bears: clients that send photos, how long each waits, and errors.

Each client is a visitor: it sends a photo, waits for the ages, looks at them for a while, and sends
the next. Without --url the app is started for it, as `python app.py` does.
"""

import argparse
import statistics
import sys
import threading
import time
import urllib.error
from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from age_model.bench import client
from age_model.bench.app import running_app
from age_model.bench.table import keep, machine, table


@dataclass
class Visits:
    """What the clients met, written from their threads.

    Attributes:
        seconds: how long each answer took.
        errors: how often each kind of error came.
    """

    seconds: list[float] = field(default_factory=list)
    errors: Counter[str] = field(default_factory=Counter)

    def row(self, clients: int, duration: float) -> dict[str, Any]:
        """Figures of so many clients."""
        waits = sorted(self.seconds)
        return {
            "clients": clients,
            "photos_a_second": len(waits) / duration,
            "p50_seconds": statistics.median(waits) if waits else None,
            "p95_seconds": waits[int(0.95 * (len(waits) - 1))] if waits else None,
            "errors": dict(self.errors),
        }


def add_options(parser: argparse.ArgumentParser) -> None:
    """What `python -m age_model.bench load` takes."""
    add = parser.add_argument
    add("--url", help="of a running app, perhaps behind a proxy; default: one is started")
    add("--clients", type=int, nargs="+", default=[1, 16, 64, 128, 256],
        help="default: 1 16 64 128 256")  # fmt: skip
    add("--seconds", type=float, default=30, help="for each of them; default: %(default)s")
    add("--pause", type=float, default=5,
        help="seconds from an answer to a client's next photo; default: %(default)s")  # fmt: skip
    add("--keep", action="store_true",
        help="write docs/load.json and the table in docs/deployment.md")  # fmt: skip


def run(options: argparse.Namespace) -> None:
    """Measure for each number of clients, and print a row each."""
    given = nullcontext((options.url.rstrip("/"), None)) if options.url else running_app()
    rows = []
    with given as (url, _):
        client.photo_seconds(url)  # the first one loads what later ones share
        for count in options.clients:
            rows.append(_measure(url, count, options.seconds, options.pause))
            print(rows[-1], file=sys.stderr, flush=True)
    measured = {
        "machine": machine(),
        "date": date.today().isoformat(),
        "pause_seconds": options.pause,
        "seconds": options.seconds,
        "rows": rows,
    }
    text = _text(measured)
    print(text)
    if options.keep:
        keep("load", measured, text)


def _measure(url: str, clients: int, seconds: float, pause: float) -> dict[str, Any]:
    visits, until = Visits(), time.monotonic() + seconds
    # They come one after the other, not all in the same moment.
    threads = [
        threading.Thread(target=_visit, args=(url, visits, until, pause, pause * i / clients))
        for i in range(clients)
    ]
    began = time.monotonic()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return visits.row(clients, time.monotonic() - began)


def _visit(url: str, visits: Visits, until: float, pause: float, first: float) -> None:
    time.sleep(first)
    while time.monotonic() < until:
        try:
            visits.seconds.append(client.photo_seconds(url))
        except urllib.error.HTTPError as error:
            visits.errors[f"HTTP {error.code}"] += 1
        except (OSError, ValueError) as error:
            visits.errors[type(error).__name__] += 1
        time.sleep(pause)


def _text(measured: dict[str, Any]) -> str:
    rows = [
        [
            row["clients"],
            f"{row['photos_a_second']:.1f}",
            _seconds(row["p50_seconds"]),
            _seconds(row["p95_seconds"]),
            ", ".join(f"{n} {name}" for name, n in row["errors"].items()) or "none",
        ]
        for row in measured["rows"]
    ]
    head = ["Visitors at once", "Photos a second", "Median", "95%", "Errors"]
    return (
        f"{table(head, rows)}\n\nEach visitor sends a photo, and the next one "
        f"{measured['pause_seconds']:g} seconds after its answer, for {measured['seconds']:g} "
        f"seconds. Measured with `python -m age_model.bench load --keep` on {measured['machine']}, "
        f"{measured['date']}."
    )


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"
