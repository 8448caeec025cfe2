"""YuNet's .onnx file, run by OpenCV."""

import threading
from collections import OrderedDict
from pathlib import Path

import cv2
import numpy as np

from age_model.faces.crop import Framing
from age_model.faces.landmark_detector import LandmarkDetector


class YuNetDetector(LandmarkDetector):
    """YuNet: boxes, scores and five landmarks.

    Source: Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence
    Research 2023.

    Args:
        path: of an .onnx file of YuNet, of any edition.

    Raises:
        ValueError: OpenCV cannot run it as YuNet.
    """

    kind = "yunet"
    framing = Framing(
        box_centre_xy=(0.495, 0.403),
        box_side=1.126,
        landmarks_xy=(
            (0.296, 0.291),
            (0.691, 0.285),
            (0.496, 0.518),
            (0.328, 0.683),
            (0.670, 0.677),
        ),
    )

    LEAST_SIDE = 64  # pixels
    SIZES_KEPT = 8

    def __init__(self, path: Path):
        self._path = str(path)
        self._lock = threading.Lock()  # a detector holds the picture that it works on
        self._by_size: OrderedDict[tuple[int, int], cv2.FaceDetectorYN] = OrderedDict()
        try:
            self._find(np.zeros((64, 64, 3), np.uint8))  # another network fails only when it runs
        except cv2.error as error:
            raise ValueError(
                f"expected YuNet's .onnx file as the face detector, but OpenCV cannot use {path} "
                f"({error.err}); get the file again, or take another detector"
            ) from error
        self.name = f"yunet ({path.name})"

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

        OpenCV sets up the whole network anew when the size changes, which takes as long as to run
        it, and each photo is searched at three sizes. So there is a detector for each recent size.
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
