"""Parquet files, or a data set on the Hugging Face Hub: streamed, never held in memory."""

from collections.abc import Iterator
from pathlib import Path

import datasets
import fsspec
from datasets.exceptions import DatasetNotFoundError
from huggingface_hub.errors import HFValidationError

from train.console.errors import InputError
from train.data.sources.picture import require_columns
from train.data.sources.rows import Row


def open_dataset(location: str) -> datasets.IterableDatasetDict:
    """The splits of a .parquet file, a folder of such files or a data set on the Hub, streamed.

    No code of a data set is run: the library reads data files only.

    Raises:
        InputError: there is no such data set, or it cannot be read.
    """
    try:
        if Path(location).is_file():
            return datasets.load_dataset("parquet", data_files=location, streaming=True)
        return datasets.load_dataset(location, streaming=True)
    except (DatasetNotFoundError, HFValidationError, ConnectionError, RuntimeError) as error:
        raise InputError(
            f"{location}: no such file or folder, and no data set on the Hub that can be read: "
            f"{error}"
        ) from None


def dataset_rows(location: str, columns: dict[str, str]) -> Iterator[Row]:
    """All rows of all splits, each with its picture.

    Args:
        location: as for `open_dataset`.
        columns: column of `rows.COLUMNS` -> its name in the data set.

    Raises:
        InputError: as for `open_dataset`; or there is no column with pictures.
    """
    for split, rows in open_dataset(location).items():
        features = rows.features or {}
        image = _image_column(location, columns, features)
        classes = {
            name: feature for name, feature in features.items()
            if isinstance(feature, datasets.ClassLabel)
        }  # fmt: skip
        if isinstance(features[image], datasets.Image):
            rows = rows.cast_column(image, datasets.Image(decode=False))
        for i, row in enumerate(rows):
            values = {ours: row[name] for ours, name in columns.items() if name in row}
            for ours, name in columns.items():
                if name in classes and row.get(name) is not None and row[name] >= 0:
                    values[ours] = classes[name].int2str(row[name])
            values.pop("image", None)
            name = values.pop("file_name", None) or f"{i:07d}"
            yield Row(f"{split}/{name}", _bytes(row[image]), values, str(split))


def _image_column(location: str, columns: dict[str, str], features: dict) -> str:
    """The column that is named, else the only one of pictures."""
    found = [name for name, feature in features.items() if isinstance(feature, datasets.Image)]
    if columns["image"] not in features and len(found) == 1:
        return found[0]
    require_columns(Path(location), list(features), {columns["image"]})
    return columns["image"]


def _bytes(image: object) -> bytes:
    """The bytes of an undecoded picture; none for one that cannot be read."""
    if isinstance(image, dict):
        image = image.get("bytes") or image.get("path")
    if isinstance(image, str):
        try:
            with fsspec.open(image) as file:
                return file.read()
        except OSError:
            return b""
    return image if isinstance(image, bytes) else b""
