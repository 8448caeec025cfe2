"""Loading a checkpoint: from a folder, from the Hub, and what is wrong with it."""

import json
import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest
from transformers import ViTForImageClassification

from age_model.network import loading as model_files
from age_model.network.loading import load_model
from tests.support.planted_code import plant

REPOSITORY = Path(__file__).resolve().parents[3]


def test_loading_is_silent(tiny_checkpoint, capfd):
    load_model(str(tiny_checkpoint))
    assert capfd.readouterr() == ("", "")


def test_loading_leaves_transformers_as_it_was(tiny_checkpoint):
    from transformers.utils import logging

    hook = logging.set_tqdm_hook(None)
    logging.set_tqdm_hook(hook)
    verbosity = logging.get_verbosity()
    load_model(str(tiny_checkpoint))
    assert logging.get_verbosity() == verbosity
    assert logging.set_tqdm_hook(hook) is hook


def test_folders_that_are_no_checkpoint(copied, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(ValueError, match="empty is not a checkpoint: expected a folder with"):
        load_model(str(empty))
    (copied / "config.json").write_text("{")
    with pytest.raises(ValueError, match=r"cannot be loaded as a checkpoint.*JSON"):
        load_model(str(copied))


def test_damaged_weights(copied):
    (copied / "model.safetensors").write_bytes(b"abc")
    with pytest.raises(ValueError, match="cannot be loaded as a checkpoint"):
        load_model(str(copied))


def test_pickles_are_not_read(copied):
    (copied / "model.safetensors").rename(copied / "pytorch_model.bin")
    with pytest.raises(ValueError, match="is not a checkpoint"):
        load_model(str(copied))


@pytest.mark.parametrize("known_type", [True, False])
def test_code_of_a_checkpoint_is_never_run(copied, monkeypatch, known_type):
    mark = plant(copied, known_type)
    monkeypatch.setattr("builtins.input", lambda *_: "y")  # transformers would ask at the terminal
    try:
        load_model(str(copied))
    except ValueError as error:
        assert not known_type and "cannot be loaded" in str(error)
    assert not mark.exists()


def test_a_checkpoint_of_something_else(copied):
    config = json.loads((copied / "config.json").read_text())
    labels = {"id2label": {"0": "cat", "1": "dog"}, "label2id": {"cat": 0, "dog": 1}}
    (copied / "config.json").write_text(json.dumps(config | labels))
    with pytest.raises(ValueError, match=r"expected the 101 labels 0, 1, .* got 2: cat, dog"):
        load_model(str(copied))
    (copied / "config.json").write_text(json.dumps({"model_type": "bert"}))
    with pytest.raises(ValueError, match=r'expected a model type of vit, .*, got "bert"'):
        load_model(str(copied))


def test_missing_heads_are_not_filled_with_chance(copied, tiny_checkpoint):
    ViTForImageClassification.from_pretrained(tiny_checkpoint).save_pretrained(copied)
    with pytest.raises(ValueError, match=r"lacks weights .*gender_classifier"):
        load_model(str(copied))


@pytest.mark.slow
def test_a_hub_that_accepts_and_never_answers_is_not_waited_for(tmp_path):
    code = (
        "import os, time; from age_model.network.loading import load_model, UnreachableError\n"
        "began = time.monotonic()\n"
        "try: load_model('a/b')\n"
        "except UnreachableError as error:\n"
        "    assert '(it does not answer, and' in str(error)\n"
        "    print(time.monotonic() - began, flush=True)\n"
        "os._exit(0)"  # a thread of the Hub's client goes on trying
    )
    with socket.create_server(("127.0.0.1", 0)) as hub:
        address = f"http://127.0.0.1:{hub.getsockname()[1]}"
        env = os.environ | {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "0"}
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=env | {"NO_PROXY": "127.0.0.1"},
            cwd=REPOSITORY,
            capture_output=True,
            text=True,
            timeout=240,
        )
    assert float(done.stdout) < 12, done.stderr


def test_a_hub_that_does_not_answer(monkeypatch):
    def fail(*_, **__):
        raise OSError("no route to host")

    monkeypatch.setattr(model_files, "snapshot_download", fail)
    with pytest.raises(ValueError, match=r"no model 'someone/else'.*no route to host.*the network"):
        load_model("someone/else")


def test_a_hub_model_is_read_from_where_it_was_put(monkeypatch, tiny_checkpoint):
    asked = {}
    monkeypatch.setattr(
        model_files,
        "snapshot_download",
        lambda name, **how: asked.update({name: how}) or tiny_checkpoint,
    )
    assert load_model("someone/age-vit").config.num_labels == 101
    assert not any("bin" in p or "pt" in p for p in asked["someone/age-vit"]["allow_patterns"])


@pytest.mark.parametrize("name", ["no/such/folder", "/no/such", "a name"])
def test_names_that_cannot_be(name):
    with pytest.raises(ValueError, match="there is no such folder"):
        load_model(name)
