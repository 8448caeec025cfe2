"""Reading clips: which frames, which way up, and what is refused."""

import os
import struct
import subprocess

import cv2
import numpy as np
import pytest

from age_model.images.load import ImageError
from age_model.video import clip as video
from age_model.video import clip as video_limits
from age_model.video.clip import FRAMES_A_SECOND, VideoError, open_clip
from tests.support.clips import FPS, scene, turn, write_clip

GREY, RED = np.full((48, 64, 3), 110, np.uint8), (250, 20, 20)


def marked(side: int = 16) -> np.ndarray:
    """(48, 64, 3): grey, with a red corner on the upper left."""
    frame = GREY.copy()
    frame[:side, :side] = RED
    return frame


def read(path) -> tuple[list, video.Clip]:
    with open_clip(path) as clip:
        return list(clip.frames()), clip


def refusal(path) -> str:
    with pytest.raises(VideoError) as raised:
        read(path)
    assert isinstance(raised.value, ImageError), "what takes pictures complains of clips too"
    assert str(path) not in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("name, codec", [("a.mp4", "mp4v"), ("a.avi", "MJPG"), ("a.mkv", "mp4v")])
@pytest.mark.parametrize("fps", [3, 8, 30])
def test_a_few_frames_a_second_in_their_order(tmp_path, name, codec, fps):
    shades = np.linspace(20, 230, 2 * fps).astype(np.uint8)
    path = write_clip(tmp_path / name, [np.full((48, 64, 3), s) for s in shades], fps, codec)
    frames, clip = read(path)
    expected = 2 * min(fps, FRAMES_A_SECOND)
    assert len(frames) == expected and clip.seconds == pytest.approx(2, abs=0.1) and not clip.cut
    seconds = [frame.second for frame in frames]
    assert seconds[0] == 0 and np.diff(seconds) == pytest.approx(2 / expected, abs=1 / fps)
    for frame in frames:
        assert frame.image_rgb.mean() == pytest.approx(shades[round(frame.second * fps)], abs=4)


def test_frames_are_rgb_and_their_own_memory(tmp_path):
    frames, _ = read(write_clip(tmp_path / "a.mp4", [marked()] * FPS))
    image = frames[0].image_rgb
    assert image.shape == (48, 64, 3) and image.dtype == np.uint8
    assert image[4:10, 4:10].mean(axis=(0, 1)) == pytest.approx(RED, abs=25)
    assert not np.shares_memory(image, frames[1].image_rgb)


@pytest.mark.parametrize(
    "degrees, corner, shape",
    [(90, (4, -5), (64, 48)), (180, (-5, -5), (48, 64)), (270, (-5, 4), (64, 48))],
)
def test_clip_is_turned_as_it_says(tmp_path, degrees, corner, shape):
    path = write_clip(tmp_path / "a.mp4", [marked()] * FPS)
    turn(path, degrees)
    frames, _ = read(path)
    image = frames[0].image_rgb
    assert image.shape[:2] == shape
    assert image[corner] == pytest.approx(RED, abs=40)


def test_files_that_are_no_video_are_refused(tmp_path):
    path = tmp_path / "clip.mp4"
    assert "is no file" in refusal(path)
    for data, reason in [
        (b"", "is empty"),
        (b"just a text, whatever its name", "not a video that is taken: expected MP4"),
        (b"#EXTM3U\n#EXTINF:5,\nhttp://127.0.0.1:9/a.ts\n", "not a video that is taken"),
        (b"\0\0\0\x18ftypisom" + bytes(300), "holds no video that can be read"),
        (b"RIFF\0\0\0\0WAVEfmt " + bytes(300), "not a video that is taken"),
        (b"RIFF\0\0\0\0AVI LIST" + bytes(300), "holds no video that can be read"),
        (b"\x1a\x45\xdf\xa3" + bytes(300), "holds no video that can be read"),
    ]:
        path.write_bytes(data)
        assert reason in refusal(path), data
    assert "is no file" in refusal(tmp_path)
    os.mkfifo(tmp_path / "pipe.mp4")
    assert "is no file" in refusal(tmp_path / "pipe.mp4")


def test_list_of_other_files_does_not_open_them(tmp_path, monkeypatch):
    """FFmpeg would: the second assertion of this test is why the first bytes are looked at."""
    monkeypatch.chdir(tmp_path)
    write_clip(tmp_path / "secret.mp4", [GREY] * FPS)
    path = tmp_path / "clip.mp4"
    path.write_text("ffconcat version 1.0\nfile secret.mp4\n")
    assert "not a video" in refusal(path)
    with path.open("rb") as file:
        assert cv2.VideoCapture(file, cv2.CAP_FFMPEG, ()).isOpened()


def test_name_is_only_a_name(tmp_path):
    """By its name, OpenCV would take this for the pictures img000.jpg, img001.jpg, ..."""
    for index in range(9):
        cv2.imwrite(str(tmp_path / f"img{index:03d}.jpg"), GREY)
    path = tmp_path / "img%03d.jpg"
    write_clip(tmp_path / "a.avi", [marked()] * FPS, codec="MJPG").rename(path)
    frames, _ = read(path)
    assert frames[0].image_rgb[4, 4] == pytest.approx(RED, abs=40)


def test_sound_alone_is_refused(tmp_path):
    path = tmp_path / "sound.mp4"
    command = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "sine", "-t", "1", str(path)]
    try:
        subprocess.run(command, check=True, timeout=60)
    except (OSError, subprocess.CalledProcessError):
        pytest.skip("no ffmpeg here that makes a file of sound")
    assert "sound alone" in refusal(path)


def test_cut_short_clip_is_read_as_far_as_it_goes_or_refused(tmp_path):
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 255, (48, 64, 3), np.uint8) for _ in range(4 * FPS)]
    whole = write_clip(tmp_path / "a.avi", noise, codec="MJPG")
    half = tmp_path / "half.avi"
    half.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    frames, _ = read(half)
    assert 2 <= len(frames) < 4 * FRAMES_A_SECOND
    whole = write_clip(tmp_path / "a.mp4", noise)  # what it holds is told at its end
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    assert "cut short" in refusal(whole)


def test_damaged_frames_do_no_harm(tmp_path):
    path = write_clip(tmp_path / "a.mp4", [marked()] * 2 * FPS)
    data = bytearray(path.read_bytes())
    start = data.index(b"mdat") + 8
    data[start : start + 400] = np.random.default_rng(1).bytes(400)
    path.write_bytes(data)
    try:
        frames, _ = read(path)
    except VideoError:
        return
    assert all(frame.image_rgb.shape == (48, 64, 3) for frame in frames)


def test_limits_of_file_frames_and_length(tmp_path, monkeypatch):
    path = write_clip(tmp_path / "a.mp4", [GREY] * 4 * FPS)
    read(path)
    with monkeypatch.context() as limits:
        limits.setattr(video_limits, "MAX_BYTES", path.stat().st_size - 1)
        assert "is too large" in refusal(path)
    with monkeypatch.context() as limits:
        limits.setattr(video_limits, "MAX_SIZE", (64, 47))
        assert "64 x 48 pixels" in refusal(path)
        limits.setattr(video_limits, "MAX_SIZE", (48, 64))
        read(path)
    with monkeypatch.context() as limits:
        limits.setattr(video_limits, "MAX_SECONDS", 2)
        assert "too long: 4 seconds, at most 2" in refusal(path)


def test_header_that_lies_about_its_length_is_found_out(tmp_path, monkeypatch):
    path = write_clip(tmp_path / "a.mp4", [GREY] * 4 * FPS)
    monkeypatch.setattr(video, "MAX_SECONDS", 2)
    monkeypatch.setattr(video, "_said_seconds", lambda capture: 1.0)
    frames, clip = read(path)
    assert clip.cut and 2 < frames[-1].second <= 3


def test_frames_that_grow_within_the_clip_are_refused(tmp_path, monkeypatch):
    path = write_clip(tmp_path / "a.mp4", [GREY] * FPS)
    with open_clip(path) as clip:
        frames = clip.frames()
        next(frames)
        monkeypatch.setattr(video_limits, "MAX_SIZE", (64, 47))
        with pytest.raises(VideoError, match="too large frames"):
            next(frames)


def test_frames_without_times_are_refused(tmp_path):
    """An AVI file says by two numbers how long a frame lasts: here, no time at all."""
    path = write_clip(tmp_path / "a.avi", [GREY] * FPS, codec="MJPG")
    data = bytearray(path.read_bytes())
    scale = data.index(b"strh") + 8 + 20  # scale, then rate: a frame lasts scale / rate
    data[scale : scale + 8] = struct.pack("<II", 1, 2**31 - 1)
    path.write_bytes(data)
    assert "frames a second" in refusal(path)


def test_too_many_frames_a_second_are_refused(tmp_path, monkeypatch):
    path = write_clip(tmp_path / "a.mp4", [GREY] * 60, fps=60)
    read(path)
    monkeypatch.setattr(video, "MAX_FRAMES_A_SECOND", 20)
    assert "frames a second" in refusal(path)


def test_file_is_closed_in_the_end(tmp_path, astronaut):
    path = write_clip(tmp_path / "a.mp4", [scene(astronaut, (0, 0, 200))] * FPS)
    before = len(os.listdir("/proc/self/fd"))
    with open_clip(path) as clip:
        next(clip.frames())
    (tmp_path / "b.mp4").write_bytes(b"\0\0\0\x18ftypisom")
    refusal(tmp_path / "b.mp4")
    assert len(os.listdir("/proc/self/fd")) == before
