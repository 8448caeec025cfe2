"""Crops for the face check: what is said to show no face shows none."""

import numpy as np
import pytest

from age_model.faces.crop import Framing, crop_face
from age_model.faces.haar import HaarDetector
from train.stress import face_check_crops
from train.stress.face_check_crops import (
    SIDE,
    away_from,
    false_alarms,
    made,
    moved,
    part,
    scrambled,
)

FRAMING = Framing(box_centre_xy=(0.5, 0.5), box_side=1.0)


def faces_at(*boxes):
    box = np.array(boxes, np.float32).reshape(-1, 4)
    return FRAMING.faces(box, np.ones(len(box)), np.full((len(box), 5, 2), np.nan))


class Planted:
    """A detector that says what the test says."""

    kind = "planted"

    def __init__(self, *boxes):
        self.boxes = boxes

    def detect(self, image_rgb, quick=False):
        return faces_at(*self.boxes)


@pytest.fixture
def rng():
    return np.random.default_rng(0)


@pytest.fixture(scope="module")
def face(astronaut):
    return crop_face(astronaut, HaarDetector().detect(astronaut), 0, 200)


@pytest.mark.parametrize("make", [moved, scrambled, part])
def test_crops_of_a_face_have_one_form_and_follow_the_seed(make, face):
    one, again, other = (make(face, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.shape == (SIDE, SIDE, 3) and one.dtype == np.uint8
    assert np.array_equal(one, again) and not np.array_equal(one, other)


def test_a_scrambled_face_has_its_colours_in_other_places(face, rng):
    mixed = scrambled(face, rng)
    assert np.abs(mixed.mean(axis=(0, 1)) - face.mean(axis=(0, 1))).max() < 4
    small = face[::4, ::4][:SIDE, :SIDE]
    assert np.abs(mixed[: len(small), : small.shape[1]].astype(int) - small).mean() > 15


def test_crops_away_from_a_face_leave_it_alone(rng):
    photo = np.zeros((200, 300, 3), np.uint8)
    photo[50:150, 50:150] = 255  # the face
    crops = list(away_from(faces_at((50, 50, 150, 150)), photo, rng, 20))
    assert len(crops) == 20
    assert max(crop.mean() for crop in crops) < 255 * 0.25, "a corner of it at most"
    assert list(away_from(faces_at((-500, -500, 800, 800)), photo, rng, 20)) == []


def test_false_alarms_are_what_lies_beside_the_faces():
    photo = np.zeros((200, 300, 3), np.uint8)
    detector = Planted((50, 50, 150, 150), (200, 20, 260, 80), (120, 60, 200, 140))
    ((kind, crop),) = false_alarms([detector], photo, faces_at((45, 45, 155, 155)))
    assert kind == "planted" and crop.shape == (SIDE, SIDE, 3)


def test_made_crops_are_of_many_kinds(rng):
    spread = [made(rng).std() for _ in range(40)]
    assert min(spread) < 40 < max(spread)
    for make in (face_check_crops._noise, face_check_crops._drawn_face, face_check_crops._text):
        assert make(rng).shape == (SIDE, SIDE, 3)
