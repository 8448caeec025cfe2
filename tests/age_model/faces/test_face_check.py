"""What is not a face gets no age, whatever a detector says."""

import json

import cv2
import numpy as np
import pytest

from age_model.faces.crop import crop_face
from age_model.faces.face_check import (
    WEIGHTS,
    FaceCheck,
    FaceCheckNetwork,
    load_face_check,
    network_input,
)

PLANTED = ("coffee", "brick", "grass", "page", "moon", "rocket", "chelsea")


@pytest.fixture(scope="module")
def check() -> FaceCheck:
    return load_face_check()


def planted(name: str) -> np.ndarray:
    """A region that a detector might offer from a picture without a face."""
    from skimage import data

    picture = getattr(data, name)()
    if picture.ndim == 2:
        picture = np.repeat(picture[..., None], 3, axis=2)
    side = min(picture.shape[:2]) // 2
    return np.ascontiguousarray(picture[side // 2 : side // 2 + side, side // 2 : side // 2 + side])


@pytest.mark.parametrize("name", PLANTED)
def test_objects_textures_and_animals_are_none(check, name):
    crop = planted(name)
    assert not check.accepts([crop, np.ascontiguousarray(crop[:, ::-1])]).any()


def test_a_face_is_one_at_any_size_tilt_and_light(check, astronaut, detector):
    face = crop_face(astronaut, detector.detect(astronaut), 0, 200)
    small = cv2.resize(face, (24, 24), interpolation=cv2.INTER_AREA)
    tilt = cv2.getRotationMatrix2D((100, 100), 15, 1.0)
    tilted = cv2.warpAffine(face, tilt, (200, 200), borderMode=cv2.BORDER_REPLICATE)
    dark, grey = (face * 0.3).astype(np.uint8), np.repeat(face[..., 1:2], 3, axis=2)
    assert check.accepts([face, face[:, ::-1], small, tilted, dark, grey]).all()


def test_half_a_face_upside_down_noise_and_nothing(check, astronaut, detector):
    face = crop_face(astronaut, detector.detect(astronaut), 0, 200)
    noise = np.random.default_rng(0).integers(0, 255, (200, 200, 3)).astype(np.uint8)
    shuffled = np.concatenate([face[100:], face[:100]])
    assert not check.accepts([noise, shuffled, np.full((200, 200, 3), 127, np.uint8)]).any()
    assert check.scores([]).shape == (0,)


def test_scores_do_not_depend_on_their_batch(check, astronaut):
    crops = [astronaut[i * 20 : i * 20 + 120, 150:270] for i in range(6)]
    together = check.scores(crops)
    assert np.allclose(together, [check.scores([crop])[0] for crop in crops], atol=1e-5)


def test_the_weights_are_small_and_were_measured():
    assert WEIGHTS.stat().st_size < 300_000
    measured = json.loads(WEIGHTS.with_suffix(".json").read_text())
    assert measured["threshold"] == pytest.approx(load_face_check().threshold, abs=1e-4)
    for numbers in measured["validation"].values():
        assert numbers["faces_lost"] <= 0.005


def test_what_the_network_sees():
    crop = np.zeros((200, 200, 3), np.uint8)
    crop[..., 0] = 255
    seen = network_input(crop)
    assert seen.shape == (3, 48, 48) and seen.dtype == np.float32
    assert seen[0].min() == 1 and seen[1:].max() == 0


def test_another_file_is_refused(tmp_path):
    from safetensors.torch import save_file

    other = tmp_path / "other.safetensors"
    with pytest.raises(ValueError, match=r"face check in .*other.safetensors"):
        load_face_check(other)
    save_file(FaceCheckNetwork().state_dict(), other)
    with pytest.raises(ValueError, match="threshold"):
        load_face_check(other)
