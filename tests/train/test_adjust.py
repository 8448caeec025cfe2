"""train.adjust: averaged weights, and the ages' class weights taken back or given once more."""

import json
import shutil

import numpy as np
import pytest
import torch

from age_model.network.modeling import AgeViT
from train import adjust as finish
from train.finetune import build_trainer
from train.finetune import main as finetune
from train.training.args import parse
from train.training.mlflow_runs import note_of_run

SMALL = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16,
         "image_size": 32, "patch_size": 16}  # fmt: skip


@pytest.fixture(scope="module")
def runs(prepared, tmp_path_factory):
    """A folder with two trained ViTs, the second gone on from the first, and one of another shape."""
    folder = tmp_path_factory.mktemp("finish")
    brief = ["--data", str(prepared), "--max_steps", "2", "--report_to", "none", "--eval_strategy", "no",
             "--load_best_model_at_end", "false", "--disable_tqdm", "true"]  # fmt: skip
    for name, more in {
        "first": ["--network_config", json.dumps(SMALL)],
        "second": ["--base_model", str(folder / "first" / "final")],
        "wider": ["--network_config", json.dumps(SMALL | {"hidden_size": 32})],
        "resnet": ["--architecture", "resnet", "--optimizer", "trainer", "--network_config",
                   '{"embedding_size": 8, "hidden_sizes": [8, 8, 8, 8], "depths": [1, 1, 1, 1]}'],
    }.items():  # fmt: skip
        finetune([*brief, "--output_dir", str(folder / name), *more])
    return folder


@pytest.fixture
def finished(runs, prepared, tmp_path, monkeypatch):
    """Runs the command on the second network; returns the folder of the result."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")

    def run(*more: str, model: str = "second"):
        finish.main(["--model", str(runs / model / "final"), "--data", str(prepared), "--out",
                     str(tmp_path / "out"), *more])  # fmt: skip
        return tmp_path / "out" / "final"

    return run


def _weights(folder) -> dict[str, torch.Tensor]:
    return AgeViT.from_pretrained(folder).state_dict()


def test_weights_lie_between_the_two(runs, finished):
    other = runs / "first" / "final"
    result = _weights(finished("--average", str(other), "--share", "0.25", "--unweighted", "0"))
    mine, others = _weights(runs / "second" / "final"), _weights(other)
    assert any(not torch.equal(mine[name], others[name]) for name in mine)
    for name in mine:
        torch.testing.assert_close(result[name], 0.75 * mine[name] + 0.25 * others[name])


@pytest.mark.parametrize(
    ("unweighted", "raised"), [(0.5, 0.0), (0.0, 0.25), (1.0, 1.0)], ids=["common", "rare", "both"]
)
def test_common_ages_get_back_what_weighting_took_and_rare_ones_gain_as_told(unweighted, raised):
    network = AgeViT(AgeViT.config_class(**SMALL, num_labels=101)).eval()
    weights = np.ones(101, np.float32)
    weights[20:30], weights[80:] = 0.25, 4.0
    pixels = torch.randn(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        before = network(pixels).logits.softmax(1).numpy()
        finish.reweight(network, weights, unweighted=unweighted, raised=raised)
        after = network(pixels).logits.softmax(1).numpy()
    factors = np.ones(101)
    factors[20:30], factors[80:] = 0.25**-unweighted, 4.0**raised
    expected = before * factors
    assert after == pytest.approx(expected / expected.sum(1, keepdims=True), rel=1e-4)


def test_the_result_says_what_was_done_and_scores_that_are_its_own(runs, finished, tmp_path):
    import mlflow

    final = finished(
        "--average", str(runs / "first" / "final"), "--unweighted", "1", "--raised", "0.5"
    )
    facts = json.loads((final / "training.json").read_text())
    run = json.loads((runs / "second" / "final" / "training.json").read_text())
    assert facts["adjust"]["interpolated_with"] == "final" and facts["adjust"]["alpha"] == 0.2
    assert facts["adjust"]["common"] == 1.0 and facts["adjust"]["rare"] == 0.5
    assert facts["pictures_seen"] == run["pictures_seen"] and facts["base"] == run["base"]
    again = build_trainer(*parse(["--base_model", str(final), "--data", run["arguments"]["data"],
                                  "--output_dir", str(tmp_path / "again"), "--precision", "fp32",
                                  "--report_to", "none"])[:3]).evaluate()  # fmt: skip
    assert facts["validation"]["eval_mae"] == pytest.approx(again["eval_mae"])
    assert facts["validation"]["eval_mae"] != run["validation"]["eval_mae"]
    tracked = mlflow.get_run(note_of_run(tmp_path / "out").read_text())
    assert tracked.data.metrics["eval_mae"] == pytest.approx(again["eval_mae"])
    assert tracked.data.params["common"] == "1.0" and tracked.info.run_name == "out"
    assert (final / "preprocessor_config.json").is_file()


@pytest.mark.parametrize(
    ("more", "model", "said"),
    [
        (["--share", "1.5"], "second", "--share: expected a number from 0 to 1, got 1.5"),
        (["--unweighted", "-1"], "second", "--unweighted: expected a number"),
        (["--raised", "2"], "second", "--raised: expected a number"),
        ([], "resnet", "expected a ViT, got AgeResNet"),
        (["--average", "{runs}/wider/final"], "second", "of another shape"),
        (
            ["--average", "nowhere"],
            "second",
            "nowhere: expected a folder that train.finetune wrote",
        ),
    ],
)
def test_what_cannot_be_finished_is_refused_and_nothing_is_left(
    runs, finished, tmp_path, more, model, said
):
    with pytest.raises(SystemExit, match=said):
        finished(*(argument.format(runs=runs) for argument in more), model=model)
    assert not (tmp_path / "out").exists()


def test_common_ages_are_not_given_back_twice(finished, prepared, tmp_path):
    again = ["--model", str(finished()), "--data", str(prepared), "--out", str(tmp_path / "again")]
    with pytest.raises(SystemExit, match="is finished"):
        finish.main(again)
    assert not (tmp_path / "again").exists()


def test_an_older_result_is_replaced_and_other_folders_are_not(runs, finished, tmp_path):
    final = finished()
    assert finished() == final
    shutil.rmtree(final)
    final.mkdir()
    (final / "letters.txt").write_text("dear")
    with pytest.raises(SystemExit):
        finished()
    assert (final / "letters.txt").read_text() == "dear"
