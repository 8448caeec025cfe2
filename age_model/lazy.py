"""A predictor that waits with loading its model."""

import threading

import numpy as np

from age_model.answers import Predictor
from age_model.results import FaceAges


class LazyPredictor:
    """An `AgePredictor` that is loaded when it is first needed, so that importing stays quick."""

    def __init__(self) -> None:
        self._loaded: Predictor | None = None
        self._lock = threading.Lock()

    def load(self, model: str | None = None) -> Predictor:
        """The predictor, loaded now unless it was before.

        Args:
            model: folder or Hub id; None takes `AGE_MODEL_ID`, else the embedded checkpoint.
        """
        with self._lock:
            if self._loaded is None:
                from age_model import AgePredictor

                self._loaded = AgePredictor.from_pretrained(model)
            return self._loaded

    def __call__(self, image_rgb: np.ndarray) -> FaceAges:
        return self.load()(image_rgb)
