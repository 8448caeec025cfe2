"""The endurance run, for a minute; docs/security.md has a longer one."""

from collections import Counter
from types import SimpleNamespace

import pytest
from PIL import Image

from age_model.bench import endure
from age_model.bench.__main__ import main, parse_args
from age_model.bench.hostile import mjpeg_avi
from age_model.bench.report import Report
from age_model.video.clip import open_clip


def test_clip_is_a_good_one(tmp_path):
    path = tmp_path / "a.avi"
    path.write_bytes(mjpeg_avi([Image.new("RGB", (64, 48), (200, 30, 30))] * 8))
    with open_clip(path) as clip:
        frames = list(clip.frames())
    assert len(frames) == 4 and frames[0].image_rgb.shape == (48, 64, 3)
    assert frames[0].image_rgb.mean(axis=(0, 1)) == pytest.approx((200, 30, 30), abs=6)


def _report(**changes) -> Report:
    good = {"compared": 5, "settled_mb": [90.0, 100.0, 100.0, 110.0]}
    return Report(**(good | changes))


@pytest.mark.parametrize(
    "changes, said",
    [
        ({}, ""),
        ({"wrong": 1}, "1 wrong"),
        ({"lost": Counter({"photo: timed out": 2})}, "2 lost"),
        ({"deaths": 1}, "died 1 times"),
        ({"left": ["age-1/photo.jpg"]}, "2 files or folders of uploads"),
        ({"settled_mb": [90.0, 120.0, 100.0, 116.0]}, "grew by 16%"),
        ({"settled_mb": [90.0, 100.0, 120.0, 116.0]}, "grew by 16%"),
        ({"compared": 0}, "no answer"),
    ],
)
def test_what_must_not_be_fails_the_run(changes, said, monkeypatch, capsys):
    class Idle:
        process = SimpleNamespace(terminate=lambda: None, wait=lambda seconds: None)

        def __init__(self, uploads):
            for name in changes.get("left", ()):
                (uploads / name).parent.mkdir()
                (uploads / name).touch()

    monkeypatch.setattr(endure, "Server", Idle)
    monkeypatch.setattr(endure, "Report", lambda: _report(**changes))
    monkeypatch.setattr(endure, "_visits", lambda server, report, options: None)
    assert main(["endure", "--minutes", "1"]) == bool(changes)
    shown = capsys.readouterr()
    assert said in shown.err and f"{changes.get('compared', 5)} compared" in shown.out


def test_report_says_what_was_counted(capsys):
    report = _report(
        requests=Counter(photo=3, harm=1), refused=Counter({404: 2}), memory_mb=[95.0, 500.0],
        seconds={"photo": [1.0, 2.0, 3.0]}, files=[40, 60],
    )  # fmt: skip
    report.disk_mb = [9.0, 8.0]
    report.print()
    shown = capsys.readouterr().out
    for line in (
        "4: 1 harm, 3 photo",
        "2: 2 404",
        "p50 2.00 s, p95 3",
        "at most 500",
        "(+10.0%)",
        "at most 60 open",
        "9 MB free at the start, 8 at the end",
        "uploads: none",
    ):
        assert line in shown, shown


def test_options():
    assert parse_args(["endure"]).minutes == 10
    assert main(["endure", "--minutes", "0"]) == 1


@pytest.mark.slow
def test_a_minute(capsys):
    assert main(["endure", "--minutes", "1"]) == 0, capsys.readouterr()
