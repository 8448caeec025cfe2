"""train.space, with the real client against a server that speaks the Hub's API."""

import functools
import json
import re
import shutil
import subprocess
from pathlib import Path

import huggingface_hub
import numpy as np
import pytest
from safetensors.torch import load_file, save_file

from age_model import AgePredictor
from age_model.network.reports import read_results
from tests.support.hub_server import TOKEN, FakeHub
from train import model_card, space
from train.publishing import sharding

REPOSITORY = Path(__file__).parents[2]
REPO = "somebody/ages"
SPACE = f"spaces/{REPO}"


@pytest.fixture
def root(carded, tmp_path):
    """A repository whose checkpoint is a tiny one; its README tells that one's results."""
    folder = tmp_path / "repository"
    left_out = shutil.ignore_patterns("__pycache__", "checkpoint")
    shutil.copytree(REPOSITORY / "age_model", folder / "age_model", ignore=left_out)
    shutil.copytree(carded, folder / "age_model" / "checkpoint")
    for name in ("app.py", "README.md", "requirements.txt", "packages.txt"):
        shutil.copy(REPOSITORY / name, folder)
    readme = str(folder / "README.md")
    model_card.main(["--checkpoint", str(folder / "age_model" / "checkpoint"), "--readme", readme])
    return folder


@pytest.fixture
def send(root, monkeypatch):
    """Runs train.space in this process, with the real client pointed at a server of the test."""
    monkeypatch.setattr(space, "ROOT", root)

    def run(hub, *options, repo=REPO, token=TOKEN):
        client = functools.partial(huggingface_hub.HfApi, endpoint=hub.url, token=token)
        monkeypatch.setattr(space, "HfApi", client)
        space.main(["--repo", repo, *options])

    return run


def contents(folder):
    return {
        str(file.relative_to(folder)): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file()
    }


def test_the_space_holds_the_demo_and_no_more_in_one_commit(root, send, capsys):
    hub, expected = FakeHub(), contents(root)
    for name in ("age_model/__pycache__/app.pyc", "age_model/page/me.jpg", "age_model/.env",
                 "age_model/checkpoint/optimizer.pt", "Makefile", "tests/test.py"):  # fmt: skip
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_text("mine")
    send(hub, "--private")
    sent = hub.files[SPACE]["main"]
    del expected["requirements.txt"]
    assert sent.keys() == expected.keys() | {"requirements.txt"}
    differing = [name for name, body in expected.items() if sent[name] != body]
    assert not differing
    assert (hub.sdk[SPACE], hub.private[SPACE], len(hub.commits)) == ("gradio", True, 1)
    assert "/commit/" in capsys.readouterr().out


def test_an_update_deletes_what_is_gone(root, send):
    hub = FakeHub()
    older = {
        "age_model/old.py": b"",
        "notes.md": b"",
        "app.py": b"",
        ".gitattributes": b"*.bin lfs",
    }
    hub.files[SPACE] = {"main": dict(older)}
    send(hub)
    sent = hub.files[SPACE]["main"]
    assert sent.keys() == contents(root).keys() | {".gitattributes"}
    assert sent["app.py"] == (root / "app.py").read_bytes()
    assert len(hub.commits) == 1


def test_every_file_that_git_knows_of_the_demo_is_sent():
    """A new kind of file in age_model must be named in SPACE_FILES, or the Space would lack it."""
    listed = subprocess.run(
        ["git", "ls-files", "app.py", "README.md", "requirements.txt", "packages.txt", "age_model"],
        cwd=REPOSITORY, text=True, capture_output=True,
    )  # fmt: skip
    if listed.returncode != 0:
        pytest.skip("no git here, or no clone: nobody says which files belong to the demo")
    known = {name for name in listed.stdout.split() if (REPOSITORY / name).exists()}
    sent = {
        str(file.relative_to(REPOSITORY))
        for pattern in (*space.SPACE_FILES, *space.ABOUT_OURS)
        for file in REPOSITORY.glob(pattern)
    }
    assert known <= sent


def test_a_dry_run_lists_what_would_be_sent_and_asks_nobody(root, send, capsys):
    hub = FakeHub()
    hub.stop()
    send(hub, "--dry-run")
    out = capsys.readouterr().out
    for name, body in contents(root).items():
        if name != "requirements.txt":
            assert re.search(rf"^ *{len(body):,}  {re.escape(name)}$", out, flags=re.M)
    assert f"in {len(contents(root))} files" in out and "Nothing was sent to somebody/ages" in out


def test_a_space_of_another_checkpoint_says_nothing_of_ours(root, send, carded, tmp_path):
    hub, mine = FakeHub(), shutil.copytree(carded, tmp_path / "mine")
    model_card.main(["--checkpoint", str(mine), "--name", "Museum"])
    (root / "docs").mkdir()
    (root / "docs" / "experiments.md").write_text("of ours")
    send(hub, "--checkpoint", str(mine))
    sent = hub.files[SPACE]["main"]
    for file in mine.iterdir():
        assert sent[f"age_model/checkpoint/{file.name}"] == file.read_bytes()
    assert "app.py" in sent and not [name for name in sent if name.startswith("docs/")]
    readme = sent["README.md"].decode()
    settings = (root / "README.md").read_text().split("---\n")[1]
    assert readme.startswith(f"---\n{settings}---\n\n# How old") and "**Museum**" in readme
    mae = read_results(mine)["sources"]["utkface"]["years"]["mae"]
    assert f"**{mae:.2f} years**" in readme and "make reproduce" not in readme
    assert "non-commercial research only" in readme and "| FairFace | 40,000 |" in readme
    (mine / "README.md").unlink()
    with pytest.raises(SystemExit, match=r"without README\.md"):
        send(hub, "--checkpoint", str(mine))


def test_the_space_takes_torch_for_the_processor():
    ours = (REPOSITORY / "requirements.txt").read_text()
    theirs = space.for_cpu(ours)
    new = set(theirs.splitlines()) - set(ours.splitlines())
    version = re.search(r"^torch==(.+)$", ours, flags=re.M)[1]
    assert new == {
        "--extra-index-url https://download.pytorch.org/whl/cpu", f"torch=={version}+cpu",
    }  # fmt: skip
    assert len(theirs.splitlines()) == len(ours.splitlines()) + 1
    with pytest.raises(ValueError, match="one line torch==VERSION"):
        space.for_cpu("torch>=2\n")


def test_large_weights_go_in_shards_whose_results_still_fit(root, send, tmp_path, monkeypatch):
    monkeypatch.setattr(sharding, "LIMIT_BYTES", 30_000)
    monkeypatch.setattr(sharding, "SHARD_SIZE", "20KB")
    before = contents(root)
    hub = FakeHub()
    send(hub)
    assert contents(root) == before
    for name, body in hub.files[SPACE]["main"].items():
        (tmp_path / "space" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "space" / name).write_bytes(body)
    ours, theirs = root / "age_model/checkpoint", tmp_path / "space/age_model/checkpoint"
    shards = sorted(theirs.glob("*.safetensors"))
    assert len(shards) > 1 and all(shard.stat().st_size < 30_000 for shard in shards)
    one = load_file(ours / "model.safetensors")
    other = {name: weight for shard in shards for name, weight in load_file(shard).items()}
    assert one.keys() == other.keys()
    for name in one:
        assert one[name].dtype == other[name].dtype
        assert one[name].numpy().tobytes() == other[name].numpy().tobytes()
    assert read_results(theirs)["sources"] == read_results(ours)["sources"]
    face = [np.full((200, 200, 3), 90, np.uint8)]
    answers = [AgePredictor.from_pretrained(f, "haar").predict_crops(face) for f in (ours, theirs)]
    np.testing.assert_array_equal(answers[0].age_probabilities, answers[1].age_probabilities)


def test_small_files_stay_as_they_are(carded, tmp_path):
    checkpoint = shutil.copytree(carded, tmp_path / "checkpoint")
    sharding.split_weights(checkpoint)
    assert contents(checkpoint) == contents(carded)


def test_a_tensor_too_large_for_any_file_is_refused(carded, tmp_path, monkeypatch):
    monkeypatch.setattr(sharding, "LIMIT_BYTES", 10_000)
    monkeypatch.setattr(sharding, "SHARD_SIZE", "9KB")
    with pytest.raises(ValueError, match=r"train\.export"):
        sharding.split_weights(shutil.copytree(carded, tmp_path / "checkpoint"))


@pytest.mark.parametrize(
    ("repo", "token", "message"),
    [(REPO, "hf_wrong", "hf auth login"), ("somebody-else/ages", TOKEN, "may not write there")],
)
def test_who_may_not_write_is_told_what_to_do(send, repo, token, message):
    hub = FakeHub()
    with pytest.raises(SystemExit, match=message):
        send(hub, repo=repo, token=token)
    assert not hub.files and not hub.commits


def test_a_hub_out_of_reach_is_said(send):
    hub = FakeHub()
    hub.stop()
    with pytest.raises(SystemExit, match="cannot be reached"):
        send(hub)


@pytest.mark.parametrize("name", ["ages", "somebody/", "a/b/c", "somebody/ages at home"])
def test_the_name_is_checked_before_anything_is_asked(send, name):
    hub = FakeHub()
    hub.stop()
    with pytest.raises(SystemExit, match=r"USER/NAME|Repo id"):
        send(hub, repo=name)


def test_results_of_other_weights_do_not_go_online(root, send):
    hub = FakeHub()
    weights = root / "age_model/checkpoint/model.safetensors"
    tensors = load_file(weights)
    tensors["classifier.bias"] += 1
    save_file(tensors, weights, metadata={"format": "pt"})
    with pytest.raises(SystemExit, match="results of other ones"):
        send(hub)
    assert not hub.files


def test_a_readme_with_other_results_does_not_go_online(root, send):
    hub, readme = FakeHub(), root / "README.md"
    readme.write_text(readme.read_text().replace("Mean absolute error", "Mean absolute errors"))
    with pytest.raises(SystemExit, match=r"README.md; run train\.model_card"):
        send(hub)
    assert not hub.files


def test_make_runs_it_and_says_what_is_missing(tmp_path):
    (tmp_path / "venv").mkdir()
    make = ["make", f"VENV={tmp_path}/venv", f"-o{tmp_path}/venv/demo.stamp", "space"]
    options = ["-n", "REPO=somebody/ages", "SPACE_ARGS=--dry-run"]
    planned, refused = (
        subprocess.run([*make, *more], cwd=REPOSITORY, text=True, capture_output=True)
        for more in (options, [])
    )
    assert "-m train.space --repo somebody/ages --dry-run" in planned.stdout
    assert refused.returncode != 0 and "make space REPO=USER/NAME" in refused.stdout


@pytest.mark.parametrize(("kind", "lines"), [("vit", ""), ("age-densenet", "monai==1.5.2\n")])
def test_a_space_installs_what_its_network_needs(tmp_path, kind, lines):
    (tmp_path / "config.json").write_text(json.dumps({"model_type": kind}))
    assert space.network_requirements(tmp_path) == lines
    assert not lines or lines in (REPOSITORY / "train/requirements.txt").read_text()
