"""The crop: a face laid out as in UTKFace's aligned pictures, which the network was trained on.

A detector says by its `Framing` how its boxes and landmarks lie in such a picture. The constants
are measured by `python -m train.crop_geometry`, which also says how well they work.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from age_model.results import Faces

# Side in pixels of the crop before it is resized for the network: that of UTKFace's pictures, so
# that a face in a photo goes through the same two steps as a picture of the data set.
CROP_SIZE = 200


@dataclass(frozen=True)
class Framing:
    """How what a detector finds lies in the crop, whose sides run from 0 to 1.

    Attributes:
        box_centre_xy: where the middle of its box lies.
        box_side: the longer side of its box.
        landmarks_xy: where its five landmarks lie, in the order of `results.Faces`; None where it
            gives none.
    """

    box_centre_xy: tuple[float, float]
    box_side: float
    landmarks_xy: tuple[tuple[float, float], ...] | None = None

    def matrix(self, box_xyxy: np.ndarray, landmarks_xy: np.ndarray) -> np.ndarray:
        """(2, 3) float64 from the picture's pixels to the crop of a face: upright by its landmarks.

        Args:
            box_xyxy: (4,) pixels.
            landmarks_xy: (5, 2) pixels; with any NaN the box alone says where the crop lies.
        """
        if self.landmarks_xy is not None and np.isfinite(landmarks_xy).all():
            return similarity(landmarks_xy.astype(np.float64), np.array(self.landmarks_xy))
        left, top, right, bottom = box_xyxy.astype(np.float64)
        scale = self.box_side / max(right - left, bottom - top, 1e-3)  # pixels; no division by 0
        centre = np.array([(left + right) / 2, (top + bottom) / 2])
        return np.column_stack([np.eye(2) * scale, np.array(self.box_centre_xy) - scale * centre])

    def faces(
        self,
        box_xyxy: np.ndarray,
        score: np.ndarray,
        landmarks_xy: np.ndarray,
        omitted: int = 0,
    ) -> Faces:
        """`Faces` with the crops that this framing gives them; arguments as its attributes."""
        matrices = [self.matrix(*face) for face in zip(box_xyxy, landmarks_xy, strict=True)]
        return Faces(
            np.asarray(box_xyxy, np.float32),
            np.asarray(score, np.float32),
            np.asarray(landmarks_xy, np.float32),
            np.array(matrices, np.float64).reshape(-1, 2, 3),
            omitted=omitted,
        )


# Two crops that share so much, of the area that either covers, show one face found twice. Those of
# two people cheek to cheek share a quarter.
ONE_FACE = 0.45
# For people to look at: the whole head, of which a box holds the face only.
SHOWN = Framing(box_centre_xy=(0.487, 0.405), box_side=1.02)
NO_LANDMARKS = np.full((5, 2), np.nan)


def without_repeats(faces: Faces) -> Faces:
    """The faces with each of them once: of several crops that show one face, the surest is kept.

    A detector looks at several copies of a picture, and its second look can come from two places to
    the same face.
    """
    surest_first = np.argsort(-np.nan_to_num(faces.score), kind="stable")
    squares = [crop_square(matrix) for matrix in faces.to_crop]
    kept: list[int] = []
    for i in surest_first:
        if all(_shared(squares[i], squares[j]) < ONE_FACE for j in kept):
            kept.append(i)
    return faces[np.sort(np.array(kept, int))]


def crop_square(to_crop: np.ndarray) -> np.ndarray:
    """Left, top, right, bottom in pixels of the upright square about a crop's middle.

    Args:
        to_crop: (2, 3), one of `Faces.to_crop`.
    """
    side = 1 / max(np.hypot(*to_crop[:, 0]), 1e-9)
    middle = np.linalg.pinv(to_crop[:, :2]) @ (0.5 - to_crop[:, 2])
    return np.concatenate([middle - side / 2, middle + side / 2])


def _shared(one: np.ndarray, other: np.ndarray) -> float:
    """Area that two squares share, of the area that either covers."""
    wide, high = np.clip(np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2]), 0, None)
    both = np.prod(one[2:] - one[:2]) + np.prod(other[2:] - other[:2]) - wide * high
    return float(wide * high / max(both, 1e-9))


def crop_face(image_rgb: np.ndarray, faces: Faces, index: int, size: int) -> np.ndarray:
    """Cut one face out of a picture, framed as UTKFace frames it, and upright if landmarks say how.

    Where the face reaches over the picture's border, the border's pixels are repeated.

    Args:
        image_rgb: (H, W, 3) uint8.
        faces: what the detector found in this picture.
        index: which of the faces.
        size: side of the crop in pixels.

    Returns:
        (size, size, 3) uint8.
    """
    return warp(image_rgb, faces.to_crop[index], size)


def upright_crop(image_rgb: np.ndarray, box_xyxy: np.ndarray, size: int) -> np.ndarray:
    """A face for people to look at: by its box alone, so it leans as it does in the picture.

    Args:
        image_rgb: (H, W, 3) uint8.
        box_xyxy: (4,) pixels of the picture.
        size: side of the crop in pixels.

    Returns:
        (size, size, 3) uint8.
    """
    return warp(image_rgb, SHOWN.matrix(np.asarray(box_xyxy), NO_LANDMARKS), size)


def similarity(source_xy: np.ndarray, target_xy: np.ndarray) -> np.ndarray:
    """(2, 3): the rotation, scale and shift that bring (N, 2) points nearest to (N, 2) others.

    Source: Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns", PAMI 1991; in the plane, with points as complex numbers, it is one division.
    """
    source, target = (points @ np.array([1, 1j]) for points in (source_xy, target_xy))
    centred = source - source.mean()
    spread = max(np.vdot(centred, centred).real, 1e-9)  # no division by 0 if all points are one
    turn = np.vdot(centred, target - target.mean()) / spread
    shift = target.mean() - turn * source.mean()
    return np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])


def widened(to_crop: np.ndarray, margin: float) -> np.ndarray:
    """The matrix of a crop that shows `margin` (a share of its side) more on each side."""
    matrix = to_crop / (1 + 2 * margin)
    matrix[:, 2] += margin / (1 + 2 * margin)
    return matrix


def warp(image_rgb: np.ndarray, to_crop: np.ndarray, size: int) -> np.ndarray:
    """Cut (size, size, 3) uint8 out of a picture; `to_crop` is one of `Faces.to_crop`."""
    side = 1 / max(np.hypot(to_crop[0, 0], to_crop[1, 0]), 1e-9)  # in pixels of the picture
    part, part_to_picture = _part_around(image_rgb, to_crop, max(1.0, side / size))
    # Coordinates run over the plane with pixel p covering [p, p + 1); OpenCV puts its centre at p.
    matrix = (
        _shift(-0.5)
        @ np.diag([size, size, 1.0])
        @ np.vstack([to_crop, [0, 0, 1]])
        @ part_to_picture
        @ _shift(0.5)
    )
    return cv2.warpAffine(
        part, matrix[:2], (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )


def _part_around(
    image_rgb: np.ndarray, to_crop: np.ndarray, shrink: float
) -> tuple[np.ndarray, np.ndarray]:
    """The part of a picture that a crop needs, made smaller by averaging where the crop is smaller.

    A warp reads four pixels for each one it writes; without averaging first, a large face would
    come out jagged.

    Args:
        image_rgb: (H, W, 3) uint8.
        to_crop: (2, 3), from the picture to the crop.
        shrink: pixels of the picture to one of the crop, at least 1.

    Returns:
        the part, (h, w, 3) uint8, and the (3, 3) matrix from its coordinates to the picture's.
    """
    size_wh = np.array(image_rgb.shape[1::-1])
    corners = cv2.invertAffineTransform(to_crop) @ np.array([[0, 1, 1, 0], [0, 0, 1, 1], [1] * 4])
    margin = 2 * shrink
    # At least one pixel, also where the whole crop lies beside the picture.
    low = np.clip(np.floor(corners.min(axis=1) - margin), 0, size_wh - 1).astype(int)
    high = np.clip(np.ceil(corners.max(axis=1) + margin), low + 1, size_wh).astype(int)
    part = image_rgb[low[1] : high[1], low[0] : high[0]]
    part_wh = np.maximum(np.rint((high - low) / shrink), 1).astype(int)
    if shrink > 1:
        part = cv2.resize(part, part_wh.tolist(), interpolation=cv2.INTER_AREA)
    pixel = (high - low) / part_wh  # of the part, in pixels of the picture
    return part, np.array([[pixel[0], 0, low[0]], [0, pixel[1], low[1]], [0, 0, 1.0]])


def _shift(by: float) -> np.ndarray:
    return np.array([[1, 0, by], [0, 1, by], [0, 0, 1.0]])
