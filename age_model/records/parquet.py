"""Records as Parquet: a folder of files, each of them whole, with the columns of the CSV.

Needs PyArrow, which the demo does without: `pip install pyarrow`.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.fs as pafs
import pyarrow.parquet as pq

from age_model.records.atomic import atomic_file
from age_model.records.columns import Answers, columns, rows
from age_model.records.output import unicode_name
from age_model.records.pictures import Record

SUFFIX = ".parquet"
PART_PICTURES = 1000  # in a file; what a killed run may have to do again
TYPES = {str: pa.string(), int: pa.int32(), float: pa.float64()}
NAME, NAME_BYTES = "file", "file_bytes"


def schema(answers: Answers) -> pa.Schema:
    """The columns of `columns.columns`, and `file_bytes`: the name where it is no UTF-8."""
    fields = {name: TYPES[kind] for name, kind in columns(answers).items()}
    return pa.schema({**fields, NAME_BYTES: pa.binary()})


def table(records: list[Record], answers: Answers) -> pa.Table:
    """The rows of records; all that a picture has lie in one table."""
    found = [_readable(row) for record in records for row in rows(record)]
    return pa.Table.from_pylist(found, schema=schema(answers))


def _readable(row: dict[str, Any]) -> dict[str, Any]:
    name, data = unicode_name(row[NAME] or "")
    return row | {NAME: name, NAME_BYTES: data}


class Parts:
    """Writes records to a folder, a file for PART_PICTURES of them; a context manager.

    A file appears under its name only once it is whole. What is left is written at the end of the
    block, also where Ctrl-C ends it.
    """

    def __init__(self, folder: Path, answers: Answers):
        """Go on in `folder`, which is made if it is not there.

        Raises:
            ValueError: its files have other columns.
        """
        folder.mkdir(exist_ok=True)
        self._folder, self._answers = folder, answers
        self._records: list[Record] = []
        written = sorted(folder.glob(f"part-*{SUFFIX}"))
        self._number = int(written[-1].stem.removeprefix("part-")) if written else 0
        if written and pq.read_schema(written[-1]) != schema(answers):
            raise ValueError(
                f"expected to go on with the columns of {written[-1]}, but this run has others: "
                "give the options of the run that began it, or another --out"
            )
        for left in folder.glob(f".part-*{SUFFIX}.*.partial"):  # by a run that was killed
            left.unlink()

    def __enter__(self) -> "Parts":
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is None or issubclass(kind, KeyboardInterrupt):
            self._write_part()

    def write(self, records: list[Record]) -> None:
        """Take some records; they are written once they are enough."""
        self._records += records
        if len(self._records) >= PART_PICTURES:
            self._write_part()

    def _write_part(self) -> None:
        if not self._records:
            return
        self._number += 1
        with atomic_file(self._folder / f"part-{self._number:06}{SUFFIX}") as partial:
            pq.write_table(table(self._records, self._answers), partial, compression="zstd")
        self._records = []


def written_names(folder: str) -> Iterator[str]:
    """The pictures' names in all files of a folder, also one in a bucket; several times, perhaps.

    A file that cannot be read was being written when its process ended: it is deleted.

    Args:
        folder: a path, or the address of a bucket's folder, such as s3://bucket/folder.

    Raises:
        ValueError: a file has no such column.
    """
    for names in _written(folder, NAME, NAME_BYTES):
        for name, data in zip(*(column.to_pylist() for column in names.columns), strict=True):
            yield name if data is None else data.decode("utf-8", "surrogateescape")


def written_counts(folder: str) -> Iterator[tuple[int, int, list[str]]]:
    """How many pictures and faces each file of a folder has, and the errors; as `written_names`."""
    for found in _written(folder, "face", "error"):
        errors = found["error"].drop_null().to_pylist()
        faces = len(found) - found["face"].null_count
        first_rows = pc.sum(pc.equal(found["face"].fill_null(1), 1)).as_py() or 0
        yield first_rows, faces, errors


def _written(folder: str, *wanted: str) -> Iterator[pa.Table]:
    """These columns of each file of a folder."""
    filesystem, path = located(folder)
    for info in filesystem.get_file_info(pafs.FileSelector(path, allow_not_found=True)):
        if not info.path.endswith(SUFFIX):
            continue
        try:
            with filesystem.open_input_file(info.path) as file:
                found = pq.read_table(file, columns=list(wanted))
        except pa.ArrowInvalid:
            filesystem.delete_file(info.path)
            continue
        if found.column_names != list(wanted):
            raise ValueError(
                f"expected a file that this command wrote, got {info.path} without the columns "
                f"{' and '.join(wanted)}: give another --out"
            )
        yield found


def located(address: str) -> tuple[pafs.FileSystem, str]:
    """The file system of a path or a bucket's address, and the path in it."""
    if "://" in address:
        filesystem, path = pafs.FileSystem.from_uri(address)
        return filesystem, path
    return pafs.LocalFileSystem(), address
