"""The columns of a table of records, for CSV and Parquet: a row for each face."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

from age_model.labels import AGE_GROUP_NAMES, ATTRIBUTES, AgeGroup

RECORD_FIELDS = ("score", "age", "group")  # so called in a record's faces, too


class Model(Protocol):
    """What is asked of a predictor here."""

    @property
    def age_groups(self) -> tuple[AgeGroup, ...]:
        """The groups that it answers in."""

    @property
    def attributes(self) -> tuple[str, ...]:
        """Those of `labels.ATTRIBUTES` that it answers."""


@dataclass(frozen=True)
class Answers:
    """What a model is asked, and able, to say of each face.

    Attributes:
        groups: names of its age groups.
        attributes: those of `labels.ATTRIBUTES` that it says.
        at_least: ages in years, of which it says how probable it is to look as old or older.
    """

    groups: tuple[str, ...] = AGE_GROUP_NAMES
    attributes: tuple[str, ...] = ("gender",)
    at_least: tuple[int, ...] = ()

    @classmethod
    def of(
        cls, predictor: Model, ethnicity: bool = False, at_least: tuple[int, ...] = ()
    ) -> "Answers":
        """What a predictor says, without the ethnicity unless that is asked for."""
        asked = [name for name in ATTRIBUTES if ethnicity or name != "ethnicity"]
        return cls(
            tuple(group.name for group in predictor.age_groups),
            tuple(name for name in asked if name in predictor.attributes),
            at_least,
        )


def columns(answers: Answers) -> dict[str, type]:
    """Name and type (str, int or float) of each column, in their order."""
    box = ("x1", "y1", "x2", "y2")
    return {
        "file": str,
        **dict.fromkeys(("width", "height", "face"), int),
        **dict.fromkeys((*box, "score", "age", "age_low", "age_high"), float),
        "group": str,
        **dict.fromkeys(map(_group_column, answers.groups), float),
        **{
            column: kind
            for name in answers.attributes
            for column, kind in ((name, str), (f"{name}_probability", float))
        },
        **dict.fromkeys(map(_threshold_column, answers.at_least), float),
        **dict.fromkeys(("warnings", "notes", "error"), str),  # sentences
    }


def rows(record: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The rows of a record; a picture without faces, or with an error, has one, without a face."""
    picture = {name: record[name] for name in ("file", "width", "height", "error")}
    picture["notes"] = " ".join(record["notes"])
    if not record["faces"]:
        yield picture
    for number, face in enumerate(record["faces"], start=1):
        yield {
            **picture,
            "face": number,
            **dict(zip(("x1", "y1", "x2", "y2"), face["box"], strict=True)),
            **{name: face[name] for name in RECORD_FIELDS},
            **dict(zip(("age_low", "age_high"), face["interval"], strict=True)),
            **{_group_column(name): p for name, p in face["group_probabilities"].items()},
            **{
                column: face[column]
                for name in ATTRIBUTES
                for column in (name, f"{name}_probability")
                if column in face
            },
            **{_threshold_column(t): p for t, p in face.get("probability_at_least", {}).items()},
            "warnings": " ".join(face["warnings"]),
        }


def _group_column(name: str) -> str:
    return f"p({name})"


def _threshold_column(age: int | str) -> str:
    return f"p(>={age})"
