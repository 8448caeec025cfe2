"""results.json: the numbers of an evaluation, with what it takes to get them again."""

import datetime
import hashlib
import importlib.metadata
import platform
from pathlib import Path

from age_model.decode import INTERVAL_COVERAGE
from train.breakdown import source_results
from train.predictions import Predictions

SCHEMA_VERSION = 1  # raise it when a field changes its name or meaning
VERSIONS_OF = ("torch", "transformers", "datasets", "evaluate", "numpy", "pillow")
DEFINITIONS = {
    "years": "estimated age: the median of the predicted distribution over single years",
    "groups": "predicted group: the most probable of the nine; true group: the one that holds the "
    "whole label; one-off: the true group or one of its neighbours",
    "interval": f"predicted {INTERVAL_COVERAGE:.0%} interval; coverage: share of faces with "
    "low <= true age <= high",
    "mae_interval": "95% percentile bootstrap interval of the mean absolute error",
    "bias": "mean of estimate minus label, in years",
    "cs5": "share of faces whose absolute error is at most 5 years; cs3 and cs10 alike",
    "calibration_error": "expected calibration error of the most probable group, 15 bins",
}


def weights_sha256(model: str | Path) -> str | None:
    """Hash of the safetensors files of a checkpoint folder; None where `model` is no folder.

    It ties results to the weights that they measured: a card is refused for any others.
    """
    if not Path(model).is_dir():
        return None
    digest = hashlib.sha256()
    for shard in sorted(Path(model).glob("*.safetensors")):
        digest.update(shard.read_bytes())
    return digest.hexdigest()


def results_json(
    command: str, model: dict, data: dict, p: Predictions, resamples: int, seed: int
) -> dict:
    """The content of results.json.

    Args:
        command: how to get these numbers again.
        model: name and facts of the checkpoint.
        data: name of the data set and its split.
        p: predictions of the whole split.
        resamples: bootstrap resamples for each MAE.
        seed: seed of the resampling.
    """
    names = "\n".join(sorted(p.file))
    return {
        "schema_version": SCHEMA_VERSION,
        "command": command,
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "model": model,
        "data": data | {"n": len(p), "files_sha256": hashlib.sha256(names.encode()).hexdigest()},
        "bootstrap": {"resamples": resamples, "seed": seed},
        "versions": {"python": platform.python_version()}
        | {name: importlib.metadata.version(name) for name in VERSIONS_OF},
        "definitions": DEFINITIONS,
        "sources": {
            str(source): _rounded(source_results(p.where(p.source == source), resamples, seed))
            for source in sorted(set(p.source))
        },
    }


def _rounded(value):
    """Floats of a nested structure to four places: more would be noise in every diff."""
    if isinstance(value, dict):
        return {key: _rounded(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_rounded(inner) for inner in value]
    return round(value, 4) if isinstance(value, float) else value
