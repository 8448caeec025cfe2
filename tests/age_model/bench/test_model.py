import re

import pytest

from age_model.bench import __main__ as bench


@pytest.mark.slow
def test_times_and_their_ratio_are_printed(tiny_checkpoint, capsys, monkeypatch):
    monkeypatch.setattr("age_model.bench.model.CROPS", 8)
    assert bench.main(["model", "--model", str(tiny_checkpoint), "--repeats", "3"]) == 0
    text = capsys.readouterr().out
    photo = float(re.search(r"file to answer: +([\d.]+) ms", text)[1])
    other, times = map(float, re.search(r"224 px: +([\d.]+) ms, ([\d.]+) times", text).groups())
    assert photo > 0 and times == pytest.approx(other / photo, abs=0.2 + 0.05 * times)
    faces, crowd = re.search(r"such a photo with (\d+) faces: +([\d.]+) ms", text).groups()
    assert int(faces) >= 45 and float(crowd) > photo
    assert float(re.search(r"alone: +([\d.]+) ms", text)[1]) > 0
    assert int(re.search(r"in batches: +(\d+) faces/s", text)[1]) > 0


def test_no_model_is_said_in_a_sentence(tmp_path, capsys):
    assert bench.main(["model", "--model", str(tmp_path / "none")]) == 1
    assert "age_model.bench: no model" in capsys.readouterr().err


def test_too_few_repeats_are_refused(capsys):
    assert bench.main(["model", "--repeats", "1"]) == 1
    assert "at least 3" in capsys.readouterr().err
