"""The crop: a face laid out as in UTKFace's aligned pictures, which the network was trained on.

`python -m train.crop_geometry` measures the constants below and how well they work.
"""

import cv2
import numpy as np

from age_model.results import Faces

# Where YuNet sees the five landmarks in an aligned UTKFace picture, as a share of its side.
LANDMARKS_IN_CROP = np.array(
    [[0.284, 0.284], [0.682, 0.284], [0.474, 0.522], [0.320, 0.680], [0.662, 0.676]]
)
# Where the Haar cascade sees its square box in such a picture: centre and side.
BOX_CENTRE_IN_CROP = np.array([0.495, 0.408])
BOX_SIDE_IN_CROP = 1.01


def crop_face(image_rgb: np.ndarray, faces: Faces, index: int, size: int) -> np.ndarray:
    """Cut one face out of a picture, upright, framed as UTKFace frames it.

    Where the face reaches over the picture's border, the border's pixels are repeated.

    Args:
        image_rgb: (H, W, 3) uint8.
        faces: what the detector found in this picture.
        index: which of the faces.
        size: side of the crop in pixels.

    Returns:
        (size, size, 3) uint8.
    """
    to_crop = crop_matrix(faces, index)
    side = 1.0 / np.hypot(to_crop[0, 0], to_crop[1, 0])  # of the crop, in pixels of the picture
    part, left_top, shrink = _part_around(image_rgb, to_crop, max(1.0, side / size))
    # Pixel p of the part covers the stretch [p, p + 1) of it, so its centre is at p + 0.5.
    part_to_picture = np.array(
        [[shrink[0], 0, left_top[0]], [0, shrink[1], left_top[1]], [0, 0, 1]]
    ) @ _shift(0.5)
    part_to_crop = _shift(-0.5) @ np.diag([size, size, 1.0]) @ _homogeneous(to_crop)
    return cv2.warpAffine(
        part,
        (part_to_crop @ part_to_picture)[:2],
        (size, size),
        flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REPLICATE,
    )


def crop_matrix(faces: Faces, index: int) -> np.ndarray:
    """(2, 3) float64: from the picture's pixels to the crop, whose sides run from 0 to 1."""
    landmarks = faces.landmarks_xy[index].astype(np.float64)
    if np.isfinite(landmarks).all():
        return _similarity(landmarks, LANDMARKS_IN_CROP)
    left, top, right, bottom = faces.box_xyxy[index].astype(np.float64)
    scale = BOX_SIDE_IN_CROP / max(right - left, bottom - top)
    centre = np.array([(left + right) / 2, (top + bottom) / 2])
    return np.column_stack([np.eye(2) * scale, BOX_CENTRE_IN_CROP - scale * centre])


def _similarity(source: np.ndarray, target: np.ndarray) -> np.ndarray:
    """(2, 3): the rotation, scale and shift that take (N, 2) points nearest to other (N, 2) points.

    Source: Umeyama, "Least-squares estimation of transformation parameters between two point
    patterns", PAMI 1991; in the plane, with points as complex numbers, it is one division.
    """
    source_c, target_c = (points @ [1, 1j] for points in (source, target))
    source_mid, target_mid = source_c.mean(), target_c.mean()
    centred = source_c - source_mid
    turn = (np.conj(centred) @ (target_c - target_mid)) / max(np.vdot(centred, centred).real, 1e-9)
    shift = target_mid - turn * source_mid
    return np.array(
        [[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]]
    )


def _part_around(
    image_rgb: np.ndarray, to_crop: np.ndarray, shrink: float
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The part of a picture that a crop needs, made smaller by averaging where the crop is smaller.

    A warp reads four pixels for each one it writes; without averaging first, a large face would
    come out jagged.

    Returns:
        the part (h, w, 3); its left top corner (2,) in the picture; pixels of the picture that a
        pixel of the part stands for, across and down (2,).
    """
    height, width = image_rgb.shape[:2]
    corners = cv2.invertAffineTransform(to_crop) @ np.array([[0, 1, 1, 0], [0, 0, 1, 1], [1] * 4])
    margin = 2 * shrink
    # At least one pixel, also where the whole crop lies beside the picture.
    limits = np.array([width, height])
    low = np.clip(np.floor(corners.min(axis=1) - margin), 0, limits - 1).astype(int)
    high = np.clip(np.ceil(corners.max(axis=1) + margin), low + 1, limits).astype(int)
    part = image_rgb[low[1] : high[1], low[0] : high[0]]
    if shrink <= 1:
        return part, low, np.ones(2)
    size_wh = np.maximum(np.rint((high - low) / shrink), 1).astype(int)
    part = cv2.resize(part, tuple(int(n) for n in size_wh), interpolation=cv2.INTER_AREA)
    return part, low, (high - low) / size_wh


def _homogeneous(matrix: np.ndarray) -> np.ndarray:
    return np.vstack([matrix, [0, 0, 1]])


def _shift(by: float) -> np.ndarray:
    return np.array([[1, 0, by], [0, 1, by], [0, 0, 1.0]])
