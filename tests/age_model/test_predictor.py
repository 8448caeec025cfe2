import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from age_model import AgePredictor, FaceAges
from age_model.faces.detector import load_detector
from age_model.images.load import ImageError
from age_model.network import precision
from age_model.network.decode import softmax
from age_model.network.loading import EMBEDDED, load_model
from age_model.results import Faces

PIPELINE = """
import json, sys
from transformers import pipeline
answer = pipeline("image-classification", model=sys.argv[1])(sys.argv[2], top_k=101)
assert not any(name.startswith("age_model") for name in sys.modules)
print(json.dumps({row["label"]: row["score"] for row in answer}))
"""


def assert_same(one: FaceAges, other: FaceAges) -> None:
    for name, value in vars(one).items():
        if isinstance(value, np.ndarray | float | int):
            assert np.allclose(value, getattr(other, name), atol=1e-5, equal_nan=True), name
        else:
            assert value == getattr(other, name), name


def test_a_photo(predictor, astronaut):
    ages = predictor(astronaut)
    assert len(ages) == 1
    assert 0 <= ages.interval_years[0, 0] <= ages.age_years[0] <= ages.interval_years[0, 1] <= 100
    for name in ("age", "group", "gender", "ethnicity"):
        assert getattr(ages, f"{name}_probabilities").sum() == pytest.approx(1)
    left, top, right, bottom = ages.box_xyxy[0]
    assert left < 222 < right
    assert top < 115 < bottom


def test_every_source_gives_the_same(predictor, astronaut, tmp_path):
    path = tmp_path / "astronaut.png"
    Image.fromarray(astronaut).save(path)
    want = predictor(astronaut)
    for source in (path, str(path), path.read_bytes(), Image.open(path)):
        assert_same(predictor(source), want)


def test_no_face_no_age(predictor):
    assert len(predictor(np.full((200, 300, 3), 90, np.uint8))) == 0


def test_largest_face_first(predictor, two_people):
    box = predictor(two_people).box_xyxy
    assert len(box) == 2
    assert box[0, 0] > 400 > box[1, 0]


def test_faces_beyond_the_limit_are_counted(predictor, two_people, monkeypatch):
    monkeypatch.setattr("age_model.faces.detector.MAX_FACES", 1)
    ages = predictor(two_people)
    assert (len(ages), len(ages.warnings), ages.omitted) == (1, 1, 1)


class Planted:
    """A detector that takes parts of the background for faces too."""

    kind, name, limitation = "haar", "haar with planted boxes", None

    def __init__(self, detector, *boxes):
        self._detector, self._boxes = detector, np.array(boxes, np.float32)
        self.framing = detector.framing

    def detect(self, image_rgb, quick=False):
        n = len(self._boxes)
        landmarks = np.full((n, 5, 2), np.nan)
        planted = self.framing.faces(self._boxes, np.full(n, np.nan), landmarks)
        return Faces.concatenate([planted, self._detector.detect(image_rgb, quick)])


def test_what_is_not_a_face_gets_no_age(tiny_checkpoint, astronaut):
    """The flag, the model of a shuttle, the suit: beside the one face."""
    boxes = ((0, 0, 90, 90), (380, 60, 500, 180), (120, 330, 260, 470))
    detector = Planted(load_detector("haar"), *boxes)
    model = load_model(str(tiny_checkpoint))
    predictor = AgePredictor(model, detector, "tiny")
    for ages in (predictor(astronaut), predictor.predict_frame(astronaut)):
        assert (len(ages), ages.rejected) == (1, 3)
        left, top, right, bottom = ages.box_xyxy[0]
        assert left < 222 < right and top < 115 < bottom
    assert len(predictor(astronaut).warnings) == 1
    with pytest.raises(ValueError, match="expected a face from 0 to below 1, got 1"):
        predictor.explain(astronaut, 1)


def test_a_face_that_is_offered_twice_gets_one_age(tiny_checkpoint, astronaut):
    haar = load_detector("haar")
    again = haar.detect(astronaut).box_xyxy[0] + [3, -2, 6, 4]
    predictor = AgePredictor(load_model(str(tiny_checkpoint)), Planted(haar, again), "tiny")
    for ages in (predictor(astronaut), predictor.predict_frame(astronaut)):
        assert (len(ages), ages.rejected) == (1, 0)


def test_a_face_in_a_mirror_and_on_a_poster_is_a_face(predictor, astronaut):
    head = astronaut[20:220, 120:320]
    room = np.full((300, 700, 3), 120, np.uint8)
    room[50:250, 20:220] = head
    room[50:250, 240:440] = head[:, ::-1]
    room[40:260, 470:690] = 240  # the poster's margin
    room[50:250, 480:680] = head
    assert len(predictor(room)) == 3


def test_photos_are_warned_about_where_the_models_robustness_is_known(
    predictor, astronaut, copied, robustness
):
    dark = (astronaut * 0.25).astype(np.uint8)
    assert predictor(dark).warnings == ((),), "of this model nothing is measured"
    (copied / "robustness.json").write_text(json.dumps(robustness(copied)))
    measured = AgePredictor.from_pretrained(copied, detector="haar")
    assert measured(astronaut).warnings == ((),)
    ((warning,),) = measured(dark).warnings
    assert warning.startswith("Dark: ") and "7.0 years" in warning and "5.0 on" in warning


def test_the_picture_is_not_changed(predictor, astronaut):
    before = astronaut.copy()
    predictor(astronaut)
    assert (astronaut == before).all()


def test_what_the_network_sees_is_the_crop(predictor, astronaut):
    from age_model.faces.crop import crop_face
    from age_model.faces.find import find_faces

    crop = crop_face(astronaut, find_faces(load_detector("haar"), astronaut), 0, 200)
    want, got = predictor.predict_crops([crop]), predictor(astronaut)
    assert np.allclose(got.age_probabilities, want.age_probabilities, atol=1e-6)
    assert np.allclose(got.gender_probabilities, want.gender_probabilities, atol=1e-6)


def test_crops_in_batches_keep_their_order(predictor, astronaut):
    crops = [astronaut[i * 40 : i * 40 + 100 + i, :150] for i in range(7)]
    ages = predictor.predict_crops(crops, batch_size=3)
    assert len(ages) == 7
    assert np.isnan(ages.score).all()
    for i, crop in enumerate(crops):
        alone = predictor.predict_crops([crop])
        assert np.allclose(ages.age_probabilities[i], alone.age_probabilities[0], atol=1e-6)
        assert ages.box_xyxy[i].tolist() == [0, 0, 150, 100 + i]
    assert np.ptp(ages.age_probabilities, axis=0).max() > 1e-5  # the crops do differ


def test_no_crops(predictor):
    assert len(predictor.predict_crops([])) == 0


def test_a_bad_crop_is_an_error(predictor, astronaut):
    with pytest.raises(ImageError, match="no such file"):
        predictor.predict_crops([astronaut, "missing.jpg"])


@pytest.mark.slow
def test_threads_may_share_a_predictor(predictor, astronaut, two_people):
    pictures = [astronaut, two_people, astronaut[:400]] * 3
    alone = [predictor(picture) for picture in pictures]
    with ThreadPoolExecutor(5) as pool:
        for one, other in zip(alone, pool.map(predictor, pictures), strict=True):
            assert_same(one, other)


def test_names(predictor, tiny_checkpoint, monkeypatch):
    assert predictor.model_name == str(tiny_checkpoint)
    assert predictor.detector_name == "haar (haarcascade_frontalface_alt2)"
    assert predictor.image_size == 32
    monkeypatch.setenv("AGE_MODEL_ID", str(tiny_checkpoint))
    assert AgePredictor.from_pretrained(detector="haar").model_name == str(tiny_checkpoint)


def pipeline_answer(checkpoint: Path, picture: Path) -> np.ndarray:
    done = subprocess.run(
        [sys.executable, "-c", PIPELINE, str(checkpoint), str(picture)],
        capture_output=True, text=True, check=False, cwd=picture.parent,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout.splitlines()[-1])
    return np.array([answer[str(age)] for age in range(101)])


@pytest.mark.slow
@pytest.mark.parametrize("which", ["tiny", "embedded"])
def test_pipeline_without_our_code_agrees(which, tiny_checkpoint, astronaut, tmp_path, monkeypatch):
    monkeypatch.setattr(precision, "cpu_has_fast_bf16", lambda: False)  # as the pipeline
    checkpoint = tiny_checkpoint if which == "tiny" else EMBEDDED
    picture = tmp_path / "crop.png"
    Image.fromarray(astronaut[40:190, 150:300]).save(picture)
    theirs = pipeline_answer(checkpoint, picture)
    predictor = AgePredictor.from_pretrained(checkpoint, "haar")
    ours = predictor.predict_crops([picture])
    # The pipeline knows nothing of the calibration in config.json.
    calibrated = softmax(np.log(theirs), predictor.calibration.age_temperature)
    assert np.abs(calibrated - ours.age_probabilities[0]).max() < 1e-5
    assert theirs.sum() == pytest.approx(1, abs=1e-4)


@pytest.mark.slow
@pytest.mark.skipif(not precision.cpu_has_fast_bf16(), reason="this processor has no quick bf16")
def test_bf16_moves_the_answer_a_little(astronaut, monkeypatch):
    crops = [astronaut[40:190, 150:300], astronaut[:, ::-1][40:190, 210:360]]
    quick = AgePredictor.from_pretrained(detector="haar").predict_crops(crops).age_years
    monkeypatch.setattr(precision, "cpu_has_fast_bf16", lambda: False)
    exact = AgePredictor.from_pretrained(detector="haar").predict_crops(crops).age_years
    assert 0 < np.abs(quick - exact).max() < 0.5


def test_the_embedded_model_knows_an_adult_woman(astronaut):
    """Eileen Collins, aged 42 in this picture."""
    predictor = AgePredictor.from_pretrained(detector="haar")
    assert predictor.model_name == "age_model/checkpoint"
    face = predictor(astronaut).to_dicts()[0]
    assert 22 < face["age"] < 62
    assert face["gender"] == "female"


def test_embedded_weights_are_small_safetensors():
    sizes = [path.stat().st_size for path in EMBEDDED.rglob("*") if path.is_file()]
    assert max(sizes) < 10_000_000
    assert not [p for p in EMBEDDED.rglob("*") if p.suffix in {".bin", ".pt", ".pth", ".pkl"}]
