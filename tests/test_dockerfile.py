"""The Dockerfile, as far as it can be told without a container engine."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from gradio_client import Client, handle_file

from tests.support.app_server import free_port, start_process
from tests.support.image_build import REPOSITORY, Image, programs_in

PINS = (REPOSITORY / "requirements.txt").read_text().splitlines()
INSTALLERS = ("apt-get", "pip", "rm", "useradd")
NOT_FOR_THE_IMAGE = (
    ".git/config",
    ".venv/bin/python",
    "runs/model.safetensors",
    "mlruns/mlflow.db",
    "data/face.jpg",
    "tests/test.py",
    "train/space.py",
    "age_model/__pycache__/cli.pyc",
    "age_model/.env",
    "token.txt",
)


@pytest.fixture(scope="module")
def image(tmp_path_factory) -> Image:
    """What the image would hold, from a repository in which much else lies about."""
    context = tmp_path_factory.mktemp("context")
    for name in (
        "Dockerfile",
        ".dockerignore",
        "app.py",
        "packages.txt",
        "requirements.txt",
        "README.md",
    ):
        shutil.copy(REPOSITORY / name, context)
    left_out = shutil.ignore_patterns("__pycache__", ".*")
    shutil.copytree(REPOSITORY / "age_model", context / "age_model", ignore=left_out)
    for name in NOT_FOR_THE_IMAGE:
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        (context / name).write_text("not for the image")
    made = Image(context, tmp_path_factory.mktemp("image"))
    made.copy()
    return made


def test_the_image_holds_the_demo_and_nothing_else(image):
    held = {str(file.relative_to(image.app)) for file in image.app.rglob("*") if file.is_file()}
    package = {
        str(file.relative_to(image.context))
        for file in (image.context / "age_model").rglob("*")
        if file.is_file()
    }
    top = {"app.py", "packages.txt", "requirements.txt"}
    assert held == top | package - set(NOT_FOR_THE_IMAGE)


def test_it_is_as_a_space_wants_it(image):
    import yaml

    front = yaml.safe_load((REPOSITORY / "README.md").read_text().split("---")[1])
    assert image.values("FROM") == [f"python:{front['python_version']}-slim-bookworm"]
    assert image.user == "1000" and "--uid 1000" in image.values("RUN")[0]
    assert image.values("EXPOSE") == [image.env["GRADIO_SERVER_PORT"]] == ["7860"]
    assert image.env["GRADIO_SERVER_NAME"] == "0.0.0.0"


def test_dependencies_are_installed_before_the_code_comes(image):
    steps = [f"{instruction} {value}" for instruction, value in image.steps]
    code = [i for i, step in enumerate(steps) if step.startswith("COPY") and "txt" not in step]
    installed = [i for i, step in enumerate(steps) if "apt-get" in step or "pip install" in step]
    user = next(i for i, step in enumerate(steps) if step.startswith("USER"))
    assert len(code) == len(installed) == 2
    assert max(installed) < min(code) and max(code) < user


def test_the_steps_install_what_the_lists_say(image, tmp_path):
    programs = programs_in(tmp_path / "bin", INSTALLERS)
    for value in image.values("RUN"):
        done = image.run(value, programs)
        assert done.returncode == 0, f"RUN {value}: {done.stderr}"
    calls = (tmp_path / "calls").read_text().splitlines()
    packages = (REPOSITORY / "packages.txt").read_text().split()
    torch = next(line for line in PINS if line.startswith("torch=="))
    assert [call for call in calls if not call.startswith("rm ")] == [
        "useradd --create-home --uid 1000 user",
        "apt-get update",
        f"apt-get install --yes --no-install-recommends {' '.join(packages)}",
        f"pip install --no-cache-dir --index-url https://download.pytorch.org/whl/cpu {torch}",
        "pip install --no-cache-dir --requirement requirements.txt",
    ]


def test_yunet_comes_in_on_request_or_the_build_fails(image, tmp_path, yunet_path):
    programs = programs_in(tmp_path / "bin", (), {"python": sys.executable})
    step, cache = image.values("RUN")[-1], tmp_path / "hub"
    asked = {"YUNET": "1", "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(cache)}
    done = image.run(step, programs, **asked)
    assert done.returncode == 1 and "YuNet cannot be fetched" in done.stderr
    repository = cache / f"models--pollen-robotics--{yunet_path.stem}"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("0" * 40)
    (repository / "snapshots" / ("0" * 40)).mkdir(parents=True)
    shutil.copy(yunet_path, repository / "snapshots" / ("0" * 40))
    done = image.run(step, programs, **asked)
    assert done.returncode == 0, done.stderr


@pytest.fixture(params=["these packages", "its own packages"])
def python(request, image, tmp_path_factory) -> Path:
    """The folder of the Python that runs the app: that of the tests, or one made by the steps."""
    if request.param == "these packages":
        return Path(sys.executable).parent
    if not os.environ.get("AGE_TEST_INSTALL"):
        pytest.skip("installs all packages anew, for minutes, only where AGE_TEST_INSTALL=1 is set")
    folder = tmp_path_factory.mktemp("own")
    subprocess.run([sys.executable, "-m", "venv", folder / "venv"], check=True)
    real = {name: str(folder / "venv" / "bin" / name) for name in ("pip", "python")}
    programs = programs_in(folder / "bin", ("apt-get", "rm", "useradd"), real)
    # What this machine says of its package indexes, as `docker build --build-arg` would.
    mirror = {k: v for k, v in os.environ.items() if k == "TORCH_INDEX" or k.startswith("PIP_")}
    for value in image.values("RUN"):
        done = image.run(value, programs, **mirror)
        assert done.returncode == 0, f"RUN {value}: {done.stderr}"
    return folder / "venv" / "bin"


@pytest.mark.slow
def test_the_app_starts_without_a_network_and_the_healthcheck_tells(image, python, tmp_path):
    port = str(free_port())
    env = image.env | {
        "PATH": f"{python}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "GRADIO_SERVER_PORT": port,
        "GRADIO_TEMP_DIR": str(tmp_path / "uploads"),
        "HF_HUB_OFFLINE": "1",
    }

    def healthy() -> bool:
        return subprocess.run(image.healthcheck, env=env, capture_output=True).returncode == 0

    assert not healthy()
    command = [str(python / image.command[0]), *image.command[1:]]
    server = start_process(command, image.app, env, port, tmp_path)
    try:
        assert healthy()
        client = Client(server.url, verbose=False)
        portrait = handle_file(REPOSITORY / "age_model" / "examples" / "portrait.jpg")
        assert len(client.predict(picture=portrait, api_name="/predict")["faces"]) == 1
    finally:
        server.process.terminate()
        server.process.wait(60)
    assert not healthy()
    assert "Traceback" not in server.log.read_text()
