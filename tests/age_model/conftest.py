"""Fixtures of the package's tests: every detector, and the model."""

import shutil
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from age_model.faces.detector import Detector, UnavailableError, load_detector


@pytest.fixture(params=["libfacedetection", "haar", "yunet"])
def detector(request) -> Detector:
    """Each detector in turn; those that this machine lacks are skipped."""
    if request.param == "yunet":
        return load_detector(request.getfixturevalue("yunet_path"))
    try:
        return load_detector(request.param)
    except UnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def predictor(tiny_checkpoint):
    """An AgePredictor with random weights and the Haar cascade."""
    # Here, because torch takes seconds to import and most tests need none of it.
    from age_model.predictor import AgePredictor

    return AgePredictor.from_pretrained(tiny_checkpoint, detector="haar")


@pytest.fixture(scope="session")
def robustness() -> Callable[[Path | None], dict]:
    """Makes the content of a robustness.json, for the weights of a folder."""
    from age_model.network.reports import weights_sha256

    def row(kind: str, level: float, mae: float, name: str = "", **medians: float) -> dict:
        spread = {k: {"median": v, "p10": v * 0.8, "p90": v * 1.2} for k, v in medians.items()}
        more = mae - 5.0
        return {
            "kind": kind, "level": level, "name": name, "mae": mae, "measured": spread,
            "mae_difference": more, "mae_difference_interval": [more - 0.4, more + 0.4],
        }  # fmt: skip

    def make(checkpoint: Path | None = None) -> dict:
        return {
            "model": {"weights_sha256": weights_sha256(checkpoint) if checkpoint else None},
            "conditions": [
                row("none", 0, 5.0, blur_sigma=2.0, luminance=0.5, haar_score=0.9),
                row("blur", 2, 5.4, blur_sigma=3.0),
                row("blur", 4, 5.5, blur_sigma=4.0),
                row("blur", 8, 8.0, blur_sigma=8.0),
                row("resolution", 64, 5.3),
                row("resolution", 24, 6.0),
                row("darkness", 0.9, 6.5, luminance=0.45),
                row("darkness", 0.4, 7.0, luminance=0.2),
                row("darkness", 0.2, 9.0, luminance=0.1),
                row("occlusion", 0.1, 6.0, "eyes", haar_score=0.7),
                row("occlusion", 0.25, 7.0, "a quarter, anywhere", haar_score=0.6),
                row("pose", 10, 5.0, "10 to 20", yaw_degrees=15.0),
                row("pose", 20, 6.5, "20 to 30", yaw_degrees=25.0),
                row("pose", 30, 5.2, "30 or more", yaw_degrees=35.0),
                row("rotation", 180, 24.0, "180"),
                row("grey", 1, 5.2, "grey"),
            ],
        }

    return make


@pytest.fixture(scope="session")
def two_people(astronaut) -> np.ndarray:
    """(512, 812, 3): a small face on the left, the same face larger on the right."""
    small = cv2.resize(astronaut, (300, 300), interpolation=cv2.INTER_AREA)
    canvas = np.full((512, 812, 3), 127, np.uint8)
    canvas[100:400, :300] = small
    canvas[:, 300:] = astronaut
    return canvas


@pytest.fixture
def colours() -> np.ndarray:
    """(40, 60, 3): left half red, right half blue."""
    picture = np.zeros((40, 60, 3), np.uint8)
    picture[:, :30] = (250, 10, 20)
    picture[:, 30:] = (10, 20, 250)
    return picture


@pytest.fixture
def copied(tiny_checkpoint, tmp_path) -> Path:
    """A copy of the tiny checkpoint, to be damaged or added to."""
    return Path(shutil.copytree(tiny_checkpoint, tmp_path / "copy"))
