"""train.alignment: what the network is taught, and what its errors are measured in."""

import cv2
import numpy as np
import pytest
import torch

from age_model.faces.alignment import SIDE, correction
from age_model.faces.crop import warp
from train.alignment import corner_distance, moved, summary
from train.crop_geometry import corner_error


@pytest.fixture(scope="module")
def face(astronaut):
    return np.ascontiguousarray(astronaut[60:190, 160:290])


@pytest.mark.parametrize("seed", range(3))
def test_the_numbers_bring_a_moved_face_back(face, seed):
    crop, numbers = moved(face, np.random.default_rng(seed))
    assert crop.shape == (SIDE, SIDE, 3) and crop.dtype == np.uint8
    back = warp(crop, correction(numbers) @ np.diag([1 / SIDE, 1 / SIDE, 1]), SIDE)
    want = cv2.resize(face, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    middle = np.s_[16:48, 16:48]  # what lies within both
    assert np.abs(back[middle].astype(int) - want[middle]).mean() < 8


def test_the_loss_is_the_error_that_is_reported():
    got, true = np.random.default_rng(0).uniform(-0.2, 0.2, (2, 4))
    loss = corner_distance(torch.tensor(got[None]).float(), torch.tensor(true[None]).float())
    # As crops: where each correction leads a crop that covers the unit square.
    corners = np.array([[0, 0, 1], [1, 0, 1], [1, 1, 1], [0, 1, 1.0]]).T
    apart = (correction(got) - correction(true)) @ corners
    assert loss.item() == pytest.approx(np.hypot(*apart).mean(), abs=1e-6)
    assert corner_error(correction(true), correction(true)) == pytest.approx(0, abs=1e-6)


def test_the_summary():
    got = summary([(10.0, 1.0), (20.0, 3.0), (30.0, 2.0)], 5)
    assert (got["n"], got["found"]) == (5, 3)
    assert got["before"]["median"] == 20 and got["after"]["median"] == 2
