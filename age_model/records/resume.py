"""Going on with what a run has written before it was ended, by whatever: kill -9, too.

The rule: what counts is what the output says. A picture that has its record there, be it an error,
is left out. What may lack something is cut off first, and done again: the last line of JSON lines
where it is not whole, the rows of the last picture of a CSV, as nothing says how many there should
be. A file of Parquet is whole or not there.
"""

import base64
import csv
import hashlib
import json
import os
from array import array
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

import numpy as np

from age_model.records.output import no_formula

LINE_START, HEADING_START = b'{"file": ', b'"file",'


class Done:
    """The pictures that an output has, by a hash of their names: 8 bytes each in memory.

    Two of ten million names have the same hash with a probability of 3 in a million.
    """

    def __init__(self, names: Iterable[str] = ()):
        hashes = array("Q", map(_hash, names))
        self._hashes = np.unique(np.frombuffer(hashes, np.uint64))

    def __len__(self) -> int:
        return len(self._hashes)

    def __contains__(self, name: str) -> bool:
        wanted = np.uint64(_hash(name))
        place = int(np.searchsorted(self._hashes, wanted))
        return place < len(self._hashes) and bool(self._hashes[place] == wanted)


def _hash(name: str) -> int:
    return int.from_bytes(hashlib.blake2b(os.fsencode(name), digest_size=8).digest())


def done_in(form: str, out: str) -> Done:
    """The pictures that an output has; what may lack something is cut off.

    Args:
        form: "json", "csv" or "parquet".
        out: the file, or the folder of Parquet; it need not be there.

    Raises:
        ValueError: it was not written by this command.
    """
    if form == "parquet":
        from age_model.records.parquet import written_names

        return Done(written_names(out))
    if not os.path.exists(out):
        return Done()
    with open(out, "r+b") as file:
        return Done((_json_names if form == "json" else _csv_names)(file))


def is_done(form: str, done: Done, name: str) -> bool:
    """Whether a picture is done; a CSV has its name as `output.no_formula` gives it."""
    return (no_formula(name) if form == "csv" else name) in done


def _json_names(file: BinaryIO) -> Iterator[str]:
    whole = 0  # bytes of whole lines
    for line in file:
        try:
            record = json.loads(line)
            data = record.get("file_bytes")
            name = record["file"] if data is None else os.fsdecode(base64.b64decode(data))
            if not line.endswith(b"\n"):
                raise ValueError("cut short")
        except (ValueError, KeyError, AttributeError) as error:
            if file.read(1) or not LINE_START.startswith(line[: len(LINE_START)]):
                raise _not_ours(file, f"another line at byte {whole}") from error
            break
        whole += len(line)
        yield name
    file.truncate(whole)


def _csv_names(file: BinaryIO) -> Iterator[str]:
    start = file.read(len(HEADING_START))
    if not HEADING_START.startswith(start):
        raise _not_ours(file, f"the beginning {start!r}")
    file.seek(0)
    size, read, ends = os.fstat(file.fileno()).st_size, 0, True

    def lines() -> Iterator[str]:
        nonlocal read, ends  # how many bytes the table's reader has taken, and whole lines only
        for line in file:
            read, ends = read + len(line), line.endswith(b"\n")
            yield line.decode("utf-8", "surrogateescape")

    table = csv.reader(lines(), strict=True)
    heading: list[str] | None = None
    whole, last = 0, None  # bytes up to the last picture's rows, and that picture
    before = 0
    while row := _next_row(table):
        if not ends or (heading and len(row) != len(heading)):
            break
        if heading is None:
            heading, whole = row, read
        elif row[0] != last:
            if last is not None:
                yield last
            whole, last = before, row[0]
        before = read
    if read < size:
        raise _not_ours(file, f"another row before byte {read}")
    file.truncate(whole)


def _next_row(table: Iterator[list[str]]) -> list[str] | None:
    try:
        return next(table, None)
    except csv.Error:  # the end, in the middle of a cell
        return None


def _not_ours(file: BinaryIO, got: str) -> ValueError:
    return ValueError(
        f"expected to go on with what this command wrote, got {got} in {Path(file.name)}: give "
        "another --out"
    )
