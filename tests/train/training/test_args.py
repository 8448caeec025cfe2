import json
from pathlib import Path

import pytest

from train.console.errors import InputError
from train.training.args import parse

CONFIGS = sorted((Path(__file__).parents[3] / "train" / "configs").glob("*.json"))


@pytest.mark.parametrize("config", CONFIGS, ids=lambda path: path.stem)
def test_every_preset_parses(config, tmp_path, monkeypatch):
    preset = json.loads(config.read_text())
    monkeypatch.chdir(tmp_path)
    # A preset names the folders where its teachers will be.
    for teacher in (tmp_path / preset[n] for n in ("teacher", "second_teacher") if n in preset):
        teacher.mkdir(parents=True)
        (teacher / "config.json").write_text("{}")
    model, data, training, name = parse(["--config", str(config)])
    assert name == config.stem
    assert model.network_config == preset.get("network_config", {})
    assert training.max_steps == preset["max_steps"]
    assert training.label_names == ["age_low", "age_high", "gender", "ethnicity"]


def test_there_is_a_smoke_and_a_tiny_preset():
    assert {"smoke", "tiny"} <= {config.stem for config in CONFIGS}


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
    with pytest.raises(ValueError, match="patch_dropout: expected a number from 0 to 1, got 1.5"):
        parse(["--patch_dropout", "1.5"])
    with pytest.raises(ValueError, match="found no config.json in nowhere"):
        parse(["--teacher", "nowhere"])


def test_a_network_can_be_given_on_the_command_line():
    model, *_ = parse(["--architecture", "resnet", "--network_config", '{"depths": [1, 1]}'])
    assert model.network_config == {"depths": [1, 1]}


@pytest.mark.parametrize("given", ["[1, 2]", "{depths: 1}"])
def test_a_network_that_is_no_json_object_is_refused(given):
    with pytest.raises(InputError, match="network_config: expected a JSON object"):
        parse(["--network_config", given])
