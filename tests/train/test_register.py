"""A training in MLflow, from the first step over a break to a registered model that is served."""

import ast
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from contextlib import suppress
from pathlib import Path

import mlflow
import pandas as pd
import pytest

from age_model import AgePredictor
from tests.support.app_server import free_port
from train import evaluate, finetune, register
from train.publishing.mlflow_model import EXAMPLE, input_example
from train.training.mlflow_runs import note_of_run
from train.training.presets import parse
from train.training.trainer import Stopwatch

pytestmark = pytest.mark.slow  # it trains and serves

REPOSITORY = Path(__file__).resolve().parents[2]
SMOKE = REPOSITORY / "train" / "configs" / "smoke.json"
DOCUMENT = REPOSITORY / "docs" / "training.md"
EVERY = "--logging_steps 2 --eval_steps 4 --save_steps 8 --output_dir runs/mine"


@pytest.fixture(scope="module")
def here(empty_mlflow_database, tmp_path_factory):
    """An empty folder with an MLflow store, in which the commands run."""
    folder = tmp_path_factory.mktemp("tracked")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        uri = f"sqlite:///{shutil.copy(empty_mlflow_database, folder)}"
        patch.setenv("MLFLOW_TRACKING_URI", uri)
        patch.setenv("MLFLOW_SYSTEM_METRICS_SAMPLING_INTERVAL", "0.5")
        yield folder


def _train(data, *more):
    argv = ["--config", str(SMOKE), *EVERY.split(), "--data", str(data), *more]
    return finetune.finetune(*parse(argv))


@pytest.fixture(scope="module")
def trained(here, prepared) -> Path:
    """A training that broke off at step 13 and went on from step 8 with other arguments."""

    def breaks(self, args, state, control, **kwargs):
        if state.global_step == 13:
            raise MemoryError("the machine is full")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Stopwatch, "on_step_end", breaks)
        with pytest.raises(MemoryError):
            _train(prepared, "--max_steps", "16")
    run = mlflow.get_run(note_of_run("runs/mine").read_text())
    assert run.info.status == "FAILED"
    return _train(prepared, "--max_steps", "24")


@pytest.fixture(scope="module")
def run(trained):
    return mlflow.get_run(json.loads((trained / "training.json").read_text())["mlflow_run_id"])


def _steps(run, name):
    return [p.step for p in mlflow.MlflowClient().get_metric_history(run.info.run_id, name)]


def test_the_run_has_one_clean_curve_and_says_what_changed(run):
    (only,) = mlflow.search_runs(experiment_names=["age"])["run_id"]
    assert run.info.run_id == only and run.info.status == "FINISHED"
    assert _steps(run, "loss") == list(range(2, 25, 2))
    assert _steps(run, "eval_mae") == list(range(4, 25, 4))
    assert run.data.params["max_steps"] == "16" and run.data.params["class_weighting"] == "inverse"
    assert run.data.params["start"] == "random weights" and run.data.params["image_size"] == "32"
    changed = {name: v for name, v in run.data.tags.items() if name.startswith("resumed.")}
    assert changed == {"resumed.max_steps": "24"}


def test_the_run_knows_data_machine_and_what_came_of_it(run, trained):
    contexts = {i.tags[0].value: i.dataset for i in run.inputs.dataset_inputs}
    assert set(contexts) == {"training", "validation"}
    assert len({dataset.digest for dataset in contexts.values()}) == 2
    assert run.data.metrics["system/cpu_utilization_percentage"] >= 0
    validation = json.loads((trained / "training.json").read_text())["validation"]
    assert run.data.metrics["final/eval_mae"] == pytest.approx(validation["eval_mae"])
    assert run.data.metrics["parameters"] > 1000 and run.data.tags["hardware"]
    names = {a.path for a in mlflow.MlflowClient().list_artifacts(run.info.run_id, "final")}
    assert names == {"final/curves.png", "final/training.json"}
    (model,) = run.outputs.model_outputs
    assert mlflow.models.get_model_info(f"models:/{model.model_id}").signature


@pytest.fixture(scope="module")
def registered(run, trained, prepared) -> str:
    """The model's URI in the registry, after it was measured."""
    measured = f"--model {trained} --data {prepared} --out evaluation --resamples 20"
    evaluate.main(measured.split())
    shutil.copy("evaluation/results.json", trained)
    register.main(["--model", str(trained), "--alias", "champion"])
    return "models:/age@champion"


def test_figures_of_the_test_split_are_in_the_run(registered, run):
    results = json.loads(Path("evaluation/results.json").read_text())
    logged = mlflow.get_run(run.info.run_id)
    mae = results["sources"]["utkface"]["years"]["mae"]
    assert logged.data.metrics["test/utkface/years/mae"] == mae
    assert "test" in {i.tags[0].value for i in logged.inputs.dataset_inputs}
    assert logged.info.status == "FINISHED"
    version = mlflow.MlflowClient().get_model_version_by_alias("age", "champion")
    assert version.tags["test/utkface/years/mae"] == f"{mae:.4g}"
    assert version.run_id == run.info.run_id


def test_the_alias_moves_to_a_new_version(registered, trained, capsys):
    client = mlflow.MlflowClient()
    old = int(client.get_model_version_by_alias("age", "champion").version)
    register.main(["--model", str(trained), "--alias", "champion"])
    assert f"age: version {old + 1}, models:/age@champion" in capsys.readouterr().out
    assert int(client.get_model_version_by_alias("age", "champion").version) == old + 1


def test_a_model_of_another_store_gets_a_run_of_its_own(here, trained, tmp_path):
    folder = shutil.copytree(trained, tmp_path / "fetched")
    facts = json.loads((folder / "training.json").read_text()) | {"mlflow_run_id": None}
    (folder / "training.json").write_text(json.dumps(facts))
    register.main(["--model", str(folder), "--name", "other", "--alias", ""])
    version = mlflow.MlflowClient().get_model_version("other", "1")
    assert not version.aliases and mlflow.get_run(version.run_id).info.run_name == "fetched"
    with pytest.raises(SystemExit, match=r"without config\.json, training\.json"):
        register.main(["--model", str(tmp_path)])


def test_the_model_answers_in_python_as_the_predictor_does(registered, trained):
    model = mlflow.pyfunc.load_model(registered)
    assert model.input_example["image"][0] == EXAMPLE.read_bytes()
    (answer,) = model.predict(input_example())
    predictor = AgePredictor.from_pretrained(trained)
    expected = json.loads(json.dumps(predictor(EXAMPLE).to_dicts()))
    assert answer["faces"] == expected and answer["error"] is None
    declared = model.metadata.signature.outputs.to_dict()
    assert {column["name"] for column in declared} == set(answer)
    (faces,) = [column for column in declared if column["name"] == "faces"]
    assert set(faces["items"]["properties"]) == set(expected[0])
    bad, crop = model.predict(
        pd.DataFrame({"image": [b"no picture", EXAMPLE.read_bytes()]}), params={"crops": True}
    )
    assert "not a picture" in bad["error"] and bad["faces"] == []
    assert crop["faces"][0]["score"] is None


def test_mlflow_serves_it_and_the_documented_request_is_answered(
    registered, here, trained, tmp_path, monkeypatch, capsys
):
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "models", "serve", "--model-uri", registered,
               "--env-manager", "local", "--port", str(port), "--workers", "1"]  # fmt: skip
    # MLflow starts uvicorn by its name.
    env = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}
    with Path(here, "served.log").open("w") as log:
        server = subprocess.Popen(  # in a folder without our code: what came with the model answers
            command, cwd=here, env=env, stdout=log, stderr=log, start_new_session=True
        )
    (request,) = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)
    shutil.copy(EXAMPLE, tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    try:
        _wait_for(f"http://127.0.0.1:{port}/ping", server, here / "served.log")
        exec(request.replace("5001", str(port)), {})
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGTERM)  # the server and its workers
        server.wait()
    faces = ast.literal_eval(capsys.readouterr().out)
    expected = AgePredictor.from_pretrained(here / trained)(EXAMPLE)
    ages = [face["age"] for face in faces]
    assert ages == [round(float(age), 1) for age in expected.age_years] and ages


def _wait_for(url, server, log):
    for _ in range(600):
        assert server.poll() is None, log.read_text()
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            time.sleep(0.5)
    raise AssertionError(log.read_text())
