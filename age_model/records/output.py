"""Records of pictures (`results.picture_record`) as text for people, JSON lines or CSV."""

import base64
import csv
import io
import json
import os
import re
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from age_model.labels import ATTRIBUTES
from age_model.records.atomic import atomic_file
from age_model.records.columns import Answers, columns, rows
from age_model.results import whole_years

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
CELL_START = re.compile(rf"((?:^|[;|\t\r\n])[ \"]*)(?=[{re.escape(''.join(FORMULA_STARTS))}])")


def record_writer(
    form: str, stream: TextIO, answers: Answers | None = None, heading: bool = True
) -> Callable[[dict[str, Any]], None]:
    """A function that writes one record.

    Args:
        form: "text", "json" (a line a picture) or "csv" (a row a face; a picture without faces or
            with an error has one row with those columns empty). In CSV an apostrophe is put before
            text that a spreadsheet would take for a formula, and so perhaps run, also where it
            splits cells at a semicolon; all text is quoted. Names of files are given by whoever
            made them (OWASP, "CSV Injection"). In JSON, a name that is no UTF-8 has U+FFFD for what
            is none, and its bytes in Base64 as "file_bytes".
        stream: where to.
        answers: CSV only: what is said of each face, by default of the embedded model.
        heading: CSV only: whether to begin with the columns' names.
    """
    if form == "csv":
        names = columns(answers or Answers())
        table = csv.DictWriter(stream, names, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        if heading:
            table.writeheader()
        return lambda record: table.writerows(map(_safe, rows(record)))
    to_text = _json if form == "json" else _sentences
    return lambda record: print(to_text(record), file=stream)


def _json(record: dict[str, Any]) -> str:
    readable, name = unicode_name(record["file"] or "")
    if name is not None:
        data = base64.b64encode(name).decode("ascii")
        record = {**record, "file": readable, "file_bytes": data}
    return json.dumps(record)


def unicode_name(name: str) -> tuple[str, bytes | None]:
    """A file's name with U+FFFD for what is no UTF-8, and its bytes; None where all of it is."""
    data = os.fsencode(name)
    readable = data.decode("utf-8", "replace")
    return readable, None if readable == name else data


def _sentences(record: dict[str, Any]) -> str:
    if record["error"]:
        return f"{record['file']}: ERROR: {record['error']}"
    faces = record["faces"]
    count = {0: "no face found", 1: "1 face"}.get(len(faces), f"{len(faces)} faces")
    lines = [f"{record['file']}: {count}", *(f"  {note}" for note in record["notes"])]
    for number, face in enumerate(faces, start=1):
        low, high = whole_years(face["interval"])
        probability = face["group_probabilities"][face["group"]]
        line = (
            f"  {number}. looks {face['age']:.0f} (80% between {low} and {high}), "
            f"group {face['group']} ({probability:.0%})"
        )
        for attribute in ATTRIBUTES:
            if attribute in face:
                line += f", {face[attribute]} ({face[f'{attribute}_probability']:.0%})"
        for age, p in face.get("probability_at_least", {}).items():
            line += f", {age} or older: {p:.0%}"
        left, top, right, bottom = face["box"]
        lines.append(f"{line}, at {left:.0f},{top:.0f} to {right:.0f},{bottom:.0f}")
        lines += [f"     {warning}" for warning in face["warnings"]]
    return "\n".join(lines)


def no_formula(text: str) -> str:
    """The text of a cell, with an apostrophe before what starts like a formula.

    A reader that splits cells elsewhere than at commas takes a part of the text for a cell.
    """
    return CELL_START.sub(r"\1'", text)


def _safe(row: dict[str, Any]) -> dict[str, Any]:
    """A row whose file and error, which strangers can write into, are no formulas."""
    return row | {name: no_formula(row[name]) for name in ("file", "error") if row[name]}


@contextmanager
def output(path: str | None) -> Iterator[TextIO]:
    """Standard output, or a file that appears, or is replaced, only once it is complete."""
    # File names need not be valid Unicode; what came in as bytes goes out as the same bytes.
    if path is None:
        if isinstance(sys.stdout, io.TextIOWrapper):
            sys.stdout.reconfigure(encoding="utf-8", errors="surrogateescape")
        yield sys.stdout
        sys.stdout.flush()
        return
    with (
        atomic_file(path) as partial,
        open(partial, "w", newline="", encoding="utf-8", errors="surrogateescape") as stream,
    ):
        yield stream


def lent_folder(upload_folder: str) -> Path:
    """A new folder for files to download: Gradio lends out what is in here, and deletes it."""
    Path(upload_folder).mkdir(parents=True, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=upload_folder))  # a name that nobody can guess
