"""train.stress.pose: what a detector sees in an aligned face, and the errors on turned heads."""

import json

import cv2
import numpy as np
import pytest

from age_model.faces.crop import crop_face
from age_model.faces.yunet import YuNetDetector
from age_model.labels import AGE_GROUP_NAMES
from age_model.quality.warnings import limits
from train import robustness
from train.evaluation.predictions import Predictions
from train.stress.corruptions import occluded
from train.stress.pose import detector_score, head_yaw, pose_rows


@pytest.fixture(scope="module")
def yunet(yunet_path):
    return YuNetDetector(yunet_path)


@pytest.fixture
def crop(yunet, astronaut):
    return crop_face(astronaut, yunet.detect(astronaut), 0, 200)


def test_a_covered_face_makes_the_detector_less_sure(yunet, crop):
    whole, half = detector_score(yunet, crop), detector_score(yunet, occluded(crop, (0, 0.5, 1, 1)))
    assert 0.85 < whole <= 1 and half < whole - 0.02
    assert detector_score(yunet, np.full_like(crop, 127)) == 0


def test_score_is_the_same_in_a_photo_and_at_any_size(yunet, crop, astronaut):
    larger = cv2.resize(astronaut, (1024, 1024), interpolation=cv2.INTER_CUBIC)
    scores = [yunet.detect(photo).score[0] for photo in (astronaut, larger)]
    assert scores == pytest.approx([detector_score(yunet, crop)] * 2, abs=0.02)


def test_a_face_is_turned_as_far_in_its_mirror_image(yunet, crop):
    assert head_yaw(yunet, crop) == pytest.approx(head_yaw(yunet, crop[:, ::-1].copy()), abs=5)
    assert np.isnan(head_yaw(yunet, np.full_like(crop, 127)))


def _predictions(years: np.ndarray, true: np.ndarray) -> Predictions:
    n, groups = len(true), len(AGE_GROUP_NAMES)
    return Predictions(
        file=np.array(["a.jpg"] * n), source=np.array(["utkface"] * n), age_low=true, age_high=true,
        gender=np.zeros(n, int), ethnicity=np.zeros(n, int), years=years,
        interval_years=np.stack([years - 5, years + 5], axis=1),
        group_probabilities=np.full((n, groups), 1 / groups),
        gender_probabilities=np.full((n, 2), 0.5), ethnicity_probabilities=np.full((n, 5), 0.2),
    )  # fmt: skip


def test_errors_are_held_against_those_of_the_same_age_seen_from_the_front():
    """Frontal: children off by 1, adults by 4. Turned by 25: a child off by 3, an adult by 5."""
    true = np.array([5, 5, 45, 45, 5, 45, 45])
    off = np.array([1.0, -1, 4, -4, 3, 5, 7])
    degrees = np.array([0.0, 9, 3, 5, 25, 25, 31])
    (near, far) = pose_rows(_predictions(true + off, true), degrees, resamples=50, seed=0)
    assert (near["name"], near["n"], near["mae"]) == ("20 to 30", 2, 4)
    assert near["mae_difference"] == pytest.approx((2 + 1) / 2)
    assert near["coverage"] == 1 and near["measured"]["yaw_degrees"]["median"] == 25
    assert (far["name"], far["n"], far["mae_difference"]) == ("30 or more", 1, 3)


def test_nothing_is_said_without_faces_from_the_front():
    true = np.array([5, 45])
    assert pose_rows(_predictions(true + 1.0, true), np.array([25.0, np.nan]), 50, 0) == []


@pytest.mark.slow
def test_with_yunet_the_table_has_scores_and_its_limits_can_be_read(
    carded, small_data, tmp_path, yunet_path, monkeypatch
):
    monkeypatch.setenv("AGE_FACE_DETECTOR", str(yunet_path))
    few = [c for c in robustness.conditions() if c.kind in ("none", "occlusion")]
    monkeypatch.setattr(robustness, "conditions", lambda: few)
    given = {"model": carded, "data": small_data, "out": tmp_path / "out", "max_pictures": 3,
             "resamples": 20}  # fmt: skip
    robustness.main([f"--{name}={value}" for name, value in given.items()])
    content = json.loads((tmp_path / "out" / "robustness.json").read_text())
    assert content["detector"] == f"yunet ({yunet_path.name})"
    made = [row for row in content["conditions"] if row["kind"] != "pose"]
    assert all(0 <= row["measured"]["yunet_score"]["median"] <= 1 for row in made)
    limits(content, "yunet")
