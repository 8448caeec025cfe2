"""train.adjust: weight interpolation, and logit adjustment for common and rare ages."""

import json
import shutil

import numpy as np
import pytest
import torch

from age_model.network.modeling import AgeViT
from age_model.network.preprocessing import read_preprocessing
from train import adjust
from train.card.training import training_text
from train.finetune import build_trainer
from train.finetune import main as finetune
from train.networks.registry import load_network
from train.training.mlflow_runs import note_of_run
from train.training.presets import parse

pytestmark = pytest.mark.slow  # it trains, or measures what was trained

SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2,
         "intermediate_size": 16, "image_size": 32, "patch_size": 16}  # fmt: skip


@pytest.fixture(scope="module")
def runs(prepared, tmp_path_factory):
    """Two trained ViTs, the second gone on from the first, and networks of other shapes."""
    folder = tmp_path_factory.mktemp("adjust")
    brief = ["--data", str(prepared), "--max_steps", "2", "--report_to", "none",
             "--eval_strategy", "no", "--load_best_model_at_end", "false", "--disable_tqdm",
             "true"]  # fmt: skip
    for name, more in {
        "first": ["--network_config", json.dumps(SMALL)],
        "second": ["--base_model", str(folder / "first" / "final")],
        "larger": ["--base_model", str(folder / "first" / "final"), "--image_size", "48"],
        "wider": ["--network_config", json.dumps(SMALL | {"hidden_size": 32})],
        "resnet": ["--architecture", "resnet", "--optimizer", "trainer", "--network_config",
                   '{"embedding_size": 8, "hidden_sizes": [8, 8, 8, 8], "depths": [1, 1, 1, 1]}'],
    }.items():  # fmt: skip
        finetune([*brief, "--output_dir", str(folder / name), *more])
    return folder


@pytest.fixture
def adjusted(runs, prepared, tmp_path, monkeypatch):
    """Runs the command on the second network; returns the folder of the result."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")

    def run(*more: str, model: str = "second"):
        adjust.main(["--model", str(runs / model / "final"), "--data", str(prepared), "--out",
                     str(tmp_path / "out"), *more])  # fmt: skip
        return tmp_path / "out" / "final"

    return run


def _weights(folder) -> dict[str, torch.Tensor]:
    return AgeViT.from_pretrained(folder).state_dict()


def test_weights_lie_between_the_two(runs, adjusted):
    other = runs / "first" / "final"
    result = _weights(
        adjusted(
            "--interpolate_with",
            str(other),
            "--alpha",
            "0.25",
            "--common",
            "0",
            "--rare",
            "0",
            "--teens",
            "0",
        )
    )
    mine, others = _weights(runs / "second" / "final"), _weights(other)
    assert any(not torch.equal(mine[name], others[name]) for name in mine)
    for name in mine:
        torch.testing.assert_close(result[name], 0.75 * mine[name] + 0.25 * others[name])


@pytest.mark.parametrize(
    ("common", "rare"), [(0.5, 0.0), (0.0, 0.25), (1.0, 1.0)], ids=["common", "rare", "both"]
)
def test_common_ages_get_back_what_weighting_took_and_rare_ones_gain_as_told(common, rare):
    network = AgeViT(AgeViT.config_class(**SMALL, num_labels=101)).eval()
    weights = np.ones(101, np.float32)
    weights[20:30], weights[80:] = 0.25, 4.0
    pixels = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = network(pixels).logits.softmax(1).numpy()
        adjust.adjust_logits(network, weights, common=common, rare=rare)
        after = network(pixels).logits.softmax(1).numpy()
    factors = np.ones(101)
    factors[20:30], factors[80:] = 0.25**-common, 4.0**rare
    expected = before * factors
    assert after == pytest.approx(expected / expected.sum(1, keepdims=True), rel=1e-4)


def test_teens_and_no_others_are_more_probable():
    network = AgeViT(AgeViT.config_class(**SMALL, num_labels=101)).eval()
    before = network.classifier.bias.detach().clone()
    adjust.adjust_logits(network, np.ones(101, np.float32), teens=0.5)
    added = (network.classifier.bias - before).detach().numpy()
    assert added[12:18] == pytest.approx(0.5, abs=0.05)
    assert abs(added[[5, 25, 60]]).max() < 0.01
    assert added[10] > 0.25 > added[9] > 0 and added[19] > 0.25 > added[20] > 0


def test_one_of_a_smaller_input_is_interpolated_at_the_size_of_the_other(runs, adjusted):
    start = load_network(str(runs / "first" / "final"), 48).state_dict()
    small = str(runs / "first" / "final")
    final = adjusted("--interpolate_with", small, "--alpha", "1", model="larger")
    assert read_preprocessing(final).size == 48
    name = "vit.embeddings.position_embeddings"
    assert start[name].shape[1] == 1 + 3**2
    assert torch.allclose(_weights(final)[name], start[name])


def test_a_network_trained_in_one_run_needs_none_to_interpolate_with(runs, adjusted):
    final = adjusted("--common", "0.5", "--rare", "0", "--teens", "0", model="first")
    before, after = _weights(runs / "first" / "final"), _weights(final)
    assert [name for name in before if not torch.equal(before[name], after[name])] == [
        "classifier.bias"
    ]
    metadata = json.loads((final / "training.json").read_text())
    expected = {"interpolated_with": None, "alpha": 0.0, "common": 0.5, "rare": 0.0, "teens": 0.0}
    assert metadata["adjust"] == expected
    assert "logits of common ages" in training_text(metadata)
    assert "interpolated" not in training_text(metadata)


def test_the_card_says_what_was_adjusted(runs, adjusted):
    final = adjusted("--interpolate_with", str(runs / "first" / "final"), "--rare", "0.25")
    text = training_text(json.loads((final / "training.json").read_text()))
    for said in (
        "interpolated with those of `final` (alpha 0.2)",
        "of common ages",
        "of rare ages",
        "0.25 was added to the logits of ages 10 to 19",
    ):
        assert said in text


def test_the_result_says_what_was_done_and_scores_that_are_its_own(
    runs, adjusted, prepared, tmp_path
):
    import mlflow

    final = adjusted(
        "--interpolate_with", str(runs / "first" / "final"), "--common", "1", "--rare", "0.5"
    )
    metadata = json.loads((final / "training.json").read_text())
    run = json.loads((runs / "second" / "final" / "training.json").read_text())
    assert metadata["adjust"]["interpolated_with"] == "final" and metadata["adjust"]["alpha"] == 0.2
    assert metadata["adjust"]["common"] == 1.0 and metadata["adjust"]["rare"] == 0.5
    assert metadata["pictures_seen"] == run["pictures_seen"] and metadata["base"] == run["base"]
    again = build_trainer(*parse(["--base_model", str(final), "--data", str(prepared),
                                  "--output_dir", str(tmp_path / "again"), "--precision", "fp32",
                                  "--report_to", "none"])[:3]).evaluate()  # fmt: skip
    assert metadata["validation"]["eval_mae"] == pytest.approx(again["eval_mae"])
    assert metadata["validation"]["eval_mae"] != run["validation"]["eval_mae"]
    tracked = mlflow.get_run(note_of_run(tmp_path / "out").read_text())
    assert tracked.data.metrics["eval_mae"] == pytest.approx(again["eval_mae"])
    assert tracked.data.params["common"] == "1.0" and tracked.info.run_name == "out"
    assert (final / "preprocessor_config.json").is_file()


@pytest.mark.parametrize(
    ("more", "model", "said"),
    [
        (["--alpha", "1.5"], "second", "--alpha: expected a number from 0 to 1, got 1.5"),
        (["--common", "-1"], "second", "--common: expected a number"),
        (["--rare", "2"], "second", "--rare: expected a number"),
        (["--teens", "3"], "second", "--teens: expected a number from -2 to 2, got 3.0"),
        ([], "resnet", "expected a ViT, got AgeResNet"),
        (["--interpolate_with", "{runs}/wider/final"], "second", "of another shape"),
        (
            ["--interpolate_with", "nowhere"],
            "second",
            "nowhere: expected a folder that train.finetune wrote",
        ),
    ],
)
def test_what_cannot_be_adjusted_is_refused_and_nothing_is_left(
    runs, adjusted, tmp_path, more, model, said
):
    with pytest.raises(SystemExit, match=said):
        adjusted(*(argument.format(runs=runs) for argument in more), model=model)
    assert not (tmp_path / "out").exists()


def test_common_ages_are_not_given_back_twice(adjusted, prepared, tmp_path):
    again = ["--model", str(adjusted()), "--data", str(prepared), "--out", str(tmp_path / "again")]
    with pytest.raises(SystemExit, match="is adjusted already"):
        adjust.main(again)
    assert not (tmp_path / "again").exists()


def test_an_older_result_is_replaced_and_other_folders_are_not(runs, adjusted, tmp_path):
    final = adjusted()
    assert adjusted() == final
    shutil.rmtree(final)
    final.mkdir()
    (final / "letters.txt").write_text("dear")
    with pytest.raises(SystemExit):
        adjusted()
    assert (final / "letters.txt").read_text() == "dear"
