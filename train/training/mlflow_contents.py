"""What an MLflow run holds: parameters, data sets, curves, and what came of it.

A metric has one value a step: a training that goes on from its last checkpoint takes some steps
again, and does not draw them again.
"""

import hashlib
import json
import re
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from datasets import Dataset
from transformers import TrainerCallback

from train.console.output import shown_name, without_folders

FINAL = "final/"  # before the names of metrics of the network that is kept, not of one step
PICTURE = "image"  # column of the prepared data set
ROWS_AT_ONCE = 1000


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
