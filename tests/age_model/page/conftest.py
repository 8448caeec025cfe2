"""Fixtures for the tests of the app."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from age_model.results import FaceAges
from tests.support.app_server import AppServer, shared_server
from tests.support.factories import face_ages


@pytest.fixture(scope="session")
def server() -> AppServer:
    """The running app."""
    return shared_server()


@pytest.fixture
def photo(astronaut: np.ndarray, tmp_path: Path) -> Path:
    """photo.jpg, a picture with one face."""
    path = tmp_path / "photo.jpg"
    Image.fromarray(astronaut).save(path, quality=92)
    return path


@pytest.fixture
def ages_of():
    """Function from boxes to FaceAges in which each face is about 35 years old."""

    def make(*boxes: tuple[float, float, float, float]) -> FaceAges:
        gender = np.tile([0.07, 0.93], (len(boxes), 1))
        return face_ages([35.0] * len(boxes), box_xyxy=boxes, gender_probabilities=gender)

    return make
