"""`make reproduce`, as far as it can be told without the hours that it takes."""

import json
import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from train.training.presets import parse

REPOSITORY = Path(__file__).parents[2]
CONFIGS = REPOSITORY / "train" / "configs"
DATA = ["UTKFACE=one.tar.gz two.tar.gz", "FAIRFACE=train.parquet val.parquet", "AAF=photos"]
STEPS = ["prepare", "finetune", "finetune", "finetune", "adjust", "export", "calibrate", "evaluate",
         "robustness", "end_to_end", "deletion", "model_card"]  # fmt: skip
TRAININGS = ["teacher", "student", "ensemble_distillation"]


@pytest.fixture
def planned(tmp_path):
    """The commands that `make reproduce` would run, in order."""

    def commands(*more: str) -> list[list[str]]:
        argv = ["make", "-n", "reproduce", f"VENV={tmp_path}/venv", f"DATA={tmp_path}/data",
                f"RUNS={tmp_path}/runs", *DATA, *more]  # fmt: skip
        done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=True)
        plan = done.stdout.replace("\\\n", " ")  # a command over two lines is one
        return [shlex.split(line) for line in re.findall(r"-m train\.(\w+ .*?)(?:\|\||\n)", plan)]

    return commands


def _finished(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")


def _after(command: list[str], option: str) -> str:
    return command[command.index(option) + 1]


def _networks_of(command: list[str]) -> list[str]:
    """What the preset of a training starts from and learns from."""
    if "--config" not in command:
        return []
    preset = json.loads((REPOSITORY / _after(command, "--config")).read_text())
    alone = [preset[key] for key in ("base_model", "teacher") if key in preset]
    return [*alone, *preset.get("further_teachers", [])]


def test_every_step_from_data_to_card_in_order(planned, tmp_path):
    commands = planned()
    assert [command[0] for command in commands] == STEPS
    assert " ".join(commands[0]) == (
        "prepare --utkface one.tar.gz two.tar.gz --fairface train.parquet val.parquet "
        f"--all_age_faces photos --out {tmp_path}/data"
    )
    trainings = [command for command in commands if command[0] == "finetune"]
    assert [Path(_after(c, "--config")).stem for c in trainings] == TRAININGS


def test_utkface_alone_will_do(planned):
    prepare = planned("FAIRFACE=", "AAF=")[0]
    assert prepare[:3] == ["prepare", "--utkface", "one.tar.gz"]
    assert not {"--fairface", "--all_age_faces"} & set(prepare)


def test_each_step_reads_what_an_earlier_one_wrote(planned, tmp_path):
    runs = f"{tmp_path}/runs"
    written = set()
    for command in planned():
        for option in ("--model", "--checkpoint", "--data"):
            if option in command:
                assert _after(command, option).removesuffix("/final") in written, command
        for name in _networks_of(command):
            assert f"{tmp_path}/{name}".removesuffix("/final") in written, command
        for option in ("--out", "--output_dir"):
            if option in command:
                written.add(_after(command, option))
    assert {f"{runs}/{name}" for name in (*TRAININGS, "adjusted")} < written


@pytest.mark.parametrize("profile", ["", "gpu"])
def test_all_trainings_are_presets_that_parse(planned, tmp_path, profile, monkeypatch):
    for name in TRAININGS[:2]:
        _finished(tmp_path / "runs" / name / "final")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "report.json").write_text("{}")
    older = os.stat(CONFIGS / "teacher.json").st_mtime - 1  # the teacher is to be trained again
    os.utime(tmp_path / "runs" / "teacher" / "final" / "config.json", (older, older))
    commands = planned(f"PROFILE={profile}", "FINETUNE_ARGS=--stop_after_minutes 9 --seed 3")
    trainings = [command[1:] for command in commands if command[0] == "finetune"]
    assert len(trainings) == len(TRAININGS)
    (tmp_path / "train").symlink_to(REPOSITORY / "train")
    monkeypatch.chdir(tmp_path)  # where the presets' teachers are
    for argv in trainings:
        model, data, training, name = parse(argv)
        assert training.output_dir == f"{tmp_path}/runs/{name}"
        assert (training.stop_after_minutes, training.seed) == (9, 3)
        assert training.cache_on_device == bool(profile)
        assert data.data == f"{tmp_path}/data"
        assert model.teacher == (None if name == "teacher" else "runs/teacher/final")


def test_given_again_it_goes_on_after_what_is_done(planned, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "report.json").write_text("{}")
    _finished(tmp_path / "runs" / "teacher" / "final")
    commands = planned()
    assert [command[0] for command in commands] == STEPS[2:]
    assert _after(commands[0], "--config") == "train/configs/student.json"


def test_the_steps_of_the_docs_are_those_of_the_makefile(planned, tmp_path):
    """Each step stands in both, with the same options and values but for the paths of the data."""

    def steps(text: str) -> list[str]:
        text = re.sub(r"(--(?:utkface|fairface|all_age_faces)) .*?(?= --)", r"\1 PATH...", text)
        found = (" ".join(line.split("#")[0].split()) for line in text.splitlines())
        return sorted(line for line in found if line.split(" ")[0] in STEPS)

    sections = (REPOSITORY / "docs" / "training.md").read_text().split("\n## ")
    recipe = ("Step by step", "More measurements")
    text = "\n".join(section for section in sections if section.startswith(recipe))
    docs = text.replace("\\\n", " ")
    documented = "\n".join(re.findall(r"^python -m train\.(\w+ .*)$", docs, re.MULTILINE))
    planned_steps = "\n".join(" ".join(command) for command in planned())
    # The docs leave out what is the preset's own.
    own = r" --data \S+/data --output_dir \S+/runs/\w+"
    planned_steps = re.sub(rf"(finetune .*?){own}", r"\1", planned_steps).replace(
        f"{tmp_path}/", ""
    )
    assert steps(documented) == steps(planned_steps)


def test_without_the_data_it_says_what_to_give(tmp_path):
    done = _make(tmp_path, "DATA=" + str(tmp_path / "data"), "FAIRFACE=two", "AAF=three")
    assert done.returncode != 0
    assert 'UTKFACE="part1.tar.gz' in done.stdout and "AAF=" in done.stdout


def test_a_slice_that_is_not_the_last_stops_make_and_says_how_to_go_on(tmp_path):
    """With a stand-in for Python that ends with 75 until a training was asked for three times."""
    asked = tmp_path / "asked"
    python = tmp_path / "venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(
        f'#!/bin/sh\necho "$*" >> {asked}\n'
        f"[ $(grep -c finetune {asked}) -ge 3 ] || exit 75\n"
        f'case "$*" in *teacher.json*) mkdir -p {tmp_path}/runs/teacher/final; '
        f"touch {tmp_path}/runs/teacher/final/config.json;; *) exit 1;; esac\n"
    )
    python.chmod(0o755)
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "report.json").write_text("{}")
    said = "Its minutes are over. Give the same command to go on."
    for _ in range(2):
        done = _make(tmp_path, *DATA)
        assert done.returncode != 0
        assert said in done.stdout.splitlines()
        assert not (tmp_path / "runs").exists()
    done = _make(tmp_path, *DATA)
    assert said not in done.stdout.splitlines()
    lines = asked.read_text().splitlines()
    assert ["teacher.json" in line for line in lines] == [True, True, True, False]
    assert "student.json" in lines[3], "on to the next step, whose other status is not 75"


def _make(tmp_path: Path, *more: str) -> subprocess.CompletedProcess:
    """`make reproduce` with an environment that is said to be ready."""
    (tmp_path / "venv").mkdir(exist_ok=True)
    stamps = [f"-o{tmp_path}/venv/train.stamp", f"-o{tmp_path}/venv/demo.stamp"]
    return subprocess.run(
        ["make", *stamps, "reproduce", f"VENV={tmp_path}/venv", f"DATA={tmp_path}/data",
         f"RUNS={tmp_path}/runs", *more],
        cwd=REPOSITORY, capture_output=True, text=True,
    )  # fmt: skip
