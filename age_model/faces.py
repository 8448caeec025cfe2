"""Finding faces: OpenCV's YuNet, or the Haar cascade that opencv-python carries.

The only place where pictures are BGR, because OpenCV's YuNet wants them so.
"""

import os
import threading
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from age_model.crop import crop_face, crop_matrix, warp, widened
from age_model.detector_file import find_yunet
from age_model.results import Faces

__all__ = ["Detector", "HaarDetector", "YuNetDetector", "crop_face", "load_detector"]

HAAR_CASCADE = "haarcascade_frontalface_alt2"
LONGER_SIDE = 640  # of the copy that is searched: finds faces from about 1/50 of the picture up
QUICK_SIDE = 320  # of the one copy that a quick look searches
MAX_FACES = 300  # a picture of nothing but faces must not keep others waiting either
QUICK_FACES = 6  # a crowd must not keep others waiting for their frames
ENLARGED_SIDE = (
    160  # of the copy of a smaller picture: Haar knows no face below 20 pixels, YuNet 10
)


class Detector(Protocol):
    """Finds faces; `name` says which detector with which weights. Safe to share by threads."""

    name: str

    def detect(self, image_rgb: np.ndarray, quick: bool = False) -> Faces:
        """The faces in an (H, W, 3) uint8 picture, largest first, at most MAX_FACES.

        With `quick` only those above about 1/30 of the picture, and at most QUICK_FACES: for the
        frames of a film, in a third of the time.
        """


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
    return HaarDetector() if str(source).lower() == "haar" else YuNetDetector(Path(source))


class YuNetDetector:
    """YuNet: boxes, scores and five landmarks.

    The picture is searched at two sizes, because YuNet knows faces of 10 to 300 pixels: the larger
    copy shows the small faces, the smaller one those that fill the picture. Then it looks once more
    at each face, upright and at one size: from a small or tilted face its landmarks are coarse,
    and the second look halves the error of the crop (`python -m train.crop_geometry`).

    Source: Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence
    Research 2023.
    """

    SCORE_THRESHOLD = 0.7
    OVERLAP_THRESHOLD = 0.3
    LEAST_SIDE = 64  # pixels
    CLOSE_UP_SIDE = 240  # pixels of the crop's side in the second look
    CLOSE_UP_MARGIN = 0.2

    def __init__(self, path: Path):
        if path.suffix.lower() != ".onnx" or not path.is_file():
            raise ValueError(
                'expected "haar" or the path of YuNet\'s .onnx file as the face detector, '
                f"got {str(path)!r}, which is no such file"
            )
        self._lock = threading.Lock()  # the object holds the picture's size: one call at a time
        try:
            self._yunet = cv2.FaceDetectorYN.create(
                str(path), "", (320, 320), self.SCORE_THRESHOLD, self.OVERLAP_THRESHOLD
            )
            self._find(np.zeros((64, 64, 3), np.uint8))  # another network fails only when it runs
        except cv2.error as error:
            raise ValueError(
                f"expected YuNet's .onnx file as the face detector, but OpenCV cannot use {path} "
                f'({error.err}); get the file again, or take the detector "haar"'
            ) from error
        self.name = f"yunet ({path.name})"

    def detect(self, image_rgb: np.ndarray, quick: bool = False) -> Faces:
        """See `Detector.detect`."""
        found = [self._search(image_rgb, QUICK_SIDE if quick else LONGER_SIDE)]
        if not quick and max(image_rgb.shape) > LONGER_SIDE // 2:
            found.append(self._search(image_rgb, LONGER_SIDE // 2))
        rows = np.concatenate(found)
        kept = cv2.dnn.NMSBoxes(
            rows[:, :4].tolist(), rows[:, 14].tolist(), self.SCORE_THRESHOLD, self.OVERLAP_THRESHOLD
        )
        rows = rows[np.asarray(kept, dtype=int)]
        most = QUICK_FACES if quick else MAX_FACES
        coarse = _faces(rows[:, :4], rows[:, 14], rows[:, 4:14].reshape(-1, 5, 2), most)
        closer = [self._look_closer(image_rgb, coarse, i) for i in range(len(coarse))]
        landmarks_xy = np.array(closer, np.float32).reshape(-1, 5, 2)
        return Faces(coarse.box_xyxy, coarse.score, landmarks_xy)

    def _search(self, image_rgb: np.ndarray, longer_side: int) -> np.ndarray:
        """YuNet's (N, 15) rows: left, top, width, height, five times x and y, score."""
        small_rgb, scale = _scaled(image_rgb, longer_side)
        rows = self._find(small_rgb)
        rows[:, :14] /= scale
        return rows

    def _look_closer(self, image_rgb: np.ndarray, faces: Faces, index: int) -> np.ndarray:
        """(5, 2) landmarks of one face in the picture, found again in a wider crop of it."""
        to_crop = widened(crop_matrix(faces, index), self.CLOSE_UP_MARGIN)
        side = round(self.CLOSE_UP_SIDE * (1 + 2 * self.CLOSE_UP_MARGIN))
        rows = self._find(warp(image_rgb, to_crop, side)) / side
        off_centre = np.hypot(*(rows[:, :2] + rows[:, 2:4] / 2 - 0.5).T)
        if not len(rows) or off_centre.min() > 0.2:  # not found again, or a neighbour's face
            return faces.landmarks_xy[index]
        landmarks = rows[off_centre.argmin(), 4:14].reshape(5, 2)
        to_picture = cv2.invertAffineTransform(to_crop)
        return landmarks @ to_picture[:, :2].T + to_picture[:, 2]

    def _find(self, image_rgb: np.ndarray) -> np.ndarray:
        image_bgr = cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR)
        height, width = image_bgr.shape[:2]
        # With 32 pixels or fewer on a side, OpenCV gives boxes that are no numbers.
        below, right = max(0, self.LEAST_SIDE - height), max(0, self.LEAST_SIDE - width)
        image_bgr = cv2.copyMakeBorder(image_bgr, 0, below, 0, right, cv2.BORDER_REPLICATE)
        with self._lock:
            self._yunet.setInputSize(image_bgr.shape[1::-1])
            _, rows = self._yunet.detect(image_bgr)
        return np.zeros((0, 15), np.float32) if rows is None else rows


class HaarDetector:
    """The Viola-Jones detector with the cascade that comes with opencv-python: boxes only.

    Source: Viola and Jones, "Rapid Object Detection using a Boosted Cascade of Simple Features",
    CVPR 2001.
    """

    PADDING = 0.125  # of the longer side: the cascade wants to see around a face

    def __init__(self):
        path = Path(cv2.data.haarcascades) / f"{HAAR_CASCADE}.xml"
        self._cascade = cv2.CascadeClassifier(str(path))
        if self._cascade.empty():
            raise ValueError(f"OpenCV cannot read its cascade {path}: install opencv-python again")
        self._lock = threading.Lock()  # a cascade keeps the picture that it works on
        self.name = f"haar ({HAAR_CASCADE})"

    def detect(self, image_rgb: np.ndarray, quick: bool = False) -> Faces:
        """See `Detector.detect`."""
        small_rgb, scale = _scaled(image_rgb, QUICK_SIDE if quick else LONGER_SIDE)
        pad = round(max(small_rgb.shape[:2]) * self.PADDING)
        padded_rgb = cv2.copyMakeBorder(small_rgb, pad, pad, pad, pad, cv2.BORDER_REPLICATE)
        grey = cv2.cvtColor(padded_rgb, cv2.COLOR_RGB2GRAY)
        with self._lock:
            rows = self._cascade.detectMultiScale(grey, scaleFactor=1.1, minNeighbors=4)
        rows = np.asarray(rows, np.float64).reshape(-1, 4)
        rows[:, :2] -= pad
        n = len(rows)
        most = QUICK_FACES if quick else MAX_FACES
        return _faces(rows / scale, np.full(n, np.nan), np.full((n, 5, 2), np.nan), most)


def _scaled(image_rgb: np.ndarray, longer_side: int) -> tuple[np.ndarray, float]:
    """A copy whose longer side is within ENLARGED_SIDE..`longer_side`, and its scale."""
    longer = max(image_rgb.shape[:2])
    scale = min(max(longer, ENLARGED_SIDE), longer_side) / longer
    size_wh = [max(1, round(n * scale)) for n in image_rgb.shape[1::-1]]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return cv2.resize(image_rgb, size_wh, interpolation=how), scale


def _faces(
    box_xywh: np.ndarray, score: np.ndarray, landmarks_xy: np.ndarray, most: int
) -> Faces:
    """Faces with corner boxes, largest first; the `most` largest."""
    order = np.argsort(-box_xywh[:, 2] * box_xywh[:, 3], kind="stable")[:most]
    left_top, size_wh = box_xywh[order, :2], box_xywh[order, 2:]
    return Faces(
        np.concatenate([left_top, left_top + size_wh], axis=1).astype(np.float32),
        score[order].astype(np.float32),
        landmarks_xy[order].astype(np.float32),
    )
