"""train.detection: faces are counted as found and kept, condition by condition."""

import numpy as np
import pytest

from age_model.faces.crop import Framing, crop_face
from age_model.faces.face_check import load_face_check
from age_model.faces.haar import HaarDetector
from age_model.results import Faces
from train.detection import CONDITIONS, Condition, found_and_kept, markdown


@pytest.fixture(scope="module")
def face(astronaut):
    return crop_face(astronaut, HaarDetector().detect(astronaut), 0, 200)


class Blind:
    """Finds nothing."""

    kind, framing = "blind", Framing((0.5, 0.4), 1.0)

    def detect(self, image_rgb, quick=False):
        return Faces.empty()


def test_a_found_face_is_kept_and_a_blind_detector_finds_none(face):
    ordinary = CONDITIONS[0]
    got = found_and_kept(HaarDetector(), load_face_check(), [face, face], ordinary, seed=0)
    assert (got["n"], got["found"], got["kept"]) == (2, 2, 2)
    blind = found_and_kept(Blind(), load_face_check(), [face], ordinary, seed=0)
    assert blind == {"n": 1, "found": 0, "kept": 0, "other_faces": 0}


def test_a_face_that_is_covered_altogether_is_not_found(face):
    gone = Condition("gone", lambda picture: np.full_like(picture, 127))
    assert found_and_kept(HaarDetector(), load_face_check(), [face], gone, seed=0)["found"] == 0


def test_the_table():
    row = {"n": 4, "found": 3, "kept": 2, "other_faces": 0}
    content = {
        "detectors": {"one": "", "two": ""},
        "conditions": {"dark": {"one": row, "two": row}},
    }
    assert markdown(content).splitlines() == [
        "| faces | n | one | two |", "|---|---|---|---|", "| dark | 4 | 75%, 50% | 75%, 50% |",
    ]  # fmt: skip
