"""MLflow runs of trainings: what they hold, how one that was stopped goes on, runs within runs.

Of several processes only the first writes. A metric has one value a step: a training that goes on
from its last checkpoint takes some steps again, and does not draw them again.
"""

import hashlib
import json
import os
import platform
import re
import time
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from datasets import Dataset
from transformers import Trainer, TrainerCallback
from transformers.integrations import MLflowCallback

from train.console.output import shown_name, without_folders

if TYPE_CHECKING:
    import mlflow

FINAL = "final/"  # before the names of metrics of the network that is kept, not of one step
RUN_ID = "mlflow_run_id"  # key of training.json, and the note's name
PICTURE = "image"  # column of the prepared data set
ROWS_AT_ONCE = 1000
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


def log_parameters(run_id: str, parameters: Mapping[str, Any]) -> None:
    """Log parameters; one that has another value already gets a tag `resumed.NAME` with the new.

    MLflow never changes a parameter, and refuses a run that tries to.
    """
    import mlflow

    values = {name: str(value) for name, value in without_folders(dict(parameters)).items()}
    client = mlflow.MlflowClient()
    known = client.get_run(run_id).data.params
    mlflow.log_params({name: value for name, value in values.items() if name not in known})
    for name, value in values.items():
        if name in known and known[name] != value:
            client.set_tag(run_id, f"resumed.{name}", value)


def log_data(run_id: str, context: str, folder: str, rows: Dataset) -> None:
    """Log a split as an input of a run: its labels' schema and number, and a digest of it all.

    Args:
        run_id: of the run.
        context: what it is for, such as "training".
        folder: that `train.prepare` wrote.
        rows: those of the split that are used.
    """
    import mlflow
    from mlflow.data import pandas_dataset
    from mlflow.entities import Dataset as Input
    from mlflow.entities import DatasetInput, InputTag

    labels = rows.select_columns([name for name in rows.column_names if name != PICTURE])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # that integers cannot be missing: here -1 says so
        logged = pandas_dataset.from_pandas(
            labels.to_pandas(), source=folder, name=shown_name(folder), digest=digest(rows)
        )
        entity = Input(**logged.to_dict())
    tags = [InputTag("mlflow.data.context", context)]
    mlflow.MlflowClient().log_inputs(run_id, [DatasetInput(entity, tags)])


def digest(rows: Dataset) -> str:
    """Hash of pictures and labels, in their order; 32 hexadecimal digits."""
    found = hashlib.sha256()
    for batch in rows.with_format("arrow").iter(batch_size=ROWS_AT_ONCE):
        for name in sorted(batch.column_names):
            values = batch[name].combine_chunks()
            if name == PICTURE:
                for picture in values.field("bytes"):
                    found.update(picture.as_buffer())
            else:
                found.update(json.dumps([name, values.to_pylist()]).encode())
    return found.hexdigest()[:32]


class Curves(TrainerCallback):
    """Logs what the Trainer logs to an MLflow run: one value of each metric a step.

    Args:
        run_id: of the run, which may hold a part of the curves already.
    """

    def __init__(self, run_id: str):
        import mlflow

        self._client, self._run_id = mlflow.MlflowClient(), run_id
        self._last = {
            name: max(point.step for point in self._client.get_metric_history(run_id, name))
            for name in self._client.get_run(run_id).data.metrics
        }

    def on_log(self, args, state, control, logs=None, **kwargs):
        """Log what is new; a step that was taken or measured before is left as it is."""
        import mlflow

        step = state.global_step
        new = {
            name: float(value)
            for name, value in (logs or {}).items()
            if isinstance(value, int | float) and step > self._last.get(name, -1)
        }
        self._last |= dict.fromkeys(new, step)
        mlflow.log_metrics(new, step=step, run_id=self._run_id)


def log_final(metadata: Mapping[str, Any], folder: Path) -> None:
    """Log what a training came to, to the active run.

    Args:
        metadata: of training.json.
        folder: of the final checkpoint; its curves and its account go with the run.
    """
    import mlflow

    scores = metadata["validation"].items()
    mlflow.log_metrics(
        {name: metadata[name] for name in ("minutes", "pictures_seen", "parameters")}
        | {f"{FINAL}{name}": v for name, v in scores if isinstance(v, int | float)}
    )
    for name in ("curves.png", "training.json"):
        mlflow.log_artifact(str(folder / name), "final")


def final_metrics(run_id: str) -> dict[str, float]:
    """The last value of each metric; those of the validation are of the network that is kept."""
    import mlflow

    metrics = mlflow.MlflowClient().get_run(run_id).data.metrics
    kept = {name.removeprefix(FINAL): v for name, v in metrics.items() if name.startswith(FINAL)}
    return metrics | kept


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


def figures(results: dict) -> dict[str, float]:
    """The numbers of each source and head, by names such as "test/utkface/years/mae".

    Args:
        results: content of results.json.
    """
    split = results["data"]["split"]
    found: dict[str, float] = {}
    for source, numbers in results["sources"].items():
        heads = {head: numbers.get(head, {}) for head in ("years", "groups", "gender", "ethnicity")}
        heads["interval"] = heads["years"].get("interval", {})
        for head, values in heads.items():
            scalars = {name: v for name, v in values.items() if isinstance(v, int | float)}
            # What else a name may hold, MLflow refuses.
            prefix = re.sub(r"[^\w\-. :]", "_", source, flags=re.ASCII)
            found |= {f"{split}/{prefix}/{head}/{name}": float(v) for name, v in scalars.items()}
    return found


def hardware() -> str:
    """The machine, in a few words."""
    if torch.cuda.is_available():
        return torch.cuda.get_device_name()
    return f"{platform.machine()} CPU, {os.cpu_count()} cores"
