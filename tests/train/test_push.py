"""train.push, with the real client against a server that speaks the Hub's API."""

import functools
import json
import os
import shutil
import subprocess
import sys

import huggingface_hub
import numpy as np
import pytest

from age_model import AgePredictor
from age_model.network import loading as model_files
from age_model.network.reports import weights_sha256
from tests.support.hub_server import TOKEN, FakeHub
from train import push
from train.publishing import sharding

REPO = "somebody/ages"


@pytest.fixture
def push_to(monkeypatch):
    """Pushes in this process, with the real client pointed at a server of the test."""

    def run(hub, checkpoint, *options, token=TOKEN):
        client = functools.partial(huggingface_hub.HfApi, endpoint=hub.url, token=token)
        monkeypatch.setattr(push, "HfApi", client)
        push.main(["--repo", REPO, "--checkpoint", str(checkpoint), *options])

    return run


def expected(checkpoint):
    return {file.name: file.read_bytes() for file in checkpoint.iterdir()}


@pytest.mark.slow
def test_push_as_a_command_makes_the_repository_with_all_files_in_one_commit(carded, tmp_path):
    hub = FakeHub()
    checkpoint = shutil.copytree(carded, tmp_path / "checkpoint")
    (checkpoint / "best_and_worst.png").write_bytes(b"faces")
    robustness = b'{"model": {"weights_sha256": "of others, so that the card says nothing of it"}}'
    (checkpoint / "robustness.json").write_bytes(robustness)
    env = os.environ | {"HF_ENDPOINT": hub.url, "HF_TOKEN": TOKEN, "HF_HUB_OFFLINE": "0"}
    command = [sys.executable, "-m", "train.push", "--repo", REPO, "--private"]
    done = subprocess.run(
        [*command, "--checkpoint", str(checkpoint)], env=env, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert hub.files[REPO]["main"] == expected(carded) | {"robustness.json": robustness}
    assert hub.private[REPO]
    assert len(hub.commits) == 1
    assert "/commit/" in done.stdout


@pytest.mark.parametrize("branch", ["main", "next"])
def test_push_replaces_weights_and_keeps_other_files(carded, push_to, branch):
    hub = FakeHub()
    older = {"model-00003-of-00003.safetensors": b"old", "notes.md": b"mine"}
    hub.files[REPO] = {"main": dict(older)}
    push_to(hub, carded, *([] if branch == "main" else ["--revision", branch]))
    assert hub.files[REPO][branch] == expected(carded) | {"notes.md": b"mine"}
    if branch != "main":
        assert hub.files[REPO]["main"] == older


def test_onnx_files_of_these_weights_go_along_and_no_others(carded, push_to, tmp_path):
    hub, checkpoint = FakeHub(), shutil.copytree(carded, tmp_path / "checkpoint")
    (checkpoint / "onnx").mkdir()
    files = {"onnx/model.onnx": b"graph", "onnx/onnx.json": b'{"weights_sha256": "of others"}'}
    for name, body in files.items():
        (checkpoint / name).write_bytes(body)
    with pytest.raises(SystemExit, match=r"ONNX files of these weights.*run train\.export"):
        push_to(hub, checkpoint)
    assert not hub.files
    files["onnx/onnx.json"] = json.dumps({"weights_sha256": weights_sha256(carded)}).encode()
    (checkpoint / "onnx/onnx.json").write_bytes(files["onnx/onnx.json"])
    push_to(hub, checkpoint)
    assert hub.files[REPO]["main"] == expected(carded) | files
    push_to(hub, carded)  # without them: those on the Hub would be of older weights
    assert hub.files[REPO]["main"] == expected(carded)


def test_push_sends_weights_as_large_files_where_the_hub_asks_for_it(carded, push_to, monkeypatch):
    # Without Xet, whose protocol the server does not speak, the client falls back to Git LFS.
    monkeypatch.setattr("huggingface_hub.hf_api.is_xet_available", lambda: False)
    monkeypatch.setattr("huggingface_hub._commit_api.is_xet_available", lambda: False)
    hub = FakeHub(lfs=r"\.safetensors$")
    push_to(hub, carded)
    assert hub.files[REPO]["main"] == expected(carded)
    assert len(hub.large) == 1


def test_a_dry_run_lists_what_would_be_sent_and_asks_nobody(carded, push_to, tmp_path, capsys):
    hub, checkpoint = FakeHub(), shutil.copytree(carded, tmp_path / "checkpoint")
    hub.stop()
    (checkpoint / "best_and_worst.png").write_bytes(b"faces")
    push_to(hub, checkpoint, "--dry-run")
    out = capsys.readouterr().out
    for name, body in expected(carded).items():
        assert f"{len(body):>10,}  {name}\n" in out
    assert f"in {len(expected(carded))} files" in out and "best_and_worst" not in out
    assert f"Nothing was sent to {REPO}." in out
    (checkpoint / "README.md").unlink()
    with pytest.raises(SystemExit, match=r"without README\.md"):
        push_to(hub, checkpoint, "--dry-run")


def test_the_folders_of_a_machine_are_not_pushed(carded, push_to, tmp_path):
    checkpoint = shutil.copytree(carded, tmp_path / "checkpoint")
    training = checkpoint / "training.json"
    training.write_text(training.read_text().replace('"faces"', '"/home/somebody/faces"'))
    with pytest.raises(SystemExit, match=r"run train\.export"):
        push_to(FakeHub(), checkpoint)


def test_a_refused_token_says_what_to_do(carded, push_to):
    hub = FakeHub()
    with pytest.raises(SystemExit, match="hf auth login"):
        push_to(hub, carded, token="hf_wrong")
    assert not hub.files


def test_a_card_edited_by_hand_is_not_pushed(carded, push_to, tmp_path):
    hub = FakeHub()
    checkpoint = shutil.copytree(carded, tmp_path / "checkpoint")
    card = checkpoint / "README.md"
    card.write_text(card.read_text().replace("Mean absolute error", "Mean absolute errors"))
    with pytest.raises(SystemExit, match=r"run train\.model_card first"):
        push_to(hub, checkpoint)
    card.unlink()
    with pytest.raises(SystemExit, match=r"without README\.md"):
        push_to(hub, checkpoint)
    assert not hub.files


def test_the_name_of_the_repository_is_checked(carded):
    with pytest.raises(SystemExit, match="USER/NAME"):
        push.main(["--repo", "ages", "--checkpoint", str(carded)])


def test_what_was_pushed_in_shards_is_loaded_by_name_and_later_without_the_hub(
    carded, push_to, tmp_path, monkeypatch
):
    hub, faces = FakeHub(), [np.full((200, 200, 3), 90 * i, np.uint8) for i in range(3)]
    checkpoint = shutil.copytree(carded, tmp_path / "checkpoint")
    monkeypatch.setattr(sharding, "LIMIT_BYTES", 30_000)
    monkeypatch.setattr(sharding, "SHARD_SIZE", "20KB")
    sharding.split_weights(checkpoint)
    push_to(hub, checkpoint, "--revision", "next")
    shards = [path for path in hub.files[REPO]["next"] if path.endswith(".safetensors")]
    assert len(shards) > 1 and not hub.files[REPO]["main"]

    fetch = functools.partial(
        huggingface_hub.snapshot_download, endpoint=hub.url, cache_dir=tmp_path / "cache"
    )
    monkeypatch.setattr(model_files, "snapshot_download", fetch)
    monkeypatch.setattr(
        model_files, "HfApi", functools.partial(huggingface_hub.HfApi, endpoint=hub.url)
    )
    here = AgePredictor.from_pretrained(carded, detector="haar").predict_crops(faces)
    fetched = AgePredictor.from_pretrained(REPO, detector="haar", revision="next")
    hub.stop()
    monkeypatch.setenv("AGE_MODEL_ID", f"{REPO}@next")
    cached = AgePredictor.from_pretrained(detector="haar")
    for predictor in (fetched, cached):
        there = predictor.predict_crops(faces)
        np.testing.assert_array_equal(there.age_probabilities, here.age_probabilities)
        assert predictor.results["data"]["n"] == 50
    with pytest.raises(model_files.UnreachableError):  # main was not fetched before
        AgePredictor.from_pretrained(REPO, detector="haar")
