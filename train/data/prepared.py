"""The prepared data set on disk, as `train.prepare` writes it. Imports no torch."""

import json
from pathlib import Path

import numpy as np
from datasets import Dataset, Features, Image, Value, load_from_disk

from train.console.errors import InputError
from train.data.splits import SPLITS

FORMAT = 2  # of the prepared folder; training refuses another
FEATURES = Features(
    {
        "file": Value("string"),
        "source": Value("string"),
        "image": Image(decode=False),
        "age_type": Value("string"),
        "age_low": Value("int32"),
        "age_high": Value("int32"),
        "gender": Value("int8"),
        "ethnicity": Value("int8"),
    }
)


def load_prepared(folder: str | Path, omit_source: str | None = None) -> dict[str, Dataset]:
    """The splits that `train.prepare` wrote, memory-mapped; one without pictures is empty.

    Args:
        folder: of the prepared data.
        omit_source: key of a source whose pictures are left out of every split; None: of none.

    Raises:
        InputError: the folder is not one of those, or of another format, or has no such source.
    """
    report = Path(folder) / "report.json"
    if not report.is_file():
        raise InputError(
            f"{folder}: expected a folder made by `python -m train.prepare`, found none"
        )
    found = json.loads(report.read_text()).get("format")
    if found != FORMAT:
        raise InputError(
            f"{folder}: expected data of format {FORMAT}, got {found}; run "
            "`python -m train.prepare` again"
        )
    # The library can write an empty data set, but not read it again: such a split is not written.
    empty = Dataset.from_dict({name: [] for name in FEATURES}, features=FEATURES)
    data = dict.fromkeys(SPLITS, empty) | dict(load_from_disk(str(folder)))
    if omit_source is not None:
        sources = source_metadata(folder)
        if omit_source not in sources:
            raise InputError(
                f"{folder}: expected one of its sources ({', '.join(sources)}) to leave out, got "
                f"{omit_source!r}"
            )
        data = {split: _without(rows, omit_source) for split, rows in data.items()}
    return {split: rows.cast_column("image", Image(decode=False)) for split, rows in data.items()}


def _without(rows: Dataset, source: str) -> Dataset:
    return rows.select(np.flatnonzero(np.asarray(rows["source"][:]) != source))


def source_metadata(folder: str | Path) -> dict[str, dict]:
    """What the prepared data set knows of its sources, by their keys: `sources.Source.to_dict`."""
    return json.loads((Path(folder) / "sources.json").read_text(encoding="utf-8"))
