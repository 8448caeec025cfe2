import json
from pathlib import Path

import mlflow
import pytest

from train.experiments import main, outlook, page
from train.tracking import note_of_run

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def run(tmp_path, monkeypatch) -> Path:
    """The output folder of a run that MLflow knows."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"sqlite:///{tmp_path}/mlflow.db")
    folder = tmp_path / "runs" / "first"
    folder.mkdir(parents=True)
    mlflow.set_experiment("age")
    with mlflow.start_run(run_name="tiny") as record:
        mlflow.log_params({"learning_rate": 0.002, "teacher": "/home/me/runs/big", "seed": 7})
        for step, mae in ((100, 8.5), (200, 7.25)):
            mlflow.log_metrics({"eval_mae": mae, "eval_cs5": 0.5}, step=step)
        mlflow.log_metrics({"minutes": 12.4, "pictures_seen": 25600, "parameters": 5_500_000})
        mlflow.set_tag("hardware", "a processor")
    note_of_run(folder).write_text(record.info.run_id)
    return folder


def _add(run: Path, verdict: str = "It does.") -> str:
    main(["--run", str(run), "--question", "Does it learn?", "--verdict", verdict])
    return Path("docs/experiments.md").read_text()


def test_figures_come_from_mlflow_and_words_from_the_command_line(run):
    text = _add(run)
    (row,) = [line for line in text.splitlines() if line.startswith("| [first]")]
    assert "| 25,600 | 12 | 7.25 |" in row and "50.0%" in row
    assert "Does it learn?" in text and "It does." in text and "a processor" in text
    assert "8.50 at 100, 7.25 at 200" in text and "learning_rate 0.002" in text
    assert "teacher big" in text and "/home/me" not in text and "seed" not in text


def test_a_run_given_again_replaces_its_entry(run):
    _add(run)
    text = _add(run, "It does not.")
    assert "It does not." in text and "It does." not in text.replace("It does not.", "")
    assert len(json.loads(Path("docs/experiments.json").read_text())) == 1


def test_words_are_needed_and_a_run_that_mlflow_knows(run, tmp_path):
    with pytest.raises(SystemExit, match="expected --question and --verdict"):
        main(["--run", str(run)])
    with pytest.raises(SystemExit, match="expected a run's output folder"):
        main(["--run", str(tmp_path)])
    note_of_run(run).write_text("0" * 32)
    with pytest.raises(SystemExit, match="expected an MLflow run"):
        _add(run)


def _run(name: str, start: str, pictures: int, mae: float, over_60: float = 7.0) -> dict:
    scores = {"eval_mae": mae, "eval_mae_over_60": over_60}
    return {"name": name, "settings": {"start": start}, "pictures_seen": pictures, "minutes": 100.0,
            "scores": scores}  # fmt: skip


def test_the_outlook_follows_a_chain_of_runs():
    # The error goes with the root of the pictures: 8.6, 6.08 and, after four times as many, 4.3.
    chain = [_run("a", "random weights", 100_000, 8.6), _run("b", "runs/a/final", 100_000, 8.6 / 2**0.5)]
    text = outlook([*chain, _run("other", "random weights", 5, 5.0)])
    assert "a -> b: 8.60 years after 100,000 pictures, 6.08 years after 200,000 pictures." in text
    assert "takes off 29%" in text and "0.4 million pictures in all, 3 hours more" in text
    assert "over 60" not in text  # has reached its target
    assert "other" not in text and outlook(chain[:1]) == ""


def test_the_pace_is_that_of_the_last_runs_and_each_target_has_its_own():
    # A steep beginning, then a tenth less by each doubling, and no gain at all for the old.
    chain = [_run("0", "random weights", 1000, 80.0, 50.0)]
    for k in range(1, 6):
        pictures, errors = 1000 * 2 ** (k - 1), (10 * 0.9**k, 8.0 + k / 100)
        chain.append(_run(f"{k}", f"runs/{k - 1}/final", pictures, *errors))
    text = outlook(chain)
    assert "- MAE: 5.90. Over the last 5 runs each doubling takes off 10%" in text
    assert "- over 60: 8.05. Over the last 5 runs more pictures did not lower it." in text


def test_the_committed_page_is_what_its_entries_give():
    entries = json.loads((DOCS / "experiments.json").read_text(encoding="utf-8"))
    assert entries and (DOCS / "experiments.md").read_text(encoding="utf-8") == page(entries)
