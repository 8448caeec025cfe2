import re
from pathlib import Path

import pytest

from train import bench
from train.finetune import build_trainer
from train.training.presets import parse

CONFIG = Path(__file__).parents[2] / "train" / "configs" / "smoke.json"


def _lines(text: str) -> list[tuple[str, float]]:
    found = re.findall(r"^([\w, ]+): +([\d.]+)(?: pictures/s|%)?$", text, re.MULTILINE)
    return [(name, float(figure)) for name, figure in found]


@pytest.mark.slow
@pytest.mark.parametrize("cached", [False, True], ids=["loaded", "held on the device"])
def test_rates_and_their_ratio_are_printed(prepared, capsys, monkeypatch, cached):
    """With the preset's batches of 32 the data has seven of them, fewer than are timed."""
    monkeypatch.setattr(bench, "ROUNDS", 1)
    argv = ["--config", str(CONFIG), "--data", str(prepared), "--cache_on_device", str(cached)]
    bench.main(argv)
    names, figures = zip(*_lines(capsys.readouterr().out), strict=True)
    held = ["held on the device"] if cached else []
    assert list(names) == [
        "loader alone, 0 processes", *held, "training step alone", "ratio",
        "bare loop", "the Trainer", "share", "faces in batches", "evaluation", "share",
    ]  # fmt: skip
    *_, reading, step, ratio, _, _, trained, _, _, evaluated = figures
    assert min(figures) > 0
    assert ratio == pytest.approx(reading / step, rel=0.05, abs=0.01)
    # On a machine that does other work too; how near to 100% they are is measured on an idle one.
    assert min(trained, evaluated) > 20


def test_pictures_are_counted_not_batches(prepared, tmp_path, monkeypatch):
    """Ten pictures in batches of eight are batches of eight and two."""
    times = iter(range(100))
    monkeypatch.setattr(bench.time, "perf_counter", lambda: next(times))
    argv = ["--config", str(CONFIG), "--data", str(prepared), "--max_train_pictures", "10",
            "--per_device_train_batch_size", "8", "--output_dir", str(tmp_path)]  # fmt: skip
    trainer = build_trainer(*parse([*argv, *bench.STEPS_ONLY])[:3])
    assert bench._reading_rate(trainer) == 30 / 2 * 10
    assert bench.training_rate(trainer) == bench._trainer_rate(trainer) == 8 / 2 * 10


def test_a_share_is_the_median_over_the_rounds(capsys):
    bench._print_share("bare", [100.0, 50.0, 10.0], "ours", [90.0, 20.0, 9.5])
    assert _lines(capsys.readouterr().out) == [("bare", 50.0), ("ours", 20.0), ("share", 90.0)]


def test_data_that_is_not_there_is_one_plain_sentence(tmp_path, capsys):
    with pytest.raises(SystemExit) as end:
        bench.main(["--config", str(CONFIG), "--data", str(tmp_path)])
    assert end.value.code == 1
    assert capsys.readouterr().err.startswith(f"train.bench: {tmp_path}: expected a folder made by")
