"""What measurements beside `train.evaluate` share: arguments, pictures, the file's head."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import datasets
import numpy as np

from age_model.network.reports import SCHEMA_VERSION, weights_sha256
from age_model.records.atomic import atomic_folder
from train.console.output import shown_name
from train.evaluation.arguments import SplitArguments
from train.evaluation.metrics import age_error, mean_interval
from train.evaluation.predict import load_split
from train.evaluation.predictions import Predictions
from train.evaluation.provenance import VERSIONS_OF, provenance, source_facts
from train.evaluation.results_file import DEFINITIONS, rounded

if TYPE_CHECKING:
    from age_model.predictor import AgePredictor

ALL_SOURCES = "all"
DEFINED = ("years", "interval", "mae_interval", "bias")  # the words of results.json used here


@dataclass
class MeasureArguments(SplitArguments):
    """What to measure, on how many pictures, and where to write it."""

    source: str | None = field(
        default=None,
        metadata={
            "help": "Measure pictures of this source; its labels must be ages in years. "
            f'"{ALL_SOURCES}": of every such source. None: of the one with most pictures.'
        },
    )
    max_pictures: int = field(
        default=600,
        metadata={"help": "Measure so many of the split's pictures, drawn by the seed."},
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.max_pictures < 1:
            raise ValueError(f"expected --max_pictures of at least 1, got {self.max_pictures}")


def drawn_pictures(arguments: MeasureArguments) -> tuple[datasets.Dataset, int]:
    """The pictures to measure, with point labels: `max_pictures` drawn by the seed, or all.

    Returns:
        the drawn rows of the split, in its order, and from how many they were drawn.

    Raises:
        ValueError: no such data, or no such picture in the split.
    """
    table = load_split(arguments.data, arguments.split)
    low, high, source = (np.asarray(table[name][:]) for name in ("age_low", "age_high", "source"))
    point = (low >= 0) & (low == high)
    names, counts = np.unique(source[point], return_counts=True)
    wanted = arguments.source or (names[counts.argmax()] if len(names) else None)
    rows = np.flatnonzero(point & ((source == wanted) | (wanted == ALL_SOURCES)))
    if not len(rows):
        raise ValueError(
            f"expected pictures with an age in years in the split {arguments.split!r} of "
            f"{arguments.data}"
            + (f" from the source {arguments.source!r}" if arguments.source else "")
            + f", got none; sources with such pictures: {', '.join(names) or 'none'}"
        )
    drawn = rows
    if len(rows) > arguments.max_pictures:
        rng = np.random.default_rng(arguments.seed)
        drawn = np.sort(rng.choice(rows, arguments.max_pictures, replace=False))
    return table.select(drawn), len(rows)


def difference(errors: np.ndarray, other: np.ndarray, resamples: int, seed: int) -> dict:
    """How much larger the mean of (N,) absolute errors is than that of others on the same pictures.

    Returns:
        mae_difference (years) and mae_difference_interval, its 95% bootstrap interval.
    """
    apart = np.asarray(errors) - np.asarray(other)
    return {
        "mae_difference": float(apart.mean()),
        "mae_difference_interval": mean_interval(apart, resamples, seed),
    }


def row_scores(p: Predictions, usual_errors: np.ndarray, resamples: int, seed: int) -> dict:
    """The numbers of one kind of pictures.

    Args:
        p: of N such pictures.
        usual_errors: (N,) absolute errors, years, that these are held against.
    """
    error = age_error(p.years, p.age_low, resamples, seed)
    return {
        **{name: error[name] for name in ("n", "mae", "mae_interval", "bias")},
        **difference(np.abs(p.years - p.age_low), usual_errors, resamples, seed),
        "coverage": float(p.covered.mean()),
        "mean_width": float(np.diff(p.interval_years).mean()),
    }


def quantiles(values: Sequence[float]) -> dict:
    """Of N measurements."""
    low, median, high = np.quantile(values, [0.1, 0.5, 0.9])
    return {"median": float(median), "p10": float(low), "p90": float(high)}


def head(
    arguments: MeasureArguments,
    command: str,
    predictor: "AgePredictor",
    table: datasets.Dataset,
    of: int,
) -> dict:
    """What it takes to get the numbers again, in the form that results.json has it.

    Args:
        arguments, command: what was asked for.
        predictor: of the checkpoint that is measured.
        table, of: from `drawn_pictures`.
    """
    sources = sorted(set(table["source"][:]))
    data = {
        "name": shown_name(arguments.data), "split": arguments.split, "sources": sources,
        "drawn_from": of, "seed": arguments.seed,
    }  # fmt: skip
    model = {
        "name": shown_name(arguments.model),
        "image_size": predictor.image_size,
        "weights_sha256": weights_sha256(arguments.model),
    }
    definitions = {name: DEFINITIONS[name] for name in DEFINED} | {
        "mae_difference": "mean absolute error minus that of the aligned crops of the same "
        "pictures before any corruption; mae_difference_interval: 95% percentile bootstrap "
        "interval over pictures",
    }
    shared = provenance(
        SCHEMA_VERSION, command, model, data, table["file"][:],
        {"resamples": arguments.resamples, "seed": arguments.seed}, definitions,
        (*VERSIONS_OF, "opencv-python"), arguments.device,
    )  # fmt: skip
    return shared | {"source_facts": source_facts(arguments.data, sources)}


def write_measurement(folder: Path, name: str, content: dict) -> None:
    """`content` as JSON, floats to four places."""
    text = json.dumps(rounded(content), indent=2, ensure_ascii=False, allow_nan=False)
    (folder / name).write_text(text + "\n", encoding="utf-8")


def measurement_folder(out: str, names: set[str]):
    """`atomic_folder` that replaces an older one with these files only."""
    return atomic_folder(
        Path(out), may_replace=lambda folder: {file.name for file in folder.iterdir()} <= names
    )
