"""MLflow runs of trainings: what they hold, how one that was stopped goes on, runs within runs.

Of several processes only the first writes.
"""

import json
import os
import platform
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from datasets import Dataset
from transformers import Trainer
from transformers.integrations import MLflowCallback

from train.training.mlflow_contents import Curves, figures, log_data, log_parameters

if TYPE_CHECKING:
    import mlflow

RUN_ID = "mlflow_run_id"  # key of training.json, and the note's name
URI, DATABASE = "MLFLOW_TRACKING_URI", Path("mlruns/mlflow.db")
SYSTEM_METRICS = "MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING"


def use_tracking() -> None:
    """Have MLflow write to ./mlruns, or where MLFLOW_TRACKING_URI says."""
    if URI not in os.environ:
        DATABASE.parent.mkdir(exist_ok=True)
        os.environ[URI] = f"sqlite:///{DATABASE.absolute()}"


def note_of_run(folder: str | Path) -> Path:
    """The file in a run's output folder that holds its MLflow run id."""
    return Path(folder) / RUN_ID


def start_run(
    experiment: str, folder: str | Path, name: str, known: str | None = None
) -> "mlflow.ActiveRun":
    """Start an MLflow run, or go on with the `known` one, and note its id in the output folder.

    It is a child of the run that is active, if there is one. System metrics (processor, memory,
    disk, network; a GPU's with nvidia-ml-py) are logged beside it, unless the environment says
    MLFLOW_ENABLE_SYSTEM_METRICS_LOGGING=false.
    """
    import mlflow  # it takes seconds, and a training without it needs none of it

    use_tracking()
    if mlflow.active_run() is None:
        mlflow.set_experiment(experiment)
    known = known if known and _is_there(known) else None
    run = mlflow.start_run(
        run_id=known,
        run_name=None if known else name,
        nested=True,
        log_system_metrics=None if SYSTEM_METRICS in os.environ else True,
    )
    note = note_of_run(folder)
    note.parent.mkdir(parents=True, exist_ok=True)
    note.write_text(run.info.run_id)
    return run


def _is_there(run_id: str) -> bool:
    import mlflow

    try:
        return mlflow.get_run(run_id).info.lifecycle_stage == "active"
    except mlflow.exceptions.MlflowException:  # of another tracking store, or deleted for good
        return False


@contextmanager
def parent_run(experiment: str, folder: str | Path, name: str) -> Iterator[str]:
    """An MLflow run for several trainings: those started meanwhile are its children.

    Args:
        experiment: name of the MLflow experiment.
        folder: of the comparison or search; given again, its run goes on.
        name: of the run.

    Yields:
        The run's id.
    """
    note = note_of_run(folder)
    known = note.read_text() if note.is_file() else None
    with ended(start_run(experiment, folder, name, known)) as run_id:
        yield run_id


@contextmanager
def ended(run: "mlflow.ActiveRun") -> Iterator[str]:
    """End an MLflow run with what becomes of the block: FINISHED, FAILED or KILLED.

    An exception may say another status in an attribute `run_status`.

    Yields:
        The run's id.
    """
    import mlflow

    try:
        yield run.info.run_id
    except Exception as error:
        mlflow.end_run(getattr(error, "run_status", "FAILED"))
        raise
    except BaseException:  # Ctrl-C
        mlflow.end_run("KILLED")
        raise
    mlflow.end_run("FINISHED")


@contextmanager
def training_run(
    trainer: Trainer, name: str, parameters: Mapping[str, Any], resuming: bool
) -> Iterator[str | None]:
    """The MLflow run of a training: parameters, data sets, curves and system metrics.

    Args:
        trainer: ready to start, with `experiment` and `output_dir` in its arguments. Its own MLflow
            callback is replaced.
        name: of the run.
        parameters: to log, by name; "data" is the folder of the data set.
        resuming: go on with the run that the output folder names.

    Yields:
        The run's id; None where MLflow is not asked for, and in all processes but the first.
    """
    args: Any = trainer.args
    splits: Any = {"training": trainer.train_dataset, "validation": trainer.eval_dataset}
    if "mlflow" not in args.report_to:
        yield None
        return
    trainer.remove_callback(MLflowCallback)
    if not trainer.is_world_process_zero():
        yield None
        return
    note = note_of_run(args.output_dir)
    known = note.read_text() if resuming and note.is_file() else None
    with ended(start_run(args.experiment, args.output_dir, name, known)) as run_id:
        import mlflow

        mlflow.set_tag("hardware", hardware())
        log_parameters(run_id, parameters)
        for context, dataset in splits.items():
            log_data(run_id, context, parameters["data"], dataset.rows)
        trainer.add_callback(Curves(run_id))
        yield run_id


def run_that_trained(checkpoint: str | Path) -> str | None:
    """The MLflow run that training.json of a checkpoint folder names; None where there is none."""
    training = Path(checkpoint, "training.json")
    return json.loads(training.read_text()).get(RUN_ID) if training.is_file() else None


@contextmanager
def run_of_checkpoint(checkpoint: Path, experiment: str) -> Iterator[str]:
    """Have the run that trained a checkpoint active; where MLflow does not know it, a new one."""
    import mlflow

    use_tracking()
    known = run_that_trained(checkpoint)
    if known and _is_there(known):
        run = mlflow.start_run(run_id=known)
    else:
        mlflow.set_experiment(experiment)
        run = mlflow.start_run(run_name=checkpoint.name)
    with ended(run) as run_id:
        yield run_id


def log_evaluation(checkpoint: str, results: dict, data: str, rows: Dataset) -> str | None:
    """Log the figures of an evaluation to the run that trained the checkpoint.

    Args:
        checkpoint: folder.
        results: content of results.json, which is added to the run as a file.
        data: folder that `train.prepare` wrote.
        rows: of the split that was measured.

    Returns:
        The run's id; None where the checkpoint names no run, or none that MLflow knows here.
    """
    run_id = run_that_trained(checkpoint)
    if run_id is None or (URI not in os.environ and not DATABASE.is_file()):
        return None
    import mlflow
    from mlflow.entities import Metric

    use_tracking()
    if not _is_there(run_id):
        return None
    split, now = results["data"]["split"], int(1000 * time.time())
    client = mlflow.MlflowClient()
    client.log_batch(run_id, [Metric(name, v, now, 0) for name, v in figures(results).items()])
    client.log_dict(run_id, results, f"{split}/results.json")
    log_data(run_id, split, data, rows)
    return run_id


def hardware() -> str:
    """The machine, in a few words."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{platform.machine()} CPU, {os.cpu_count()} cores"
