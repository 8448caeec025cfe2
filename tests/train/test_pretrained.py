"""From pretrained networks of any kind to what is served, with their own preprocessing."""

import json
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file
from transformers import AutoImageProcessor, pipeline

from age_model import AgePredictor
from age_model.faces.crop import crop_face
from age_model.faces.detector import load_detector
from age_model.network.loading import load_model
from age_model.network.preprocessing import Preprocessing, read_preprocessing
from tests.support.own_pictures import SHAPES, write_folder
from tests.support.pretrained import BICUBIC, KINDS, MEAN, PATCH, SIZE, STD, save_pretrained
from train import calibrate, evaluate, export, finetune, prepare
from train.finetune import build_trainer
from train.networks.registry import input_preprocessing, load_network
from train.publishing import onnx_files
from train.training.presets import parse

pytestmark = pytest.mark.slow  # it trains

CONFIGS = Path(__file__).resolve().parents[2] / "train" / "configs"
BRIEF = (
    "--max_steps 2 --warmup_steps 1 --eval_steps 2 --save_steps 2 --report_to none "
    "--per_device_train_batch_size 8 --dataloader_num_workers 0 --disable_tqdm true "
    "--dataloader_persistent_workers false"
)
OWN = {  # what train.compare compares, small
    "vit": {k: v for k, v in KINDS["vit"][1].items() if k != "image_size"},
    "resnet": KINDS["resnet"][1],
    "age-densenet": {},
    "age-cnn": {"channels": [8, 16, 32], "branch_width": 16},
}


@pytest.fixture(scope="module")
def data(astronaut, tmp_path_factory) -> Path:
    """Prepared pictures with all labels."""
    folder = tmp_path_factory.mktemp("own")
    write_folder(folder / "museum", astronaut, [SHAPES["all"](i) for i in range(80)])
    prepare.main(["--source", str(folder / "museum"), "--out", str(folder / "data")])
    return folder / "data"


def trained(data: Path, out: Path, *more: str) -> Path:
    argv = ["--config", str(CONFIGS / "finetune.json"), *BRIEF.split(), "--data", str(data)]
    finetune.main([*argv, "--output_dir", str(out), *more])
    return out / "final"


def test_a_vit_with_its_own_size_patch_and_normalisation_takes_four_commands(
    data, tmp_path, monkeypatch, astronaut
):
    base = save_pretrained("vit", tmp_path / "base")
    monkeypatch.chdir(tmp_path)
    final = trained(data, Path("runs/own"), "--base_model", "base")
    calibrate.main(["--model", str(final), "--data", str(data)])
    measured = ["--model", str(final), "--data", str(data), "--out", "runs/evaluation"]
    evaluate.main([*measured, "--resamples", "20", "--write_card", "true"])

    own = Preprocessing(SIZE, MEAN, STD, BICUBIC)
    config = json.loads((final / "config.json").read_text())
    assert read_preprocessing(final) == own
    assert (config["image_size"], config["patch_size"]) == (SIZE, PATCH)
    card = (final / "README.md").read_text()
    assert "Starting from `base`" in card and f"Input: {SIZE}x{SIZE} pixels" in card
    assert "mean 0.1, 0.6, 0.4" in card and "-1..1" not in card
    assert len(pipeline("image-classification", model=str(final))(Image.new("RGB", (9, 9)))) == 5

    predictor = AgePredictor.from_pretrained(final, detector="haar")
    assert predictor.preprocessing == own and len(predictor(astronaut)) == 1
    seen = []
    predictor._model.register_forward_pre_hook(lambda _, args: seen.append(args[0].float()))
    crop = crop_face(astronaut, load_detector("haar").detect(astronaut), 0, 200)
    predictor.predict_crops([crop])
    expected = (np.asarray(Image.fromarray(crop).resize((SIZE, SIZE), 3)) / 255 - MEAN) / STD
    theirs = AutoImageProcessor.from_pretrained(base)(crop, return_tensors="pt")["pixel_values"]
    shown = seen[0][0].permute(1, 2, 0).numpy()
    assert np.abs(shown - expected).max() < 0.02  # the network computes in bf16 where that is quick
    assert torch.allclose(seen[0], theirs, atol=0.02)


def test_training_and_validation_see_what_the_network_wants(data, tmp_path):
    base = save_pretrained("vit", tmp_path / "base")
    argv = ["--config", str(CONFIGS / "finetune.json"), *BRIEF.split(), "--data", str(data)]
    parsed = parse([*argv, "--base_model", str(base), "--output_dir", str(tmp_path / "out")])
    trainer = build_trainer(*parsed[:3])
    black = (torch.zeros(3) - torch.tensor(MEAN)) / torch.tensor(STD)
    white = (torch.ones(3) - torch.tensor(MEAN)) / torch.tensor(STD)
    for loader in (trainer.get_train_dataloader(), trainer.get_eval_dataloader()):
        pixels = next(iter(loader))["pixel_values"]
        assert pixels.shape[2:] == (SIZE, SIZE)
        for channel in range(3):
            values = pixels[:, channel]
            assert black[channel] - 1e-5 <= values.min() and values.max() <= white[channel] + 1e-5
            assert values.max() > 0.8 * white[channel]
    (item,) = trainer.eval_dataset.__getitems__([0])
    batch = next(iter(trainer.get_eval_dataloader()))
    expected = (torch.from_numpy(item["image_rgb"] / 255) - torch.tensor(MEAN)) / torch.tensor(STD)
    assert torch.allclose(batch["pixel_values"][0].permute(1, 2, 0), expected.float(), atol=1e-5)


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "vit"])
def test_pretrained_networks_are_trained_saved_served_and_exported(kind, data, tmp_path, astronaut):
    base = save_pretrained(kind, tmp_path / "base")
    final = trained(data, tmp_path / "run", "--base_model", str(base))
    check_served(final, tmp_path, astronaut)
    assert str(tmp_path) not in (final / "config.json").read_text()
    assert read_preprocessing(final) == Preprocessing(SIZE, MEAN, STD, BICUBIC)
    if KINDS[kind][0] != "resnet":
        before, after = (load_file(f / "model.safetensors") for f in (base, final))
        pairs = [(w, after[f"backbone.{n}"]) for n, w in before.items() if f"backbone.{n}" in after]
        assert len(pairs) > 0.8 * len(before)
        assert all((w - v).abs().max() < 0.05 for w, v in pairs), "it starts from the weights"


@pytest.mark.parametrize("architecture", OWN)
def test_each_network_of_the_comparison_is_trained_served_and_exported(
    architecture, data, tmp_path, astronaut
):
    smoke = f"--config {CONFIGS}/smoke.json {BRIEF} --data {data} --image_size 32".split()
    config = ["--architecture", architecture, "--network_config", json.dumps(OWN[architecture])]
    optimizer = ["--optimizer", "trainer"]
    finetune.main([*smoke, *config, *optimizer, "--output_dir", str(tmp_path / "run")])
    final = tmp_path / "run" / "final"
    calibrate.main(["--model", str(final), "--data", str(data)])
    check_served(final, tmp_path, astronaut)
    assert read_preprocessing(final).size == 32


@pytest.mark.parametrize("kind", ["dinov2 with registers", "siglip", "convnext", "resnet"])
def test_their_onnx_graphs_answer_as_torch_does(kind, tmp_path):
    network = load_network(str(save_pretrained(kind, tmp_path / "base"))).eval()
    network.save_pretrained(tmp_path / "ours")
    input_preprocessing(network).save(tmp_path / "ours")
    (tmp_path / "onnx").mkdir()
    served = load_model(str(tmp_path / "ours"))
    report = onnx_files.write_files(served, tmp_path / "ours", tmp_path / "onnx", None)
    assert max(report["largest_difference"].values()) < 1e-5
    metadata = onnx_files.read_metadata(onnx.load(tmp_path / "onnx" / onnx_files.FLOAT32))
    assert json.loads(metadata["image_mean"]) == list(MEAN)
    assert json.loads(metadata["trained_attributes"]) == []


def check_served(final: Path, folder: Path, astronaut: np.ndarray) -> None:
    """It answers on a photo, explains, and answers as well once it is exported."""
    predictor = AgePredictor.from_pretrained(final, detector="haar")
    ages = predictor(astronaut)
    assert len(ages) == 1 and ages.attributes == ("gender", "ethnicity")
    assert np.isfinite(ages.age_probabilities).all()
    assert predictor.image_size % predictor.patch_size == 0
    export.main(["--model", str(final), "--out", str(folder / "exported")])
    exported = AgePredictor.from_pretrained(folder / "exported", detector="haar")
    again = exported(astronaut)
    assert np.allclose(again.age_probabilities, ages.age_probabilities, atol=0.01)


@pytest.mark.parametrize("kind", ["vit", "dinov2 with registers", "siglip"])
def test_another_image_size_is_obeyed(kind, data, tmp_path, astronaut):
    base = save_pretrained(kind, tmp_path / "base")
    final = trained(data, tmp_path / "run", "--base_model", str(base), "--image_size", "48")
    predictor = AgePredictor.from_pretrained(final, detector="haar")
    assert predictor.image_size == 48 and predictor.preprocessing.mean == MEAN
    assert json.loads((final / "config.json").read_text())["image_size"] == 48
    seen = []
    predictor._model.register_forward_pre_hook(lambda _, args: seen.append(args[0].shape))
    assert len(predictor(astronaut)) == 1 and seen == [(1, 3, 48, 48)]


def test_groups_of_ones_own_are_trained_on_measured_and_answered(astronaut, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    groups = [(0, 12), (13, 17), (18, 64), (65, 100)]
    rows = [dict(zip(("age_low", "age_high"), groups[i % 4], strict=True)) for i in range(80)]
    write_folder(tmp_path / "club", astronaut, rows)
    prepare.main(["--source", "club", "--out", "data"])
    names = ["0-12", "13-17", "18-64", "65+"]
    smoke = f"--config {CONFIGS}/smoke.json {BRIEF} --data data --output_dir runs/club".split()
    finetune.main([*smoke, "--groups", ",".join(names)])
    calibrate.main(["--model", "runs/club/final", "--data", "data"])
    measured = "--model runs/club/final --data data --out runs/evaluation --resamples 20"
    evaluate.main([*measured.split(), "--write_card", "true"])
    config = json.loads(Path("runs/club/final/config.json").read_text())
    assert config["age_groups"] == names and len(config["calibration"]["interval_levels"]) == 4
    results = json.loads(Path("runs/club/final/results.json").read_text())
    assert results["model"]["age_groups"] == names and results["model"]["attributes"] == []
    measured = results["sources"]["club"]["groups"]
    assert set(measured["by_group"]) == set(names) and len(measured["confusion"]) == 4
    assert 0 <= measured["accuracy"] <= measured["within_one_accuracy"] <= 1
    assert "gender" not in results["sources"]["club"]
    card = Path("runs/club/final/README.md").read_text()
    assert "Age group right (of 4)" in card and "0-12, 13-17, 18-64, 65+" in card
    training = json.loads(Path("runs/club/final/training.json").read_text())
    assert "eval_group_accuracy" in training["validation"]

    predictor = AgePredictor.from_pretrained("runs/club/final", detector="haar")
    assert [group.name for group in predictor.age_groups] == names
    (face,) = predictor(astronaut).to_dicts(ethnicity=True)
    assert list(face["group_probabilities"]) == names and face["group"] in names
    assert not {"gender", "ethnicity"} & set(face)
    # Another grouping needs no other weights.
    calibrate.main(["--model", "runs/club/final", "--data", "data", "--groups", "0-17,18+"])
    again = AgePredictor.from_pretrained("runs/club/final", detector="haar")
    assert [group.name for group in again.age_groups] == ["0-17", "18+"]
    assert len(predictor.predict_crops([])) == len(again.predict_crops([])) == 0


def test_a_base_hands_on_what_it_was_taught(data, tiny_checkpoint, tmp_path, astronaut):
    """Years alone are learned; gender and ethnicity it knew before."""
    write_folder(tmp_path / "years", astronaut, [{"age": 5 + i} for i in range(80)])
    prepare.main(["--source", str(tmp_path / "years"), "--out", str(tmp_path / "data")])
    ours = trained(tmp_path / "data", tmp_path / "a", "--base_model", str(tiny_checkpoint))
    assert AgePredictor.from_pretrained(ours, detector="haar").attributes == ("gender", "ethnicity")
    theirs = save_pretrained("vit", tmp_path / "base")
    other = trained(tmp_path / "data", tmp_path / "b", "--base_model", str(theirs))
    predictor = AgePredictor.from_pretrained(other, detector="haar")
    assert predictor.attributes == ()
    assert predictor(astronaut).gender_probabilities is None
