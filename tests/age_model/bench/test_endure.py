"""The endurance run, for half a minute; CI and docs/security.md have a longer one."""

import pytest
from PIL import Image

from age_model.bench import endure
from age_model.bench.__main__ import main, parse_args
from age_model.bench.hostile import mjpeg_avi
from age_model.video.clip import open_clip


def test_clip_is_a_good_one(tmp_path):
    path = tmp_path / "a.avi"
    path.write_bytes(mjpeg_avi([Image.new("RGB", (64, 48), (200, 30, 30))] * 8))
    with open_clip(path) as clip:
        frames = list(clip.frames())
    assert len(frames) == 4 and frames[0].image_rgb.shape == (48, 64, 3)
    assert frames[0].image_rgb.mean(axis=(0, 1)) == pytest.approx((200, 30, 30), abs=6)


def test_wrong_answers_and_growth_fail_the_run(monkeypatch, capsys):
    class Idle:
        process = type("P", (), {"terminate": lambda self: None, "wait": lambda self, s: None})()

        def __init__(self, uploads):
            """Serve nobody."""

    monkeypatch.setattr(endure, "Server", Idle)
    for wrong, end, status in ((0, 110.0, 0), (1, 100.0, 1), (0, 120.0, 1)):

        def visits(server, report, options, wrong=wrong, end=end):
            report.wrong, report.compared = wrong, 5
            return 100.0, end

        monkeypatch.setattr(endure, "_visits", visits)
        assert main(["endure", "--minutes", "1"]) == status
        assert f"5 compared, {wrong} wrong" in capsys.readouterr().out


def test_options():
    assert parse_args(["endure"]).minutes == 10
    assert main(["endure", "--minutes", "0"]) == 1


@pytest.mark.slow
def test_half_a_minute(capsys):
    assert main(["endure", "--minutes", "0.5"]) == 0, capsys.readouterr().out
