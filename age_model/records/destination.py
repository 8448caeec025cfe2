"""Where a run of the command line writes its records: a stream, a file, a folder of Parquet."""

import csv
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

from age_model.records.columns import Answers, columns
from age_model.records.output import output, record_writer
from age_model.records.pictures import Record


def check_destination(form: str, out: str | None, resume: bool) -> str | None:
    """What is wrong with a form and --out, in words; None where nothing is."""
    if form == "parquet" and find_spec("pyarrow") is None:
        return "--parquet needs PyArrow: pip install pyarrow"
    if out is None:
        if form == "parquet":
            return "--parquet: expected --out with a folder for its files"
        return "--resume: expected --out, which it goes on with" if resume else None
    if resume and form == "text":
        return "--resume: expected --json, --csv or --parquet, which can be gone on with"
    if not Path(out).absolute().parent.is_dir():
        return f"--out: there is no folder {Path(out).parent}; make it first"
    if form == "parquet":
        return _check_folder(out, resume)
    if os.path.lexists(out) and not os.path.isfile(out):
        return f"--out: expected a file, but {out} is a folder or something else; give another name"
    return None


def _check_folder(out: str, resume: bool) -> str | None:
    if os.path.lexists(out) and not os.path.isdir(out):
        return f"--out: expected a folder for --parquet, but {out} is something else"
    if not resume and os.path.isdir(out) and os.listdir(out):
        return f"--out: {out} holds files; add --resume to go on with them, or give another folder"
    return None


@contextmanager
def destination(
    form: str, out: str | None, resume: bool, answers: Answers
) -> Iterator[Callable[[list[Record]], None]]:
    """A function that writes records, so that they can be read at once.

    Without `resume` a file appears once it is complete, and is not made where the block raises;
    with it, records are added to the file as they come, and stay. A folder of Parquet gets a file
    for each thousand of them, and keeps those.

    Args:
        form: "text", "json", "csv" or "parquet".
        out: file, or folder for Parquet; None for standard output.
        resume: go on with what is there; see `resume.done_in`, which comes first.
        answers: what is said of each face.

    Raises:
        ValueError: what is there has other columns.
    """
    if form == "parquet" and out is not None:
        from age_model.records.parquet import Parts

        with Parts(Path(out), answers) as parts:
            yield parts.write
        return
    with _added_to(out) if resume and out is not None else output(out) as stream:
        heading = not (resume and stream.tell())
        if form == "csv" and not heading and out is not None:
            _check_heading(out, answers)
        write = record_writer(form, stream, answers, heading)

        def write_all(records: list[Record]) -> None:
            for record in records:
                write(record)
            stream.flush()

        yield write_all


@contextmanager
def _added_to(path: str) -> Iterator[TextIO]:
    with open(path, "a", newline="", encoding="utf-8", errors="surrogateescape") as stream:
        yield stream


def _check_heading(path: str, answers: Answers) -> None:
    with open(path, newline="", encoding="utf-8", errors="surrogateescape") as file:
        if next(csv.reader(file)) != list(columns(answers)):
            raise ValueError(
                f"expected to go on with the columns of {path}, but this run has others: give the "
                "options of the run that began it, or another --out"
            )
