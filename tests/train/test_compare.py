import json
import re
from pathlib import Path

import pytest

from train.compare import BACKBONES, main
from train.training.mlflow_contents import final_metrics
from train.training.mlflow_runs import note_of_run

pytestmark = pytest.mark.slow  # it trains, or measures what was trained

TWO = ["CNN, three blocks", "ResNet, 2-2-2-2 basic blocks"]
SMALL = {
    "image_size": 32,
    "per_device_train_batch_size": 16,
    "dataloader_num_workers": 0,
    "dataloader_persistent_workers": False,
    "warmup_steps": 1,
    "disable_tqdm": True,
}


@pytest.fixture
def compared(prepared, tmp_path, monkeypatch):
    """Runs the command in an empty folder; returns its argv and the table's file."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    argv = ["--data", str(prepared), "--minutes", "0.01", "--extra", json.dumps(SMALL),
            "--backbones", *TWO]  # fmt: skip
    main(argv)
    return argv, tmp_path / "docs" / "backbones.md"


def test_each_backbone_is_trained_measured_and_put_into_one_table(compared, tmp_path, capsys):
    import mlflow

    argv, table = compared
    text = table.read_text()
    rows = {
        line.split(" | ")[0].strip("| "): line for line in text.splitlines() if line[:2] == "| "
    }
    assert set(TWO) <= set(rows)
    assert "The data is FairFace, UTKFace." in text
    parent = note_of_run(tmp_path / "runs" / "compare").read_text()
    runs = sorted(run for run in (tmp_path / "runs" / "compare").iterdir() if run.is_dir())
    assert len(runs) == 2
    for run in runs:
        metadata = json.loads((run / "final" / "training.json").read_text())
        assert metadata["preset"] in TWO
        run_id = note_of_run(run).read_text()
        assert mlflow.get_run(run_id).data.tags["mlflow.parentRunId"] == parent
        metrics = final_metrics(run_id)
        assert metrics["pictures_seen"] == metadata["pictures_seen"]
        row = rows[metadata["preset"]]
        assert f"{metrics['eval_mae']:.2f}" in row and f"{metadata['parameters']:,}" in row
        assert f"{metrics['milliseconds']:.1f}" in row

    before = {run: (run / "final" / "model.safetensors").stat().st_mtime_ns for run in runs}
    main(argv)  # done already: measured anew, not trained anew
    assert before == {run: (run / "final" / "model.safetensors").stat().st_mtime_ns for run in runs}


def test_weighting_is_compared_from_a_trained_network(prepared, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    argv = ["--data", str(prepared), "--minutes", "0.01", "--extra", json.dumps(SMALL)]
    network = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
               "intermediate_size": 16, "image_size": 32, "patch_size": 16}  # fmt: skip
    small = json.dumps(SMALL | {"network_config": network})
    main([*argv[:-1], small, "--backbones", "ViT-Ti/16"])
    base = "runs/compare/vit-ti-16/final"
    backbones = Path("docs/backbones.md").read_text()
    main([*argv, "--base_model", base])
    assert Path("docs/backbones.md").read_text() == backbones
    text = Path("docs/class_weights.md").read_text()
    assert "# Class weighting compared" in text and f"went on from `{base}`" in text
    assert f"--base_model {base}" in text and "random weights" not in text
    main([*argv, "--base_model", str(tmp_path / base), "--backbones", "ViT-Ti/16"])
    assert str(tmp_path) not in Path("docs/class_weights.md").read_text()
    rows = [line.split(" | ")[0].strip("| ") for line in text.splitlines() if "ViT" in line[:8]]
    assert rows == ["ViT-Ti/16", "ViT-Ti/16, no class weights"]
    for run in Path("runs/compare").glob("*-from-*"):
        metadata = json.loads((run / "final" / "training.json").read_text())
        assert metadata["base"]["preset"] == "ViT-Ti/16"
        assert metadata["parameters"] < 100_000, "the trained network's, not the preset's"


def test_more_arguments_hold_for_every_backbone(prepared, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    more = SMALL | {"cache_on_device": True, "source_weights": {"utkface": 0.7, "fairface": 0.3}}
    main(["--data", str(prepared), "--minutes", "0.005", "--extra", json.dumps(more),
          "--backbones", TWO[0]])  # fmt: skip
    final = tmp_path / "runs" / "compare" / "cnn-three-blocks" / "final"
    arguments = json.loads((final / "training.json").read_text())["arguments"]
    assert arguments["source_weights"] == {"utkface": 0.7, "fairface": 0.3}
    assert arguments["cache_on_device"] is True


def test_only_vits_go_on_from_a_trained_vit():
    with pytest.raises(SystemExit, match=re.escape("got ['DenseNet-121']")):
        main(["--base_model", "runs/any", "--backbones", "DenseNet-121"])


def test_an_unknown_backbone_is_refused_by_name():
    with pytest.raises(SystemExit, match=re.escape("got ['VGG']")):
        main(["--backbones", "VGG"])


def test_the_vit_is_compared_with_and_without_weights_and_with_three_others():
    kinds = {settings.get("architecture", "vit") for settings in BACKBONES.values()}
    assert kinds == {"vit", "resnet", "age-densenet", "age-cnn"}
    weightings = [t.get("class_weighting") for t in BACKBONES.values() if "architecture" not in t]
    assert sorted(weightings, key=str) == [None, "none"]
