"""The whole training path on a small set: learn, stop, resume, save, load, answer the same."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from datasets import Dataset
from safetensors.torch import load_file

from age_model import AgePredictor
from age_model.network.modeling import AgeViT
from age_model.network.preprocessing import Preprocessing
from train.console.errors import InputError
from train.data.dataset import Collate, FaceDataset
from train.data.prepared import load_prepared
from train.evaluation.metrics import validation_scores
from train.finetune import UNFINISHED, build_trainer, check_validation, finetune, main
from train.networks.registry import load_network
from train.training.presets import parse

pytestmark = pytest.mark.slow  # it trains, or measures what was trained

REPOSITORY = Path(__file__).resolve().parents[2]
CONFIGS = REPOSITORY / "train" / "configs"
SMOKE = ["--config", str(CONFIGS / "smoke.json"), "--report_to", "none"]
QUIET = ["--disable_tqdm", "true", "--logging_strategy", "no"]


def _train(prepared, out, *more) -> Path:
    argv = [*SMOKE, *QUIET, "--data", str(prepared), "--output_dir", str(out), *more]
    return finetune(*parse(argv))


@pytest.fixture(scope="module")
def trained(prepared, tmp_path_factory) -> Path:
    return _train(prepared, tmp_path_factory.mktemp("runs") / "smoke")


@pytest.fixture
def plain(monkeypatch):
    """Training pictures as they are, only resized."""

    def resized(images_rgb, size, generator, wear):
        return torch.nn.functional.interpolate(images_rgb.permute(0, 3, 1, 2) / 255, size)

    monkeypatch.setattr("train.data.dataset.augment", resized)


def test_saved_network_loads_and_says_what_was_trained(trained, astronaut):
    facts = json.loads((trained / "training.json").read_text())
    assert facts["steps"] == 40 and facts["pictures_seen"] == 40 * 32
    assert facts["preset"] == "smoke" and facts["train_pictures"]["utkface"] > 50
    assert facts["minutes"] > 0 and facts["teacher"] is None
    assert facts["source_facts"]["utkface"]["title"] == "UTKFace"
    assert (trained / "curves.png").stat().st_size > 5000
    first = AgePredictor.from_pretrained(trained, detector="haar").predict_crops([astronaut])
    again = AgePredictor.from_pretrained(trained, detector="haar").predict_crops([astronaut])
    assert np.array_equal(first.age_probabilities, again.age_probabilities)


def test_saved_network_gives_the_trainers_scores(trained, prepared):
    sigma = {"utkface": 0.03, "fairface": 0.03}
    facts = json.loads((trained / "training.json").read_text())
    rows = load_prepared(prepared)["validation"]
    dataset = FaceDataset(rows, Preprocessing(32), sigma)
    batch = Collate(Preprocessing(32))(dataset.__getitems__(list(range(len(rows)))))
    with torch.inference_mode():
        answer = load_network(str(trained)).eval()(batch["pixel_values"])
    labels = [batch[name].numpy() for name in ("age_low", "age_high", "gender")]
    scores = validation_scores(answer.logits.numpy(), answer.gender_logits.numpy(), *labels)
    assert scores["mae"] == pytest.approx(facts["validation"]["eval_mae"], abs=0.1)
    # Only UTKFace has years, so all age errors are its own.
    validation = facts["validation"]
    assert validation["eval_mae_utkface"] == pytest.approx(validation["eval_mae"])
    assert not [name for name in validation if name.endswith("fairface")]


def test_the_network_learns_its_pictures(prepared, tmp_path, plain):
    parsed = parse([*SMOKE, *QUIET, "--data", str(prepared), "--output_dir", str(tmp_path),
                    "--max_steps", "100", "--patch_dropout", "0", "--eval_strategy", "no",
                    "--max_train_pictures", "32", "--learning_rate", "0.01",
                    "--load_best_model_at_end", "false"])[:3]  # fmt: skip
    trainer = build_trainer(*parsed)
    batch = next(iter(trainer.get_train_dataloader()))
    before = trainer.compute_loss(trainer.model.eval(), batch).item()
    trainer.train()
    after = trainer.compute_loss(trainer.model.eval(), batch).item()
    assert after < 0.8 * before


def test_accumulated_gradients_equal_those_of_the_whole_batch(prepared, tmp_path, plain):
    """Two batches of 8, accumulated, move the network as one batch of 16: in particular although
    the batches hold different numbers of point and interval labels."""
    gradients = []
    for batch, accumulated in ((16, 1), (8, 2)):
        parsed = parse([*SMOKE, *QUIET, "--data", str(prepared), "--output_dir",
                        str(tmp_path / str(batch)), "--max_steps", "1",
                        "--per_device_train_batch_size", str(batch),
                        "--gradient_accumulation_steps", str(accumulated), "--patch_dropout", "0",
                        "--optimizer", "trainer", "--optim", "sgd", "--max_grad_norm", "1e9",
                        "--learning_rate", "1", "--warmup_steps", "0", "--eval_strategy", "no",
                        "--save_strategy", "no", "--load_best_model_at_end", "false",
                        "--precision", "fp32"])[:3]  # fmt: skip
        trainer = build_trainer(*parsed)
        before = trainer.model.classifier.bias.detach().clone()
        trainer.train()
        gradients.append(trainer.model.classifier.bias.detach() - before)
    assert gradients[0].abs().max() > 1e-4
    assert torch.allclose(gradients[0], gradients[1], atol=1e-6)


@pytest.mark.slow
def test_a_killed_run_resumes_and_says_from_where(prepared, tmp_path):
    out = tmp_path / "run"
    command = [sys.executable, "-m", "train.finetune", *SMOKE, "--data", str(prepared),
               "--output_dir", str(out), "--eval_strategy", "no", "--load_best_model_at_end",
               "false", "--save_steps", "5", "--max_steps", "400"]  # fmt: skip
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    killed = subprocess.Popen(command, cwd=REPOSITORY, **quiet)
    deadline = time.monotonic() + 240
    while not list(out.glob("checkpoint-*/trainer_state.json")):
        assert killed.poll() is None and time.monotonic() < deadline
        time.sleep(0.02)
    os.kill(killed.pid, signal.SIGKILL)
    killed.wait()
    assert not (out / "final").exists()
    steps = max(int(p.name.split("-")[1]) for p in out.glob("checkpoint-*"))
    command[command.index("400")] = str(steps + 10)
    again = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, timeout=300)
    assert again.returncode == 0, again.stderr[-2000:]
    assert "resuming from" in again.stderr and "checkpoint-" in again.stderr
    facts = json.loads((out / "final" / "training.json").read_text())
    assert facts["steps"] == steps + 10
    saved = json.loads((sorted(out.glob("checkpoint-*"))[0] / "trainer_state.json").read_text())
    assert saved["stateful_callbacks"]["Stopwatch"]["args"]["minutes"] > 0


DRAWN = ["--source_weights", '{"utkface": 0.7, "fairface": 0.3}', "--mixup", "0.4"]
BRIEF = ["--eval_strategy", "no", "--load_best_model_at_end", "false", "--precision", "fp32",
         "--patch_dropout", "0"]  # fmt: skip


def _train_and_resume(prepared, out, *more) -> tuple[dict, dict]:
    """Weights after 12 steps, more than an epoch, without a break and with one after the tenth."""
    ends = []
    for resume_from in (None, str(out / "checkpoint-10")):
        argv = [*SMOKE, *QUIET, *BRIEF, "--data", str(prepared), "--output_dir", str(out),
                "--max_steps", "12", "--save_steps", "10", *more]  # fmt: skip
        trainer = build_trainer(*parse(argv)[:3])
        assert len(trainer.train_dataset) < 10 * 32
        trainer.train(resume_from_checkpoint=resume_from)
        ends.append({name: value.clone() for name, value in trainer.model.state_dict().items()})
    return ends[0], ends[1]


@pytest.mark.parametrize("more", [[], DRAWN], ids=["all", "drawn and blended"])
def test_a_resumed_run_ends_where_an_unbroken_one_does(prepared, tmp_path, plain, more):
    """On plain pictures: the augmentation of a batch that was loaded ahead is drawn anew."""
    loader = ["--dataloader_num_workers", "1"]  # as in the presets: random numbers of its own
    unbroken, resumed = _train_and_resume(prepared, tmp_path, *loader, *more)
    assert all(torch.allclose(unbroken[name], resumed[name], atol=1e-5) for name in unbroken)


@pytest.mark.parametrize("more", [[], DRAWN], ids=["all", "drawn and blended"])
def test_so_does_one_with_its_pictures_on_the_device_augmentation_included(
    prepared, tmp_path, more
):
    unbroken, resumed = _train_and_resume(
        prepared, tmp_path, "--cache_on_device", "true", "--patch_dropout", "0.25", *more
    )
    assert all(torch.allclose(unbroken[name], resumed[name], atol=1e-5) for name in unbroken)


@pytest.fixture(scope="module")
def on_gpu_terms(prepared) -> list[str]:
    """The teacher's preset in its profile for a GPU, but small enough for a processor."""
    small = {"embedding_size": 8, "hidden_sizes": [8, 16], "depths": [1, 1], "layer_type": "basic"}
    return ["--config", str(CONFIGS / "teacher.json"), "--profile", "gpu", "--data", str(prepared),
            "--network_config", json.dumps(small), "--image_size", "32", "--compile_network",
            "false", "--max_steps", "3", "--warmup_steps", "1", "--per_device_train_batch_size",
            "16", "--per_device_eval_batch_size", "64", "--dataloader_num_workers", "0",
            "--precision", "fp32", "--source_weights", '{"utkface": 0.6, "fairface": 0.4}',
            "--report_to", "none", *QUIET]  # fmt: skip


def test_slices_of_a_training_end_with_75_and_lead_to_the_same_network(
    on_gpu_terms, tmp_path, capsys
):
    main([*on_gpu_terms, "--output_dir", str(tmp_path / "whole")])
    sliced = [
        *on_gpu_terms,
        "--output_dir",
        str(tmp_path / "sliced"),
        "--stop_after_minutes",
        "1e-9",
    ]
    for step in (1, 2):
        with pytest.raises(SystemExit) as end:
            main(sliced)
        assert end.value.code == UNFINISHED == 75
        assert f"stopped at step {step} of 3; give the same command" in capsys.readouterr().err
        assert not (tmp_path / "sliced" / "final").exists()
    main(sliced)
    whole, parts = (tmp_path / name / "final" for name in ("whole", "sliced"))
    expected, got = (load_file(folder / "model.safetensors") for folder in (whole, parts))
    assert all(torch.allclose(got[name], expected[name], atol=1e-5) for name in expected)
    facts = json.loads((parts / "training.json").read_text())
    assert facts["arguments"]["cache_on_device"] is True and facts["steps"] == 3
    minutes = [
        json.loads(state.read_text())["stateful_callbacks"]["Stopwatch"]["args"]["minutes"]
        for state in sorted((tmp_path / "sliced").glob("checkpoint-*/trainer_state.json"))
    ]
    assert facts["minutes"] == pytest.approx(minutes[-1], abs=0.01) and minutes == sorted(minutes)


def test_a_training_that_stops_early_is_done_though_minutes_are_left(prepared, tmp_path):
    more = "--learning_rate 0 --early_stopping_patience 1 --eval_steps 2 --save_steps 2"
    final = _train(prepared, tmp_path, *more.split(), "--stop_after_minutes", "60")
    assert json.loads((final / "training.json").read_text())["steps"] == 4


def test_fewer_pictures_than_a_batch_are_a_batch(on_gpu_terms, tmp_path):
    out = ["--output_dir", str(tmp_path), "--max_train_pictures", "10", "--source_weights", "{}"]
    main([*on_gpu_terms, *out])
    facts = json.loads((tmp_path / "final" / "training.json").read_text())
    assert facts["steps"] == 3 and sum(facts["train_pictures"].values()) == 10


def test_distillation_trains_and_leaves_a_clean_checkpoint(trained, prepared, tmp_path):
    start, other = (str(shutil.copytree(trained, tmp_path / name)) for name in ("start", "other"))
    final = _train(prepared, tmp_path / "student", "--teacher", str(trained), "--max_steps", "4",
                   "--base_model", start, "--further_teachers", str(trained), start, other,
                   "--feature_distillation", "0.7",
                   "--eval_strategy", "no", "--load_best_model_at_end", "false")  # fmt: skip
    facts = json.loads((final / "training.json").read_text())
    assert facts["teacher"]["preset"] == facts["base"]["preset"] == "smoke"
    assert facts["arguments"]["further_teachers"] == [trained.name, "start", "other"]
    assert [teacher["preset"] for teacher in facts["further_teachers"]] == ["smoke"], "each once"
    saved = load_file(final / "model.safetensors")
    assert facts["arguments"]["feature_distillation"] == 0.7
    assert not [name for name in saved if "feature_projection" in name]
    assert facts["parameters"] == sum(weights.numel() for weights in saved.values())


def test_teachers_compute_as_the_student_does(trained, prepared, tmp_path):
    for precision, dtype in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
        parsed = parse([*SMOKE, "--teacher", str(trained), "--data", str(prepared), "--output_dir",
                        str(tmp_path / precision), "--precision", precision])[:3]  # fmt: skip
        trainer = build_trainer(*parsed)
        assert {p.dtype for p in trainer.teachers[0].parameters()} == {dtype}
        assert {p.dtype for p in trainer.model.parameters()} == {torch.float32}


@pytest.mark.skipif(
    torch.cuda.is_available(), reason="on a GPU the fused attention is the quick one"
)
def test_plain_attention_is_for_training_on_a_processor_only(trained, prepared, tmp_path):
    parsed = parse([*SMOKE, "--base_model", str(trained), "--teacher", str(trained), "--data",
                    str(prepared), "--output_dir", str(tmp_path)])[:3]  # fmt: skip
    trainer = build_trainer(*parsed)
    assert trainer.model.config._attn_implementation == "eager"
    assert trainer.teachers[0].config._attn_implementation == "eager"
    assert AgeViT.from_pretrained(trained).config._attn_implementation == "sdpa"


def test_base_model_is_where_training_starts(trained, prepared, tmp_path):
    parsed = parse([*SMOKE, "--base_model", str(trained), "--data", str(prepared), "--output_dir",
                    str(tmp_path)])[:3]  # fmt: skip
    network = build_trainer(*parsed).model
    for a, b in zip(network.parameters(), load_network(str(trained)).parameters(), strict=True):
        assert torch.equal(a.cpu(), b)


@pytest.mark.parametrize(
    ("labels", "chosen"),
    [
        ({"age_high": 12, "gender": -1}, "loss"),  # a group that lies in none of the nine
        ({"age_high": 9}, "group_accuracy"),
        ({"age_low": -1, "age_high": -1}, "gender_accuracy"),
        ({"age_low": -1, "age_high": -1, "gender": -1}, "loss"),
    ],
)
def test_the_best_network_is_chosen_by_the_labels_that_there_are(tmp_path, labels, chosen, capsys):
    rows = Dataset.from_list([{"age_low": 3, "age_high": 3, "gender": 1, **labels}] * 5)
    args = parse([*SMOKE, "--output_dir", str(tmp_path)])[2]
    check_validation(args, rows, "data")
    assert args.metric_for_best_model == chosen
    assert args.greater_is_better == (chosen != "loss")
    assert f"the one with the best {chosen}" in capsys.readouterr().err


def test_data_without_validation_pictures_is_refused(tmp_path):
    args = parse([*SMOKE, "--output_dir", str(tmp_path)])[2]
    with pytest.raises(InputError, match="expected validation pictures"):
        check_validation(args, Dataset.from_list([]), "data")


def test_a_folder_with_another_network_is_not_resumed(trained, prepared):
    small = json.loads((CONFIGS / "smoke.json").read_text())["network_config"]
    more = ["--network_config", json.dumps(small | {"num_hidden_layers": 3})]
    with pytest.raises(InputError, match=r"num_hidden_layers 2 instead of 3; give another --out"):
        _train(prepared, trained.parent, *more)


def test_steps_that_do_not_fit_are_one_plain_sentence(capsys):
    with pytest.raises(SystemExit) as end:
        main([*SMOKE, "--save_steps", "100", "--eval_steps", "200"])
    assert end.value.code == 1
    error = capsys.readouterr().err
    assert error.startswith("train.finetune: ") and "round multiple" in error
    assert "Traceback" not in error


def test_the_calibration_of_the_base_is_not_taken_over(trained, prepared, tmp_path):
    base = shutil.copytree(trained, tmp_path / "base")
    config = json.loads((base / "config.json").read_text())
    (base / "config.json").write_text(json.dumps(config | {"calibration": {}}))
    parsed = parse([*SMOKE, "--base_model", str(base), "--data", str(prepared), "--output_dir",
                    str(tmp_path)])[:3]  # fmt: skip
    assert not hasattr(build_trainer(*parsed).model.config, "calibration")


@pytest.mark.slow
def test_data_that_is_not_there_is_one_plain_sentence(tmp_path):
    result = subprocess.run(
        [sys.executable, "-m", "train.finetune", *SMOKE, "--data", str(tmp_path)],
        cwd=REPOSITORY, capture_output=True, text=True,
    )  # fmt: skip
    assert result.returncode != 0
    assert "expected a folder made by" in result.stderr and "Traceback" not in result.stderr
