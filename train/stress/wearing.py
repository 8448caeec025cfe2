"""What people wear before a face, drawn onto aligned pictures: only as good as drawings are.

All take and give (H, W, 3) uint8 RGB, framed as UTKFace frames its faces: eyes at 0.29 of the
height, the mouth at 0.68.
"""

import cv2
import numpy as np

from train.stress.corruptions import darkened

CLOTH, GLASS, FELT = (150, 190, 210), (25, 25, 30), (60, 45, 40)  # RGB


def masked(image_rgb: np.ndarray) -> np.ndarray:
    """A light blue mask over nose, mouth and chin, with a band to each side."""
    outline = [(0.2, 0.5), (0.5, 0.42), (0.8, 0.5), (0.78, 0.82), (0.5, 0.99), (0.22, 0.82)]
    result = _filled(image_rgb, outline, CLOTH)
    for band in ([(0.2, 0.52), (0.0, 0.36)], [(0.8, 0.52), (1.0, 0.36)]):
        start, end = _pixels(image_rgb, band).tolist()
        cv2.line(result, start, end, CLOTH, _width(image_rgb, 0.02), cv2.LINE_AA)
    return result


def in_sunglasses(image_rgb: np.ndarray) -> np.ndarray:
    """Two dark glasses, a bridge and the sides of the frame."""
    result = image_rgb.copy()
    for eye in ((0.29, 0.3), (0.69, 0.3)):
        (centre,) = _pixels(image_rgb, [eye]).tolist()
        axes = (_width(image_rgb, 0.15), _width(image_rgb, 0.1))
        cv2.ellipse(result, centre, axes, 0, 0, 360, GLASS, -1, cv2.LINE_AA)
    left, right = _pixels(image_rgb, [(0.0, 0.26), (1.0, 0.26)]).tolist()
    cv2.line(result, left, right, GLASS, _width(image_rgb, 0.03), cv2.LINE_AA)
    return result


def under_a_hat(image_rgb: np.ndarray) -> np.ndarray:
    """A dark hat down to the eyebrows, whose brim throws a shadow down to the nose."""
    bottom, shadow = (round(share * len(image_rgb)) for share in (0.17, 0.45))
    result = image_rgb.copy()
    result[bottom:shadow] = darkened(image_rgb[bottom:shadow], 0.55)
    return _filled(result, [(0, 0), (1, 0), (1, 0.15), (0.5, 0.19), (0, 0.15)], FELT)


def _filled(
    image_rgb: np.ndarray, outline: list[tuple[float, float]], colour: tuple[int, int, int]
) -> np.ndarray:
    result = image_rgb.copy()
    cv2.fillPoly(result, [_pixels(image_rgb, outline)], colour, cv2.LINE_AA)
    return result


def _pixels(image_rgb: np.ndarray, points: list[tuple[float, float]]) -> np.ndarray:
    """(N, 2) int32 of points in shares of the sides."""
    return np.rint(np.multiply(points, image_rgb.shape[1::-1])).astype(np.int32)


def _width(image_rgb: np.ndarray, share: float) -> int:
    return max(1, round(share * image_rgb.shape[1]))
