"""`make reproduce`, as far as it can be told without the hours that it takes."""

import re
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
CONFIGS = REPOSITORY / "train" / "configs"
DATA = ['UTKFACE=one.tar.gz two.tar.gz', "FAIRFACE=train.parquet val.parquet"]  # fmt: skip


@pytest.fixture
def planned(tmp_path):
    """The commands that `make reproduce` would run, in order."""

    def commands(*more: str) -> list[str]:
        argv = ["make", "-n", "reproduce", f"VENV={tmp_path}/venv", f"DATA={tmp_path}/data",
                f"RUNS={tmp_path}/runs", *more]  # fmt: skip
        done = subprocess.run(argv, cwd=REPOSITORY, capture_output=True, text=True, check=True)
        plan = done.stdout.replace("\\\n", " ")  # a command over two lines is one
        return re.findall(r"-m (train\.\w+ .*)", plan)

    return commands


def _finished(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")


def test_every_step_from_data_to_card_in_order(planned, tmp_path):
    commands = planned(*DATA)
    names = [command.split()[0] for command in commands]
    stages = [Path(re.search(r"--config (\S+)", c)[1]).stem for c in commands if "--config" in c]
    assert names[0] == "train.prepare" and "two.tar.gz --fairface train.parquet" in commands[0]
    teachers = ["teacher", "teacher-longer", "teacher-longest"]
    later = ["longer", "longest", "further", "furthest", "weaned", "mixed", "whole",
             "whole-longer"]  # fmt: skip
    students = ["tiny", *(f"tiny-{name}" for name in later)]
    assert stages == [*teachers, *students]
    after = names[names.index("train.export") :]
    assert after[:3] == ["train.export", "train.calibrate", "train.evaluate"]
    assert after[-1] == "train.model_card"
    assert {"train.robustness", "train.end_to_end", "train.deletion"} < set(after)
    runs = f"{tmp_path}/runs"
    finishes = [" ".join(c.split()) for c in commands if c.startswith("train.adjust")]
    assert f"--model {runs}/tiny-weaned/final --average {runs}/tiny-furthest/final" in finishes[0]
    assert f"--model {runs}/tiny-mixed/final" in finishes[1] and "--raised 0.25" in finishes[1]
    assert f"--model {runs}/tiny-whole/final" in finishes[2]
    assert f"--model {runs}/tiny-whole-longer/final" in finishes[3]
    finished = f"--model {runs}/tiny-whole-longer-finished/final"
    assert finished in commands[names.index("train.export")]


def test_a_stage_reads_only_what_is_there_by_then(planned):
    done: set[str] = set()
    for command in planned(*DATA):
        if "--config" in command:
            stage = Path(re.search(r"--config (\S+)", command)[1])
            text = (REPOSITORY / stage).read_text()
            assert set(re.findall(r'"runs/([\w-]+)/final"', text)) <= done
            assert f'"output_dir": "runs/{stage.stem}"' in text
            done.add(stage.stem)
        elif command.startswith("train.adjust"):
            assert set(re.findall(r"/runs/([\w-]+)/final", command)) <= done
            done.add(re.search(r"--out \S+/([\w-]+)", command)[1])
    assert "tiny-whole-longer-finished" in done


def test_the_readme_finishes_with_the_same_settings(planned):
    def settings(commands: list[str]) -> list[list[str]]:
        return [re.findall(r"--(?:share|unweighted|raised) \S+", command) for command in commands]

    readme = (REPOSITORY / "README.md").read_text().replace("\\\n", " ")
    finishes = [c for c in planned(*DATA) if c.startswith("train.adjust")]
    assert settings(re.findall(r"python -m train\.finish .*", readme)) == settings(finishes)
    assert all(settings(finishes))


def test_given_again_it_goes_on_after_what_is_done(planned, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "report.json").write_text("{}")
    _finished(tmp_path / "runs" / "teacher" / "final")
    commands = planned(*DATA)
    assert not any(c.startswith("train.prepare") for c in commands)
    assert "teacher-longer.json" in commands[0]


def test_without_the_data_it_says_what_to_give(tmp_path):
    (tmp_path / "venv").mkdir()
    stamps = [f"-o{tmp_path}/venv/train.stamp", f"-o{tmp_path}/venv/demo.stamp"]
    done = subprocess.run(
        ["make", *stamps, "reproduce", f"VENV={tmp_path}/venv", f"DATA={tmp_path}/data",
         f"RUNS={tmp_path}/runs"],
        cwd=REPOSITORY, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode != 0 and 'UTKFACE="part1.tar.gz' in done.stdout
