"""Fixtures for the tests of the app."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from age_model.network.decode import decode
from age_model.results import FaceAges
from tests.support.app_server import AppServer, shared_server


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
        n = len(boxes)
        ages = decode(np.tile(-((np.arange(101.0) - 35) ** 2) / 50, (n, 1)))
        return FaceAges(
            box_xyxy=np.array(boxes, np.float32).reshape(n, 4),
            score=np.full(n, 0.9, np.float32),
            age_years=ages.years,
            interval_years=ages.interval_years,
            age_probabilities=ages.probabilities,
            group_probabilities=ages.group_probabilities,
            gender_probabilities=np.tile([0.07, 0.93], (n, 1)),
            ethnicity_probabilities=np.full((n, 5), 0.2),
        )

    return make
