"""What detection and prediction answer: frozen parallel arrays, one row for each face."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from typing import Any, Self

import numpy as np

from age_model.labels import (
    AGE_GROUPS,
    ATTRIBUTES,
    ETHNICITIES,
    GENDERS,
    NUM_AGES,
    AgeGroup,
    threshold_membership,
)

# Notes on a picture, in the records and on the page.
NOTE_FRAMES = (
    "The file holds more than one picture, as an animation or a document does; only the first "
    "was examined."
)
NOTE_FACES = "{found} faces were found; only the {most} largest were examined."
NOTE_REJECTED = {
    1: "One region looks like a face but probably is none; it was not examined.",
    2: "{rejected} regions look like faces but probably are none; they were not examined.",
}


def _rows(*shape: int, dtype: type = np.float64) -> dict[str, Any]:
    """Metadata of a field that is an array with one row a face: (N, *shape)."""
    return {"row_shape": shape, "dtype": dtype}


@dataclass(frozen=True, eq=False)
class _FaceRows:
    """What `Faces` and `FaceAges` share: N rows, which can be selected and joined.

    `result[index]` selects rows by a number, a slice, a boolean mask or an array of numbers. It is
    a result again, of one row for a number; iteration gives results of one row.

    Attributes:
        box_xyxy: (N, 4) float32, pixels of the upright picture; may reach over its border.
        score: (N,) float32 in 0..1, how sure the detector is; NaN where no detector ran, or it does
            not say. YuNet is the less sure the more of a face is hidden or turned away.
        omitted: how many smaller faces were found too, beyond what one picture may have.
        rejected: how many regions looked like a face but were not taken for one.
    Both counts are about the picture: a selection keeps them, `concatenate` adds them up.
    """

    box_xyxy: np.ndarray = field(metadata=_rows(4, dtype=np.float32))
    score: np.ndarray = field(metadata=_rows(dtype=np.float32))
    omitted: int = field(default=0, kw_only=True)
    rejected: int = field(default=0, kw_only=True)

    def __post_init__(self) -> None:
        for name, row_shape in self._row_shapes().items():
            expected, got = (len(self), *row_shape), np.shape(getattr(self, name))
            if got != expected:
                raise ValueError(
                    f"{type(self).__name__}.{name}: expected shape {expected}, got {got}"
                )

    @classmethod
    def _row_fields(cls) -> dict[str, Mapping[str, Any]]:
        """The metadata (`_rows`) of each field that is an array of rows."""
        return {f.name: f.metadata for f in fields(cls) if f.metadata}

    def _row_shapes(self) -> dict[str, tuple[int, ...]]:
        """The shape of a row of each field that has rows."""
        return {name: row["row_shape"] for name, row in self._row_fields().items()}

    def __len__(self) -> int:
        return len(self.box_xyxy)

    def __getitem__(self, index: int | slice | np.ndarray | Sequence[int]) -> Self:
        rows = np.atleast_1d(np.arange(len(self))[index])
        return replace(self, **self._selected(rows))

    def _selected(self, rows: np.ndarray) -> dict[str, Any]:
        """The fields that have rows, with these rows only: (M,) int."""
        return {name: getattr(self, name)[rows] for name in self._row_shapes()}

    @classmethod
    def empty(cls) -> Self:
        """No face: an ordinary answer."""
        rows = cls._row_fields().items()
        no_rows: dict[str, Any] = {
            name: np.zeros((0, *row["row_shape"]), row["dtype"]) for name, row in rows
        }
        return cls(**no_rows)

    @classmethod
    def concatenate(cls, results: Iterable[Self]) -> Self:
        """The rows of all results, in their order; empty where there are no results."""
        return cls(**cls._joined(list(results) or [cls.empty()]))

    @classmethod
    def _joined(cls, results: list[Self]) -> dict[str, Any]:
        filled = [r for r in results if len(r)] or results[:1]
        names = filled[0]._row_shapes()
        return {
            **{name: np.concatenate([getattr(r, name) for r in filled]) for name in names},
            "omitted": sum(r.omitted for r in results),
            "rejected": sum(r.rejected for r in results),
        }


@dataclass(frozen=True, eq=False)
class Faces(_FaceRows):
    """N faces found in a picture, largest first.

    Attributes:
        box_xyxy, score, omitted, rejected: see `_FaceRows`.
        landmarks_xy: (N, 5, 2) float32, pixels: the eye, eye, nose tip, mouth corner, mouth corner
            as they lie from the picture's left to right in an upright face; NaN where the detector
            gives none.
        to_crop: (N, 2, 3) float64, from the picture's pixels to the face's crop, whose sides run
            from 0 to 1; see `faces.crop.Framing`.
    """

    landmarks_xy: np.ndarray = field(metadata=_rows(5, 2, dtype=np.float32))
    to_crop: np.ndarray = field(metadata=_rows(2, 3))


@dataclass(frozen=True, eq=False)
class FaceAges(_FaceRows):
    """What the model says about N faces of one picture (or N crops), largest face first.

    Attributes:
        box_xyxy, score, omitted, rejected: see `_FaceRows`.
        age_years: (N,) float64, point estimate.
        interval_years: (N, 2) float64, low and high end of the 80% interval.
        age_probabilities: (N, 101) float64, for each single year.
        group_probabilities: (N, G) float64, for `groups`.
        gender_probabilities: (N, 2) float64, for `labels.GENDERS` (perceived); None where the model
            was not taught it.
        ethnicity_probabilities: (N, 5) float64, for `labels.ETHNICITIES` (perceived; for auditing),
            or None alike.
        warnings: N tuples of sentences, what the photo shows badly of each face
            (`quality.warnings.face_warnings`); without it, no face has any.
        groups: the model's G age groups, in rising order.
    """

    age_years: np.ndarray = field(metadata=_rows())
    interval_years: np.ndarray = field(metadata=_rows(2))
    age_probabilities: np.ndarray = field(metadata=_rows(NUM_AGES))
    group_probabilities: np.ndarray = field(metadata=_rows(len(AGE_GROUPS)))
    gender_probabilities: np.ndarray | None = field(metadata=_rows(len(GENDERS)))
    ethnicity_probabilities: np.ndarray | None = field(metadata=_rows(len(ETHNICITIES)))
    warnings: tuple[tuple[str, ...], ...] = ()
    groups: tuple[AgeGroup, ...] = field(default=AGE_GROUPS, kw_only=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.warnings:
            object.__setattr__(self, "warnings", ((),) * len(self))
        if len(self.warnings) != len(self):
            raise ValueError(
                f"FaceAges.warnings: expected {len(self)} tuples, got {len(self.warnings)}"
            )

    @property
    def attributes(self) -> tuple[str, ...]:
        """Those of `labels.ATTRIBUTES` that the model answers."""
        return tuple(n for n in ATTRIBUTES if getattr(self, f"{n}_probabilities") is not None)

    @classmethod
    def none_found(cls, groups: tuple[AgeGroup, ...], attributes: tuple[str, ...]) -> "FaceAges":
        """No face, from a model with these age groups and attributes."""
        unanswered = {f"{n}_probabilities": None for n in ATTRIBUTES if n not in attributes}
        no_groups = np.zeros((0, len(groups)))
        changes: dict[str, Any] = {**unanswered, "groups": groups, "group_probabilities": no_groups}
        return replace(cls.empty(), **changes)

    def _row_shapes(self) -> dict[str, tuple[int, ...]]:
        shapes = super()._row_shapes() | {"group_probabilities": (len(self.groups),)}
        unanswered = [n for n in ATTRIBUTES if n not in self.attributes]
        return {
            n: s for n, s in shapes.items() if n.removesuffix("_probabilities") not in unanswered
        }

    def _selected(self, rows: np.ndarray) -> dict[str, Any]:
        return super()._selected(rows) | {"warnings": tuple(self.warnings[i] for i in rows)}

    @classmethod
    def _joined(cls, results: list[Self]) -> dict[str, Any]:
        filled = [r for r in results if len(r)] or results[:1]
        if len({(r.groups, r.attributes) for r in filled}) > 1:
            raise ValueError(
                "expected the results of one model, got other age groups or attributes"
            )
        first = filled[0]
        unanswered = {f"{n}_probabilities": None for n in ATTRIBUTES if n not in first.attributes}
        warnings: tuple[tuple[str, ...], ...] = sum((r.warnings for r in results), ())
        return (
            super()._joined(results) | unanswered | {"groups": first.groups, "warnings": warnings}
        )

    def to_dicts(
        self, ethnicity: bool = False, at_least: tuple[int, ...] = ()
    ) -> list[dict[str, Any]]:
        """One JSON-ready dict a face: the form of the command line, the API and the page.

        What the model does not answer (`attributes`) is left out.

        Args:
            ethnicity: also say the perceived ethnicity, for audits.
            at_least: also say the probability of looking each of these ages (whole years, such as
                `labels.THRESHOLDS`) or older. It verifies nobody's age.
        """
        faces = [self._face_dict(i, ethnicity) for i in range(len(self))]
        for face, warnings in zip(faces, self.warnings, strict=True):
            face["warnings"] = list(warnings)
        if at_least:
            tails = self.age_probabilities @ threshold_membership(at_least).T
            for face, row in zip(faces, tails, strict=True):
                face["probability_at_least"] = {
                    str(t): round(float(p), 4) for t, p in zip(at_least, row, strict=True)
                }
        return faces

    def _face_dict(self, i: int, ethnicity: bool) -> dict[str, Any]:
        groups, names = self.group_probabilities[i], [group.name for group in self.groups]
        face = {
            "box": [round(float(v), 1) for v in self.box_xyxy[i]],
            "score": None if np.isnan(self.score[i]) else round(float(self.score[i]), 4),
            "age": round(float(self.age_years[i]), 1),
            "interval": [round(float(v), 1) for v in self.interval_years[i]],
            "group": names[int(groups.argmax())],
            "group_probabilities": {
                name: round(float(p), 4) for name, p in zip(names, groups, strict=True)
            },
        }
        if self.gender_probabilities is not None:
            face |= _class("gender", GENDERS, self.gender_probabilities[i])
        if ethnicity and self.ethnicity_probabilities is not None:
            face |= _class("ethnicity", ETHNICITIES, self.ethnicity_probabilities[i])
        return face


def whole_years(interval_years: Sequence[float]) -> tuple[int, int]:
    """Ends of an interval in whole years, rounded outwards: they hold at least the interval."""
    low, high = interval_years
    return int(np.floor(low)), int(np.ceil(high))


def _class(name: str, classes: tuple[str, ...], probabilities: np.ndarray) -> dict[str, Any]:
    """The most probable class of one face, and its probability."""
    return {
        name: classes[int(probabilities.argmax())],
        f"{name}_probability": round(float(probabilities.max()), 4),
    }


def picture_record(
    file: str | None,
    size_wh: tuple[int, int] | None = None,
    faces: FaceAges | None = None,
    error: str | None = None,
    ethnicity: bool = False,
    at_least: tuple[int, ...] = (),
    frames: int = 1,
) -> dict[str, Any]:
    """The JSON answer for one picture: `faces` is empty where none was found or `error` is set.

    `ethnicity` and `at_least` are those of `FaceAges.to_dicts`, `frames` that of
    `images.load.Picture`.
    """
    width, height = size_wh or (None, None)
    return {
        "file": file,
        "width": width,
        "height": height,
        "faces": faces.to_dicts(ethnicity, at_least) if faces is not None else [],
        "notes": picture_notes(frames, faces),
        "error": error,
    }


def picture_notes(frames: int, faces: FaceAges | None) -> list[str]:
    """What people should know of a picture that was examined in part only: sentences.

    Args:
        frames: that of `images.load.Picture`.
        faces: those that were examined.
    """
    notes = [NOTE_FRAMES] if frames > 1 else []
    if faces is not None and faces.omitted:
        found = len(faces) + faces.omitted
        notes.append(NOTE_FACES.format(found=found, most=len(faces)))
    if faces is not None and faces.rejected:
        notes.append(NOTE_REJECTED[min(faces.rejected, 2)].format(rejected=faces.rejected))
    return notes
