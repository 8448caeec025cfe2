"""What MLflow holds of a training, also of one that was broken off and goes on."""

import json
from types import SimpleNamespace

import mlflow
import pytest

from train.data.prepared import load_prepared
from train.training import mlflow_runs
from train.training.mlflow_contents import Curves, digest, final_metrics, log_data, log_parameters
from train.training.mlflow_runs import (
    log_evaluation,
    note_of_run,
    parent_run,
    start_run,
    training_run,
)


@pytest.fixture
def run_id(mlflow_here, monkeypatch):
    monkeypatch.setenv(mlflow_runs.SYSTEM_METRICS, "false")
    with start_run("age", "runs/one", "one") as run:
        yield run.info.run_id


def points(client, run_id, name):
    return [(p.step, p.value) for p in client.get_metric_history(run_id, name)]


def log(curves, step, **values):
    curves.on_log(None, SimpleNamespace(global_step=step), None, logs=values)


def test_a_curve_has_one_value_a_step_also_after_steps_were_taken_again(mlflow_here, run_id):
    first = Curves(run_id)
    for step in (10, 20, 30):
        log(first, step, loss=float(step))
    log(first, 20, eval_mae=9.0)
    again = Curves(run_id)  # from the checkpoint of step 10 on
    for step in (20, 30, 40):
        log(again, step, loss=100.0 + step, note="no number")
    for step in (20, 40, 40):
        log(again, step, eval_mae=8.0)
    assert points(mlflow_here, run_id, "loss") == [(10, 10), (20, 20), (30, 30), (40, 140)]
    assert points(mlflow_here, run_id, "eval_mae") == [(20, 9), (40, 8)]


def test_changed_parameters_are_no_error_and_are_told(mlflow_here, run_id):
    log_parameters(run_id, {"max_steps": 20, "data": "/home/somebody/faces", "teacher": None})
    log_parameters(run_id, {"max_steps": 40, "data": "/home/somebody/faces", "mixup": 0.2})
    run = mlflow_here.get_run(run_id)
    assert run.data.params == {
        "max_steps": "20", "data": "faces", "teacher": "None", "mixup": "0.2",
    }  # fmt: skip
    resumed = {name: v for name, v in run.data.tags.items() if name.startswith("resumed.")}
    assert resumed == {"resumed.max_steps": "40"}


def test_a_run_of_several_trainings_is_their_parent_also_when_it_goes_on(mlflow_here, monkeypatch):
    monkeypatch.setenv(mlflow_runs.SYSTEM_METRICS, "false")
    for folder in ("a", "b"):
        with parent_run("age", "runs/compare", "compare") as parent:
            child = start_run("age", f"runs/compare/{folder}", folder)
            mlflow.end_run()
            assert child.data.tags["mlflow.parentRunId"] == parent
    runs = mlflow_here.search_runs([mlflow_here.get_experiment_by_name("age").experiment_id])
    assert sorted(run.info.run_name for run in runs) == ["a", "b", "compare"]
    assert {run.info.status for run in runs} == {"FINISHED"}


@pytest.mark.parametrize(("error", "status"), [(OSError, "FAILED"), (KeyboardInterrupt, "KILLED")])
def test_a_run_that_breaks_off_says_so(mlflow_here, monkeypatch, error, status):
    monkeypatch.setenv(mlflow_runs.SYSTEM_METRICS, "false")
    with pytest.raises(error), parent_run("age", "runs/one", "one") as run_id:
        raise error
    assert mlflow_here.get_run(run_id).info.status == status
    assert mlflow.active_run() is None


def test_a_run_of_another_store_is_begun_anew(mlflow_here, run_id):
    mlflow.end_run()
    note_of_run("runs/one").write_text("f" * 32)
    with parent_run("age", "runs/one", "one") as new:
        assert new not in ("f" * 32, run_id)


@pytest.mark.parametrize(("report_to", "first"), [(["mlflow"], False), ([], True)])
def test_only_the_first_process_tracks_and_only_where_asked(mlflow_here, report_to, first):
    trainer = SimpleNamespace(
        args=SimpleNamespace(report_to=report_to, output_dir="runs/one", experiment="age"),
        train_dataset=None,
        eval_dataset=None,
        remove_callback=lambda kind: None,
        is_world_process_zero=lambda: first,
    )
    with training_run(trainer, "one", {"data": "data"}, resuming=False) as run_id:
        assert run_id is None and mlflow.active_run() is None
    assert mlflow_here.get_experiment_by_name("age") is None
    assert not note_of_run("runs/one").exists()


def test_the_digest_tells_other_pictures_and_other_labels(small_data):
    rows = load_prepared(small_data)["test"]
    assert digest(rows) == digest(load_prepared(small_data)["test"])
    fewer = rows.select(range(len(rows) - 1))
    older = rows.map(lambda row: {"age_high": 100})
    repainted = rows.map(lambda row: {"image": {"bytes": row["image"]["bytes"] + b"."}})
    found = {digest(table) for table in (rows, fewer, older, repainted)}
    assert len(found) == 4 and {len(d) for d in found} == {32}


def test_a_split_is_logged_with_its_digest_number_and_columns(mlflow_here, run_id, small_data):
    rows = load_prepared(small_data)["test"]
    log_data(run_id, "training", str(small_data), rows)
    (logged,) = mlflow_here.get_run(run_id).inputs.dataset_inputs
    assert logged.dataset.digest == digest(rows) and logged.dataset.name == "faces"
    assert '"num_rows": 50' in logged.dataset.profile
    assert "age_low" in logged.dataset.schema and "image" not in logged.dataset.schema
    assert [(tag.key, tag.value) for tag in logged.tags] == [("mlflow.data.context", "training")]


def test_an_evaluation_goes_into_the_run_that_trained_the_checkpoint(
    mlflow_here, run_id, small_data, tmp_path, monkeypatch
):
    rows = load_prepared(small_data)["test"]
    years = {"n": 30, "mae": 4.5, "mae_interval": [4.0, 5.0], "interval": {"coverage": 0.8}}
    sources = {"utkface": {"n": 50, "years": years}, "mine (ä)": {"gender": {"accuracy": 0.9}}}
    results = {"data": {"split": "test"}, "sources": sources}
    final = tmp_path / "final"
    final.mkdir()
    assert log_evaluation(str(final), results, str(small_data), rows) is None
    for trained_by, logged in (("f" * 32, None), (run_id, run_id)):
        (final / "training.json").write_text(json.dumps({"mlflow_run_id": trained_by}))
        assert log_evaluation(str(final), results, str(small_data), rows) == logged
    run = mlflow_here.get_run(run_id)
    assert run.data.metrics == {
        "test/utkface/years/n": 30, "test/utkface/years/mae": 4.5,
        "test/utkface/interval/coverage": 0.8, "test/mine ___/gender/accuracy": 0.9,
    }  # fmt: skip
    assert mlflow.artifacts.load_dict(f"runs:/{run_id}/test/results.json") == results
    assert [i.tags[0].value for i in run.inputs.dataset_inputs] == ["test"]
    with monkeypatch.context() as elsewhere:  # where nothing was ever tracked, nothing is made
        elsewhere.delenv("MLFLOW_TRACKING_URI")
        assert log_evaluation(str(final), results, str(small_data), rows) is None
    assert not (tmp_path / "mlruns" / "mlflow.db").exists()


def test_final_metrics_are_those_of_the_network_that_is_kept(mlflow_here, run_id):
    mlflow_here.log_metric(run_id, "eval_mae", 6.0, step=40)
    mlflow_here.log_metric(run_id, "minutes", 2.0)
    assert final_metrics(run_id)["eval_mae"] == 6  # as in records from before
    mlflow_here.log_metric(run_id, "final/eval_mae", 5.0)
    found = final_metrics(run_id)
    assert found["eval_mae"] == 5 and found["minutes"] == 2
