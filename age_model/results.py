"""What detection and prediction answer: frozen parallel arrays, one row for each face."""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from age_model.labels import (
    AGE_GROUP_NAMES,
    ETHNICITIES,
    GENDERS,
    NUM_AGES,
    threshold_membership,
)

# Notes on a picture, in the records and on the page.
NOTE_FRAMES = (
    "The file holds {frames} pictures, as an animation or a document does; only the first was "
    "examined."
)
NOTE_FACES = "{found} faces were found; only the {most} largest were examined."


@dataclass(frozen=True)
class Faces:
    """N faces found in a picture.

    Attributes:
        box_xyxy: (N, 4) float32, pixels of the picture; may reach over its border.
        score: (N,) float32 in 0..1, how sure the detector is; NaN where it does not say. YuNet is the
            less sure the more of a face is hidden or turned away.
        landmarks_xy: (N, 5, 2) float32, pixels: the eye, eye, nose tip, mouth corner, mouth corner
            as they lie from the picture's left to right in an upright face; NaN where the detector
            gives none.
        left_out: how many smaller faces were found too, beyond what one picture may have.
    """

    box_xyxy: np.ndarray
    score: np.ndarray
    landmarks_xy: np.ndarray
    left_out: int = 0

    def __post_init__(self) -> None:
        n = len(self.box_xyxy)
        _check_shapes(self, {"box_xyxy": (n, 4), "score": (n,), "landmarks_xy": (n, 5, 2)})

    def __len__(self) -> int:
        return len(self.box_xyxy)

    @classmethod
    def empty(cls) -> "Faces":
        """No face: an ordinary answer."""
        return cls(
            np.zeros((0, 4), np.float32), np.zeros(0, np.float32), np.zeros((0, 5, 2), np.float32)
        )


@dataclass(frozen=True)
class FaceAges:
    """What the model says about N faces of one picture (or N crops), largest face first.

    Attributes:
        box_xyxy: (N, 4) float32, pixels of the upright picture.
        score: (N,) float32, the detector's score in 0..1; NaN where no detector ran.
        age_years: (N,) float64, point estimate.
        interval_years: (N, 2) float64, low and high end of the 80% interval.
        age_probabilities: (N, 101) float64, for each single year.
        group_probabilities: (N, 9) float64, for `labels.AGE_GROUPS`.
        gender_probabilities: (N, 2) float64, for `labels.GENDERS` (perceived).
        ethnicity_probabilities: (N, 5) float64, for `labels.ETHNICITIES` (perceived; for auditing).
        warnings, left_out: see `PhotoAges`; of faces from elsewhere nothing is known.
    """

    box_xyxy: np.ndarray
    score: np.ndarray
    age_years: np.ndarray
    interval_years: np.ndarray
    age_probabilities: np.ndarray
    group_probabilities: np.ndarray
    gender_probabilities: np.ndarray
    ethnicity_probabilities: np.ndarray
    warnings: ClassVar[tuple[tuple[str, ...], ...]] = ()
    left_out: ClassVar[int] = 0

    def __post_init__(self) -> None:
        n = len(self.box_xyxy)
        _check_shapes(
            self,
            {
                "box_xyxy": (n, 4),
                "score": (n,),
                "age_years": (n,),
                "interval_years": (n, 2),
                "age_probabilities": (n, NUM_AGES),
                "group_probabilities": (n, len(AGE_GROUP_NAMES)),
                "gender_probabilities": (n, len(GENDERS)),
                "ethnicity_probabilities": (n, len(ETHNICITIES)),
            },
        )

    def __len__(self) -> int:
        return len(self.box_xyxy)

    @classmethod
    def empty(cls) -> "FaceAges":
        """No face, so no age."""
        return cls(
            box_xyxy=np.zeros((0, 4), np.float32),
            score=np.zeros(0, np.float32),
            age_years=np.zeros(0),
            interval_years=np.zeros((0, 2)),
            age_probabilities=np.zeros((0, NUM_AGES)),
            group_probabilities=np.zeros((0, len(AGE_GROUP_NAMES))),
            gender_probabilities=np.zeros((0, len(GENDERS))),
            ethnicity_probabilities=np.zeros((0, len(ETHNICITIES))),
        )

    def to_dicts(self, ethnicity: bool = False, at_least: tuple[int, ...] = ()) -> list[dict]:
        """One JSON-ready dict a face: the form of the command line, the API and the page.

        Args:
            ethnicity: also say the perceived ethnicity, for audits.
            at_least: also say the probability of looking each of these ages (whole years, such as
                `labels.THRESHOLDS`) or older. It verifies nobody's age.
        """
        faces = [self._face_dict(i, ethnicity) for i in range(len(self))]
        for face, warnings in zip(faces, self.warnings or [()] * len(self), strict=True):
            face["warnings"] = list(warnings)
        if at_least:
            tails = self.age_probabilities @ threshold_membership(at_least).T
            for face, row in zip(faces, tails, strict=True):
                face["probability_at_least"] = {
                    str(t): round(float(p), 4) for t, p in zip(at_least, row, strict=True)
                }
        return faces

    def _face_dict(self, i: int, ethnicity: bool) -> dict:
        groups, gender = self.group_probabilities[i], self.gender_probabilities[i]
        face = {
            "box": [round(float(v), 1) for v in self.box_xyxy[i]],
            "score": None if np.isnan(self.score[i]) else round(float(self.score[i]), 4),
            "age": round(float(self.age_years[i]), 1),
            "interval": [round(float(v), 1) for v in self.interval_years[i]],
            "group": AGE_GROUP_NAMES[int(groups.argmax())],
            "group_probabilities": {
                name: round(float(p), 4) for name, p in zip(AGE_GROUP_NAMES, groups, strict=True)
            },
            "gender": GENDERS[int(gender.argmax())],
            "gender_probability": round(float(gender.max()), 4),
        }
        if ethnicity:
            probabilities = self.ethnicity_probabilities[i]
            face["ethnicity"] = ETHNICITIES[int(probabilities.argmax())]
            face["ethnicity_probability"] = round(float(probabilities.max()), 4)
        return face


@dataclass(frozen=True)
class PhotoAges(FaceAges):
    """The ages of the faces that were found in a photo, with what people should know of them.

    Attributes:
        warnings: for each face the sentences of `picture_quality.face_warnings`.
        left_out: that of `Faces`.
    """

    warnings: tuple[tuple[str, ...], ...] = ()
    left_out: int = 0


def picture_record(
    file: str | None,
    size_wh: tuple[int, int] | None = None,
    faces: FaceAges | None = None,
    error: str | None = None,
    ethnicity: bool = False,
    at_least: tuple[int, ...] = (),
    frames: int = 1,
) -> dict:
    """The JSON answer for one picture: `faces` is empty where none was found or `error` is set.

    `ethnicity` and `at_least` are those of `FaceAges.to_dicts`, `frames` that of `images.Picture`.
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
        frames: that of `images.Picture`.
        faces: those that were examined.
    """
    notes = [NOTE_FRAMES.format(frames=f"{frames:,}")] if frames > 1 else []
    if faces is not None and faces.left_out:
        found = len(faces) + faces.left_out
        notes.append(NOTE_FACES.format(found=found, most=len(faces)))
    return notes


def _check_shapes(result: object, expected: dict[str, tuple[int, ...]]) -> None:
    for name, shape in expected.items():
        got = np.shape(getattr(result, name))
        if got != shape:
            raise ValueError(f"{type(result).__name__}.{name}: expected shape {shape}, got {got}")
