"""What YuNet and libfacedetection share: a search at two sizes, then a second look at each face."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

import cv2
import numpy as np

from age_model.faces.crop import Framing, warp, widened
from age_model.faces.detector import LONGER_SIDE, QUICK_SIDE, largest, scaled
from age_model.results import Faces

T = TypeVar("T")


class LandmarkDetector(ABC):
    """A network of YuNet's kind: boxes, scores and five landmarks for faces of 10 to 300 pixels.

    The picture is searched at two sizes: the larger copy shows the small faces, the smaller one
    those that fill the picture or reach over its edges. Then it looks once more at each face,
    upright and at one size: from a small or tilted face the landmarks are coarse, and the second
    look halves the error of the crop (`python -m train.crop_geometry`). The score is the second
    look's too, so that it does not depend on how large the face is in the picture.
    """

    kind: str
    name: str
    limitation: str | None = None
    framing: Framing

    LARGEST_FACE = 300  # pixels
    LARGE_FACE = 120  # pixels of the larger copy: such faces are taken from the smaller one too
    SMALL_SIDE = 128  # pixels of the longer side of the copy in which larger ones are looked for
    SCORE_THRESHOLD = 0.7
    OVERLAP_THRESHOLD = 0.3
    CLOSE_UP_SIDE = 240  # pixels of the crop's side in the second look
    CLOSE_UP_MARGIN = 0.15

    @abstractmethod
    def _find(self, image_rgb: np.ndarray) -> np.ndarray:
        """Run the network once on (H, W, 3) uint8.

        Returns:
            (N, 15) float32, pixels: left, top, width, height, five times x and y, score in 0..1;
            all of at least SCORE_THRESHOLD.
        """

    def _each(self, function: Callable[..., T], items: Iterable[Any]) -> Iterable[T]:
        """The function's answers, in order; a detector that can, works on several items at once."""
        return map(function, items)

    def detect(self, image_rgb: np.ndarray, quick: bool = False) -> Faces:
        """See `Detector.detect`."""
        copy_rgb, scale = scaled(image_rgb, QUICK_SIDE if quick else LONGER_SIDE)
        found = [self._search(copy_rgb, scale)]
        if not quick and max(image_rgb.shape) > self.LARGEST_FACE:
            small_rgb, smaller = scaled(copy_rgb, self.SMALL_SIDE)
            rows = self._search(small_rgb, scale * smaller)
            # The others are seen better in the larger copy.
            found.append(rows[rows[:, 2:4].max(axis=1) * min(scale, 1) > self.LARGE_FACE])
        rows = np.concatenate(found)
        kept = cv2.dnn.NMSBoxes(
            rows[:, :4].tolist(), rows[:, 14].tolist(), self.SCORE_THRESHOLD, self.OVERLAP_THRESHOLD
        )
        rows = rows[np.asarray(kept, dtype=int)]
        landmarks = rows[:, 4:14].reshape(-1, 5, 2)
        coarse = largest(self.framing, rows[:, :4], rows[:, 14], landmarks, quick)
        closer = self._each(lambda to_crop: self.look_closer(image_rgb, to_crop), coarse.to_crop)
        looks = [look or (coarse.landmarks_xy[i], coarse.score[i]) for i, look in enumerate(closer)]
        return self.framing.faces(
            coarse.box_xyxy,
            np.array([score for _, score in looks]),
            np.array([xy for xy, _ in looks]).reshape(-1, 5, 2),
            omitted=coarse.omitted,
        )

    def look_closer(
        self, image_rgb: np.ndarray, to_crop: np.ndarray
    ) -> tuple[np.ndarray, float] | None:
        """The second look at a face, upright and at one size.

        Args:
            image_rgb: (H, W, 3) uint8.
            to_crop: (2, 3), one of `Faces.to_crop`.

        Returns:
            its (5, 2) landmarks, pixels of the picture, and the score; None where no face lies in
            the middle of the crop.
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

    def _search(self, copy_rgb: np.ndarray, scale: float) -> np.ndarray:
        """The rows of `_find` for a copy of the picture at a scale, in the picture's pixels."""
        rows = self._find(copy_rgb)
        rows[:, :14] /= scale
        return rows
