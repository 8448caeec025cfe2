"""train.console.command: what a command's process says and how it ends."""

import importlib
import json
import signal
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from train.console.command import FAILED, INTERRUPTED, WRONG_USAGE, run_command
from train.console.errors import InputError

COMMANDS = [
    path
    for path in (Path(__file__).parents[3] / "train").glob("*.py")
    if "def main(" in path.read_text(encoding="utf-8")
]


@dataclass
class GreetArguments:
    """Whom to greet."""

    name: str = field(metadata={"help": "Who is greeted."})

    def __post_init__(self) -> None:
        if not self.name:
            raise ValueError("expected --name, got an empty one")


def run(action, *argv: str) -> None:
    run_command("train.greet", GreetArguments, action, list(argv))


def test_action_gets_the_arguments(capsys):
    run(lambda given: print(f"Hello {given.name}"), "--name", "Ada")
    assert capsys.readouterr() == ("Hello Ada\n", "")


@pytest.mark.parametrize(
    "error", [InputError("no such model"), ValueError("no such model"), OSError("no such model")]
)
def test_problem_with_the_input_is_one_line_and_status_1(error, capsys):
    def action(given):
        raise error

    with pytest.raises(SystemExit, match="no such model") as end:
        run(action, "--name", "Ada")
    assert end.value.code == FAILED
    assert capsys.readouterr().err.splitlines()[-1] == "train.greet: no such model"


def test_value_error_of_another_package_shows_where_it_was_raised(capsys):
    with pytest.raises(SystemExit, match="Expecting value"):
        run(lambda given: json.loads("no JSON"), "--name", "Ada")
    assert "json/decoder.py" in capsys.readouterr().err


@pytest.mark.parametrize("argv", [["--name", ""], ["--age", "3"], []])
def test_wrong_usage_is_status_2(argv, capsys):
    with pytest.raises(SystemExit) as end:
        run(print, *argv)
    out, err = capsys.readouterr()
    assert end.value.code == WRONG_USAGE and not out and "train.greet" in err


def test_other_errors_are_faults_of_the_program(capsys):
    with pytest.raises(KeyError):
        run(lambda given: {}["x"], "--name", "Ada")


def test_help_says_what_the_command_is_for(capsys):
    with pytest.raises(SystemExit) as end:
        run(print, "--help")
    text = capsys.readouterr().out
    assert end.value.code == 0 and "python -m train.greet" in text and "Whom to greet." in text


def test_ctrl_c_ends_a_process_with_130():
    code = (
        "import time\nfrom tests.train.console.test_command import run\n"
        "run(lambda given: (print('at work', flush=True), time.sleep(60)), '--name', 'Ada')\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "at work\n"
    started = time.monotonic()
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=30)
    assert process.returncode == INTERRUPTED and err == "train.greet: interrupted\n"
    assert time.monotonic() - started < 10


@pytest.mark.slow
@pytest.mark.parametrize("command", sorted(path.stem for path in COMMANDS))
def test_every_command_shows_its_help(command, capsys):
    """A "%" in an option's help, for one, would end it with a traceback."""
    with pytest.raises(SystemExit) as end:
        importlib.import_module(f"train.{command}").main(["--help"])
    assert end.value.code == 0 and "--help" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    ["prepare", "calibrate", "evaluate", "model_card", "export", "push", "register", "experiments"],
)
def test_commands_start_without_torch(command):
    code = f"import sys, train.{command}\nprint('torch' in sys.modules, 'mlflow' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert done.stdout == "False False\n"
