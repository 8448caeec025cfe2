"""What can be wrong with a picture of a face: pure functions from one picture to a worse one.

All take and give (H, W, 3) uint8 RGB. Where a picture is moved, what comes in over its border is
its own reflection.
"""

import io

import cv2
import numpy as np
from PIL import Image

REFERENCE_SIDE = 200  # pixels; that of UTKFace's pictures, in which blur is told


def blurred(image_rgb: np.ndarray, sigma: float) -> np.ndarray:
    """Gaussian blur; `sigma` in pixels of a picture REFERENCE_SIDE wide."""
    sigma *= image_rgb.shape[1] / REFERENCE_SIDE
    return cv2.GaussianBlur(image_rgb, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)


def jpeg(image_rgb: np.ndarray, quality: int) -> np.ndarray:
    """Through a JPEG file of this quality (1..95, of Pillow's encoder, colours halved in size)."""
    buffer = io.BytesIO()
    Image.fromarray(image_rgb).save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as picture:
        return np.asarray(picture.convert("RGB"))


def low_resolution(image_rgb: np.ndarray, side: int) -> np.ndarray:
    """Made smaller, to `side` pixels, and enlarged again as the app enlarges a small face."""
    height, width = image_rgb.shape[:2]
    small = cv2.resize(image_rgb, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def darkened(image_rgb: np.ndarray, factor: float) -> np.ndarray:
    """Pixel values times `factor` (0..1), rounded; no noise is added."""
    return np.rint(image_rgb * np.float32(factor)).astype(np.uint8)


def grey(image_rgb: np.ndarray) -> np.ndarray:
    """Without colours."""
    return np.repeat(cv2.cvtColor(image_rgb, cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2)


def rotated(image_rgb: np.ndarray, degrees: float) -> np.ndarray:
    """Turned in the picture's plane about its middle, counter-clockwise."""
    height, width = image_rgb.shape[:2]
    matrix = cv2.getRotationMatrix2D(((width - 1) / 2, (height - 1) / 2), degrees, 1.0)
    return cv2.warpAffine(
        image_rgb, matrix, (width, height), flags=cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT_101,
    )  # fmt: skip


def occluded(image_rgb: np.ndarray, box: tuple[float, float, float, float]) -> np.ndarray:
    """A grey rectangle over a part; `box` is left, top, right, bottom in shares of the sides."""
    height, width = image_rgb.shape[:2]
    left, top, right, bottom = np.rint(np.multiply(box, [width, height, width, height])).astype(int)
    result = image_rgb.copy()
    result[max(top, 0) : max(bottom, 0), max(left, 0) : max(right, 0)] = 127
    return result


def reframed(
    image_rgb: np.ndarray, scale: float = 1.0, shift_x: float = 0.0, shift_y: float = 0.0
) -> np.ndarray:
    """Another frame around the face, as an inexact crop would cut it; no pixel is resampled.

    Args:
        image_rgb: (H, W, 3) uint8.
        scale: side of the frame, in sides of the picture: over 1, more of the surroundings.
        shift_x, shift_y: how far the frame moves to the right and down, in sides of the picture.

    Returns:
        (round(scale * H), round(scale * W), 3) uint8.
    """
    height, width = image_rgb.shape[:2]
    new_height, new_width = round(scale * height), round(scale * width)
    top = round((height - new_height) / 2 + shift_y * height)
    left = round((width - new_width) / 2 + shift_x * width)
    beyond = (-top, top + new_height - height, -left, left + new_width - width)
    above, below, before, behind = (max(0, pixels) for pixels in beyond)
    padded = cv2.copyMakeBorder(image_rgb, above, below, before, behind, cv2.BORDER_REFLECT_101)
    top, left = top + above, left + before
    return padded[top : top + new_height, left : left + new_width]
