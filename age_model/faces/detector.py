"""What the face detectors have in common, and the choice among them."""

import os
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from age_model.faces.crop import Framing
from age_model.results import Faces

LONGER_SIDE = 640  # of the copy that is searched: finds faces from about 1/50 of the picture up
MAX_FACES = 50  # in one picture, so that a crowd keeps nobody waiting
QUICK_SIDE = 320  # of the one copy that a quick look searches
QUICK_FACES = 6  # a crowd must not keep others waiting for their frames
ENLARGED_SIDE = (
    160  # of the copy of a smaller picture: Haar knows no face below 20 pixels, YuNet 10
)


# Other packages add detectors by entry points of this group: NAME = "module:Class".
ENTRY_POINTS = "age_model.detectors"
BUILT_IN = (
    EntryPoint(
        "libfacedetection",
        "age_model.faces.libfacedetection:LibfacedetectionDetector",
        ENTRY_POINTS,
    ),
    EntryPoint("haar", "age_model.faces.haar:HaarDetector", ENTRY_POINTS),
)


class UnavailableError(ValueError):
    """A detector that is known cannot be used on this machine."""


class Detector(Protocol):
    """Finds faces. Safe to share by threads.

    To add one, write a class with these members that takes no arguments, and name it as an entry
    point of the group `age_model.detectors`. It raises `UnavailableError` where it cannot be used.

    Attributes:
        kind: one word, such as "yunet"; its scores are recorded under it by `train.robustness`.
        name: which detector with which weights, for readers.
        limitation: what people should know who use it, a sentence or two; None for nothing.
        framing: how its boxes and landmarks lie in the crop.
    """

    kind: str
    name: str
    limitation: str | None
    framing: Framing

    def detect(self, image_rgb: np.ndarray, quick: bool = False) -> Faces:
        """The faces in an (H, W, 3) uint8 picture, largest first; of a crowd the MAX_FACES largest.

        With `quick` only those above about 1/30 of the picture, and at most QUICK_FACES: for the
        frames of a film, in a third of the time.
        """
        ...


def load_detector(source: str | os.PathLike[str] | None = None) -> Detector:
    """The detector that is named, or the best that can be had without waiting for a network.

    Args:
        source: the name of a detector ("libfacedetection", "haar", one of another package), or the
            path of an .onnx file of YuNet. None: the environment variable AGE_FACE_DETECTOR, which
            may hold any of these; else YuNet if its file is in the Hub's cache; else
            libfacedetection; only where it has no wheel YuNet from the Hub; else Haar.

    Raises:
        ValueError: `source` or AGE_FACE_DETECTOR names no detector, or one that cannot be used.
    """
    from age_model.faces.weights import yunet_from_cache, yunet_from_hub

    named = source or os.environ.get("AGE_FACE_DETECTOR")
    if named:
        return _named(named)
    if path := yunet_from_cache():
        return _named(path)
    try:
        return _named("libfacedetection")
    except UnavailableError:
        return _named(yunet_from_hub() or "haar")


def available_detectors() -> list[Detector]:
    """All that this machine has, without a network: to be measured side by side."""
    from age_model.faces.weights import yunet_from_cache

    chosen = os.environ.get("AGE_FACE_DETECTOR")
    found: dict[str, Detector] = {}
    for source in (chosen, yunet_from_cache(), *_known()):
        try:
            detector = _named(source) if source else None
        except UnavailableError:
            continue
        if detector is not None:
            found.setdefault(detector.name, detector)
    return list(found.values())


def _known() -> dict[str, EntryPoint]:
    """The detectors by their names; another package cannot take the name of a built-in one."""
    return {point.name: point for point in (*entry_points(group=ENTRY_POINTS), *BUILT_IN)}


def _named(source: str | os.PathLike[str]) -> Detector:
    from age_model.faces.yunet import YuNetDetector

    known = _known()
    if point := known.get(os.fspath(source).lower()):
        detector: Detector = point.load()()
        return detector
    path = Path(source)
    if path.suffix.lower() != ".onnx" or not path.is_file():
        names = ", ".join(f'"{name}"' for name in known)
        problem = "does not end in .onnx" if path.is_file() else "is no such file"
        raise ValueError(
            f"expected {names} or the path of YuNet's .onnx file as the face detector, got "
            f"{os.fspath(source)!r}, which {problem}"
        )
    return YuNetDetector(path)


def use_one_thread() -> None:
    """Let detectors that are loaded from now on, and OpenCV, work in one thread.

    For a process that shares its processors with others that do the same.
    """
    cv2.setNumThreads(1)


def scaled(image_rgb: np.ndarray, longer_side: int) -> tuple[np.ndarray, float]:
    """A copy whose longer side is within ENLARGED_SIDE..`longer_side`, and its scale."""
    longer = max(image_rgb.shape[:2])
    scale = min(max(longer, ENLARGED_SIDE), longer_side) / longer
    size_wh = [max(1, round(n * scale)) for n in image_rgb.shape[1::-1]]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(image_rgb, size_wh, interpolation=how), scale


def largest(
    framing: Framing,
    box_xywh: np.ndarray,
    score: np.ndarray,
    landmarks_xy: np.ndarray,
    quick: bool,
) -> Faces:
    """The largest faces with corner boxes, largest first: as many as `Detector.detect` may give."""
    most = QUICK_FACES if quick else MAX_FACES
    order = np.argsort(-box_xywh[:, 2] * box_xywh[:, 3], kind="stable")[:most]
    left_top, size_wh = box_xywh[order, :2], box_xywh[order, 2:]
    return framing.faces(
        np.concatenate([left_top, left_top + size_wh], axis=1),
        score[order],
        landmarks_xy[order],
        omitted=len(box_xywh) - len(order),
    )
