"""train.face_check: the network learns, its ROC is counted right, its file is read again."""

import numpy as np
import pytest
import torch

from age_model.faces.face_check import FaceCheck, load_face_check
from train import face_check
from train.face_check import FaceCheckArguments, roc_area, trained


@pytest.mark.parametrize(
    ("faces", "others", "area"),
    [([3, 4], [1, 2], 1.0), ([1, 2], [3, 4], 0.0), ([1, 1], [1, 1], 0.5), ([2, 4], [1, 3], 0.75)],
)
def test_area_under_the_roc(faces, others, area):
    assert roc_area(np.array(faces), np.array(others)) == pytest.approx(area)


def test_numbers_count_what_is_lost_and_what_passes():
    scores = {
        "faces": np.array([0.9, 0.8, 0.1, 0.7]),
        "false alarms": np.array([0.2, 0.6]),
        "others": np.array([0.0]),
    }
    numbers = face_check._numbers(0.5, scores)
    assert (numbers["faces"], numbers["faces_lost"]) == (4, 0.25)
    assert (numbers["false_alarms"], numbers["false_alarms_accepted"]) == (2, 0.5)
    assert numbers["others_accepted"] == 0 and numbers["roc_area"] == pytest.approx(0.75)


@pytest.mark.slow
def test_bright_is_learned_from_dark_and_read_again(tmp_path):
    torch.set_num_threads(1)
    rng = np.random.default_rng(0)
    bright = rng.integers(170, 255, (40, 64, 64, 3)).astype(np.uint8)
    dark = rng.integers(0, 80, (60, 64, 64, 3)).astype(np.uint8)
    arguments = FaceCheckArguments("data", "photos", "faceless", steps=40, batch_size=16)
    network = trained(bright, dark, np.ones(60), arguments)
    scores = FaceCheck(network, 0.5).scores([*bright[:5], *dark[:5]])
    assert scores[:5].min() > 0.8 and scores[5:].max() < 0.2
    face_check._write(tmp_path / "weights.safetensors", network, {"threshold": 0.25})
    again = load_face_check(tmp_path / "weights.safetensors")
    assert again.threshold == 0.25
    assert np.allclose(again.scores([*bright[:5], *dark[:5]]), scores, atol=1e-6)
