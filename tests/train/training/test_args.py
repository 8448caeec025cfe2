import json
from pathlib import Path

import pytest
import torch

from train.console.errors import InputError
from train.training import args as training_args
from train.training.args import AgeTrainingArguments, parse

CONFIGS = sorted((Path(__file__).parents[3] / "train" / "configs").glob("*.json"))


def _profiles(config: Path) -> list[str | None]:
    return [None, *json.loads(config.read_text()).get("profiles", {})]


PRESETS = [(config, profile) for config in CONFIGS for profile in _profiles(config)]


@pytest.fixture
def elsewhere(tmp_path, monkeypatch) -> Path:
    """The working directory: empty but for the folders where presets expect their teachers."""
    monkeypatch.chdir(tmp_path)
    for config in CONFIGS:
        preset = json.loads(config.read_text())
        for name in [preset.get("teacher"), *preset.get("further_teachers", [])]:
            if name:
                (tmp_path / name).mkdir(parents=True, exist_ok=True)
                (tmp_path / name / "config.json").write_text("{}")
    return tmp_path


@pytest.mark.parametrize(
    ("config", "profile"), PRESETS, ids=[f"{c.stem}-{p or 'plain'}" for c, p in PRESETS]
)
def test_every_preset_parses_in_every_profile(config, profile, elsewhere):
    preset = json.loads(config.read_text())
    expected = {**preset, **preset.pop("profiles", {}).get(profile, {})}
    expected.pop("profiles", None)
    chosen = [] if profile is None else ["--profile", profile]
    model, data, training, name = parse(["--config", str(config), *chosen])
    assert name == config.stem
    got = {**vars(training), **vars(data), **vars(model)}
    for key, value in expected.items():
        assert got[key] == value or str(got[key]) == str(value), key
    assert training.label_names == ["age_low", "age_high", "gender", "ethnicity"]


def test_the_presets_are_those_of_the_recipe_and_of_one_s_own_pictures_and_two_small_ones():
    recipe = {"teacher", "student", "anneal", "leave_one_out"}
    assert {config.stem for config in CONFIGS} == {*recipe, "finetune", "smoke", "compare"}
    for_gpu = {"teacher", "student", "leave_one_out", "finetune"}
    assert {(c.stem, p) for c, p in PRESETS if p} == {(name, "gpu") for name in for_gpu}


def test_an_unknown_profile_is_refused_with_those_that_there_are(elsewhere):
    configs = {config.stem: str(config) for config in CONFIGS}
    with pytest.raises(InputError, match=r"teacher.json has gpu, got 'tpu'"):
        parse(["--config", configs["teacher"], "--profile", "tpu"])
    with pytest.raises(InputError, match=r"smoke.json has no profiles, got 'gpu'"):
        parse(["--config", configs["smoke"], "--profile", "gpu"])


def test_the_command_line_wins_over_the_profile(elsewhere):
    config = next(str(c) for c in CONFIGS if c.stem == "teacher")
    argv = ["--config", config, "--profile", "gpu", "--cache_on_device", "false"]
    _, _, training, _ = parse([*argv, "--stop_after_minutes", "8"])
    assert training.cache_on_device is False and training.stop_after_minutes == 8
    assert training.eval_strategy == "no" and training.per_device_train_batch_size == 1024


def test_the_command_line_wins_over_the_preset():
    config = next(c for c in CONFIGS if c.stem == "smoke")
    _, data, training, _ = parse(
        ["--config", str(config), "--max_steps", "3", "--data", "elsewhere"]
    )
    assert training.max_steps == 3 and data.data == "elsewhere"


def test_unknown_key_is_named(tmp_path):
    preset = tmp_path / "mine.json"
    preset.write_text('{"learning_rat": 1}')
    with pytest.raises(ValueError, match="unknown key 'learning_rat'"):
        parse(["--config", str(preset)])


@pytest.mark.parametrize("text", ["[1]", "{"])
def test_no_json_object_is_refused(tmp_path, text):
    preset = tmp_path / "mine.json"
    preset.write_text(text)
    with pytest.raises(ValueError, match="expected a JSON object"):
        parse(["--config", str(preset)])


def test_values_that_cannot_be():
    with pytest.raises(ValueError, match=r"patch_dropout: expected a number from 0 to 1, got 1\.5"):
        parse(["--patch_dropout", "1.5"])
    with pytest.raises(ValueError, match=r"found no config\.json in nowhere"):
        parse(["--teacher", "nowhere"])


def test_a_network_can_be_given_on_the_command_line():
    model, *_ = parse(["--architecture", "resnet", "--network_config", '{"depths": [1, 1]}'])
    assert model.network_config == {"depths": [1, 1]}


@pytest.mark.parametrize("given", ["[1, 2]", "{depths: 1}"])
def test_a_network_that_is_no_json_object_is_refused(given):
    with pytest.raises(InputError, match="network_config: expected a JSON object"):
        parse(["--network_config", given])


@pytest.fixture
def quick(monkeypatch):
    """Pretends that the device is quick in bf16, or is not."""

    def pretend(is_quick: bool) -> None:
        monkeypatch.setattr(training_args, "has_fast_bf16", lambda device: is_quick)

    return pretend


@pytest.mark.parametrize(
    ("given", "on_quick", "else_"),
    [
        ("", "bf16", "fp32"),
        ("--precision bf16", "bf16", "bf16"),
        ("--precision fp32", "fp32", "fp32"),
        ("--bf16", "bf16", "bf16"),
        ("--bf16 True", "bf16", "bf16"),
        ("--bf16 False", "fp32", "fp32"),
        ("--fp16 False", "bf16", "fp32"),
        ("--bf16 False --precision fp32", "fp32", "fp32"),
    ],
)
def test_the_precision_is_what_was_asked_for(quick, given, on_quick, else_):
    for is_quick, expected in ((True, on_quick), (False, else_)):
        quick(is_quick)
        *_, args, _ = parse(given.split())
        assert (args.precision, args.bf16, args.fp16) == (expected, expected == "bf16", False)
        assert args.mixed_precision == ("bf16" if expected == "bf16" else "no")


@pytest.mark.parametrize(
    "given",
    ["--precision fp32 --bf16", "--precision bf16 --bf16 False", "--precision bf16 --fp16",
     "--bf16 --fp16"],
)  # fmt: skip
def test_precisions_that_contradict_each_other_are_refused(given):
    with pytest.raises(InputError, match="one of them"):
        parse(given.split())


@pytest.mark.parametrize("given", ["--fp16", "--precision fp16"])
def test_fp16_on_a_processor_is_one_plain_sentence(given):
    with pytest.raises(InputError, match="--precision fp16: expected a GPU"):
        parse([*given.split(), "--use_cpu", "true"])


def test_fp16_on_a_gpu_is_obeyed(monkeypatch):
    """There is no GPU here: only what is chosen for one is tested."""
    args = object.__new__(AgeTrainingArguments)
    args.precision, args.bf16, args.fp16, args.use_cpu = "auto", None, True, False
    assert args._chosen_precision() == "fp16"
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "fp16")
    args.fp16 = None
    assert args._chosen_precision() == "fp16"


@pytest.mark.parametrize(
    ("given", "precision"),
    [("", "bf16"), ("--precision fp32", "fp32"), ("--bf16 False", "fp32")],
)
def test_the_launcher_s_precision_counts_where_none_is_given(quick, monkeypatch, given, precision):
    """`accelerate launch --mixed_precision bf16` says so in the environment."""
    quick(False)
    monkeypatch.setenv("ACCELERATE_MIXED_PRECISION", "bf16")
    *_, args, _ = parse(given.split())
    assert args.precision == precision
    assert args.mixed_precision == {"fp32": "no"}.get(precision, precision)


def test_a_training_takes_apple_s_gpu_and_one_gpu_of_several(monkeypatch):
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: True)
    monkeypatch.setattr(AgeTrainingArguments, "n_gpu", 4)
    monkeypatch.setattr(training_args, "choose_device", lambda name: torch.device("mps"))
    monkeypatch.setattr(training_args, "has_fast_bf16", lambda device: False)
    *_, args, _ = parse([])
    assert not args.use_cpu and args._n_gpu == 1
