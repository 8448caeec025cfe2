import json
import re
from pathlib import Path

import pytest

from train.ablation import ABLATIONS, WHOLE, WORN, WORN_ERROR, main, worn_conditions
from train.training.mlflow_contents import final_metrics
from train.training.mlflow_runs import note_of_run
from train.training.presets import preset_of

STUDENT = "train/configs/student.json"
NETWORK = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
           "intermediate_size": 16, "image_size": 32, "patch_size": 16}  # fmt: skip


@pytest.mark.slow  # it trains
def test_the_preset_is_trained_whole_and_without_parts(prepared, tmp_path, monkeypatch, capsys):
    import mlflow

    config = Path(STUDENT).absolute()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    small = {
        "network_config": NETWORK, "per_device_train_batch_size": 16, "warmup_steps": 1,
        "source_weights": {"utkface": 0.7, "fairface": 0.3}, "disable_tqdm": True,
        "dataloader_num_workers": 0, "dataloader_persistent_workers": False,
    }  # fmt: skip
    no_teacher = {"teacher": None, "feature_distillation": 0.0}
    given = ["--data", str(prepared), "--config", str(config), "--max_steps", "2",
             "--worn_pictures", "8", "--extra", json.dumps(small | no_teacher)]  # fmt: skip
    parts = [WHOLE, "no wear", "no class weights", "sources by their size"]
    main([*given, "--parts", *parts])
    text = (tmp_path / "docs/ablation.md").read_text()
    assert text in capsys.readouterr().out
    parent = note_of_run("runs/ablation").read_text()
    arguments = {}
    for name in parts:
        folder = Path("runs/ablation") / name.replace(" ", "-")
        run_id = note_of_run(folder).read_text()
        assert mlflow.get_run(run_id).data.tags["mlflow.parentRunId"] == parent
        metrics = final_metrics(run_id)
        row = next(line for line in text.splitlines() if line.startswith(f"| {name} |"))
        assert f"{metrics['eval_mae_utkface']:.2f}" in row and f"{metrics[WORN_ERROR]:.2f}" in row
        arguments[name] = json.loads((folder / "final/training.json").read_text())["arguments"]
    differing = {
        name: {k for k, v in settings.items() if v != arguments[WHOLE][k]} - {"output_dir"}
        for name, settings in arguments.items()
    }
    assert differing == {
        WHOLE: set(),
        "no wear": {"wear"},
        "no class weights": {"class_weighting"},
        "sources by their size": {"source_weights"},
    }
    weights = Path("runs/ablation/no-wear/final/model.safetensors")
    before = weights.stat().st_mtime_ns
    main([*given, "--parts", *parts])  # done already
    assert weights.stat().st_mtime_ns == before


def test_what_is_left_out_is_in_the_preset():
    preset = preset_of(["--config", STUDENT])
    for name, changes in ABLATIONS.items():
        assert all(preset.get(key, True) != value for key, value in changes.items()), name


def test_each_worn_condition_is_one_of_the_robustness_conditions():
    assert {c.kind: c.level for c in worn_conditions()} == WORN


def test_an_unknown_part_is_refused_by_name():
    with pytest.raises(SystemExit, match=re.escape("got ['no heads']")):
        main(["--parts", "no heads"])
