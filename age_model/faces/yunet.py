"""YuNet by OpenCV: the only place where pictures are BGR, because it wants them so."""

import threading
from collections import OrderedDict
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np

from age_model.faces.crop import crop_matrix, warp, widened
from age_model.faces.detector import LONGER_SIDE, QUICK_SIDE, largest, scaled
from age_model.results import Faces


class YuNetDetector:
    """YuNet: boxes, scores and five landmarks.

    The picture is searched at two sizes, because YuNet knows faces of 10 to 300 pixels: the larger
    copy shows the small faces, the smaller one those that fill the picture or reach over its edges.
    Then it looks once more at each face, upright and at one size: from a small or tilted face its
    landmarks are coarse, and the second look halves the error of the crop (`python -m
    train.crop_geometry`). The score is the second look's too, so that it does not depend on how
    large the face is in the picture.

    Source: Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence
    Research 2023.
    """

    LARGEST_FACE = 300  # pixels
    SMALL_SIDE = 160  # pixels of the longer side of the copy in which larger ones are looked for
    SCORE_THRESHOLD = 0.7
    OVERLAP_THRESHOLD = 0.3
    LEAST_SIDE = 64  # pixels
    CLOSE_UP_SIDE = 240  # pixels of the crop's side in the second look
    CLOSE_UP_MARGIN = 0.2
    SIZES_KEPT = 8

    def __init__(self, path: Path):
        if path.suffix.lower() != ".onnx" or not path.is_file():
            raise ValueError(
                'expected "haar" or the path of YuNet\'s .onnx file as the face detector, '
                f"got {str(path)!r}, which is no such file"
            )
        self._path = str(path)
        self._lock = threading.Lock()  # a detector holds the picture that it works on
        self._by_size: OrderedDict[tuple[int, int], cv2.FaceDetectorYN] = OrderedDict()
        try:
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
        if not quick and max(image_rgb.shape) > self.LARGEST_FACE:
            rows = self._search(image_rgb, self.SMALL_SIDE)
            # The others are seen better in the larger copy.
            least = self.LARGEST_FACE / 2 * max(max(image_rgb.shape) / LONGER_SIDE, 1)
            found.append(rows[rows[:, 2:4].max(axis=1) > least])
        rows = np.concatenate(found)
        kept = cv2.dnn.NMSBoxes(
            rows[:, :4].tolist(), rows[:, 14].tolist(), self.SCORE_THRESHOLD, self.OVERLAP_THRESHOLD
        )
        rows = rows[np.asarray(kept, dtype=int)]
        coarse = largest(rows[:, :4], rows[:, 14], rows[:, 4:14].reshape(-1, 5, 2), quick)
        looks = [
            self.look_closer(image_rgb, crop_matrix(coarse, i))
            or (coarse.landmarks_xy[i], coarse.score[i])
            for i in range(len(coarse))
        ]
        return replace(
            coarse,
            landmarks_xy=np.array([xy for xy, _ in looks], np.float32).reshape(-1, 5, 2),
            score=np.array([score for _, score in looks], np.float32),
        )

    def look_closer(
        self, image_rgb: np.ndarray, to_crop: np.ndarray
    ) -> tuple[np.ndarray, float] | None:
        """The second look at a face, upright and at one size.

        Args:
            image_rgb: (H, W, 3) uint8.
            to_crop: as from `crop.crop_matrix`.

        Returns:
            its (5, 2) landmarks, pixels of the picture, and the score; None where no face lies in the
            middle of the crop.
        """
        to_view = widened(to_crop, self.CLOSE_UP_MARGIN)
        side = round(self.CLOSE_UP_SIDE * (1 + 2 * self.CLOSE_UP_MARGIN))
        rows = self._find(warp(image_rgb, to_view, side))
        off_centre = np.hypot(*((rows[:, :2] + rows[:, 2:4] / 2) / side - 0.5).T)
        if not len(rows) or off_centre.min() > 0.2:  # not found again, or a neighbour's face
            return None
        nearest = rows[off_centre.argmin()]
        to_picture = cv2.invertAffineTransform(to_view)
        landmarks = nearest[4:14].reshape(5, 2) / side
        return landmarks @ to_picture[:, :2].T + to_picture[:, 2], float(nearest[14])

    def _search(self, image_rgb: np.ndarray, longer_side: int) -> np.ndarray:
        """YuNet's (N, 15) rows: left, top, width, height, five times x and y, score."""
        small_rgb, scale = scaled(image_rgb, longer_side)
        rows = self._find(small_rgb)
        rows[:, :14] /= scale
        return rows

    def _find(self, image_rgb: np.ndarray) -> np.ndarray:
        image_bgr = cv2.cvtColor(image_rgb, cv2.COLOR_RGB2BGR)
        height, width = image_bgr.shape[:2]
        # With 32 pixels or fewer on a side, OpenCV gives boxes that are no numbers.
        below, right = max(0, self.LEAST_SIDE - height), max(0, self.LEAST_SIDE - width)
        image_bgr = cv2.copyMakeBorder(image_bgr, 0, below, 0, right, cv2.BORDER_REPLICATE)
        with self._lock:
            _, rows = self._for_size(image_bgr.shape[1::-1]).detect(image_bgr)
        return np.zeros((0, 15), np.float32) if rows is None else rows

    def _for_size(self, size_wh: tuple[int, int]) -> cv2.FaceDetectorYN:
        """A detector for pictures of this size.

        OpenCV sets up the whole network anew when the size changes, which takes as long as to run it,
        and each photo is searched at three sizes. So there is a detector for each recent size.
        """
        yunet = self._by_size.pop(size_wh, None)
        if yunet is None and len(self._by_size) < self.SIZES_KEPT:
            yunet = cv2.FaceDetectorYN.create(
                self._path, "", size_wh, self.SCORE_THRESHOLD, self.OVERLAP_THRESHOLD
            )
        elif yunet is None:
            _, yunet = self._by_size.popitem(last=False)  # the one that was not used for longest
            yunet.setInputSize(size_wh)
        self._by_size[size_wh] = yunet
        return yunet
