"""What the columns of somebody's own table say of a picture."""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass

from age_model.labels import ETHNICITIES, FAIRFACE_ETHNICITIES, GENDERS, MAX_AGE
from train.data.sources.picture import MISSING, Picture, Report

COLUMNS = (
    "file_name", "image", "age", "age_low", "age_high", "gender", "ethnicity", "subject", "split",
)  # fmt: skip
OLDEST = 122  # years; an age over it is a slip of the pen
BLANK = {"", "-1", "?", "n/a", "na", "nan", "none", "null", "unknown"}
# 34 or 34.5; 20-29 or "20 to 29"; 70+; "more than 70", which FairFace says for 70 and over.
YEARS = re.compile(r"(\d{1,3})(\.\d+)?")
GROUP = re.compile(r"(\d{1,3})\s*(?:-|–|to)\s*(\d{1,3})")
OPEN_GROUP = re.compile(r"(?:more than\s*)?(\d{1,3})\s*\+?")
AGE_EXPECTED = f"age is neither 0 to {OLDEST} years nor a group such as 20-29 or 70+"

GENDER_WORDS = {"m": "male", "man": "male", "f": "female", "w": "female", "woman": "female"}
SPLIT_WORDS = {
    "train": "train", "training": "train", "validation": "validation", "valid": "validation",
    "val": "validation", "dev": "validation", "test": "test", "testing": "test",
}  # fmt: skip
ETHNICITY_WORDS = {
    name.lower(): name for name in (*ETHNICITIES, *FAIRFACE_ETHNICITIES)
}  # the seven of FairFace are folded into the five below


@dataclass(frozen=True)
class Row:
    """One row of a table with its picture.

    Attributes:
        name: of the picture within the source.
        data: the picture file's bytes; empty where it cannot be read.
        values: column of COLUMNS -> what the table says; a column that it lacks is not in it.
        split: what the folder or the file says in which the row was found, or None.
    """

    name: str
    data: bytes
    values: dict
    split: str | None = None


def labelled(rows: Iterator[Row], key: str, report: Report) -> Iterator[Picture]:
    """The pictures of a source whose rows can be used; the report has the others.

    Args:
        rows: of the table.
        key: of the source.
        report: takes what cannot be used.
    """
    seen: set[str] = set()
    for row in rows:
        file = f"{key}/{row.name}"
        try:
            if row.name in seen:
                raise ValueError("the same file name a second time")
            seen.add(row.name)
            picture = _picture(row, file, key, report)
        except ValueError as problem:
            report.omit(file, str(problem))
        else:
            yield picture


def _picture(row: Row, file: str, key: str, report: Report) -> Picture:
    """Raises ValueError with the reason where the row cannot be used."""
    text = {column: _text(value) for column, value in row.values.items()}
    low, high = _age(text)
    gender, ethnicity = _gender(text, report), _ethnicity(text, report)
    if low == gender == ethnicity == MISSING:
        raise ValueError("no label: neither age nor gender nor ethnicity")
    if high > MAX_AGE:
        report.clipped_ages.append(file)
        low, high = min(low, MAX_AGE), MAX_AGE
    subject = text.get("subject")
    return Picture(
        file=file,
        source=key,
        image={"bytes": row.data, "path": row.name},
        age_type="none" if low == MISSING else "point" if low == high else "interval",
        age_low=low,
        age_high=high,
        gender=gender,
        ethnicity=ethnicity,
        official_split=_split(text.get("split") or row.split),
        subject=f"{key}/{subject}" if subject else None,
    )


def _text(value: object) -> str:
    """The value as the table has it, without blanks around it; "" for one that is missing."""
    if value is None or (isinstance(value, float) and math.isnan(value)):
        return ""
    text = str(value).strip()
    return "" if text.lower() in BLANK else text


def _age(text: dict[str, str]) -> tuple[int, int]:
    """(low, high) in years, both ends included; (-1, -1) where no column says an age."""
    if age := text.get("age"):
        return _years_or_group(age)
    low, high = text.get("age_low"), text.get("age_high")
    if not low and not high:
        return MISSING, MISSING
    # One end alone: a group that is open at the other.
    first, last = _years(low) if low else 0, _years(high) if high else MAX_AGE
    if first > last:
        raise ValueError("age_low is over age_high")
    return first, last


def _years_or_group(age: str) -> tuple[int, int]:
    if YEARS.fullmatch(age):
        return _years(age), _years(age)
    if group := GROUP.fullmatch(age.lower()):
        low, high = _years(group[1]), _years(group[2])
        if low > high:
            raise ValueError(AGE_EXPECTED)
        return low, high
    if group := OPEN_GROUP.fullmatch(age.lower()):
        return _years(group[1]), MAX_AGE
    raise ValueError(AGE_EXPECTED)


def _years(text: str) -> int:
    """Completed years: somebody of 34.9 is 34."""
    if not YEARS.fullmatch(text) or float(text) > OLDEST:
        raise ValueError(AGE_EXPECTED)
    return int(float(text))


def _gender(text: dict[str, str], report: Report) -> int:
    given = text.get("gender", "")
    name = GENDER_WORDS.get(given.lower(), given.lower())
    return _index(name, GENDERS, f"gender: {given}", report)


def _ethnicity(text: dict[str, str], report: Report) -> int:
    given = text.get("ethnicity", "")
    name = ETHNICITY_WORDS.get(given.lower(), given)
    return _index(FAIRFACE_ETHNICITIES.get(name, name), ETHNICITIES, f"ethnicity: {given}", report)


def _index(name: str, names: tuple[str, ...], said: str, report: Report) -> int:
    if name in names:
        return names.index(name)
    if name:
        report.unknown_labels[said] = report.unknown_labels.get(said, 0) + 1
    return MISSING


def _split(name: str | None) -> str | None:
    if not name:
        return None
    if name.lower() not in SPLIT_WORDS:
        raise ValueError("split is none of train, validation and test")
    return SPLIT_WORDS[name.lower()]
