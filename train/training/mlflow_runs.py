"""MLflow: where runs are tracked, and how a run that was stopped goes on in its own record."""

import os
import platform
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from train.training.args import AgeTrainingArguments, ModelArguments

if TYPE_CHECKING:
    import mlflow


def use_tracking() -> None:
    """Have MLflow write to ./mlruns, or where MLFLOW_TRACKING_URI says."""
    Path("mlruns").mkdir(exist_ok=True)
    os.environ.setdefault("MLFLOW_TRACKING_URI", f"sqlite:///{Path('mlruns/mlflow.db').absolute()}")


def note_of_run(folder: str | Path) -> Path:
    """The file in a run's output folder that holds its MLflow run id."""
    return Path(folder) / "mlflow_run_id"


def start_run(
    experiment: str, folder: str | Path, name: str, known: str | None = None
) -> "mlflow.ActiveRun":
    """Start an MLflow run, or go on with the `known` one, and note its id in the output folder."""
    import mlflow  # it takes seconds, and a training without it needs none of it

    use_tracking()
    mlflow.set_experiment(experiment)
    run = mlflow.start_run(run_id=known, run_name=None if known else name)
    note = note_of_run(folder)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(run.info.run_id)
    return run


def track(
    model_args: ModelArguments, args: AgeTrainingArguments, preset: str, resuming: bool
) -> None:
    """Start the MLflow run of a training, or go on with that of one that was stopped."""
    if "mlflow" not in args.report_to:
        return
    import mlflow

    note = note_of_run(args.output_dir)
    known = note.read_text() if resuming and note.is_file() else None
    start_run(args.experiment, args.output_dir, preset, known)
    mlflow.set_tag("hardware", hardware())
    start = model_args.base_model or "random weights"
    teachers = {name: getattr(model_args, name) for name in ("teacher", "second_teacher")}
    mlflow.log_params({"start": start, **teachers})


def hardware() -> str:
    """The machine, in a few words."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{platform.machine()} CPU, {os.cpu_count()} cores"
