import json
from pathlib import Path

import mlflow
import pytest

from train.experiments import main, page
from train.training.mlflow_runs import note_of_run

pytestmark = pytest.mark.slow  # it trains, or measures what was trained

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
        mlflow.log_params(
            {"learning_rate": 0.002, "teacher": "/home/me/runs/big", "seed": 7, "hints": 0.5}
        )
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
    assert "feature_distillation 0.5" in text, "a run from before the option was renamed"
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


def test_a_run_without_mlflow_is_read_from_its_training_json(tmp_path):
    final = tmp_path / "runs" / "lent" / "final"
    final.mkdir(parents=True)
    metadata = {
        "preset": "student", "minutes": 7.0, "pictures_seen": 1000, "parameters": 5,
        "hardware": "a lent card", "remarks": "It was stopped.",
        "arguments": {"learning_rate": 0.003, "base_model": None, "teacher": "runs/teacher/final"},
        "validation": {"eval_mae": 4.9, "eval_mae_utkface": 4.4, "eval_mae_all_age_faces": 5.0},
        "evaluations": [{"step": 10, "eval_mae": 6.0}, {"step": 20, "eval_mae": 4.9}],
    }  # fmt: skip
    (final / "training.json").write_text(json.dumps(metadata))
    docs = tmp_path / "docs"
    main(["--run", str(final.parent), "--question", "Q?", "--verdict", "V.", "--docs", str(docs)])
    (entry,) = json.loads((docs / "experiments.json").read_text())
    assert entry["scores"] == {"eval_mae_utkface": 4.4, "eval_mae_all_age_faces": 5.0}
    assert entry["settings"]["start"] == "random weights" and not entry["finished"]
    text = (docs / "experiments.md").read_text()
    assert "| 4.40 |" in text and "6.00 at 10, 4.90 at 20" in text


def test_the_committed_page_is_what_its_entries_give():
    entries = json.loads((DOCS / "experiments.json").read_text(encoding="utf-8"))
    assert entries and (DOCS / "experiments.md").read_text(encoding="utf-8") == page(entries)
