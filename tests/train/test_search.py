"""train.search: trials that are finished, pruned, broken off and taken up; what it writes."""

import json
from pathlib import Path

import optuna
import pytest

from train import search as search_command
from train.console.errors import InputError
from train.search import Pruned, Pruning, Search, main, search
from train.training.presets import parse, preset_of
from train.training.search_space import read_space

CONFIGS = Path(__file__).parents[2] / "train" / "configs"
SMOKE = str(CONFIGS / "smoke.json")
GOOD, ALSO_GOOD, BAD = 0.01, 0.02, 1e-9
SEED = "28"  # with it the sampler draws these three in this order


def _space_file(folder: Path, content: object) -> Path:
    file = folder / "space.json"
    file.write_text(json.dumps(content))
    return file


@pytest.fixture(scope="module")
def found(prepared, tmp_path_factory) -> dict:
    """A search of three trials: broken off in the second, and given again."""
    import mlflow

    folder = tmp_path_factory.mktemp("search")
    learning_rate = {"type": "categorical", "choices": [GOOD, ALSO_GOOD, BAD]}
    space = _space_file(folder, {"learning_rate": learning_rate})
    out = folder / "out"
    argv = ["--config", SMOKE, "--data", str(prepared), "--space", str(space), "--out", str(out),
            "--trials", "3", "--startup_trials", "2", "--max_steps", "12", "--eval_steps", "4",
            "--save_steps", "4", "--metric_for_best_model", "loss", "--seed", SEED,
            "--report_to", "mlflow", "--disable_tqdm", "true"]  # fmt: skip
    tracking = f"sqlite:///{folder}/mlflow.db"

    def break_off(self, args, state, control, **kwargs):
        if self.trial.number == 1 and state.global_step == 8:
            raise KeyboardInterrupt
        report(self, args, state, control, **kwargs)

    report = Pruning.on_evaluate
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_URI", tracking)
        patch.setenv("MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING", "false")
        patch.setattr(Pruning, "on_evaluate", break_off)
        with pytest.raises(SystemExit) as end:
            main(argv)
        broken_off = json.loads((out / "trials.json").read_text())
        patch.setattr(Pruning, "on_evaluate", report)
        main(argv)
        main(argv)  # there is nothing left to do
    return {"out": out, "end": end.value.code, "broken_off": broken_off,
            "client": mlflow.MlflowClient(tracking), "argv": argv}  # fmt: skip


@pytest.mark.slow
def test_a_search_that_was_broken_off_goes_on_where_it_was(found):
    assert found["end"] == 130
    assert [t["number"] for t in found["broken_off"]["trials"]] == [0]
    content = json.loads((found["out"] / "trials.json").read_text())
    assert content["metric"] == "eval_loss"
    by_rate = {t["params"]["learning_rate"]: t for t in content["trials"]}
    assert set(by_rate) == {GOOD, ALSO_GOOD, BAD} and len(content["trials"]) == 3
    assert by_rate[GOOD]["state"] == by_rate[ALSO_GOOD]["state"] == "complete"
    resumed = Path(by_rate[ALSO_GOOD]["folder"])
    facts = json.loads((resumed / "final" / "training.json").read_text())
    assert facts["evaluations"][0]["step"] == 4 and facts["steps"] == 12
    study = optuna.load_study(study_name="search", storage=f"sqlite:///{found['out']}/study.db")
    states = [trial.state.name for trial in study.trials]
    assert states == ["COMPLETE", "FAIL", "COMPLETE", "PRUNED"]


@pytest.mark.slow
def test_a_bad_trial_is_ended_early_and_leaves_nothing(found):
    content = json.loads((found["out"] / "trials.json").read_text())
    (pruned,) = (t for t in content["trials"] if t["state"] == "pruned")
    assert pruned["params"] == {"learning_rate": BAD} and pruned["last_step"] == 4
    kept = [Path(t["folder"]) for t in content["trials"] if t["folder"]]
    assert sorted((found["out"] / "trials").iterdir()) == sorted(kept)
    assert not [c for folder in kept for c in folder.glob("checkpoint-*")]


@pytest.mark.slow
def test_the_best_settings_are_a_preset(found):
    content = json.loads((found["out"] / "trials.json").read_text())
    best = content["trials"][0]
    assert best["value"] == min(t["value"] for t in content["trials"] if t["value"] is not None)
    _, data, training, name = parse(["--config", str(found["out"] / "best.json")])
    assert name == "best" and training.learning_rate == best["params"]["learning_rate"]
    assert training.max_steps == 12 and data.data in found["argv"]
    assert training.output_dir == "runs/smoke"


@pytest.mark.slow
def test_the_trials_are_a_table_and_a_figure(found):
    lines = (found["out"] / "trials.md").read_text().splitlines()
    assert lines[0] == "| Trial | State | eval_loss | Minutes | learning_rate |"
    assert len(lines) == 2 + 3 and "| pruned |" in lines[-1]
    assert (found["out"] / "importance.png").stat().st_size > 5000


@pytest.mark.slow
def test_trials_are_children_of_one_mlflow_run(found):
    client = found["client"]
    runs = client.search_runs([client.get_experiment_by_name("age").experiment_id])
    (parent,) = (run for run in runs if "mlflow.parentRunId" not in run.data.tags)
    children = [run for run in runs if run is not parent]
    assert {run.data.tags["mlflow.parentRunId"] for run in children} == {parent.info.run_id}
    assert sorted(run.info.status for run in children) == ["FINISHED", "FINISHED", "KILLED"]
    assert parent.data.metrics["best/eval_loss"] > 0
    names = {artifact.path for artifact in client.list_artifacts(parent.info.run_id)}
    assert {"trials.json", "trials.md", "best.json", "importance.png"} <= names


@pytest.mark.slow
def test_a_folder_with_trials_of_another_space_is_not_mixed_up(found, tmp_path):
    other = _space_file(tmp_path, {"learning_rate": {"type": "float", "low": 0.1, "high": 0.2}})
    argv = list(found["argv"])
    argv[argv.index("--space") + 1] = str(other)
    with pytest.raises(InputError, match="holds trials of another --space"):
        search(argv)


def test_a_trial_that_is_worse_than_most_is_pruned():
    study = optuna.create_study(pruner=optuna.pruners.MedianPruner(n_startup_trials=1))

    class State:
        global_step, max_steps = 4, 12

    first = study.ask()
    Pruning(first, "eval_mae").on_evaluate(None, State, None, {"eval_mae": 5.0})
    study.tell(first, 5.0)
    Pruning(study.ask(), "eval_mae").on_evaluate(None, State, None, {"eval_mae": 4.0})
    with pytest.raises(Pruned, match="pruned at step 4"):
        Pruning(study.ask(), "eval_mae").on_evaluate(None, State, None, {"eval_mae": 6.0})
    State.global_step = 12
    Pruning(study.ask(), "eval_mae").on_evaluate(None, State, None, {"eval_mae": 6.0})


def test_settings_that_cannot_be_are_a_failed_trial_and_the_search_goes_on(tmp_path, monkeypatch):
    monkeypatch.setattr(search_command, "build_trainer", lambda *args: None)
    space = _space_file(tmp_path, {"mixup": {"type": "categorical", "choices": [-1.0]}})
    argv = ["--space", str(space), "--out", str(tmp_path / "out"), "--trials", "1",
            "--report_to", "none"]  # fmt: skip
    with pytest.raises(InputError, match="no trial could be finished"):
        search(argv)
    (trial,) = json.loads((tmp_path / "out" / "trials.json").read_text())["trials"]
    assert trial["state"] == "fail" and "mixup: expected a number from 0" in trial["error"]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "expected a JSON object with an option"),
        ({"learning_rat": {"type": "float", "low": 0, "high": 1}}, "unknown option 'learning_rat'"),
        ({"output_dir": {"type": "categorical", "choices": ["a"]}}, "must be the same in all"),
        ({"mixup": {"type": "real"}}, r'mixup: expected \{"type": ...\} of float, int'),
        ({"mixup": [0, 1]}, "mixup: expected"),
        ({"mixup": {"type": "float", "low": 0}}, "expected high, low and perhaps log or step"),
        ({"mixup": {"type": "float", "low": 0, "high": 1, "by": 2}}, "got by, high, low"),
        ({"mixup": {"type": "float", "low": 1, "high": 0}}, "mixup: .*low"),
        ({"mixup": {"type": "float", "low": 0, "high": 1, "log": True}}, "mixup: .*low"),
        ({"mixup": {"type": "float", "low": 1, "high": 2, "log": True, "step": 1}}, "step"),
        ({"mixup": {"type": "float", "low": "a", "high": 1}}, "mixup: "),
        ({"mixup": {"type": "categorical", "choices": []}}, "mixup: "),
    ],
)
def test_a_space_that_is_wrong_is_refused(tmp_path, content, message):
    with pytest.raises(InputError, match=message):
        read_space(_space_file(tmp_path, content))


def test_a_space_that_is_no_json_or_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="there is no"):
        read_space(tmp_path / "space.json")
    (tmp_path / "space.json").write_text("{")
    with pytest.raises(InputError, match="expected a JSON object"):
        read_space(tmp_path / "space.json")


@pytest.mark.parametrize("file", sorted((CONFIGS / "spaces").glob("*.json")), ids=lambda f: f.stem)
def test_the_spaces_that_come_with_the_kit_are_right(file):
    space = read_space(file)
    study = optuna.create_study()
    params = study.ask(space).params
    argv = [text for name, value in params.items() for text in (f"--{name}", str(value))]
    *_, training, _ = parse(["--config", str(CONFIGS / file.name), *argv])
    assert all(getattr(training, name) == value for name, value in params.items())


def test_a_command_line_is_a_preset_with_what_it_says_on_top():
    given = preset_of(["--config", SMOKE, "--learning_rate", "0.1", "--bf16", "--seed=3"])
    preset = json.loads(Path(SMOKE).read_text())
    assert given == preset | {"learning_rate": 0.1, "bf16": True, "seed": 3}


def test_a_search_is_one_process(tmp_path, monkeypatch):
    monkeypatch.setenv("WORLD_SIZE", "2")
    with pytest.raises(InputError, match="a search is one process"):
        search(["--space", "a.json", "--out", str(tmp_path)])


def test_trials_with_the_same_settings_share_a_folder(tmp_path):
    found = Search.__new__(Search)
    found.out = tmp_path
    assert found.folder({"a": 1, "b": 2}) == found.folder({"b": 2, "a": 1})
    assert found.folder({"a": 1}) != found.folder({"a": 2})
