"""Finding faces: OpenCV's YuNet, or the Haar cascade that opencv-python carries.

The only place where pictures are BGR, because OpenCV's detectors want them so.
"""

import os
import threading
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from age_model.crop import crop_face
from age_model.detector_file import find_yunet
from age_model.results import Faces

__all__ = ["Detector", "HaarDetector", "YuNetDetector", "crop_face", "load_detector"]

DETECTION_SIDE = 640
HAAR_CASCADE = "haarcascade_frontalface_alt2"


class Detector(Protocol):
    """Finds faces; `name` says which detector with which weights."""

    name: str

    def detect(self, image_rgb: np.ndarray) -> Faces:
        """All faces in an (H, W, 3) uint8 picture, largest first."""


def load_detector(source: str | os.PathLike | None = None) -> Detector:
    """Take the best face detector that can be had.

    Args:
        source: "haar", or the path of YuNet's .onnx file. None: the environment variable
            AGE_FACE_DETECTOR, which may hold either; else YuNet from the Hub's cache or the Hub;
            else Haar.

    Raises:
        ValueError: `source` or AGE_FACE_DETECTOR names no detector.
    """
    source = source or os.environ.get("AGE_FACE_DETECTOR") or find_yunet() or "haar"
    if str(source).lower() == "haar":
        return HaarDetector()
    return YuNetDetector(Path(source))


class YuNetDetector:
    """YuNet: boxes and five landmarks.

    Source: Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence
    Research 2023.
    """

    SCORE_THRESHOLD = 0.7
    OVERLAP_THRESHOLD = 0.3

    def __init__(self, path: Path):
        if path.suffix.lower() != ".onnx" or not path.is_file():
            raise ValueError(
                f'expected "haar" or the path of YuNet\'s .onnx file as the face detector, '
                f"got {str(path)!r}, which is no such file"
            )
        try:
            self._yunet = cv2.FaceDetectorYN.create(
                str(path), "", (320, 320), self.SCORE_THRESHOLD, self.OVERLAP_THRESHOLD
            )
        except cv2.error as error:
            raise ValueError(
                f"{path} is not a YuNet model that OpenCV can read: {error.err}; "
                'get the file again, or use the detector "haar"'
            ) from error
        self.name = f"yunet ({path.name})"
        self._lock = threading.Lock()  # the object holds the picture's size: one call at a time

    def detect(self, image_rgb: np.ndarray) -> Faces:
        """All faces in an (H, W, 3) uint8 picture, largest first."""
        small_rgb, scale = _scaled(image_rgb)
        with self._lock:
            self._yunet.setInputSize((small_rgb.shape[1], small_rgb.shape[0]))
            _, rows = self._yunet.detect(cv2.cvtColor(small_rgb, cv2.COLOR_RGB2BGR))
        if rows is None:
            return Faces.empty()
        left_top, size_wh = rows[:, :2], rows[:, 2:4]
        box_xyxy = np.concatenate([left_top, left_top + size_wh], axis=1) / scale
        return _largest_first(box_xyxy, rows[:, 14], rows[:, 4:14].reshape(-1, 5, 2) / scale)


class HaarDetector:
    """The Viola-Jones detector with the cascade that comes with opencv-python: boxes only.

    Source: Viola and Jones, "Rapid Object Detection using a Boosted Cascade of Simple Features",
    CVPR 2001.
    """

    def __init__(self):
        path = Path(cv2.data.haarcascades) / f"{HAAR_CASCADE}.xml"
        self._cascade = cv2.CascadeClassifier(str(path))
        if self._cascade.empty():
            raise ValueError(f"OpenCV's cascade {path} cannot be read: install opencv-python again")
        self.name = f"haar ({HAAR_CASCADE})"
        self._lock = threading.Lock()

    def detect(self, image_rgb: np.ndarray) -> Faces:
        """All faces in an (H, W, 3) uint8 picture, largest first."""
        small_rgb, scale = _scaled(image_rgb)
        grey = cv2.cvtColor(small_rgb, cv2.COLOR_RGB2GRAY)
        with self._lock:
            rows = self._cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=4)
        if len(rows) == 0:
            return Faces.empty()
        box_xyxy = np.concatenate([rows[:, :2], rows[:, :2] + rows[:, 2:]], axis=1) / scale
        n = len(rows)
        return _largest_first(box_xyxy, np.full(n, np.nan), np.full((n, 5, 2), np.nan))


def _scaled(image_rgb: np.ndarray) -> tuple[np.ndarray, float]:
    """A copy whose longer side is at most DETECTION_SIDE, and its size as a share of the original."""
    scale = min(1.0, DETECTION_SIDE / max(image_rgb.shape[:2]))
    if scale == 1.0:
        return image_rgb, scale
    size_wh = [max(1, round(n * scale)) for n in image_rgb.shape[1::-1]]
    return cv2.resize(image_rgb, size_wh, interpolation=cv2.INTER_AREA), scale


def _largest_first(box_xyxy: np.ndarray, score: np.ndarray, landmarks_xy: np.ndarray) -> Faces:
    size_wh = box_xyxy[:, 2:] - box_xyxy[:, :2]
    order = np.argsort(-size_wh.prod(axis=1), kind="stable")
    return Faces(
        box_xyxy[order].astype(np.float32),
        score[order].astype(np.float32),
        landmarks_xy[order].astype(np.float32),
    )
