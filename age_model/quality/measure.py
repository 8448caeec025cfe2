"""How much of a face a photo shows: its size, sharpness, light, and how far it is turned away.

Pure measurements, no judgement: how much worse the estimates become along each of them is measured
by `python -m train.robustness`, on pictures that are measured by these same functions.
"""

import cv2
import numpy as np
from PIL import Image

SIDE = 200  # pixels a crop is brought to before its blur is measured
MIDDLE = slice(40, 160)  # of these: the face without the background beside it
# Pixels of SIDE: the first blurring quiets noise and the steps of 8 bits, the second is the probe.
QUIET_SIGMA, PROBE_SIGMA = 1.0, 4.0
GRID = 20  # points a side at which a crop is tried for lying within the photo
MOST_BLUR = 20.0  # pixels of SIDE: what a flat grey area is said to have
LUMA = np.array([0.299, 0.587, 0.114])  # of R, G, B (ITU-R BT.601)
# Distance from the plane of the eyes to the tip of the nose, in distances from an eye to the middle
# between both. A round value for adults; it sets the scale of `yaw_degrees`.
NOSE_DEPTH = 0.8


def face_size(to_crop: np.ndarray) -> float:
    """Side of the square that the app cuts out for a face, in pixels of the photo.

    It is what a lower resolution is measured by: a crop of fewer pixels than the network's input
    holds less than the network could see.

    Args:
        to_crop: (2, 3), one of `results.Faces.to_crop`.
    """
    return float(1 / max(np.hypot(*to_crop[:, 0]), 1e-9))


def share_outside(to_crop: np.ndarray, size_wh: tuple[int, int]) -> float:
    """Share (0..1) of the square that the app cuts out for a face that lies beside the photo.

    Args:
        to_crop: as for `face_size`.
        size_wh: of the photo, pixels.
    """
    to_photo = np.linalg.pinv(np.vstack([to_crop, [0, 0, 1]]))[:2]
    steps = (np.arange(GRID) + 0.5) / GRID
    x, y = np.meshgrid(steps, steps)
    points = to_photo @ np.stack([x.ravel(), y.ravel(), np.ones(GRID**2)])
    inside = (points >= 0) & (points < np.reshape(size_wh, (2, 1)))
    return float(1 - inside.all(axis=0).mean())


def is_grey(crop_rgb: np.ndarray) -> bool:
    """Whether a (H, W, 3) uint8 crop has no colours at all."""
    return bool((crop_rgb == crop_rgb[..., :1]).all())


def blur_sigma(crop_rgb: np.ndarray) -> float:
    """How blurred the face in a crop is, as the sigma of a Gaussian blur.

    The crop is blurred twice, by known sigmas: the sharper it was, the more of its gradients the
    second one takes away. Unlike the variance of the Laplacian, their ratio does not depend on
    contrast or light. Strong noise and JPEG's blocks pass for sharpness.

    Args:
        crop_rgb: (H, W, 3) uint8, framed as in UTKFace.

    Returns:
        Sigma in pixels of a crop 200 pixels wide, 0 to MOST_BLUR. The softness of the face itself
        counts too (about 2 in a sharp picture); a blur adds to its square.

    Source: the two blurs after Zhuo and Sim, "Defocus map estimation from a single image", Pattern
    Recognition 2011; the spectrum after Field, "Relations between the statistics of natural images
    and the response properties of cortical cells", JOSA A 1987.
    """
    grey = _middle(crop_rgb)
    quiet, probed = (
        _gradient_energy(cv2.GaussianBlur(grey, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101))
        for sigma in (QUIET_SIGMA, PROBE_SIGMA)
    )
    # Pictures have power 1 / f^2, so their gradients have an energy of 1 / sigma^2 once blurred:
    # quiet / probed = (sigma^2 + PROBE_SIGMA^2) / (sigma^2 + QUIET_SIGMA^2).
    if quiet <= probed:
        return MOST_BLUR
    ratio = quiet / max(probed, 1e-9)
    variance = (PROBE_SIGMA**2 - ratio * QUIET_SIGMA**2) / (ratio - 1)
    return float(np.clip(np.sqrt(max(variance, 0)), 0, MOST_BLUR))


def luminance(crop_rgb: np.ndarray) -> float:
    """Mean brightness of the face in a (H, W, 3) uint8 crop: 0 (black) to 1 (white)."""
    return float(_middle(crop_rgb).mean() / 255)


def yaw_degrees(landmarks_xy: np.ndarray) -> float:
    """About how far a face is turned away, from where the nose lies between the eyes.

    The tip of the nose stands out before the eyes, so it moves off their middle when the head
    turns. Rough: landmarks err by some pixels and noses differ.

    Args:
        landmarks_xy: (5, 2) as in `results.Faces`.

    Returns:
        Degrees within -90..90, 0 for a face seen from the front, positive where it is turned to the
        picture's right. NaN without landmarks.
    """
    first_eye, second_eye, nose = np.asarray(landmarks_xy, np.float64)[:3]
    along = (second_eye - first_eye) / 2
    half = max(np.hypot(*along), 1e-9)
    off_middle = (nose - (first_eye + second_eye) / 2) @ along / half**2  # 1: below an eye
    return float(np.degrees(np.arctan(off_middle / NOSE_DEPTH)))


def _middle(crop_rgb: np.ndarray) -> np.ndarray:
    """The MIDDLE of a crop of SIDE pixels in grey: (120, 120) float64, 0..255."""
    if crop_rgb.shape[:2] != (SIDE, SIDE):
        picture = Image.fromarray(crop_rgb).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
        crop_rgb = np.asarray(picture)
    return crop_rgb[MIDDLE, MIDDLE] @ LUMA


def _gradient_energy(grey: np.ndarray) -> float:
    edge = 8  # pixels beside the border, where blurring has only a reflection on one side
    inner = grey[edge:-edge, edge:-edge]
    return float((np.diff(inner, axis=0) ** 2).mean() + (np.diff(inner, axis=1) ** 2).mean())
