"""Faces turned to the side, as the data has them, and what a detector sees in an aligned face.

A head cannot be turned in a picture of it. So the errors on turned heads are compared with those on
frontal faces of the same age group.
"""

import numpy as np

from age_model.faces.landmark_detector import LandmarkDetector
from age_model.labels import AGE_GROUPS, group_index
from age_model.quality.measure import yaw_degrees
from train.evaluation.predictions import Predictions
from train.stress.measurement import quantiles, row_scores

FRONTAL_DEGREES = 10  # to either side: below, a face counts as seen from the front
BANDS = ((10, 20), (20, 30), (30, 90))


def detector_score(detector: LandmarkDetector, crop_rgb: np.ndarray) -> float:
    """How sure the detector is of the face in a (H, W, 3) uint8 aligned crop; 0 without a face."""
    look = detector.look_closer(crop_rgb, _whole(crop_rgb))
    return look[1] if look else 0.0


def head_yaw(detector: LandmarkDetector, crop_rgb: np.ndarray) -> float:
    """How far the head in such a crop is turned to either side, degrees; NaN without a face."""
    look = detector.look_closer(crop_rgb, _whole(crop_rgb))
    return abs(yaw_degrees(look[0])) if look else np.nan


def pose_rows(p: Predictions, degrees: np.ndarray, resamples: int, seed: int) -> list[dict]:
    """A condition for each of BANDS that has faces, in the form of the others in robustness.json.

    Args:
        p: of N pictures.
        degrees: (N,) how far each is turned; NaN where not known.

    Returns:
        rows whose differences are those to the mean error of faces from the front of the same age
        group (of all of them where the group has none); empty without faces from the front.
    """
    errors, groups = np.abs(p.years - p.age_low), group_index(p.age_low)
    front = degrees < FRONTAL_DEGREES
    if not front.any():
        return []
    usual = np.full(len(AGE_GROUPS), errors[front].mean())
    for group in np.unique(groups[front]):
        usual[group] = errors[front & (groups == group)].mean()
    rows = []
    for low, high in BANDS:
        here = (degrees >= low) & (degrees < high)
        if here.any():
            name = f"{low} or more" if (low, high) == BANDS[-1] else f"{low} to {high}"
            rows.append(
                {"kind": "pose", "level": low, "name": name}
                | row_scores(p.where(here), usual[groups[here]], resamples, seed)
                | {"measured": {"yaw_degrees": quantiles(degrees[here].tolist())}}
            )
    return rows


def _whole(crop_rgb: np.ndarray) -> np.ndarray:
    """The matrix, as in `Faces.to_crop`, of a picture that is a crop already."""
    height, width = crop_rgb.shape[:2]
    return np.array([[1 / width, 0, 0], [0, 1 / height, 0]])
