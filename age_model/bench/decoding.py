"""What it costs to decode pictures in processes of their own: time, and memory of the largest."""

import argparse
import io
import os
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from age_model.bench.client import PORTRAIT
from age_model.bench.processes import PeakMemory, memory_mb
from age_model.decoding.pictures import decoded
from age_model.images.load import MAX_PIXELS, MAX_WEBP_PIXELS, read_picture

SIZES_WH = ((640, 480), (1280, 960), (4000, 3000))
START, END = "<!-- decoding:start -->", "<!-- decoding:end -->"
WARM_UP, LARGE_REPEATS = 3, 20
SETTLE_SECONDS = 1.0  # until the memory of a process that ended is given back


def add_options(parser: argparse.ArgumentParser) -> None:
    """What `python -m age_model.bench decoding` takes."""
    parser.add_argument("--repeats", type=int, default=200, help="default: %(default)s")
    parser.add_argument(
        "--megapixels", type=float, default=MAX_PIXELS / 1e6, help="default: %(default)s"
    )
    parser.add_argument(
        "--write", type=Path, metavar="FILE", help="put the tables between its decoding marks"
    )


def run(options: argparse.Namespace) -> None:
    """Measure, print two tables, and write them to a file where asked to.

    Raises:
        ValueError: an option is out of range, or the file has no such marks.
    """
    if options.repeats < 1 or not 0 < options.megapixels <= MAX_PIXELS / 1e6:
        raise ValueError(
            f"expected --repeats of 1 or more and --megapixels up to {MAX_PIXELS / 1e6:.0f}"
        )
    lines = [*_times(options.repeats), "", *_peaks(int(options.megapixels * 1e6))]
    print("\n".join(lines))
    if options.write is not None:
        text = options.write.read_text(encoding="utf-8")
        before, start, rest = text.partition(START)
        _, end, after = rest.partition(END)
        if not start or not end:
            raise ValueError(f"{options.write} lacks the lines {START} and {END}")
        tables = "\n".join(lines)
        options.write.write_text(f"{before}{START}\n{tables}\n{END}{after}", encoding="utf-8")


def _times(repeats: int) -> Iterator[str]:
    """Rows of a table: the least milliseconds, as other work on the machine only adds to them."""
    yield "| JPEG | In the server, ms | In a process, ms | Difference, ms |"
    yield "| --- | ---: | ---: | ---: |"
    for width, height in SIZES_WH:
        data = _encoded(_portrait(width, height), "JPEG", quality=90)
        count = repeats if width * height < 4e6 else min(repeats, LARGE_REPEATS)
        here = _least_ms(partial(_look_at, data), count)
        apart = _least_ms(partial(_decode, data), count)
        yield f"| {width} x {height} | {here:.1f} | {apart:.1f} | {apart - here:+.1f} |"


def _peaks(pixels: int) -> Iterator[str]:
    """Rows of a table: memory over that of the idle processes."""
    yield "| Picture | Megapixels | Most memory while it is decoded, MB | A second later, MB |"
    yield "| --- | ---: | ---: | ---: |"
    _decode(_encoded(_portrait(640, 480), "PNG"))
    for name, data in _large(pixels):
        time.sleep(SETTLE_SECONDS)
        idle = memory_mb(os.getpid())
        with PeakMemory(os.getpid()) as peak:
            megapixels = _decode(data) / 1e6
        time.sleep(SETTLE_SECONDS)
        after = memory_mb(os.getpid()) - idle
        most, kept = round(peak.mb - idle), round(after)
        yield f"| {name} | {megapixels:.0f} | {most:+d} | {kept:+d} |"


def _large(pixels: int) -> Iterator[tuple[str, bytes]]:
    """Names and files of pictures of about so many pixels, a WebP of at most its own limit."""
    rgb = _portrait(*_size_wh(pixels))
    deep = Image.fromarray(np.asarray(rgb.convert("L")).astype(np.uint16) * 257)
    yield "JPEG", _encoded(rgb, "JPEG")
    yield "JPEG, progressive", _encoded(rgb, "JPEG", progressive=True)
    yield "JPEG, CMYK", _encoded(rgb.convert("CMYK"), "JPEG")
    yield "PNG, transparent", _encoded(rgb.convert("RGBA"), "PNG", compress_level=1)
    yield "PNG, 16 bit grey", _encoded(deep, "PNG", compress_level=1)
    yield "GIF", _encoded(rgb.convert("P"), "GIF")
    yield "AVIF", _encoded(rgb, "AVIF", speed=10)
    # HEIF's encoder takes minutes for a photo of this size.
    plain = Image.new("RGB", rgb.size, "tan")
    yield "HEIC, of one colour", _encoded(plain, "HEIF", enc_params={"preset": "ultrafast"})
    small = rgb.resize(_size_wh(min(pixels, MAX_WEBP_PIXELS)))
    yield "WebP", _encoded(small, "WEBP", method=0)
    yield "WebP, lossless", _encoded(small, "WEBP", method=0, quality=0, lossless=True)


def _size_wh(pixels: int) -> tuple[int, int]:
    """4:3, of at most so many pixels."""
    width = int((pixels * 4 / 3) ** 0.5)
    return width, pixels // width


def _portrait(width: int, height: int) -> Image.Image:
    with Image.open(PORTRAIT) as portrait:
        return portrait.convert("RGB").resize((width, height))


def _encoded(picture: Image.Image, kind: str, **options: Any) -> bytes:
    with io.BytesIO() as buffer:
        picture.save(buffer, kind, **options)
        return buffer.getvalue()


def _decode(data: bytes) -> int:
    """Decode a picture in a process, and look at it; gives its pixels."""
    with decoded(data) as picture:
        return _look(picture.image_rgb)


def _look_at(data: bytes) -> int:
    """The same in this process."""
    return _look(read_picture(data).image_rgb)


def _look(image_rgb: np.ndarray) -> int:
    image_rgb[::64].max()  # some of each page, as it may not be there before
    return image_rgb.shape[0] * image_rgb.shape[1]


def _least_ms(action: Callable[[], object], repeats: int) -> float:
    taken = []
    for _ in range(WARM_UP + repeats):
        start = time.perf_counter()
        action()
        taken.append(1000 * (time.perf_counter() - start))
    return min(taken[WARM_UP:])
