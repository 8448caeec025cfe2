"""People followed through frames whose faces a test names."""

import numpy as np

from age_model.network.calibration import Calibration
from age_model.results import FaceAges
from age_model.video.clip import FRAMES_A_SECOND, Frame
from age_model.video.people import People, Person
from tests.support.factories import faces_at

IMAGE = np.full((240, 320, 3), 110, np.uint8)


class Told:
    """Answers each frame with the faces that a test names: centre x, y, side and age."""

    calibration = Calibration()

    def __init__(self, frames):
        self._frames = iter(frames)

    def predict_frame(self, image_rgb: np.ndarray) -> FaceAges:
        """The faces of the next frame."""
        return faces_at(*next(self._frames))


def followed(frames) -> tuple[list[Person], int]:
    """The people in such frames, and how many faces were omitted."""
    people = People(Told(frames))
    for index in range(len(frames)):
        people.see(Frame(index / FRAMES_A_SECOND, IMAGE))
    return people.found()
