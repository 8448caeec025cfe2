"""The crop itself, and that a crop found by a detector is framed as UTKFace frames its faces."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from age_model.faces.crop import Framing, crop_face, similarity, without_repeats
from age_model.images.load import load_image
from age_model.results import Faces
from train.crop_geometry import corner_error, found_face, pasted, sample

BOX_ONLY = Framing(box_centre_xy=(0.49, 0.4), box_side=1.1)


def face_with_crop(left: float, top: float, side: float) -> Faces:
    """Faces with one box that is cropped to this square."""
    half = BOX_ONLY.box_side * side / 2
    centre = np.array([left, top]) + np.array(BOX_ONLY.box_centre_xy) * side
    box = np.concatenate([centre - half, centre + half])[None].astype(np.float32)
    return BOX_ONLY.faces(box, np.ones(1), np.full((1, 5, 2), np.nan))


@pytest.fixture
def noise() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 255, (400, 400, 3)).astype(np.uint8)


def test_a_crop_at_full_size_is_the_picture_itself(noise):
    got = crop_face(noise, face_with_crop(100, 50, 200), 0, 200)
    assert np.abs(got.astype(int) - noise[50:250, 100:300]).max() <= 1


def test_a_large_face_is_averaged_not_sampled(noise):
    got = crop_face(noise, face_with_crop(0, 0, 400), 0, 100)
    want = cv2.resize(noise, (100, 100), interpolation=cv2.INTER_AREA)
    assert np.abs(got.astype(int) - want).mean() < 3


def test_beyond_the_border_its_pixels_are_repeated(noise):
    got = crop_face(noise, face_with_crop(-100, 0, 200), 0, 200)
    assert np.abs(got[:, 100:].astype(int) - noise[:200, :100]).max() <= 1
    assert np.abs(got[:, :100].astype(int) - noise[:200, :1]).max() <= 1


@pytest.mark.parametrize(
    "where", [(-900, -900, 100), (900, 900, 100), (10, 10, 1e-6), (-1e4, -1e4, 3e4)]
)
def test_odd_boxes_give_a_crop_too(noise, where):
    assert crop_face(noise, face_with_crop(*where), 0, 64).shape == (64, 64, 3)


@pytest.mark.parametrize("landmark", [np.nan, 0.0])
@pytest.mark.filterwarnings("error")
def test_no_size_gives_a_crop_too(noise, landmark):
    with_landmarks = Framing((0.49, 0.4), 1.1, ((0.3, 0.3),) * 5)
    point = with_landmarks.faces(np.zeros((1, 4)), np.ones(1), np.full((1, 5, 2), landmark))
    assert crop_face(noise, point, 0, 64).shape == (64, 64, 3)


def test_similarity_recovers_turn_scale_and_shift():
    points = np.random.default_rng(0).normal(size=(5, 2))
    turn = 3 * np.array([[np.cos(0.3), -np.sin(0.3)], [np.sin(0.3), np.cos(0.3)]])
    matrix = similarity(points, points @ turn.T + [7, -2])
    assert np.allclose(matrix, np.column_stack([turn, [7, -2]]))


@pytest.mark.parametrize(
    ("scale", "degrees"), [(0.4, 0), (0.8, 0), (1.6, 0), (0.5, 18), (1.2, -18)]
)
def test_crop_follows_the_face(astronaut, detector, scale, degrees):
    """The same face, smaller or larger or tilted, gives the same crop."""
    if degrees and detector.kind == "haar":
        pytest.skip("Haar gives no landmarks, so its crops are not turned")
    reference = detector.detect(astronaut).to_crop[0]
    turn = cv2.getRotationMatrix2D((225, 120), degrees, scale)
    turn[:, 2] += np.array([320, 240]) - [225, 120]
    moved = cv2.warpAffine(
        astronaut, turn, (640, 520), flags=cv2.INTER_AREA, borderMode=cv2.BORDER_REPLICATE
    )
    faces = detector.detect(moved)
    back = faces.to_crop[0] @ np.vstack([turn, [0, 0, 1]])
    # Haar looks for sides that are 10% apart, so a box may be off by half of that and more. The
    # others place their landmarks less exactly on a face of 40 pixels than on a larger one.
    landmark_error = 8 if scale < 0.5 else 6
    assert corner_error(back, reference) < (12 if detector.kind == "haar" else landmark_error)


def test_crops_of_utkface_pictures_are_those_pictures(utkface_part1, detector):
    """Pasted into a larger picture, found and cropped again, they come out as they went in."""
    rng = np.random.default_rng(0)
    tilt = 0 if detector.kind == "haar" else 20
    errors, missed = [], 0
    for data in sample(utkface_part1, 25):
        canvas_rgb, true = pasted(load_image(data), rng, tilt, sides=(80, 320))
        faces, index = found_face(detector, canvas_rgb, true)
        if index is None:
            missed += 1
        else:
            errors.append(corner_error(faces.to_crop[index], true))
    assert missed <= 2
    # Medians over 500 pictures: 4.5 for each detector; a margin wrong by 10% adds about 7.
    assert np.median(errors) < 7
    assert np.percentile(errors, 80) < 12


def test_a_face_found_twice_counts_once_by_its_surest_finding():
    squares = [(100, 100, 80), (104, 97, 84), (300, 100, 60), (150, 100, 80)]
    faces = Faces.concatenate([face_with_crop(*square) for square in squares])
    for scores, kept in (([0.8, 0.9, 0.7, 0.7], [1, 2, 3]), ([np.nan] * 4, [0, 2, 3])):
        once = without_repeats(replace(faces, score=np.array(scores, np.float32)))
        assert np.allclose(once.box_xyxy, faces.box_xyxy[kept])
    assert len(without_repeats(Faces.empty())) == 0
