"""A folder of pictures with metadata.csv or metadata.jsonl, as Hugging Face's imagefolder has it.

    photos/metadata.csv      file_name,age,gender
    photos/anna/1.jpg        anna/1.jpg,34,female

The metadata may also lie in several folders of it. Below a folder named train, validation or test,
pictures belong to that split.
"""

import csv
import json
import posixpath
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from train.console.errors import InputError
from train.data.sources.picture import PICTURE_SUFFIXES, Report, read_or_empty, require_columns
from train.data.sources.rows import SPLIT_WORDS, Row

METADATA = ("metadata.csv", "metadata.jsonl")


def metadata_files(folder: Path) -> list[Path]:
    """The metadata files in a folder and below it, in the order of their names."""
    return sorted(file for name in METADATA for file in folder.rglob(name))


def folder_rows(folder: Path, columns: dict[str, str], key: str, report: Report) -> Iterator[Row]:
    """The rows of all metadata files in a folder, each with its picture.

    Args:
        folder: that holds them.
        columns: column of `rows.COLUMNS` -> its name in the files.
        key: of the source.
        report: takes rows without a picture, and pictures without a row.

    Raises:
        InputError: there is no metadata, or a file of it cannot be read or lacks a column.
    """
    tables = metadata_files(folder)
    if not tables:
        raise InputError(
            f"{folder}: expected metadata.csv or metadata.jsonl with the columns file_name and age "
            "in it, or .parquet files, found neither"
        )
    named: set[str] = set()
    for table in tables:
        inside = table.parent.relative_to(folder).as_posix()
        for values in _table_rows(table, columns):
            name = posixpath.normpath(posixpath.join(inside, str(values["file_name"])))
            named.add(name)
            if name.startswith(("../", "/")):
                report.omit(f"{key}/{name}", "file_name leads out of the folder")
            elif not (folder / name).is_file():
                report.omit(f"{key}/{name}", "in the metadata, but there is no such file")
            else:
                yield Row(name, read_or_empty(folder / name), values, _split_of(name))
    for file in sorted(p for p in folder.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES):
        name = file.relative_to(folder).as_posix()
        if name not in named:
            report.omit(f"{key}/{name}", "no row in the metadata")


def _table_rows(table: Path, columns: dict[str, str]) -> Iterator[dict]:
    """The rows of a metadata file under our names for the columns that it has."""
    try:
        with table.open(newline="", encoding="utf-8-sig") as lines:
            rows = _json_rows(table, lines) if table.suffix == ".jsonl" else _csv_rows(lines)
            for i, row in enumerate(rows):
                if not i:
                    require_columns(table, list(row), {columns["file_name"]})
                if row.get(columns["file_name"]):
                    yield {ours: row[name] for ours, name in columns.items() if name in row}
    except UnicodeDecodeError:
        raise InputError(f"{table}: expected text in UTF-8; save it as that") from None


def _csv_rows(lines) -> Iterator[dict]:
    """Rows of a CSV; spreadsheets of some countries part the columns by semicolons or tabs."""
    header = lines.readline()
    lines.seek(0)
    yield from csv.DictReader(lines, delimiter=max(",;\t", key=header.count))


def _json_rows(table: Path, lines) -> Iterator[dict]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            row = json.loads(line)
        except json.JSONDecodeError as error:
            raise InputError(f"{table}, line {number}: expected a JSON object: {error}") from None
        if not isinstance(row, dict):
            raise InputError(f"{table}, line {number}: expected a JSON object, got {line.strip()}")
        yield row


def _split_of(name: str) -> str | None:
    first = PurePosixPath(name).parts[0]
    return SPLIT_WORDS.get(first.lower())
