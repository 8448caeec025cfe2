"""From a picture to its faces, each once and with the best crop that can be had."""

import numpy as np

from age_model.faces.alignment import load_alignment
from age_model.faces.crop import without_repeats
from age_model.faces.detector import Detector
from age_model.results import Faces


def find_faces(detector: Detector, image_rgb: np.ndarray, quick: bool = False) -> Faces:
    """What a detector finds, largest first; what no landmarks aligned is aligned by its looks.

    Args:
        detector, quick: see `Detector.detect`.
        image_rgb: (H, W, 3) uint8.
    """
    offered = detector.detect(image_rgb, quick)
    return without_repeats(load_alignment().aligned(image_rgb, offered))
