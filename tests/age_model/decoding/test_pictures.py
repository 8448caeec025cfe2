"""Pictures decoded in processes that may die."""

import io
import os
import signal
import threading
import time
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image

from age_model.bench.hostile import mutated, slow_jpeg, tiff_chain
from age_model.decoding import pictures, process
from age_model.decoding.limits import LARGE_PIXELS
from age_model.decoding.pictures import decoded
from age_model.images.load import FORMATS, ImageError, load_image
from tests.support.processes import decoders, limits_of

pytestmark = pytest.mark.skipif(not process.SUPPORTED, reason="needs Linux")
pillow_heif.register_heif_opener()


def encoded(picture: Image.Image, kind: str, **options) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def colourful() -> Image.Image:
    return Image.fromarray(np.random.default_rng(0).integers(0, 255, (48, 64, 3), np.uint8))


@pytest.mark.parametrize("kind", FORMATS)
def test_pixels_are_those_of_the_reader(tmp_path, kind):
    data = encoded(colourful(), kind)
    path = tmp_path / "picture"
    path.write_bytes(data)
    for source in (path, data):
        with decoded(source) as picture:
            assert (picture.image_rgb == load_image(data)).all() and picture.frames == 1


def test_orientation_and_further_pictures_come_along():
    exif = Image.Exif()
    exif[0x0112] = 6
    data = encoded(colourful(), "JPEG", exif=exif)
    with decoded(data) as picture:
        assert picture.image_rgb.shape == (64, 48, 3)
        assert (picture.image_rgb == load_image(data)).all()
    with decoded(tiff_chain(3)) as picture:
        assert picture.frames == 2


@pytest.mark.parametrize(
    "data, reason",
    [
        (b"", "is empty"),
        (b"only text", "is not a picture that can be read"),
        (encoded(colourful(), "PNG")[:3000], "is damaged or cut short"),
    ],
)
def test_unusable_pictures_are_said_in_the_readers_words(tmp_path, data, reason):
    (tmp_path / "picture").write_bytes(data)
    for source in (data, tmp_path / "picture"):
        with pytest.raises(ImageError, match=reason), decoded(source):
            pass
    with pytest.raises(ImageError, match="no such file"), decoded(tmp_path / "none"):
        pass
    with (
        pytest.raises(ImageError, match="too many pixels"),
        decoded(encoded(colourful(), "PNG"), 9),
    ):
        pass


def test_small_pictures_lie_in_the_same_memory_one_after_the_other(monkeypatch):
    monkeypatch.setattr(process, "_idle", [])
    red, blue = (encoded(Image.new("RGB", (64, 48), c), "PNG") for c in ("red", "blue"))
    with decoded(red) as kept:
        pass
    (first,) = process._idle
    with decoded(blue) as picture:  # what is still looked at is not written over
        assert (picture.image_rgb == (0, 0, 255)).all() and first in process._idle
    assert (kept.image_rgb == (255, 0, 0)).all()
    part = kept.image_rgb[:1, 1:]
    del kept, picture
    assert first.memory.is_in_use(), "by a part of it"
    del part
    for data, colour in ((blue, (0, 0, 255)), (red, (255, 0, 0))):
        with decoded(data) as picture:
            assert (picture.image_rgb == colour).all()
            del picture
    assert len(process._idle) == 2 and not any(p.memory.is_in_use() for p in process._idle)


def test_process_is_limited_and_knows_no_secret(monkeypatch):
    monkeypatch.setenv("HF_TOKEN", "swordfish")
    monkeypatch.setattr(process, "_idle", [])
    with decoded(encoded(colourful(), "PNG")):
        (worker, *_) = decoders()
    limits = limits_of(worker)
    assert limits["Max address space"] < 4 * 2**30
    assert limits["Max cpu time"] < 60 and limits["Max open files"] == 32
    for pid in (worker, *decoders(forking=True)):
        assert b"swordfish" not in Path(f"/proc/{pid}/environ").read_bytes()


@pytest.mark.parametrize("forking", [False, True])
def test_killed_process_is_replaced(forking):
    data = encoded(colourful(), "PNG")
    with decoded(data):
        pass
    for pid in decoders(forking=forking):
        os.kill(pid, signal.SIGKILL)
    time.sleep(0.1)
    with decoded(data) as picture:
        assert picture.image_rgb.shape == (48, 64, 3)


def test_death_is_an_ordinary_error(monkeypatch):
    asked = process.Process.ask

    def killed(self, message, file=None):
        answer = asked(self, message, file)
        for pid in decoders():
            os.kill(pid, signal.SIGKILL)
        return answer

    monkeypatch.setattr(process, "_idle", [])
    monkeypatch.setattr(process.Process, "ask", killed)
    with (
        pytest.raises(ImageError, match="could not be decoded"),
        decoded(encoded(colourful(), "PNG")),
    ):
        pass


def test_process_that_lies_is_not_believed(monkeypatch):
    for answer in (
        {},
        {"size": [1, 10**9]},
        {"size": [2.5, 4]},
        {"size": ["64", "48"]},
        {"size": [64, 48], "shape": [480, 64, 3]},
        {"size": [64, 48], "shape": [-48, -64, 3]},
        {"size": [64, 48], "shape": "x"},
    ):
        monkeypatch.setattr(process.Process, "ask", lambda *_, a=answer: (a, None))
        with pytest.raises(ImageError), decoded(encoded(colourful(), "PNG")):
            pass


def test_nothing_is_left_open(tmp_path):
    (tmp_path / "bad").write_bytes(b"text")
    data = encoded(colourful(), "PNG")

    def work():
        for source in (data, tmp_path / "bad", data[:500]):
            try:
                with decoded(source):
                    pass
            except ImageError:
                pass

    work()
    before = len(os.listdir("/proc/self/fd"))
    for _ in range(5):
        work()
    assert len(os.listdir("/proc/self/fd")) <= before + 1


def test_large_pictures_wait_for_each_other_and_small_ones_do_not():
    side = int(LARGE_PIXELS**0.5) + 1
    large = encoded(Image.new("L", (side, side)), "PNG")
    began = []

    def second():
        with decoded(large):
            began.append(time.monotonic())

    waiting = threading.Thread(target=second)
    with decoded(large):
        waiting.start()
        with decoded(encoded(colourful(), "PNG")) as small:
            assert small.image_rgb.shape == (48, 64, 3)
        time.sleep(1)
        ended = time.monotonic()
    waiting.join(60)
    assert began and began[0] >= ended


def test_waiting_has_an_end(monkeypatch):
    monkeypatch.setattr(pictures, "WAIT_SECONDS", 0.1)
    side = int(LARGE_PIXELS**0.5) + 1
    large = encoded(Image.new("L", (side, side)), "PNG")
    with decoded(large), pytest.raises(ImageError, match="too many others"), decoded(large):
        pass


@pytest.mark.slow
def test_slow_picture_is_given_up_and_others_go_on_meanwhile():
    """1.6 MB that take minutes: each of 4,000 scans goes over 36 million pixels."""
    ended = []

    def slow():
        with pytest.raises(ImageError, match="takes too long"), decoded(slow_jpeg()):
            pass
        ended.append(time.monotonic())

    thread = threading.Thread(target=slow)
    thread.start()
    time.sleep(1)
    began = time.monotonic()
    with decoded(encoded(colourful(), "JPEG")):
        assert not ended and time.monotonic() - began < 5
    thread.join(60)
    assert ended


def _fuzz(kinds, mutations: int) -> None:
    for kind in kinds:
        good = encoded(colourful(), kind)
        for seed in range(mutations):
            try:
                with decoded(mutated(good, seed)) as picture:
                    assert picture.image_rgb.dtype == np.uint8
            except ImageError as error:
                assert str(error)
        with decoded(good) as picture:
            assert picture.image_rgb.shape == (48, 64, 3)


@pytest.mark.parametrize("kind", FORMATS)
def test_damaged_pictures_give_errors_only(kind):
    _fuzz([kind], 20)


@pytest.mark.slow
@pytest.mark.parametrize("kind", FORMATS)
def test_two_thousand_damaged_pictures_give_errors_only(kind):
    _fuzz([kind], 250)
