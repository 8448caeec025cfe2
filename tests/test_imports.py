"""Imports run one way: held by reading the sources, so that no import hides in a function."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[1]
PACKAGE = REPOSITORY / "age_model"

# From the bottom up: a module may import those of lower layers and of its own.
LAYERS = (
    {"labels", "results", "words"},
    {"calibration", "measured", "decode", "modeling", "transforms", "to_rgb", "images", "crop",
     "quality", "picture_quality", "detector_file", "detection", "yunet", "faces", "model_files",
     "picture_files", "precision", "explain"},
    {"predictor"},
)  # fmt: skip
ABOVE = len(LAYERS)  # cli, the page's parts and whatever else is built on the predictor

SOURCES = sorted(PACKAGE.rglob("*.py"))


def imported(path: Path) -> set[str]:
    """Full names of all modules that a file imports, wherever in the file."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports are written in full, not relative"
            names.add(node.module)
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def layer(module: str) -> int:
    return next((i for i, names in enumerate(LAYERS) if module in names), ABOVE)


def test_layers_name_real_modules():
    here = {path.stem for path in SOURCES}
    assert set().union(*LAYERS) <= here


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_age_model_imports_only_downwards(path):
    if path.name == "__init__.py":
        pytest.skip("the package's door imports the predictor, on first use")
    for name in imported(path):
        parts = name.split(".")
        if parts[0] == "age_model" and len(parts) > 1 and (PACKAGE / f"{parts[1]}.py").exists():
            assert layer(parts[1]) <= layer(path.stem), f"{path.name} imports {name}"


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.stem)
def test_age_model_needs_neither_the_page_nor_the_training_kit(path):
    heads = {name.split(".")[0] for name in imported(path)}
    page = path.parent.name == "page"
    forbidden = {"train", "app", "tests", "mlflow", "datasets", "evaluate"}
    assert not heads & (forbidden if page else forbidden | {"gradio"})
    assert page or not any(f"{name}.".startswith("age_model.page.") for name in imported(path))


def test_only_these_know_opencv():
    users = {path.stem for path in SOURCES if "cv2" in imported(path)}
    assert users <= {"faces", "detection", "yunet", "crop", "video"}


def test_app_does_not_import_the_training_kit():
    heads = {name.split(".")[0] for name in imported(REPOSITORY / "app.py")}
    assert "age_model" in heads
    assert not heads & {"train", "mlflow", "datasets"}


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "train").rglob("*.py")), ids=lambda path: path.stem
)
def test_training_kit_does_not_import_the_app(path):
    assert not {name.split(".")[0] for name in imported(path)} & {"app", "gradio"}


def test_importing_the_package_loads_nothing_heavy():
    """`--help` and data preparation must not wait for torch."""
    code = (
        "import sys, age_model, age_model.cli;"
        "print(sorted({'torch', 'transformers', 'cv2', 'gradio', 'huggingface_hub'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "[]"
