"""train.export, and how it takes the place of an older checkpoint."""

import json
import shutil

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoModelForImageClassification, pipeline

from age_model.network.modeling import AgeViT
from train import export
from train.console import output as place


@pytest.fixture(scope="module")
def exported(run_folder, tmp_path_factory):
    out = tmp_path_factory.mktemp("exported") / "checkpoint"
    export.main(["--model", str(run_folder), "--out", str(out)])
    return out


def test_stored_in_half_computed_in_single_precision(exported, run_folder):
    stored = load_file(exported / "model.safetensors")
    assert {weight.dtype for weight in stored.values()} == {torch.float16}
    for loaded in [
        AgeViT.from_pretrained(exported),
        AutoModelForImageClassification.from_pretrained(exported),
        pipeline("image-classification", model=str(exported)).model,
    ]:
        assert {p.dtype for p in loaded.parameters()} == {torch.float32}


def test_answers_as_before_up_to_the_rounding(exported, run_folder):
    pixels = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        before = AgeViT.from_pretrained(run_folder).eval()(pixels)
        after = AgeViT.from_pretrained(exported).eval()(pixels)
    for name in ("logits", "gender_logits", "ethnicity_logits"):
        torch.testing.assert_close(after[name], before[name], atol=0.01, rtol=0.01)


def test_shards_stay_below_ten_megabytes(run_folder, tmp_path, monkeypatch):
    assert export.SHARD_SIZE == "9MB"
    monkeypatch.setattr(export, "SHARD_SIZE", "20KB")
    export.main(["--model", str(run_folder), "--out", str(tmp_path / "out")])
    shards = sorted((tmp_path / "out").glob("*.safetensors"))
    assert len(shards) > 1
    assert (tmp_path / "out" / "model.safetensors.index.json").is_file()
    AgeViT.from_pretrained(tmp_path / "out")


def test_training_facts_come_along_without_folders_of_the_machine(exported):
    training = json.loads((exported / "training.json").read_text())
    assert training["arguments"]["data"] == "faces"
    assert training["pictures_seen"] == 365000
    assert (exported / "preprocessor_config.json").is_file()


def test_results_of_older_weights_do_not_stay(exported, run_folder, tmp_path):
    out = shutil.copytree(exported, tmp_path / "checkpoint")
    (out / "results.json").write_text("{}")
    export.main(["--model", str(run_folder), "--out", str(out)])
    assert not (out / "results.json").exists()
    assert [folder.name for folder in tmp_path.iterdir()] == ["checkpoint"]


@pytest.mark.parametrize(
    ("more", "said"),
    [("", "expected --out"), ("--out x --data d", "give that too"),
     ("--onnx --max_pictures 0", "1 or more")],
)  # fmt: skip
def test_options_that_do_not_fit_are_told(run_folder, more, said, capsys):
    with pytest.raises(SystemExit) as end:
        export.main(["--model", str(run_folder), *more.split()])
    assert end.value.code == 2 and said in capsys.readouterr().err


@pytest.mark.parametrize("missing", ["config.json", "training.json"])
def test_incomplete_run_is_named(run_folder, tmp_path, missing):
    run = shutil.copytree(run_folder, tmp_path / "run")
    (run / missing).unlink()
    with pytest.raises(SystemExit, match=f"without {missing}"):
        export.main(["--model", str(run), "--out", str(tmp_path / "out")])
    assert not (tmp_path / "out").exists()


def test_a_network_without_all_heads_is_refused(run_folder, tmp_path):
    from safetensors.torch import save_file

    run = shutil.copytree(run_folder, tmp_path / "run")
    weights = load_file(run / "model.safetensors")
    del weights["gender_classifier.weight"]
    save_file(weights, run / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(SystemExit, match=r"lacks weights \(gender_classifier.weight\)"):
        export.main(["--model", str(run), "--out", str(tmp_path / "out")])


@pytest.mark.parametrize("value", [1e6, float("nan")])
def test_weights_that_do_not_fit_are_refused_and_the_older_checkpoint_stays(
    run_folder, exported, tmp_path, value
):
    run, out = tmp_path / "run", shutil.copytree(exported, tmp_path / "out")
    shutil.copytree(run_folder, run)
    network = AgeViT.from_pretrained(run)
    with torch.no_grad():
        network.classifier.weight[0, 0] = value
    network.save_pretrained(run)
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    with pytest.raises(SystemExit, match="diverged"):
        export.main(["--model", str(run), "--out", str(out)])
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before


def test_other_folders_are_not_overwritten(run_folder, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    with pytest.raises(SystemExit, match="name another folder"):
        export.main(["--model", str(run_folder), "--out", str(tmp_path)])
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_shown_name_names_no_folder_of_the_machine():
    assert place.shown_name("/home/somebody/runs/final") == "final"
    assert place.shown_name("../runs/final") == "final"
    assert place.shown_name("age_model/checkpoint") == "age_model/checkpoint"
