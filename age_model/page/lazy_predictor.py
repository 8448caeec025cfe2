"""What the page uses of a predictor, and the one it is served with, which loads its model late."""

import os
import sys
import threading
from typing import Any, Protocol

import numpy as np

from age_model.labels import AgeGroup
from age_model.network.calibration import Calibration
from age_model.network.deletion import Deletion
from age_model.network.explain import Explanation
from age_model.results import FaceAges


class Predictor(Protocol):
    """What the page uses of an `AgePredictor`. It is asked from several threads."""

    @property
    def model_name(self) -> str:
        """The checkpoint, for the foot of the page."""

    @property
    def detector_name(self) -> str:
        """The face detector, for the foot of the page."""

    @property
    def limitation(self) -> str | None:
        """What people should know of the face detector; None for nothing."""

    @property
    def age_groups(self) -> tuple[AgeGroup, ...]:
        """The groups that it answers in."""

    @property
    def attributes(self) -> tuple[str, ...]:
        """Those of `labels.ATTRIBUTES` that it answers."""

    @property
    def calibration(self) -> Calibration:
        """What turns averaged distributions into intervals, for live pictures and clips."""

    @property
    def results(self) -> dict[str, Any]:
        """Content of the checkpoint's results.json.

        Raises:
            reports.NotMeasuredError: it has none.
        """

    def __hash__(self) -> int:
        """Of the object itself: what was read of a model is remembered by it."""

    @property
    def robustness(self) -> dict[str, Any] | None:
        """Content of the checkpoint's robustness.json; None where it has none."""

    def __call__(self, image_rgb: np.ndarray, /) -> FaceAges:
        """Ages of all faces in an upright (H, W, 3) uint8 picture, the largest first."""

    def examine(self, image_rgb: np.ndarray, /) -> tuple[FaceAges, list[np.ndarray]]:
        """As a call, with the (S, S, 3) uint8 that the network saw of each face."""

    @property
    def deletion(self) -> Deletion | None:
        """How well the maps of `explain` were measured to show what counts; None: not measured."""

    def predict_frame(self, image_rgb: np.ndarray) -> FaceAges:
        """Ages of the largest faces in an (H, W, 3) uint8 frame, found by a quicker search."""

    def explain(self, image_rgb: np.ndarray, /, face: int = 0) -> Explanation:
        """What moved the estimate of one face, 0 being the first that a call answers with."""


class LazyPredictor:
    """An `AgePredictor` that is loaded when it is first needed, so that importing stays quick."""

    def __init__(self) -> None:
        self._loaded: Predictor | None = None
        self._lock = threading.Lock()
        self.instead_of: str | None = None  # the model that was asked for and could not be reached

    def load(self, model: str | None = None, device: str | None = None) -> Predictor:
        """The predictor, loaded now unless it was before.

        A Hub that does not answer must not keep the page from starting: the embedded checkpoint
        then stands in, and `instead_of` says for what.

        Args:
            model: folder or Hub id; None takes `AGE_MODEL_ID`, else the embedded checkpoint.
            device: see `AgePredictor.from_pretrained`.

        Raises:
            ValueError: see `AgePredictor.from_pretrained`.
        """
        with self._lock:
            if self._loaded is None:
                from age_model import AgePredictor
                from age_model.network.loading import EMBEDDED, UnreachableError

                try:
                    self._loaded = AgePredictor.from_pretrained(model, device=device)
                except UnreachableError as error:
                    print(f"{error}; taking the embedded model instead", file=sys.stderr)
                    self._loaded = AgePredictor.from_pretrained(EMBEDDED, device=device)
                    self.instead_of = model or os.environ["AGE_MODEL_ID"]
            return self._loaded

    @property
    def model_name(self) -> str:
        """See `Predictor`."""
        return self.load().model_name

    @property
    def detector_name(self) -> str:
        """See `Predictor`."""
        return self.load().detector_name

    @property
    def limitation(self) -> str | None:
        """See `Predictor`."""
        return self.load().limitation

    @property
    def deletion(self) -> Deletion | None:
        """See `Predictor`."""
        return self.load().deletion

    def examine(self, image_rgb: np.ndarray) -> tuple[FaceAges, list[np.ndarray]]:
        """See `Predictor`."""
        return self.load().examine(image_rgb)

    @property
    def results(self) -> dict[str, Any]:
        """See `Predictor`."""
        return self.load().results

    @property
    def robustness(self) -> dict[str, Any] | None:
        """See `Predictor`."""
        return self.load().robustness

    @property
    def age_groups(self) -> tuple[AgeGroup, ...]:
        """See `Predictor`."""
        return self.load().age_groups

    @property
    def attributes(self) -> tuple[str, ...]:
        """See `Predictor`."""
        return self.load().attributes

    @property
    def calibration(self) -> Calibration:
        """See `Predictor`."""
        return self.load().calibration

    def predict_frame(self, image_rgb: np.ndarray) -> FaceAges:
        """See `Predictor`."""
        return self.load().predict_frame(image_rgb)

    def explain(self, image_rgb: np.ndarray, face: int = 0) -> Explanation:
        """See `Predictor`."""
        return self.load().explain(image_rgb, face)

    def __call__(self, image_rgb: np.ndarray) -> FaceAges:
        """See `Predictor`."""
        return self.load()(image_rgb)
