import re
from pathlib import Path

import pytest

from train import bench

CONFIG = Path(__file__).parents[2] / "train" / "configs" / "smoke.json"


def _lines(text: str) -> dict[str, float]:
    found = re.findall(r"^([\w, ]+): +([\d.]+)(?: pictures/s)?$", text, re.MULTILINE)
    return {name: float(figure) for name, figure in found}


@pytest.mark.slow
@pytest.mark.parametrize("cached", [False, True], ids=["loaded", "held on the device"])
def test_rates_and_their_ratio_are_printed(prepared, capsys, cached):
    """With the preset's batches of 32 the data has seven of them, fewer than are timed."""
    argv = ["--config", str(CONFIG), "--data", str(prepared), "--cache_on_device", str(cached)]
    bench.main(argv)
    lines = _lines(capsys.readouterr().out)
    held = ["held on the device"] if cached else []
    assert list(lines) == ["loader alone, 0 processes", *held, "training step alone", "ratio"]
    *_, reading, step, ratio = lines.values()
    assert min(lines.values()) > 0
    assert ratio == pytest.approx(reading / step, rel=0.05, abs=0.01)


def test_pictures_are_counted_not_batches(prepared, capsys, monkeypatch):
    """Ten pictures in batches of eight are batches of eight and two."""
    times = iter(range(100))
    monkeypatch.setattr(bench.time, "perf_counter", lambda: next(times))
    argv = ["--config", str(CONFIG), "--data", str(prepared), "--max_train_pictures", "10"]
    bench.main([*argv, "--per_device_train_batch_size", "8"])
    assert _lines(capsys.readouterr().out)["loader alone, 0 processes"] == 30 / 2 * 10


def test_data_that_is_not_there_is_one_plain_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        bench.main(["--config", str(CONFIG), "--data", str(tmp_path)])
    assert end.value.code == 1
    assert capsys.readouterr().err.startswith(f"train.bench: {tmp_path}: expected a folder made by")
