"""FairFace: faces with an age group."""

import csv
from collections.abc import Iterator
from pathlib import Path

from age_model.labels import ETHNICITIES, FAIRFACE_ETHNICITIES, GENDERS, MAX_AGE
from train.console.errors import InputError
from train.data.sources.picture import (
    MISSING,
    Picture,
    Report,
    Source,
    parquet_rows,
    read_or_empty,
    require_columns,
)

COLUMNS = {"file", "age", "gender", "race"}
FAIRFACE_GROUPS = {
    "0-2": (0, 2), "3-9": (3, 9), "10-19": (10, 19), "20-29": (20, 29), "30-39": (30, 39),
    "40-49": (40, 49), "50-59": (50, 59), "60-69": (60, 69), "more than 70": (70, MAX_AGE),
}  # fmt: skip
# What spreadsheets make of "3-9" and "10-19", which they take for dates.
DAMAGED_GROUPS = {
    "03-sep": "3-9", "3-sep": "3-9", "09-mar": "3-9", "9-mar": "3-9", "sep-03": "3-9",
    "oct-19": "10-19", "19-oct": "10-19",
}  # fmt: skip


def read_fairface(paths: list[Path], report: Report) -> Iterator[Picture]:
    """Pictures of FairFace from .parquet files, label CSVs beside pictures, or folders of these.

    Raises:
        InputError: a path is none of these or lacks a column.
    """
    for path in _label_files(paths):
        rows = parquet_rows(path, COLUMNS) if path.suffix == ".parquet" else _csv_rows(path, report)
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
        report.omit(file, "age is not one of FairFace's groups")
        return None
    if split not in ("train", "val"):
        report.omit(file, "file is neither train/... nor val/...")
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
        official_split="test" if split == "val" else "train",
    )


def _label_files(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        inside = sorted([*path.glob("*.parquet"), *path.glob("*.csv")]) if path.is_dir() else [path]
        if not inside or not inside[0].is_file() or inside[0].suffix not in {".parquet", ".csv"}:
            raise InputError(
                f"{path}: expected FairFace as .parquet, as a label .csv beside its pictures, or a "
                "folder that holds one of these"
            )
        yield from inside


def _csv_rows(path: Path, report: Report) -> Iterator[dict]:
    with path.open(newline="", encoding="utf-8-sig") as lines:
        reader = csv.DictReader(lines)
        require_columns(path, reader.fieldnames or [], COLUMNS)
        for row in reader:
            picture = path.parent / row["file"]
            if not picture.is_file():
                report.omit(f"fairface/{row['file']}", "in the CSV, but there is no such file")
                continue
            yield {**row, "bytes": read_or_empty(picture)}


FAIRFACE = Source(
    key="fairface",
    title="FairFace",
    labels="age group, gender, ethnicity",
    licence="CC BY 4.0",
    citation="Kärkkäinen and Joo, FairFace: Face Attribute Dataset for Balanced Race, Gender, and "
    "Age for Bias Measurement and Mitigation, WACV 2021",
    url="https://github.com/joojs/fairface",
    notes="Its test pictures come from its own validation set.",
    hub_id="HuggingFaceM4/FairFace",
    read=read_fairface,
    help="FairFace: .parquet files, label .csv files, or folders of these.",
    validation_share=0.05,  # of its official training part
    test_share=0.0,  # its test is its official validation part
)
