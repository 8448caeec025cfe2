"""Random changes to a training face: those that a detector's crop, a webcam or a scan would make too.

NumPy and OpenCV on uint8, since a picture passes here for every step of training: one warp from the
file's own size to the network's, then cheap changes of colour.
"""

import cv2
import numpy as np

# The loader's processes are what runs side by side; threads inside each would only fight the network.
cv2.setNumThreads(1)

FLIP = 0.5
SCALE = (0.85, 1.2)
ROTATION_DEGREES = 15.0
SHIFT = 0.10  # of the side
GREY = 0.1
LOW_QUALITY = 0.15
ERASE = 0.25


def augment(image_rgb: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """(H, W, 3) uint8 -> (size, size, 3) uint8, moved, turned, recoloured and worn at random."""
    image = _warp(image_rgb, size, rng)
    image = _recolour(image, rng)
    if rng.random() < LOW_QUALITY:
        image = _wear(image, rng)
    if rng.random() < ERASE:
        _erase(image, rng)
    return image


def _warp(image: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    height, width = image.shape[:2]
    while min(height, width) >= 2 * size:  # a bilinear warp over more than that would alias
        image = cv2.resize(image, (width // 2, height // 2), interpolation=cv2.INTER_AREA)
        height, width = image.shape[:2]
    scale = np.exp(rng.uniform(np.log(SCALE[0]), np.log(SCALE[1])))
    turn = np.deg2rad(rng.uniform(-ROTATION_DEGREES, ROTATION_DEGREES))
    cos, sin = scale * np.cos(turn), scale * np.sin(turn)
    mirror = -1.0 if rng.random() < FLIP else 1.0
    linear = np.array([[cos * mirror, -sin], [sin * mirror, cos]]) * [size / width, size / height]
    centre = np.array([width - 1, height - 1]) / 2
    shift = rng.uniform(-SHIFT, SHIFT, 2) * size
    offset = (size - 1) / 2 + shift - linear @ centre
    matrix = np.column_stack([linear, offset])
    return cv2.warpAffine(
        image, matrix, (size, size), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
    )


def _recolour(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    contrast, brightness = rng.uniform(0.7, 1.3), rng.uniform(-30, 30)
    gamma = np.exp(rng.uniform(-0.3, 0.3))
    ramp = np.linspace(0, 1, 256) ** gamma * 255
    table = np.clip((ramp - 127.5) * contrast + 127.5 + brightness, 0, 255).astype(np.uint8)
    image = cv2.LUT(image, table)
    if rng.random() < GREY:
        grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
        return cv2.merge([grey, grey, grey])
    return image


def _wear(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A poorer picture of the same face: fewer pixels, then JPEG."""
    size = image.shape[0]
    small = int(size * rng.uniform(0.3, 0.8))
    image = cv2.resize(image, (small, small), interpolation=cv2.INTER_AREA)
    image = cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR)
    quality = int(rng.integers(20, 80))
    _, data = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, cv2.IMREAD_COLOR)  # encoded as it lay, so the channels stay RGB


def _erase(image: np.ndarray, rng: np.random.Generator) -> None:
    """A rectangle of noise, in place: a hand, a mask, a caption. Zhong et al., AAAI 2020."""
    size = image.shape[0]
    height, width = (rng.uniform(0.1, 0.45, 2) * size).astype(int)
    top, left = rng.integers(0, size - height), rng.integers(0, size - width)
    patch = image[top : top + height, left : left + width]
    patch[:] = rng.integers(0, 256, patch.shape, dtype=np.uint8)
