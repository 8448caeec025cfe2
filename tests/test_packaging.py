"""The wheel: what it holds, what it asks for, and that it answers where nothing else of us lies."""

import json
import os
import re
import subprocess
import sys
import sysconfig
import tomllib
import zipfile
from email.message import Message
from email.parser import Parser
from pathlib import Path
from shutil import copy, copytree, ignore_patterns

import pytest
import yaml
from gradio_client import Client, handle_file

import age_model
from tests.support.app_server import free_port, offline_environment, start_process

REPOSITORY = Path(__file__).resolve().parents[1]
PORTRAIT = REPOSITORY / "age_model" / "examples" / "portrait.jpg"
LISTS = {
    "": "requirements.txt",
    "train": "train/requirements.txt",
    "test": "tests/requirements.txt",
    "cluster": "age_model/cluster/requirements.txt",
}


def _pip(*arguments: str | Path) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet", *arguments]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def _pins(name: str) -> set[str]:
    lines = (REPOSITORY / name).read_text().splitlines()
    return {line for line in lines if line and not line.startswith("#")}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    """The wheel, built from a copy, because setuptools leaves its traces in the source."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    copytree(
        REPOSITORY / "age_model", source / "age_model", ignore=ignore_patterns("__pycache__", ".*")
    )
    for name in ("pyproject.toml", "README.md", "LICENSE", *LISTS.values()):
        (source / name).parent.mkdir(exist_ok=True)
        copy(REPOSITORY / name, source / name)
    _pip("wheel", "--no-deps", "--no-build-isolation", "--wheel-dir", folder, source)
    (path,) = folder.glob("*.whl")
    return path


@pytest.fixture(scope="module")
def metadata(wheel) -> Message:
    """What pip reads of it."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(".dist-info/METADATA")]
        return Parser().parsestr(archive.read(name).decode())


@pytest.fixture(scope="module")
def programs(wheel, tmp_path_factory) -> Path:
    """The folder of the programs of an environment with the wheel in it.

    The libraries are those of the tests: only our own package comes from the wheel.
    """
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    site = Path(sysconfig.get_path("purelib", "venv", {"base": str(folder)}))
    (site / "libraries.pth").write_text(sysconfig.get_path("purelib") + "\n")
    python = folder / "bin" / "python"
    _pip("--python", python, "install", "--no-deps", "--no-index", "--force-reinstall", wheel)
    return python.parent


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_package_and_no_other(wheel):
    with zipfile.ZipFile(wheel) as archive:
        held = {name for name in archive.namelist() if ".dist-info/" not in name}
    files = {
        path.relative_to(REPOSITORY).as_posix()
        for path in (REPOSITORY / "age_model").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts and not path.name.startswith(".")
    }
    assert held == files
    assert any(name.endswith(".safetensors") for name in held)


@pytest.mark.slow
def test_its_requirements_are_those_of_the_lists(metadata):
    assert metadata["Version"] == age_model.__version__
    assert metadata["License-Expression"] == "Apache-2.0"
    assert set(metadata.get_all("Provides-Extra")) == set(LISTS) - {""}
    wanted: dict[str, set[str]] = {extra: set() for extra in LISTS}
    for line in metadata.get_all("Requires-Dist"):
        requirement, _, extra = re.fullmatch(r'(.+?)( ?; .*extra == "(\w+)")?', line).groups()
        wanted[extra or ""].add(requirement)
    names = {extra: {re.split(r"[\[=; ]", line)[0] for line in wanted[extra]} for extra in wanted}
    for extra, name in LISTS.items():
        assert names[extra] == {re.split(r"[\[=; ]", pin)[0] for pin in _pins(name)}
        assert all("==" in line for line in wanted[extra])


@pytest.mark.slow
def test_the_installed_command_answers_for_a_photo(programs, tmp_path):
    environment = offline_environment(tmp_path / "uploads")
    code = "import age_model; print(age_model.__file__)"
    where = subprocess.run(
        [programs / "python", "-c", code], cwd=tmp_path, capture_output=True, text=True
    )
    assert str(programs.parent) in where.stdout
    done = subprocess.run(
        [programs / "age-model", PORTRAIT, "--json"],
        cwd=tmp_path, env=environment, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    (face,) = json.loads(done.stdout)["faces"]
    assert 20 < face["age"] < 60


@pytest.mark.slow
def test_the_installed_demo_answers_for_a_photo(programs, tmp_path):
    port = str(free_port())
    command = [str(programs / "age-model-demo"), "--port", port]
    environment = offline_environment(tmp_path / "uploads")
    server = start_process(command, tmp_path, environment, port, tmp_path)
    try:
        client = Client(server.url, verbose=False)
        answer = client.predict(picture=handle_file(PORTRAIT), api_name="/predict")
    finally:
        server.process.terminate()
        server.process.wait(60)
    assert len(answer["faces"]) == 1


def test_no_list_names_another_list():
    """Setuptools cannot follow `-r`; and a package in two lists has one version."""
    pins = {pin for name in LISTS.values() for pin in _pins(name)}
    names = [re.split(r"[\[=; ]", pin)[0].lower() for pin in pins]
    assert len(set(names)) == len(names)
    assert all("==" in pin for pin in pins)


def test_the_version_is_everywhere_the_same():
    changelog = (REPOSITORY / "CHANGELOG.md").read_text()
    citation = yaml.safe_load((REPOSITORY / "CITATION.cff").read_text())
    released = re.search(r"^## \[(\d[\d.]*)\] - (\S+)$", changelog, re.MULTILINE)
    assert released and released.group(1) == age_model.__version__ == citation["version"]
    assert released.group(2) == str(citation["date-released"])


def test_the_tools_that_check_are_those_that_are_pinned():
    """The workflow for a public repository and .ci/run run the same two targets."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    assert project["project"]["scripts"].keys() == {"age-model", "age-model-demo"}
    for name in (".ci/run", ".github/workflows/ci.yml"):
        text = (REPOSITORY / name).read_text()
        assert re.search(r"make lint\b", text) and re.search(r"make test\b", text), name
    assert os.access(REPOSITORY / ".ci" / "run", os.X_OK)
    hooks = yaml.safe_load((REPOSITORY / ".pre-commit-config.yaml").read_text())["repos"][0][
        "hooks"
    ]
    makefile = (REPOSITORY / "Makefile").read_text()
    for hook in hooks:
        program = hook["entry"].split()[0].removeprefix(".venv/bin/")
        assert f"$(BIN)/{program}" in makefile, hook["id"]
