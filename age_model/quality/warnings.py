"""Warnings about a face that is seen badly, with how much worse the loaded model is on such faces.

What counts as bad, and how bad it is, is read off the checkpoint's robustness.json, where `python
-m train.robustness` wrote the errors on pictures made worse step by step. Of a model without that
file nothing is said.
"""

from dataclasses import dataclass, replace
from operator import attrgetter
from pathlib import Path
from typing import Any

import numpy as np

from age_model.network.reports import read_robustness
from age_model.quality.measure import (
    blur_sigma,
    face_size,
    is_grey,
    luminance,
    share_outside,
    yaw_degrees,
)
from age_model.results import Faces

# What a face's warnings say, by the names of `MEASURES`.
ERRORS = (
    "the model was off by {mae:.1f} years on average, by {baseline:.1f} on the original pictures"
)
FACE_WARNINGS = {
    "resolution": "Small: on test pictures no smaller than this, {errors}.",
    "blur": "Blurred: on test pictures no more blurred than this, {errors}.",
    "darkness": "Dark: on test pictures no darker than this, {errors}.",
    "cut": (
        "Cut off by the edge of the picture: on test pictures of which {level:.0%} was covered, "
        "{errors}."
    ),
    "hidden": (
        "Partly hidden or turned away, it seems: the face detector is no surer of it than of test "
        "pictures with a part covered ({condition}); on those {errors}."
    ),
    "pose": (
        "Turned away: on test pictures of faces turned by {condition} degrees, the model was off "
        "by {mae:.1f} years on average, by {baseline:.1f} on faces of like age from the "
        "front."
    ),
    "grey": "Without colours: on test pictures turned grey, {errors}.",
}
FACE_BEYOND_MEASURED = {
    "pose": (
        "Turned far away: hardly a test picture shows a face turned so far, so nobody has measured "
        "how good the estimate is."
    ),
}

LEAST_MORE_YEARS = 0.5  # of mean absolute error, for a warning


@dataclass(frozen=True)
class Measure:
    """A measurement of a face, to be held against one kind of conditions in robustness.json.

    Attributes:
        name: of what is measured, in `measure_face` and `FACE_WARNINGS`.
        kind: of the conditions.
        worse: 1 where larger values are worse, -1 where smaller ones are.
        recorded: its name in the conditions' "measured", with the detector's `kind` for {detector};
            None where it is their "level" itself.
        only: the one condition of the kind that it can be held against; None for all.
    """

    name: str
    kind: str
    worse: int
    recorded: str | None = None
    only: str | None = None

    def of_detector(self, kind: str) -> "Measure":
        """The measure with its name where a detector of this kind gave the measurement."""
        return replace(self, recorded=self.recorded and self.recorded.format(detector=kind))


MEASURES = (
    Measure("resolution", "resolution", -1),
    Measure("blur", "blur", 1, recorded="blur_sigma"),
    Measure("darkness", "darkness", -1, recorded="luminance"),
    # The other rectangles lie on eyes, mouth or a half by intent; the edge of a photo cuts
    # anywhere.
    Measure("cut", "occlusion", 1, only="a quarter, anywhere"),
    Measure("hidden", "occlusion", -1, recorded="{detector}_score"),
    Measure("pose", "pose", 1, recorded="yaw_degrees"),
    Measure("grey", "grey", 1),
)
# What makes the detector unsure of a face as well; the face is not called hidden on top of these.
ALSO_UNSURE = {"resolution", "blur", "darkness", "cut", "pose"}


@dataclass(frozen=True)
class Limit:
    """A condition on which the model is so much worse that people should know.

    Attributes:
        name: that of its `Measure`.
        level, condition: how strong the condition is, and what it is called.
        value: what its `Measure` gives there; a face that is as bad, or worse, has reached it.
        mae: mean absolute error in years there; None beyond all that was measured.
        baseline: the same of these pictures without the condition.
    """

    name: str
    level: float
    condition: str
    value: float
    mae: float | None
    baseline: float


def read_limits(checkpoint: Path, detector: str) -> tuple[Limit, ...]:
    """The limits of a checkpoint folder; none where its robustness is not known.

    Args:
        detector: the `kind` of the one whose scores the faces have.
    """
    try:
        robustness = read_robustness(checkpoint)
        return limits(robustness, detector) if robustness else ()
    except (ValueError, KeyError, TypeError, AttributeError):
        return ()  # a checkpoint from elsewhere may hold anything, and answers all the same


def limits(robustness: dict[str, Any], detector: str) -> tuple[Limit, ...]:
    """The conditions worth a warning, those of a kind from the mildest to the strongest.

    They are those whose mean absolute error is larger than that of the baseline by at least
    LEAST_MORE_YEARS, with a 95% interval of the difference above zero, and that can be told from
    the baseline: what is measured on half of the pictures lies beyond what is measured on nine
    in ten pictures of the baseline.

    Args:
        robustness: content of robustness.json.
        detector: see `read_limits`.
    """
    rows = robustness["conditions"]
    baseline = next(row for row in rows if row["kind"] == "none")
    found = []
    for general in MEASURES:
        measure = general.of_detector(detector)
        kept = [
            Limit(
                name=measure.name,
                level=row["level"],
                condition=row["name"],
                value=_value(row, measure),
                mae=row["mae"],
                baseline=row["mae"] - row["mae_difference"],
            )
            for row in rows
            if _fits(row, measure)
            and row["mae_difference"] >= LEAST_MORE_YEARS
            and row["mae_difference_interval"][0] > 0
            and _stands_out(row, baseline, measure)
        ]
        found += sorted(kept, key=attrgetter("value"), reverse=measure.worse < 0)
    return (*found, *_unknown_beyond(rows))


def face_warnings(measured: dict[str, float], limits: tuple[Limit, ...]) -> tuple[str, ...]:
    """Sentences about one face, with the figures of the worst limit that it has reached.

    Args:
        measured: a value for each name in MEASURES, as from `measure_face`; NaN where not known.
    """
    reached = {
        limit.name: limit
        for measure in MEASURES
        for limit in limits
        if limit.name == measure.name
        and measure.worse * measured[limit.name] >= measure.worse * limit.value
    }
    if "resolution" in reached:
        reached.pop("blur", None)  # a small face is blurred by being enlarged: said once
    if reached.keys() & ALSO_UNSURE:
        reached.pop("hidden", None)
    return tuple(map(_sentence, reached.values()))


def measure_face(
    crop_rgb: np.ndarray, faces: Faces, index: int, size_wh: tuple[int, int]
) -> dict[str, float]:
    """What MEASURES are about, by their names.

    Args:
        crop_rgb: (H, W, 3) uint8, what `crop.crop_face` cut out for the face.
        faces, index: which face it is.
        size_wh: of the photo, pixels.
    """
    to_crop = faces.to_crop[index]
    return {
        "resolution": face_size(to_crop),
        "blur": blur_sigma(crop_rgb),
        "darkness": luminance(crop_rgb),
        "cut": share_outside(to_crop, size_wh),
        "hidden": float(faces.score[index]),
        "pose": abs(yaw_degrees(faces.landmarks_xy[index])),
        "grey": float(is_grey(crop_rgb)),
    }


def _sentence(limit: Limit) -> str:
    if limit.mae is None:
        return FACE_BEYOND_MEASURED[limit.name]
    errors = ERRORS.format(mae=limit.mae, baseline=limit.baseline)
    return FACE_WARNINGS[limit.name].format(errors=errors, **vars(limit))


def _unknown_beyond(rows: list[dict[str, Any]]) -> list[Limit]:
    """Where faces are turned so far that hardly a picture tells how good the model is on them.

    Other kinds are made from the pictures, as strong as one likes; this one only as the data
    has it: nine in ten of the pictures that are turned furthest lie below the limit.
    """
    pose = [row for row in rows if row["kind"] == "pose"]
    if not pose:
        return []
    furthest = max(pose, key=lambda row: row["level"])
    value = furthest["measured"]["yaw_degrees"]["p90"]
    return [Limit("pose", furthest["level"], furthest["name"], value, None, furthest["mae"])]


def _fits(row: dict[str, Any], measure: Measure) -> bool:
    """Whether a face can be held against the condition; older files lack some measurements."""
    known = measure.recorded is None or measure.recorded in row.get("measured", ())
    return known and row["kind"] == measure.kind and measure.only in (None, row["name"])


def _value(row: dict[str, Any], measure: Measure) -> float:
    return row["measured"][measure.recorded]["median"] if measure.recorded else row["level"]


def _stands_out(row: dict[str, Any], baseline: dict[str, Any], measure: Measure) -> bool:
    if measure.recorded not in baseline["measured"]:
        return True
    ordinary = baseline["measured"][measure.recorded]["p90" if measure.worse > 0 else "p10"]
    return measure.worse * _value(row, measure) > measure.worse * ordinary
