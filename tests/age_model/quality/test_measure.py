"""What a photo shows of a face: each measurement follows what it is named after, little else."""

import numpy as np
import pytest

from age_model.quality.measure import (
    MOST_BLUR,
    NOSE_DEPTH,
    blur_sigma,
    face_size,
    is_grey,
    luminance,
    share_outside,
    yaw_degrees,
)
from train.stress.corruptions import blurred, darkened, low_resolution


def crop_at(left: float, top: float, side: float) -> np.ndarray:
    """`Faces.to_crop` of a square of the photo, pixels."""
    return np.array([[1, 0, -left], [0, 1, -top]]) / side


@pytest.fixture
def face(astronaut):
    return astronaut[30:230, 130:330]


def test_the_size_is_that_of_the_crop_in_the_photo():
    assert face_size(crop_at(10, 20, 64)) == pytest.approx(64)
    turned = crop_at(10, 20, 64) @ np.array([[0, -1, 0], [1, 0, 0], [0, 0, 1]])
    assert face_size(turned) == pytest.approx(64)


def test_share_outside_is_that_of_the_crop_beside_the_photo():
    for size_wh, moved, share in [
        ((100, 100), (0, 0), 0), ((400, 300), (50, 60), 0), ((75, 100), (0, 0), 0.25),
        ((400, 300), (-50, 0), 0.5), ((400, 300), (350, 250), 0.75), ((9, 9), (200, 0), 1),
    ]:  # fmt: skip
        assert share_outside(crop_at(*moved, 100), size_wh) == pytest.approx(share), moved


def test_grey_is_without_any_colour(face):
    grey = np.repeat(face[..., :1], 3, axis=2)
    assert is_grey(grey) and not is_grey(face)
    grey[5, 5, 2] ^= 8
    assert not is_grey(grey)


def test_blur_grows_with_the_true_sigma(face):
    found = [blur_sigma(blurred(face, sigma)) for sigma in (0.5, 1, 2, 3, 4, 6, 8)]
    assert np.all(np.diff(found) > 0)
    assert found[0] < 3 and found[-1] == pytest.approx(8, rel=0.3)


def test_blur_does_not_depend_on_light_or_the_size_of_the_crop(face):
    sharp = blur_sigma(face)
    assert blur_sigma(darkened(face, 0.4)) == pytest.approx(sharp, rel=0.1)
    double = np.repeat(np.repeat(face, 2, axis=0), 2, axis=1)
    assert blur_sigma(double) == pytest.approx(sharp, rel=0.1)


def test_an_enlarged_small_face_counts_as_blurred(face):
    assert blur_sigma(low_resolution(face, 24)) > 1.2 * blur_sigma(face)


def test_a_flat_area_is_as_blurred_as_can_be():
    assert blur_sigma(np.full((200, 200, 3), 90, np.uint8)) == MOST_BLUR


def test_luminance_is_that_of_the_middle():
    crop = np.zeros((200, 200, 3), np.uint8)
    crop[40:160, 40:160] = (255, 0, 0)
    assert luminance(crop) == pytest.approx(0.299)
    crop[40:160, 40:160] = 255
    assert luminance(crop) == pytest.approx(1)


@pytest.mark.parametrize("degrees", [-60, -20, 0, 20, 60])
@pytest.mark.parametrize("roll", [0, 25])
def test_a_turned_head_is_told_from_its_landmarks(degrees, roll):
    # Right, down, towards the viewer, in distances from an eye to the middle between both.
    head = np.array([[-1, 0, 0], [1, 0, 0], [0, 1, NOSE_DEPTH], [-0.8, 2, 0.2], [0.8, 2, 0.2]])
    yaw, roll = np.deg2rad([degrees, roll])
    x = head[:, 0] * np.cos(yaw) + head[:, 2] * np.sin(yaw)
    turn = np.array([[np.cos(roll), np.sin(roll)], [-np.sin(roll), np.cos(roll)]])
    landmarks = 40 * np.column_stack([x, head[:, 1]]) @ turn + 100
    assert yaw_degrees(landmarks) == pytest.approx(degrees, abs=1e-6)


def test_without_landmarks_nothing_is_said_of_turning():
    assert np.isnan(yaw_degrees(np.full((5, 2), np.nan)))
