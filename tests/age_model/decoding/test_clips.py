"""Clips decoded in processes that may die."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from age_model.bench.hostile import avi_with_wild_index, mutated
from age_model.decoding import process
from age_model.decoding.clips import open_clip
from age_model.images.load import ImageError
from age_model.video import clip as here
from age_model.video.clip import VideoError
from tests.support.clips import FPS, scene, write_clip
from tests.support.processes import decoders, limits_of

REPOSITORY = Path(__file__).resolve().parents[3]
pytestmark = pytest.mark.skipif(not process.SUPPORTED, reason="needs Linux")
KINDS = {"a.avi": "MJPG", "a.mp4": "mp4v", "a.webm": "VP80", "a.mkv": "mp4v"}
NOISE = np.random.default_rng(0).integers(0, 255, (FPS, 48, 64, 3), np.uint8)


@pytest.fixture(scope="module")
def clips(tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("clips")
    return {name: write_clip(folder / name, NOISE, codec=codec) for name, codec in KINDS.items()}


@pytest.mark.parametrize("name", KINDS)
def test_frames_are_those_of_the_reader(clips, name):
    with here.open_clip(clips[name]) as clip:
        want = list(clip.frames())
    with open_clip(clips[name]) as clip:
        got = list(clip.frames())
        assert clip.seconds == pytest.approx(1, abs=0.1) and not clip.cut
    assert [frame.second for frame in got] == [frame.second for frame in want]
    assert all((a.image_rgb == b.image_rgb).all() for a, b in zip(got, want, strict=True))


def test_unusable_clips_are_said_in_the_readers_words(tmp_path):
    path = tmp_path / "clip.mp4"
    for data, reason in [
        (None, "is no file"),
        (b"", "is empty"),
        (b"text" * 9, "is not a video that is taken"),
        (b"\0\0\0\x18ftypisom" + bytes(300), "holds no video that can be read"),
    ]:
        if data is not None:
            path.write_bytes(data)
        with pytest.raises(VideoError, match=reason), open_clip(path):
            pass


def test_index_of_two_gigabytes_ends_nothing(clips, tmp_path):
    """FFmpeg seeks to before the beginning, and OpenCV took Python's exception for a number."""
    path = tmp_path / "wild.avi"
    path.write_bytes(avi_with_wild_index(clips["a.avi"].read_bytes()))
    code = (
        "import pathlib, sys; from age_model.video.clip import open_clip\n"
        "with open_clip(pathlib.Path(sys.argv[1])) as clip: print(len(list(clip.frames())))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)], cwd=REPOSITORY, capture_output=True, text=True
    )
    assert done.returncode == 0 and int(done.stdout) > 0, done.stderr
    with open_clip(path) as clip:
        assert list(clip.frames())


def test_callbacks_never_raise(tmp_path):
    (tmp_path / "a").write_bytes(b"1234")
    with (tmp_path / "a").open("rb") as file:
        calm = here._Calm(file)
        assert calm.seek(-1) == -1 and calm.seek(2**70) == -1 and calm.seek(0, 9) == -1
        assert calm.seek(-1, os.SEEK_END) == 3 and calm.read(9) == b"4"
    assert calm.read(1) == b"" and calm.seek(0) == -1, "closed"


def test_process_is_limited_and_ends_with_the_clip(clips):
    for pid in decoders():
        os.kill(pid, signal.SIGKILL)
    with open_clip(clips["a.mp4"]) as clip:
        next(clip.frames())
        (worker,) = decoders()
        limits = limits_of(worker)
    assert limits["Max address space"] < 4 * 2**30
    assert limits["Max cpu time"] <= 120 and limits["Max open files"] == 32
    with open_clip(clips["a.mp4"]) as clip:
        list(clip.frames())
    assert worker not in decoders()


def test_death_in_the_middle_is_an_ordinary_error(clips):
    with open_clip(clips["a.mp4"]) as clip:
        frames = clip.frames()
        next(frames)
        for pid in decoders():
            os.kill(pid, signal.SIGKILL)
        with pytest.raises(VideoError, match="could not be decoded"):
            list(frames)
    with open_clip(clips["a.mp4"]) as clip:
        assert len(list(clip.frames())) == 4


def test_process_that_lies_is_not_believed(clips, monkeypatch):
    with open_clip(clips["a.mp4"]) as clip:
        read, write = os.pipe()
        for shape in ([480, 64, 3], [10**6, 10**6, 3], [-1, -1, 3], None):
            memory = os.memfd_create("x")
            os.write(memory, bytes(64 * 48 * 3 - 1))
            answer = ({"second": 0, "shape": shape}, memory)
            monkeypatch.setattr(clip._process, "ask", lambda *_, a=answer: a)
            with pytest.raises(VideoError):
                next(clip.frames())
        for answer in (
            ({"second": 0, "shape": [48, 64, 3]}, read),
            ({"second": 0, "shape": [48, 64, 3]}, None),
        ):
            monkeypatch.setattr(clip._process, "ask", lambda *_, a=answer: a)
            with pytest.raises(VideoError):
                next(clip.frames())
        os.close(write)


def test_nothing_is_left_open(clips, tmp_path, astronaut):
    before = len(os.listdir("/proc/self/fd"))
    path = write_clip(tmp_path / "b.mp4", [scene(astronaut, (0, 0, 200))] * FPS)
    for _ in range(3):
        with open_clip(path) as clip:
            next(clip.frames())
        with pytest.raises(VideoError), open_clip(tmp_path / "none"):
            pass
    assert len(os.listdir("/proc/self/fd")) <= before + 1


def _fuzz(good: Path, folder: Path, mutations: int) -> None:
    path = folder / f"b{good.suffix}"
    for seed in range(mutations):
        path.write_bytes(mutated(good.read_bytes(), seed))
        try:
            with open_clip(path) as clip:
                for frame in clip.frames():
                    assert frame.image_rgb.dtype == np.uint8
        except ImageError as error:
            assert str(error)
    with open_clip(good) as clip:
        assert len(list(clip.frames())) == 4


@pytest.mark.parametrize("name", KINDS)
def test_damaged_clips_give_errors_only(clips, tmp_path, name):
    _fuzz(clips[name], tmp_path, 10)


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
def test_two_thousand_damaged_clips_give_errors_only(clips, tmp_path, name):
    _fuzz(clips[name], tmp_path, 500)


def test_gif_is_no_clip(tmp_path):
    path = tmp_path / "a.gif"
    frames = [Image.fromarray(frame) for frame in NOISE]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    good = path.read_bytes()
    for data in (good, *(mutated(good, seed) for seed in range(100))):
        path.write_bytes(data)
        with pytest.raises(VideoError, match="is not a video that is taken"), open_clip(path):
            pass
