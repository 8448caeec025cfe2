"""Readers of UTKFace and FairFace: from a user's files to one kind of row.

A reader yields a `Picture` for each good file and tells the `Report` about every other one. What a
label says is never guessed: a name that cannot be read is reported and left out.
"""

import csv
import re
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from age_model.labels import ETHNICITIES, FAIRFACE_ETHNICITIES, GENDERS, MAX_AGE
from train.console.errors import InputError

PICTURE_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp"}
MISSING = -1

# [age]_[gender]_[race]_[date and time], then one of several endings, ".jpg.chip.jpg" the usual one.
UTKFACE_NAME = re.compile(r"^(\d{1,3})_([01])_([0-4])_\d{8,}.*\.jpe?g$", re.IGNORECASE)
OLDEST = 122  # years; an age over it in a file name is a slip of the pen

FAIRFACE_GROUPS = {
    "0-2": (0, 2), "3-9": (3, 9), "10-19": (10, 19), "20-29": (20, 29), "30-39": (30, 39),
    "40-49": (40, 49), "50-59": (50, 59), "60-69": (60, 69), "more than 70": (70, MAX_AGE),
}  # fmt: skip
# What spreadsheets make of "3-9" and "10-19", which they take for dates.
DAMAGED_GROUPS = {
    "03-sep": "3-9", "3-sep": "3-9", "09-mar": "3-9", "9-mar": "3-9", "sep-03": "3-9",
    "oct-19": "10-19", "19-oct": "10-19",
}  # fmt: skip


@dataclass(frozen=True)
class Picture:
    """One labelled picture, as it is stored in the data set (but for `official_split`).

    Attributes:
        file: "utkface/NAME" or "fairface/train/NAME", the picture's identity everywhere.
        source: "utkface" or "fairface".
        image: {"bytes": the original file's bytes, "path": its name}, as `datasets.Image` has it.
        age_type: "point" for a year, "interval" for a group, "none" where the age is not known.
        age_low, age_high: years, both ends included; equal for a point, -1 for none.
        gender: index in `labels.GENDERS`, -1 where missing.
        ethnicity: index in `labels.ETHNICITIES`, -1 where missing.
        official_split: "train" or "val" as FairFace says; None for UTKFace, which has no split.
    """

    file: str
    source: str
    image: dict
    age_type: str
    age_low: int
    age_high: int
    gender: int
    ethnicity: int
    official_split: str | None


@dataclass
class Report:
    """What was found besides good pictures; becomes `report.json`.

    Attributes:
        problems: reason -> files left out for it.
        repaired_groups: damaged group as found -> how many labels it was on.
        clipped_ages: files whose age is over MAX_AGE, which is stored as MAX_AGE.
    """

    problems: dict[str, list[str]] = field(default_factory=dict)
    repaired_groups: dict[str, int] = field(default_factory=dict)
    clipped_ages: list[str] = field(default_factory=list)

    def leave_out(self, file: str, reason: str) -> None:
        """Note that `file` is not used, and why."""
        self.problems.setdefault(reason, []).append(file)


def read_utkface(paths: list[Path], report: Report) -> Iterator[Picture]:
    """Pictures of UTKFace from folders and .tar(.gz) files, in the order of paths and names.

    Raises:
        InputError: a path is neither, or holds no picture.
    """
    seen: set[str] = set()
    for path in paths:
        found = 0
        for name, data in _files(path):
            found += 1
            file = f"utkface/{name}"
            match = UTKFACE_NAME.match(name)
            if name in seen:
                report.leave_out(file, "the same file name a second time")
            elif not match or int(match[1]) > OLDEST:
                report.leave_out(file, "name is not [age]_[gender]_[race]_[date]")
            else:
                seen.add(name)
                age, gender, race = (int(group) for group in match.groups())
                if age > MAX_AGE:
                    report.clipped_ages.append(file)
                age = min(age, MAX_AGE)
                image = {"bytes": data, "path": name}
                yield Picture(file, "utkface", image, "point", age, age, gender, race, None)
        if not found:
            raise InputError(
                f"{path}: expected UTKFace pictures (*.jpg), found none; give the folder or archive "
                "that holds files such as 25_0_2_20170116174525125.jpg.chip.jpg"
            )


def read_fairface(paths: list[Path], report: Report) -> Iterator[Picture]:
    """Pictures of FairFace from .parquet files, label CSVs beside their pictures, or folders of these.

    Raises:
        InputError: a path is none of these or lacks a column.
    """
    for path in _label_files(paths):
        rows = _parquet_rows(path) if path.suffix == ".parquet" else _csv_rows(path, report)
        for row in rows:
            picture = _fairface_picture(row, report)
            if picture is not None:
                yield picture


def _fairface_picture(row: dict, report: Report) -> Picture | None:
    file = f"fairface/{row['file']}"
    split = row["file"].split("/")[0]
    group = row["age"].strip()
    if group not in FAIRFACE_GROUPS and group.lower() in DAMAGED_GROUPS:
        report.repaired_groups[group] = report.repaired_groups.get(group, 0) + 1
        group = DAMAGED_GROUPS[group.lower()]
    if group not in FAIRFACE_GROUPS:
        report.leave_out(file, "age is not one of FairFace's groups")
        return None
    if split not in ("train", "val"):
        report.leave_out(file, "file is neither train/... nor val/...")
        return None
    low, high = FAIRFACE_GROUPS[group]
    gender, race = row["gender"].strip().lower(), row["race"].strip()
    ethnicity = FAIRFACE_ETHNICITIES.get(race)
    return Picture(
        file=file,
        source="fairface",
        image={"bytes": row["bytes"], "path": row["file"]},
        age_type="interval",
        age_low=low,
        age_high=high,
        gender=GENDERS.index(gender) if gender in GENDERS else MISSING,
        ethnicity=ETHNICITIES.index(ethnicity) if ethnicity else MISSING,
        official_split=split,
    )


def _files(path: Path) -> Iterator[tuple[str, bytes]]:
    """(name, bytes) of the pictures in a folder or archive; nothing is unpacked to disk."""
    if path.is_dir():
        for file in sorted(p for p in path.rglob("*") if p.suffix.lower() in PICTURE_SUFFIXES):
            yield file.name, _read_or_empty(file)
    elif path.is_file() and tarfile.is_tarfile(path):
        with tarfile.open(path) as archive:
            for member in archive:
                if member.isfile() and Path(member.name).suffix.lower() in PICTURE_SUFFIXES:
                    yield Path(member.name).name, archive.extractfile(member).read()
    else:
        raise InputError(f"{path}: expected a folder or a .tar.gz of UTKFace, and it is neither")


def _label_files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        inside = sorted([*path.glob("*.parquet"), *path.glob("*.csv")]) if path.is_dir() else [path]
        if not inside or not inside[0].is_file() or inside[0].suffix not in {".parquet", ".csv"}:
            raise InputError(
                f"{path}: expected FairFace as .parquet, as a label .csv beside its pictures, or a "
                "folder that holds one of these"
            )
        yield from inside


def _parquet_rows(path: Path) -> Iterator[dict]:
    table = pq.ParquetFile(path)
    _require_columns(path, table.schema_arrow.names, {"file", "age", "gender", "race", "image"})
    for batch in table.iter_batches(
        batch_size=256, columns=["file", "age", "gender", "race", "image"]
    ):
        for row in batch.to_pylist():
            yield {**row, "bytes": (row["image"] or {}).get("bytes") or b""}


def _csv_rows(path: Path, report: Report) -> Iterator[dict]:
    with path.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.DictReader(lines)
        _require_columns(path, reader.fieldnames or [], {"file", "age", "gender", "race"})
        for row in reader:
            picture = path.parent / row["file"]
            if not picture.is_file():
                report.leave_out(f"fairface/{row['file']}", "in the CSV, but there is no such file")
                continue
            yield {**row, "bytes": _read_or_empty(picture)}


def _read_or_empty(path: Path) -> bytes:
    """The file's bytes; none for a file that may not be read, which is then reported as unreadable."""
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _require_columns(path: Path, got: list[str], needed: set[str]) -> None:
    if needed - set(got):
        raise InputError(
            f"{path}: expected the columns {', '.join(sorted(needed))}, "
            f"lacks {', '.join(sorted(needed - set(got)))}"
        )
