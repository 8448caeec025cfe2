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

from age_model.labels import AGE_GROUP_NAMES
from age_model.records.atomic import atomic_file

CSV_FIELDS = (
    "file", "width", "height", "face", "x1", "y1", "x2", "y2", "score",
    "age", "age_low", "age_high", "group", *(f"p({name})" for name in AGE_GROUP_NAMES),
    "gender", "gender_probability",
)  # fmt: skip
RECORD_FIELDS = ("score", "age", "group", "gender", "gender_probability")  # so called in both
ETHNICITY_FIELDS = ("ethnicity", "ethnicity_probability")
LAST_FIELDS = ("warnings", "notes", "error")  # sentences: of the face, of the picture
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


CELL_START = re.compile(rf"((?:^|[;|\t\r\n])[ \"]*)(?=[{re.escape(''.join(FORMULA_STARTS))}])")


def record_writer(
    form: str, stream: TextIO, ethnicity: bool, at_least: tuple[int, ...] = ()
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
        ethnicity: CSV only: with the columns of ethnicity.
        at_least: CSV only: with a column for each of these thresholds, in years.
    """
    if form == "csv":
        tails = tuple(map(_threshold_field, at_least))
        fields = CSV_FIELDS + (ETHNICITY_FIELDS if ethnicity else ()) + tails + LAST_FIELDS
        table = csv.DictWriter(stream, fields, lineterminator="\n", quoting=csv.QUOTE_NONNUMERIC)
        table.writeheader()
        return lambda record: table.writerows(_rows(record))
    to_text = _json if form == "json" else _sentences
    return lambda record: print(to_text(record), file=stream)


def _json(record: dict[str, Any]) -> str:
    name = os.fsencode(record["file"] or "")
    if name.decode("utf-8", "replace") != (record["file"] or ""):
        readable, data = name.decode("utf-8", "replace"), base64.b64encode(name).decode("ascii")
        record = {**record, "file": readable, "file_bytes": data}
    return json.dumps(record)


def _threshold_field(age: int | str) -> str:
    return f"p(>={age})"


def _sentences(record: dict[str, Any]) -> str:
    if record["error"]:
        return f"{record['file']}: ERROR: {record['error']}"
    faces = record["faces"]
    count = {0: "no face found", 1: "1 face"}.get(len(faces), f"{len(faces)} faces")
    lines = [f"{record['file']}: {count}", *(f"  {note}" for note in record["notes"])]
    for number, face in enumerate(faces, start=1):
        low, high = face["interval"]
        probability = face["group_probabilities"][face["group"]]
        line = (
            f"  {number}. looks {face['age']:.0f} (80% between {low:.0f} and {high:.0f}), "
            f"group {face['group']} ({probability:.0%}), "
            f"{face['gender']} ({face['gender_probability']:.0%})"
        )
        if "ethnicity" in face:
            line += f", {face['ethnicity']} ({face['ethnicity_probability']:.0%})"
        for age, p in face.get("probability_at_least", {}).items():
            line += f", {age} or older: {p:.0%}"
        left, top, right, bottom = face["box"]
        lines.append(f"{line}, at {left:.0f},{top:.0f} to {right:.0f},{bottom:.0f}")
        lines += [f"     {warning}" for warning in face["warnings"]]
    return "\n".join(lines)


def _no_formula(text: str | None) -> str | None:
    """The text of a cell, with an apostrophe before what starts like a formula.

    A reader that splits cells elsewhere than at commas takes a part of the text for a cell.
    """
    return CELL_START.sub(r"\1'", text) if text else text


def _rows(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    picture = {name: record[name] for name in ("width", "height")}
    picture |= {name: _no_formula(record[name]) for name in ("file", "error")}
    picture["notes"] = " ".join(record["notes"])
    if not record["faces"]:
        yield picture
    for number, face in enumerate(record["faces"], start=1):
        yield {
            **picture,
            "face": number,
            **dict(zip(("x1", "y1", "x2", "y2"), face["box"], strict=True)),
            **dict(zip(("age_low", "age_high"), face["interval"], strict=True)),
            **{f"p({name})": p for name, p in face["group_probabilities"].items()},
            **{_threshold_field(t): p for t, p in face.get("probability_at_least", {}).items()},
            "warnings": " ".join(face["warnings"]),
            **{name: face[name] for name in (*RECORD_FIELDS, *ETHNICITY_FIELDS) if name in face},
        }


def check_out(path: str | None) -> str | None:
    """What is wrong with --out, in words; None where nothing is."""
    if path is None:
        return None
    if os.path.lexists(path) and not os.path.isfile(path):
        return (
            f"--out: expected a file, but {path} is a folder or something else; give another name"
        )
    if not Path(path).absolute().parent.is_dir():
        return f"--out: there is no folder {Path(path).parent}; make it first"
    return None


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
