"""What the face detectors have in common, and the choice among them."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from age_model.results import Faces

LONGER_SIDE = 640  # of the copy that is searched: finds faces from about 1/50 of the picture up
MAX_FACES = 50  # in one picture, so that a crowd keeps nobody waiting
QUICK_SIDE = 320  # of the one copy that a quick look searches
QUICK_FACES = 6  # a crowd must not keep others waiting for their frames
ENLARGED_SIDE = (
    160  # of the copy of a smaller picture: Haar knows no face below 20 pixels, YuNet 10
)


class Detector(Protocol):
    """Finds faces; `name` says which detector with which weights. Safe to share by threads."""

    name: str

    def detect(self, image_rgb: np.ndarray, quick: bool = False) -> Faces:
        """The faces in an (H, W, 3) uint8 picture, largest first; of a crowd the MAX_FACES largest.

        With `quick` only those above about 1/30 of the picture, and at most QUICK_FACES: for the
        frames of a film, in a third of the time.
        """


def load_detector(source: str | os.PathLike[str] | None = None) -> Detector:
    """Take the best face detector that can be had, without waiting for a network where possible.

    Args:
        source: "libfacedetection", "haar", or the path of YuNet's .onnx file. None: the environment
            variable AGE_FACE_DETECTOR, which may hold any of these; else YuNet from the Hub's cache;
            else libfacedetection; where its wheel is missing YuNet from the Hub; else Haar.

    Raises:
        ValueError: `source` or AGE_FACE_DETECTOR names no detector.
    """
    from age_model.faces.haar import HaarDetector
    from age_model.faces.libfacedetection import LibfacedetectionDetector, UnavailableError
    from age_model.faces.weights import yunet_from_cache, yunet_from_hub
    from age_model.faces.yunet import YuNetDetector

    named = source or os.environ.get("AGE_FACE_DETECTOR")
    if named:
        by_name: dict[str, Callable[[], Detector]] = {
            "haar": HaarDetector,
            "libfacedetection": LibfacedetectionDetector,
        }
        make = by_name.get(str(named).lower())
        return make() if make else YuNetDetector(Path(named))
    if path := yunet_from_cache():
        return YuNetDetector(path)
    try:
        return LibfacedetectionDetector()
    except UnavailableError:
        path = yunet_from_hub()
        return YuNetDetector(path) if path else HaarDetector()


def scaled(image_rgb: np.ndarray, longer_side: int) -> tuple[np.ndarray, float]:
    """A copy whose longer side is within ENLARGED_SIDE..`longer_side`, and its scale."""
    longer = max(image_rgb.shape[:2])
    scale = min(max(longer, ENLARGED_SIDE), longer_side) / longer
    size_wh = [max(1, round(n * scale)) for n in image_rgb.shape[1::-1]]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(image_rgb, size_wh, interpolation=how), scale


def largest(
    box_xywh: np.ndarray, score: np.ndarray, landmarks_xy: np.ndarray, quick: bool
) -> Faces:
    """The largest faces with corner boxes, largest first: as many as `Detector.detect` may give."""
    most = QUICK_FACES if quick else MAX_FACES
    order = np.argsort(-box_xywh[:, 2] * box_xywh[:, 3], kind="stable")[:most]
    left_top, size_wh = box_xywh[order, :2], box_xywh[order, 2:]
    return Faces(
        np.concatenate([left_top, left_top + size_wh], axis=1).astype(np.float32),
        score[order].astype(np.float32),
        landmarks_xy[order].astype(np.float32),
        omitted=len(box_xywh) - len(order),
    )
