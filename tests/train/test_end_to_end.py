"""train.end_to_end: where the face is pasted, which one counts, the numbers, the card's table."""

import io
import json
import shutil

import datasets
import numpy as np
import pytest
from PIL import Image

from age_model.faces.crop import crop_face
from age_model.faces.haar import HaarDetector
from age_model.results import FaceAges
from tests.support.factories import face_ages
from train import end_to_end
from train.card import document
from train.stress.synthetic_photos import SIDES, pasted_photo


def ages(boxes, years):
    return face_ages(years, box_xyxy=boxes)


@pytest.fixture(scope="module")
def face(astronaut):
    return crop_face(astronaut, HaarDetector().detect(astronaut), 0, 200)


@pytest.mark.parametrize("seed", range(8))
def test_the_face_lies_whole_and_unchanged_in_its_square(face, seed):
    photo, square = pasted_photo(face, np.random.default_rng(seed))
    left, top, right, bottom = square
    assert photo.shape == (960, 1280, 3) and photo.dtype == np.uint8
    assert SIDES[0] <= right - left == bottom - top <= SIDES[1]
    inside = np.asarray(Image.fromarray(photo[top:bottom, left:right]).resize((200, 200)))
    assert np.abs(inside.astype(int) - face).mean() < 3


def test_seeds_give_different_photos_and_the_same_one_the_same(face):
    first, again, other = (pasted_photo(face, np.random.default_rng(s))[0] for s in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)


def test_the_square_has_no_hard_edge(face):
    photo, (left, top, right, bottom) = pasted_photo(face, np.random.default_rng(0))
    steps = np.abs(np.diff(photo[top:bottom].astype(int), axis=1)).mean(axis=(0, 2))
    assert steps[[left - 1, right - 1]].max() < 2 * np.median(steps[left:right]) + 5


def test_the_pasted_face_is_told_from_others():
    square = np.array([100, 100, 300, 300])
    faces = ages([[700, 700, 800, 800], [120, 110, 290, 290]], [1, 2])
    assert end_to_end.index_of(faces, square) == 1
    assert end_to_end.index_of(ages([[260, 100, 460, 300]], [1]), square) is None
    assert end_to_end.index_of(FaceAges.empty(), square) is None


class Stub:
    """Aligned crops look 30; in photos the first face is missed, the others look 33, 34, ..."""

    detector_name = "haar (stub)"

    def __init__(self, squares):
        self.squares, self.seen = squares, 0

    def predict_crops(self, crops):
        return ages([[0, 0, 200, 200]], [30.0])

    def __call__(self, photo_rgb):
        self.seen += 1
        far = [5000, 5000, 5100, 5100]
        if self.seen == 1:
            return ages([far], [99.0])
        return ages([far, self.squares[self.seen - 1]], [99.0, 31.0 + self.seen])


def table_of(face, labels):
    data = io.BytesIO()
    Image.fromarray(face).save(data, "PNG")
    rows = [
        {"file": f"utkface/{i}.jpg", "source": "utkface",
         "image": {"bytes": data.getvalue(), "path": None}, "age_type": "point",
         "age_low": age, "age_high": age, "gender": 0, "ethnicity": 0}
        for i, age in enumerate(labels)
    ]  # fmt: skip
    return datasets.Dataset.from_list(rows)


def test_numbers_worked_out_by_hand(face):
    arguments = end_to_end.EndToEndArguments("model", "data", "out", resamples=50)
    squares = [pasted_photo(face, np.random.default_rng([0, i]))[1] for i in range(4)]
    got = end_to_end.measure(Stub(squares), table_of(face, [50, 30, 30, 40]), arguments)
    assert (got["n"], got["found"], got["found_share"], got["other_faces"]) == (4, 3, 0.75, 4)
    # Found ones: 33, 34, 35 in the photo and 30 as crops, labelled 30, 30, 40.
    assert got["app"]["mae"] == pytest.approx((3 + 4 + 5) / 3)
    assert got["aligned"]["mae"] == pytest.approx((0 + 0 + 10) / 3)
    assert got["mae_difference"] == pytest.approx((3 + 4 - 5) / 3)
    assert got["mean_absolute_change"] == pytest.approx(4)
    assert got["aligned_mae_of_the_missed"] == 20


@pytest.fixture(scope="module")
def checkpoint(carded, small_data, face, tmp_path_factory):
    """A carded checkpoint with its end_to_end.json, measured with the Haar cascade."""
    folder = tmp_path_factory.mktemp("end_to_end")
    data = folder / "data"
    splits = datasets.load_from_disk(str(small_data))
    splits["test"] = table_of(face, [20, 40]).cast(splits["test"].features)
    splits.save_to_disk(data)
    for name in ("report.json", "sources.json"):
        shutil.copy(small_data / name, data)
    out = folder / "out"
    options = {"model": carded, "data": data, "out": out, "detector": "haar", "resamples": 20}
    end_to_end.main([f"--{k}={v}" for k, v in options.items()])
    copy = shutil.copytree(carded, folder / "checkpoint")
    shutil.copy(out / "end_to_end.json", copy)
    return copy


def test_the_whole_way_finds_the_faces(checkpoint):
    content = json.loads((checkpoint / "end_to_end.json").read_text())
    haar = content["detectors"]["haar"]
    assert (haar["n"], haar["found"]) == (2, 2)
    assert content["command"] == (
        "python -m train.end_to_end --model checkpoint --data data --out out --split test "
        "--resamples 20 --detector haar"
    )
    assert content["data"]["n"] == 2 and len(content["model"]["weights_sha256"]) == 64


def test_the_card_has_the_table(checkpoint):
    text = document.generated(checkpoint)
    card = text[checkpoint / "README.md"]
    assert "## Faces found in a photo" in card
    assert "| Haar cascade | 2 of 2 |" in card
    assert "Other kinds of pictures" not in card, "that was not measured"


def test_a_detector_that_is_none_is_named(carded, small_data, tmp_path):
    options = {"model": carded, "data": small_data, "out": tmp_path / "out", "detector": "eyes"}
    with pytest.raises(SystemExit, match=r"expected .* as the face detector, got 'eyes'"):
        end_to_end.main([f"--{k}={v}" for k, v in options.items()])
