"""What moved an age estimate: parts of the face are hidden in turn, and the network is asked again.

Source: Zeiler and Fergus, "Visualizing and Understanding Convolutional Networks", ECCV 2014.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# From B crops, (S, S, 3) uint8 each, to B ages in years.
Estimate = Callable[[list[np.ndarray]], np.ndarray]
WINDOW = 3  # patches: the side of what is hidden at once


@dataclass(frozen=True)
class Explanation:
    """What moved the estimate of one face.

    Attributes:
        crop_rgb: (S, S, 3) uint8, what the network sees.
        age_years: its estimate, years.
        change_years: (G, G) float64, at least 0, for each patch of the network's grid, row by row: by
            how many years the estimate changes when it is hidden, in the mean over the windows that
            hide it.
    """

    crop_rgb: np.ndarray
    age_years: float
    change_years: np.ndarray


def explain(estimate: Estimate, crop_rgb: np.ndarray, patch: int) -> Explanation:
    """Hide every window of patches in turn.

    What is asked for is the very number that is shown, the calibrated median, so that the map is in
    years and about nothing else than the answer. It reads no attention and no gradient: it goes
    through the network as any estimate does, and threads may share it.

    Args:
        crop_rgb: (S, S, 3) uint8, S a multiple of `patch`.
        patch: side of the network's patches, pixels.
    """
    grid = len(crop_rgb) // patch
    hidden = windows(grid)
    crops = covered(crop_rgb, hidden, plain(crop_rgb))
    untouched, *changed = estimate([crop_rgb, *crops])
    change = np.abs(np.array(changed) - untouched)
    mean = np.tensordot(change, hidden, 1) / hidden.sum(axis=0)
    return Explanation(crop_rgb, float(untouched), mean)


def windows(grid: int) -> np.ndarray:
    """(G * G, G, G) bool: around each patch, row by row, the WINDOW x WINDOW patches that lie inside."""
    near = np.abs(np.arange(grid)[:, None] - np.arange(grid)) <= WINDOW // 2
    return np.einsum("ir,jc->ijrc", near, near).reshape(-1, grid, grid)


def plain(crop_rgb: np.ndarray) -> np.ndarray:
    """(S, S, 3) uint8: the crop's mean colour all over."""
    return np.broadcast_to(crop_rgb.mean(axis=(0, 1)).round().astype(np.uint8), crop_rgb.shape)


def covered(crop_rgb: np.ndarray, hidden: np.ndarray, cover_rgb: np.ndarray) -> np.ndarray:
    """Copies of a crop in which the hidden patches show another picture.

    Args:
        crop_rgb: (S, S, 3) uint8.
        hidden: (B, G, G) bool.
        cover_rgb: (S, S, 3) uint8.

    Returns:
        (B, S, S, 3) uint8.
    """
    patch = len(crop_rgb) // hidden.shape[1]
    pixels = hidden.repeat(patch, axis=1).repeat(patch, axis=2)[..., None]
    return np.where(pixels, cover_rgb, crop_rgb)
