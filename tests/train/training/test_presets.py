import json
from pathlib import Path

import pytest

from train.console.errors import InputError
from train.training.presets import parse

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
    recipe = {"teacher", "student", "ensemble_distillation", "leave_one_out"}
    assert {config.stem for config in CONFIGS} == {*recipe, "finetune", "smoke", "compare"}
    for_gpu = {"teacher", "student", "ensemble_distillation", "leave_one_out", "finetune"}
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
