"""Fixtures of the package's tests: both detectors, and the model."""

import cv2
import numpy as np
import pytest

from age_model.faces import HaarDetector, YuNetDetector


@pytest.fixture(params=["haar", "yunet"])
def detector(request):
    """Each detector in turn; YuNet is skipped where its file is not there."""
    if request.param == "haar":
        return HaarDetector()
    return YuNetDetector(request.getfixturevalue("yunet_path"))


@pytest.fixture(scope="session")
def predictor(tiny_checkpoint):
    """An AgePredictor with random weights and the Haar cascade."""
    # Here, because torch takes seconds to import and most tests need none of it.
    from age_model.predictor import AgePredictor

    return AgePredictor.from_pretrained(tiny_checkpoint, detector="haar")


@pytest.fixture(scope="session")
def two_people(astronaut) -> np.ndarray:
    """(512, 812, 3): a small face on the left, the same face larger on the right."""
    small = cv2.resize(astronaut, (300, 300), interpolation=cv2.INTER_AREA)
    canvas = np.full((512, 812, 3), 127, np.uint8)
    canvas[100:400, :300] = small
    canvas[:, 300:] = astronaut
    return canvas
