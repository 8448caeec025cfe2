"""A predictor that waits with loading its model."""

import os
import sys
import threading

import numpy as np

from age_model.network.calibration import Calibration
from age_model.network.explain import Explanation
from age_model.page.answers import Predictor
from age_model.results import FaceAges


class LazyPredictor:
    """An `AgePredictor` that is loaded when it is first needed, so that importing stays quick."""

    def __init__(self) -> None:
        self._loaded: Predictor | None = None
        self._lock = threading.Lock()
        self.instead_of: str | None = None  # the model that was asked for and could not be reached

    def load(self, model: str | None = None) -> Predictor:
        """The predictor, loaded now unless it was before.

        A Hub that does not answer must not keep the page from starting: the embedded checkpoint
        then stands in, and `instead_of` says for what.

        Args:
            model: folder or Hub id; None takes `AGE_MODEL_ID`, else the embedded checkpoint.

        Raises:
            ValueError: see `AgePredictor.from_pretrained`.
        """
        with self._lock:
            if self._loaded is None:
                from age_model import AgePredictor
                from age_model.network.loading import EMBEDDED, UnreachableError

                try:
                    self._loaded = AgePredictor.from_pretrained(model)
                except UnreachableError as error:
                    print(f"{error}; taking the embedded model instead", file=sys.stderr)
                    self._loaded = AgePredictor.from_pretrained(EMBEDDED)
                    self.instead_of = model or os.environ["AGE_MODEL_ID"]
            return self._loaded

    @property
    def model_name(self) -> str:
        """See `AgePredictor.model_name`."""
        return self.load().model_name

    @property
    def detector_name(self) -> str:
        """See `AgePredictor.detector_name`."""
        return self.load().detector_name

    @property
    def results(self) -> dict:
        """See `AgePredictor.results`."""
        return self.load().results

    @property
    def calibration(self) -> Calibration:
        """See `AgePredictor.calibration`."""
        return self.load().calibration

    def predict_frame(self, image_rgb: np.ndarray) -> FaceAges:
        """See `AgePredictor.predict_frame`."""
        return self.load().predict_frame(image_rgb)

    def explain(self, image_rgb: np.ndarray, face: int = 0) -> Explanation:
        """See `AgePredictor.explain`."""
        return self.load().explain(image_rgb, face)

    def __call__(self, image_rgb: np.ndarray) -> FaceAges:
        return self.load()(image_rgb)
