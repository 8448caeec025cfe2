"""Photos and crops a second, from files on disk to records on disk: the command line, and Ray.

Each command is run twice, on few and on many links to one picture. The difference says how many it
does a second; what is left of the time is its start. Needs Linux, whose /proc tells of memory.
"""

import argparse
import multiprocessing
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from PIL import Image

from age_model.bench.client import PORTRAIT
from age_model.bench.processes import PeakMemory, memory_mb
from age_model.bench.table import keep, machine, table

ROOT = Path(__file__).resolve().parents[2]
PHOTO_WH, CROP_SIDE = (640, 480), 200
SHARES = 10  # the smaller number of pictures is this part of the larger one
LEAST = 128  # or this: fewer would be examined without workers
SAMPLES, SAMPLE_SECONDS = 15, 0.2  # of memory, from when so many crops are done
# In a process of its own, with all threads: what `bench model` measures.
IN_MEMORY = """
import sys, time
from age_model.images.load import load_image
from age_model.predictor import AgePredictor
predictor = AgePredictor.from_pretrained(sys.argv[2] or None)
crops = [load_image(sys.argv[1])] * int(sys.argv[3])
predictor.predict_crops(crops[:64])
start = time.perf_counter()
predictor.predict_crops(crops)
print(len(crops) / (time.perf_counter() - start))
"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """What `python -m age_model.bench batch` takes."""
    add = parser.add_argument
    add("--photos", type=int, default=1000, help="default: %(default)s")
    add("--crops", type=int, default=6000, help="default: %(default)s")
    add("--model", default="", help="folder or Hub id in place of the embedded model")
    add("--memory", type=int, nargs=2, metavar=("FIRST", "LAST"),
        help="only compare the command line's memory after so many crops, such as "
        "5000 50000")  # fmt: skip
    add("--keep", action="store_true", help="write docs/batch.json and the table in docs/batch.md")
    add("--machines", type=int, default=16, help="of the estimate; default: %(default)s")
    add("--cores", type=int, default=16, help="of each of them; default: %(default)s")


def run(options: argparse.Namespace) -> None:
    """Measure and print, one command after the other."""
    if min(options.photos, options.crops) < 2 * LEAST:
        raise ValueError(f"expected {2 * LEAST} photos and crops or more")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if options.memory:
            _compare_memory(folder, options)
            return
        measured = _measure(folder, options)
    text = _text(measured, options)
    print(text)
    if options.keep:
        keep("batch", measured, text)


def _measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    photo, crop = _pictures(folder)
    crops = [sys.executable, "-c", IN_MEMORY, crop, options.model, str(min(options.crops, 1000))]
    done = subprocess.run(crops, cwd=ROOT, capture_output=True, text=True, check=True)
    measured: dict[str, Any] = {
        "machine": machine(),
        "date": date.today().isoformat(),
        "crops_in_memory": float(done.stdout),
        "photo_bytes": photo.stat().st_size,
        "rows": [],
    }
    kinds = [("photos", photo, options.photos, []), ("crops", crop, options.crops, ["--crops"])]
    for kind, picture, count, given in kinds:
        few = _links(folder / f"few {kind}", picture, max(count // SHARES, LEAST))
        many = _links(folder / f"many {kind}", picture, count)
        for name, command in _commands(options.model).items():
            rate = _rate([*command, *given], few, many, folder)
            measured["rows"].append({"what": kind, "command": name} | rate)
            print(f"{kind}, {name}: {rate}", file=sys.stderr, flush=True)
        name, command = list(_commands(options.model).items())[1]
        with _busy_process():
            rate = _rate([*command, *given], few, many, folder)
        measured["rows"].append({"what": kind, "command": f"{name}, beside a busy process"} | rate)
    return measured


def _commands(model: str) -> dict[str, list[str]]:
    """The commands to compare; each takes a folder and --out."""
    chosen = ["--model", model] if model else []
    module = [sys.executable, "-m"]
    commands = {
        f"command line, {n} worker{'s' * (n > 1)}": [
            *module, "age_model", "--json", "--workers", str(n), *chosen
        ]
        for n in (1, 2)
    }  # fmt: skip
    if find_spec("ray") is None:
        print("Ray is not installed, so it is left out", file=sys.stderr)
        return commands
    return commands | {
        f"Ray, {n} actor{'s' * (n > 1)}": [
            *module, "age_model.cluster", "--actors", str(n), *chosen
        ]
        for n in (1, 2)
    }  # fmt: skip


def _rate(command: list[str], few: Path, many: Path, folder: Path) -> dict[str, float]:
    """Pictures a second, seconds that the command takes before and after, and its memory."""
    seconds, memory = [], 0.0
    for number, pictures in enumerate((few, many)):
        out = Path(tempfile.mkdtemp(dir=folder)) / "out"
        began = time.monotonic()
        with (
            _started([*command, str(pictures), "--out", str(out)]) as process,
            PeakMemory(process.pid, every=1) as peak,
        ):
            process.wait()
        seconds.append(time.monotonic() - began)
        memory = max(memory, peak.mb)
        if process.returncode:
            raise ValueError(f"{' '.join(command)} ended with {process.returncode}, run {number}")
    counts = [len(os.listdir(pictures)) for pictures in (few, many)]
    rate = (counts[1] - counts[0]) / max(seconds[1] - seconds[0], 1e-3)
    start = seconds[0] - counts[0] / rate
    return {"a_second": rate, "start_seconds": start, "memory_mb": memory}


@contextmanager
def _started(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {"RAY_USAGE_STATS_ENABLED": "0", "RAY_AUTH_MODE": "disabled"}
    with tempfile.TemporaryFile() as said:
        process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=said, stderr=said)
        try:
            yield process
        finally:
            process.kill()
            process.wait()


@contextmanager
def _busy_process() -> Iterator[None]:
    busy = multiprocessing.get_context("spawn").Process(target=_spin, daemon=True)
    busy.start()
    try:
        yield
    finally:
        busy.kill()
        busy.join()


def _spin() -> None:
    while True:
        pass


def _pictures(folder: Path) -> tuple[Path, Path]:
    """A photo of PHOTO_WH with one face, and a crop."""
    photo, crop = folder / "photo.jpg", folder / "crop.jpg"
    with Image.open(PORTRAIT) as opened:
        portrait = opened.convert("RGB")
    whole = Image.new("RGB", PHOTO_WH, "grey")
    whole.paste(portrait.resize((PHOTO_WH[1], PHOTO_WH[1])), (80, 0))
    whole.save(photo, quality=90)
    portrait.resize((CROP_SIDE, CROP_SIDE)).save(crop, quality=90)
    return photo, crop


def _links(folder: Path, picture: Path, count: int) -> Path:
    folder.mkdir()
    for i in range(count):
        (folder / f"{i:07}.jpg").symlink_to(picture)
    return folder


def _compare_memory(folder: Path, options: argparse.Namespace) -> None:
    """Memory of the command line after FIRST and after LAST crops."""
    first, last = options.memory
    if not 0 < first < last:
        raise ValueError(f"expected --memory FIRST LAST, got {first} {last}")
    crops = _links(folder / "crops", _pictures(folder)[1], last + last // 10)
    out, command = folder / "out", _commands(options.model)["command line, 2 workers"]
    given = [str(crops), "--crops", "--resume", "--out", str(out)]
    seen: list[tuple[int, float]] = []  # crops that were done, and the memory then
    with _started([*command, *given]) as process:
        while process.poll() is None and sum(done >= last for done, _ in seen) < SAMPLES:
            time.sleep(SAMPLE_SECONDS)
            if out.exists():
                seen.append((_lines(out), memory_mb(process.pid)))
    after = [_memory_mb(seen, mark) for mark in (first, last)]
    print(f"change: {after[1] / after[0] - 1:+.1%}")


def _memory_mb(seen: list[tuple[int, float]], mark: int) -> float:
    """The median of SAMPLES: a batch that is in a network just then takes 20 MB."""
    samples = [one for one in seen if one[0] >= mark][:SAMPLES]
    if not samples:
        raise ValueError(f"the command line ended before {mark} crops were done")
    median = statistics.median(mb for _, mb in samples)
    print(f"after {samples[0][0]:7,d} crops: {median:7.0f} MB", flush=True)
    return median


def _lines(path: Path) -> int:
    """About how many lines a file has, from its size: all of them are nearly equally long."""
    with path.open("rb") as file:
        length = len(file.readline())
    return path.stat().st_size // length if length else 0


def _text(measured: dict[str, Any], options: argparse.Namespace) -> str:
    """The table, and the estimate for ten million photos."""
    in_memory = measured["crops_in_memory"]
    rows = [
        [
            row["what"], row["command"], f"{row['a_second']:.0f}",
            f"{row['start_seconds']:.1f} s", f"{row['memory_mb']:.0f} MB",
        ]
        for row in measured["rows"]
    ]  # fmt: skip
    head = ["Pictures", "Command", "A second", "Start", "Memory"]
    parts = [
        table(head, rows),
        f"\nCrops in memory, in batches, all threads: {in_memory:.0f} a second. Measured with "
        f"`python -m age_model.bench batch --keep` on {measured['machine']}, {measured['date']}.",
    ]
    rays = [r for r in measured["rows"] if (r["what"], r["command"]) == ("photos", "Ray, 2 actors")]
    if rays:
        parts.append(_estimate(rays[0], measured, options.machines, options.cores))
    return "\n".join(parts)


def _estimate(row: dict[str, Any], measured: dict[str, Any], machines: int, cores: int) -> str:
    rate = row["a_second"] / 2
    seconds = 10**7 / (machines * cores * rate)
    read = rate * cores * measured["photo_bytes"] / 10**6
    return (
        f"\nTen million such photos on {machines} machines of {cores} cores each: one actor does "
        f"{row['a_second']:.1f} / 2 = {rate:.1f} a second, so {machines} x {cores} x {rate:.1f} = "
        f"{machines * cores * rate:.0f} a second, and 10,000,000 / {machines * cores * rate:.0f} = "
        f"{seconds:.0f} s, which is {seconds / 3600:.1f} hours, after {row['start_seconds']:.0f} s "
        f"of start. Each machine reads {read:.1f} MB a second meanwhile. The estimate takes cores "
        "as fast as these, and that none waits for the disk or the network."
    )
