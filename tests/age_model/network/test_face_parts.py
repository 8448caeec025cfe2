"""Where the parts of a face lie, from its landmarks."""

import numpy as np
import pytest

from age_model.network.face_parts import PARTS, face_parts

SIZE = 128
# As in an aligned crop: eyes, nose tip, corners of the mouth.
LANDMARKS = np.array([(0.29, 0.30), (0.69, 0.30), (0.49, 0.53), (0.31, 0.66), (0.69, 0.66)])


def _at(parts, x: float, y: float) -> str:
    (name,) = [n for n, mask in parts.items() if mask[int(y * SIZE), int(x * SIZE)]]
    return name


def test_every_pixel_belongs_to_one_part():
    parts = face_parts(LANDMARKS, SIZE)
    assert set(parts) <= set(PARTS) and len(parts) >= 7
    assert (sum(mask.astype(int) for mask in parts.values()) == 1).all()


@pytest.mark.parametrize(
    ("x", "y", "name"),
    [
        (0.29, 0.30, "the eyes"), (0.69, 0.30, "the eyes"), (0.49, 0.50, "the nose"),
        (0.49, 0.66, "the mouth"), (0.2, 0.55, "the cheeks"), (0.49, 0.9, "the chin"),
        (0.49, 0.08, "the forehead"), (0.03, 0.05, "the hair"),
        (0.02, 0.95, "what is outside the face"),
    ],
)  # fmt: skip
def test_the_parts_lie_where_they_should(x, y, name):
    assert _at(face_parts(LANDMARKS, SIZE), x, y) == name


def test_parts_turn_with_the_face():
    centre = np.array([0.5, 0.5])
    turned = (LANDMARKS - centre) @ np.array([[0.0, 1.0], [-1.0, 0.0]]) + centre
    upright, sideways = face_parts(LANDMARKS, SIZE), face_parts(turned, SIZE)
    same = np.mean(np.rot90(upright["the mouth"], -1) == sideways["the mouth"])
    assert same > 0.98 or np.mean(np.rot90(upright["the mouth"]) == sideways["the mouth"]) > 0.98


def test_without_landmarks_nothing_is_named():
    unknown = LANDMARKS.copy()
    unknown[2] = np.nan
    assert face_parts(unknown, SIZE) == {}
    assert face_parts(np.zeros((5, 2)), SIZE), "points on one spot are no reason to fail"
