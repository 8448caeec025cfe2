"""`make lint` catches what it is there for: each test plants one mistake in a copy of the tree."""

import subprocess
import sys
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
TOOLS = Path(sys.executable).parent
CODE_ONLY = ignore_patterns("__pycache__", ".*", "checkpoint", "examples", "split_lists")


@pytest.fixture
def tree(tmp_path) -> Path:
    """A copy of all that the tools look at, but for the tests."""
    for name in ("age_model", "train"):
        copytree(REPOSITORY / name, tmp_path / name, ignore=CODE_ONLY)
    for name in ("app.py", "pyproject.toml"):
        copy(REPOSITORY / name, tmp_path)
    return tmp_path


def _run(tree: Path, tool: str, *arguments: str) -> tuple[int, str]:
    done = subprocess.run(
        [TOOLS / tool, *arguments], cwd=tree, capture_output=True, text=True, timeout=300
    )
    return done.returncode, done.stdout + done.stderr


def _append(tree: Path, file: str, text: str) -> None:
    path = tree / file
    path.write_text(f"{path.read_text()}\n{text}\n")


@pytest.mark.parametrize(
    ("file", "line", "contract"),
    [
        ("age_model/labels.py", "import age_model.predictor", "age_model: imports run one way"),
        ("age_model/network/decode.py", "import age_model.faces.crop", "imports run one way"),
        ("age_model/video/people.py", "import age_model.quality.measure", "imports run one way"),
        ("age_model/cli.py", "import gradio", "Only the page imports gradio"),
        ("age_model/predictor.py", "import age_model.page.render", "Nothing imports the page"),
        ("age_model/results.py", "import mlflow", "nothing of the training kit"),
        ("age_model/results.py", "import train.console", "nothing of the training kit"),
        ("age_model/page/tabs/photo.py", "import datasets", "nothing of the training kit"),
        ("age_model/labels.py", "import cv2", "import OpenCV"),
        ("train/data/splits.py", "import train.training.losses", "train: imports run one way"),
        ("train/networks/registry.py", "import train.finetune", "train: imports run one way"),
        ("train/finetune.py", "import gradio", "Only the page imports gradio"),
        ("train/finetune.py", "import age_model.page.render", "Nothing imports the page"),
    ],
)
def test_a_planted_import_breaks_its_contract(tree, file, line, contract):
    # In a function, where a reader misses it.
    _append(tree, file, f"def _planted() -> None:\n    {line}  # noqa: F401")
    status, text = _run(tree, "lint-imports", "--no-cache")
    broken = [said for said in text.splitlines() if said.endswith("BROKEN")]
    assert status == 1
    assert any(contract in said for said in broken), text
    module = file.removesuffix(".py").replace("/", ".")
    assert f"{module} -> {line.removeprefix('import ')}" in text


def test_a_new_room_must_take_its_place_among_the_layers(tree):
    (tree / "train" / "attic.py").write_text('"""Not in any layer."""\n')
    status, text = _run(tree, "lint-imports", "--no-cache")
    assert status == 1 and "train.attic" in text


@pytest.mark.parametrize(
    ("file", "text", "rule"),
    [
        ("app.py", "import train.finetune", "TID251"),
        ("app.py", "import mlflow", "TID251"),
        ("age_model/labels.py", "import json", "F401"),
        ("age_model/labels.py", "def shout(word: str) -> str:\n    return word.upper()", "D103"),
        ("age_model/labels.py", "from . import results", "TID252"),
        ("age_model/labels.py", f"LONG = '{'a' * 100}'", "E501"),
        ("train/console/errors.py", "def _f(found=[]):\n    return found", "B006"),
    ],
)
def test_a_planted_lint_error_is_caught(tree, file, text, rule):
    before = _run(tree, "ruff", "check", "--no-cache", "--output-format=concise", file)[1]
    _append(tree, file, text)
    status, after = _run(tree, "ruff", "check", "--no-cache", "--output-format=concise", file)
    assert status == 1
    assert f" {rule} " in after and f" {rule} " not in before


def test_a_badly_formatted_line_is_caught(tree):
    assert _run(tree, "ruff", "format", "--check", "--no-cache", "age_model/labels.py")[0] == 0
    _append(tree, "age_model/labels.py", "SPACES = { 'a' :1 }")
    assert _run(tree, "ruff", "format", "--check", "--no-cache", "age_model/labels.py")[0] == 1


def test_a_planted_type_error_is_caught(tree):
    """In these two files alone, as the libraries take half a minute to look through."""
    planted = {
        "age_model/images/files.py": (
            'def _wrong() -> int:\n    return "three"',
            "def _untyped(years):\n    return years",
        ),
        "train/console/errors.py": ('def _wrong() -> int:\n    return "three"',),
    }
    clean, text = _run(tree, "mypy", "--follow-imports=skip", *planted)
    assert clean == 0, text
    for file, mistakes in planted.items():
        for mistake in mistakes:
            _append(tree, file, mistake)
    status, text = _run(tree, "mypy", "--follow-imports=skip", *planted)
    assert status == 1
    assert (
        "age_model/images/files.py" in text
        and "[return-value]" in text
        and "[no-untyped-def]" in text
    )
    assert "train/console/errors.py" in text and text.count("[return-value]") == 2


def test_importing_the_package_loads_nothing_heavy():
    """`--help` and data preparation must not wait for torch."""
    heavy = {"torch", "transformers", "cv2", "gradio", "huggingface_hub"}
    code = f"import sys, age_model, age_model.cli; print(sorted({heavy} & set(sys.modules)))"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
