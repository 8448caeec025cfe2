"""A predictor that answers what a test tells it, without a network."""

from collections.abc import Callable

import numpy as np

from age_model.labels import AGE_GROUPS
from age_model.network.calibration import Calibration
from age_model.network.explain import Explanation, PartEffect
from age_model.network.reports import NotMeasuredError
from age_model.results import FaceAges

CROP = np.full((128, 128, 3), 90, np.uint8)


def explanation(effect_years: np.ndarray | None = None, *parts: tuple[str, float]) -> Explanation:
    """An explanation with this (8, 8) effect, whose errors are 0.1 years, and these parts."""
    effect = np.zeros((8, 8)) if effect_years is None else effect_years
    named = tuple(PartEffect(name, years) for name, years in parts)
    return Explanation(CROP, 41.2, np.abs(effect), effect, np.full((8, 8), 0.1), named)


class StubPredictor:
    """Answers every picture with the same faces, or with what a function makes of it."""

    model_name, detector_name, limitation = "stub", "stub", None
    calibration = Calibration()
    deletion = None
    robustness = None
    age_groups, attributes = AGE_GROUPS, ("gender",)

    def __init__(self, answer: FaceAges | Callable[[np.ndarray], FaceAges]):
        self._answer = answer
        self.explained: list[int] = []

    @property
    def results(self):
        raise NotMeasuredError("nobody has measured this one")

    def __call__(self, image_rgb: np.ndarray) -> FaceAges:
        return self._answer if isinstance(self._answer, FaceAges) else self._answer(image_rgb)

    def examine(self, image_rgb: np.ndarray) -> tuple[FaceAges, list[np.ndarray]]:
        ages = self(image_rgb)
        return ages, [CROP] * len(ages)

    def explain(self, image_rgb: np.ndarray, face: int = 0) -> Explanation:
        if face not in range(len(self(image_rgb))):
            raise ValueError("no such face")
        self.explained.append(face)
        return explanation(np.eye(8), ("the mouth", -3.0))
