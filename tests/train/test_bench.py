import re
import sys
from pathlib import Path

from train import bench

CONFIG = Path(__file__).parents[2] / "train" / "configs" / "smoke.json"


def test_rates_and_their_ratio_are_printed(prepared, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["bench", "--config", str(CONFIG), "--data", str(prepared),
                                      "--per_device_train_batch_size", "4"])  # fmt: skip
    bench.main()
    text = capsys.readouterr().out
    loader, step = (float(n) for n in re.findall(r"alone: +(\d+) pictures/s", text))
    ratio = float(re.search(r"ratio: +([\d.]+)", text)[1])
    assert loader > 0 and step > 0 and abs(ratio - loader / step) < 0.1 + 0.1 * ratio
