"""train.detection: faces are counted as found and kept, condition by condition."""

import io
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from age_model.faces.crop import Framing, crop_face
from age_model.faces.face_check import load_face_check
from age_model.faces.haar import HaarDetector
from age_model.results import Faces
from train import detection
from train.detection import CONDITIONS, Condition, Pool, found_and_kept, markdown
from train.stress.wearing import in_sunglasses, masked, under_a_hat

DOCS = Path(__file__).resolve().parents[2] / "docs"
NONE = {"n": 1, "found": 0, "kept": 0, "other_faces": 0, "other_kept": 0}


@pytest.fixture(scope="module")
def face(astronaut):
    return crop_face(astronaut, HaarDetector().detect(astronaut), 0, 200)


class Blind:
    """Finds nothing."""

    kind, framing = "blind", Framing((0.5, 0.4), 1.0)

    def detect(self, image_rgb, quick=False):
        return Faces.empty()


def test_a_found_face_is_kept_and_a_blind_detector_finds_none(face):
    check = load_face_check()
    got = found_and_kept([HaarDetector(), Blind()], check, [face, face], CONDITIONS[0], seed=0)
    assert [got["haar"][name] for name in ("n", "found", "kept")] == [2, 2, 2]
    assert got["blind"] == NONE | {"n": 2}


def test_a_face_that_is_covered_altogether_is_not_found(face):
    gone = Condition("gone", lambda picture: np.full_like(picture, 127))
    got = found_and_kept([HaarDetector()], load_face_check(), [face], gone, seed=0)
    assert got["haar"]["found"] == 0


def test_every_condition_gives_a_picture_and_leaves_the_original(face):
    before = face.copy()
    for condition in CONDITIONS:
        worse = condition.worsen(face)
        assert worse.shape == face.shape and worse.dtype == np.uint8
        assert np.array_equal(face, before)


def test_what_is_worn_lies_where_it_is_worn(face):
    eyes, mouth, hair = np.s_[50:68, 50:66], np.s_[128:145, 80:120], np.s_[:25, 20:180]
    for wear, hidden, seen in (
        (in_sunglasses, eyes, mouth), (masked, mouth, eyes), (under_a_hat, hair, mouth),
    ):  # fmt: skip
        worn = wear(face)
        assert worn[hidden].std(axis=(0, 1)).max() < 5
        assert np.array_equal(worn[seen], face[seen])


def test_conditions_choose_their_faces(face):
    buffer = io.BytesIO()
    Image.fromarray(face).save(buffer, "PNG")
    image = {"bytes": buffer.getvalue(), "path": None}
    table = [{"image": image}] * 4
    pool = Pool(table, np.array([0, 1, 1, 1]), np.array([np.nan, 25, 50, 31]))
    assert len(pool.faces(Condition("all"), 3)) == 3
    assert len(pool.faces(Condition("Black", ethnicity="Black"), 9)) == 3
    assert len(pool.faces(Condition("aside", yaw=(30, 45)), 9)) == 1


def test_the_table():
    row = {"n": 4, "found": 3, "kept": 2, "other_faces": 1, "other_kept": 0}
    content = {
        "detectors": {"one": "", "two": ""},
        "conditions": {"dark": {"one": row, "two": row}, "small": {"one": row, "two": row}},
    }
    assert markdown(content).splitlines() == [
        "| faces | n | one | two |", "|---|---|---|---|", "| dark | 4 | 75%, 50% | 75%, 50% |",
        "| small | 4 | 75%, 50% | 75%, 50% |", "| false faces, in all pictures | 8 | 2, 0 | 2, 0 |",
    ]  # fmt: skip


def test_the_page_has_the_table_of_the_file_beside_it():
    content = json.loads((DOCS / "detection.json").read_text())
    page = (DOCS / "detectors.md").read_text()
    assert detection._with_table(page, markdown(content)) == page
    assert list(content["conditions"]) == [condition.name for condition in CONDITIONS]


def test_a_page_without_a_place_for_the_table_is_refused():
    with pytest.raises(ValueError, match="expected the lines <!-- detection:start -->"):
        detection._with_table("A page.", "a table")
