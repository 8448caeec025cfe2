"""Where the parts of a face lie in its crop, from the five landmarks that detectors give.

Distances are in units of the distance between the eyes. The proportions are those of artists'
manuals, checked by eye on aligned crops; they name a part, they do not outline it.
"""

import numpy as np

# Half-axes of the ellipse of a face, and how far below the eyes its middle lies.
FACE_WIDTH, FACE_HEIGHT, FACE_BELOW = 1.15, 1.5, 0.4
HEAD = 1.5  # the ellipse of the head with its hair, as a multiple of the face's
PARTS = (
    "the eyes",
    "the nose",
    "the mouth",
    "the cheeks",
    "the chin",
    "the forehead",
    "the hair",
    "what is outside the face",
)


def face_parts(landmarks_xy: np.ndarray, size: int) -> dict[str, np.ndarray]:
    """The pixels of each part, by its name in PARTS; {} where a landmark is not known.

    Args:
        landmarks_xy: (5, 2) eye, eye, nose tip, mouth corner, mouth corner, from the picture's left
            to right, in a crop whose sides run from 0 to 1.
        size: side of the crop, pixels.

    Returns:
        (size, size) bool each. Every pixel belongs to one part; parts without a pixel are left out.
    """
    if not np.isfinite(landmarks_xy).all():
        return {}
    left, right = landmarks_xy[:2].astype(float)
    mouth = landmarks_xy[3:].mean(axis=0)
    distance = max(float(np.hypot(*(right - left))), 1e-3)
    rows, columns = (np.indices((size, size)) + 0.5) / size
    turn = (right - left) / distance
    x, y = columns - (left[0] + right[0]) / 2, rows - (left[1] + right[1]) / 2
    across = (x * turn[0] + y * turn[1]) / distance
    down = (y * turn[0] - x * turn[1]) / distance
    mouth_down = max(float(np.hypot(*(mouth - (left + right) / 2))) / distance, 0.5)

    width = np.abs(across)
    ellipse = (across / FACE_WIDTH) ** 2 + ((down - FACE_BELOW) / FACE_HEIGHT) ** 2
    in_face, in_head = ellipse <= 1, ellipse <= HEAD**2
    tests = {
        "the eyes": in_face & (np.abs(down) < 0.38),
        "the nose": in_face & (down > 0) & (down < mouth_down - 0.3) & (width < 0.38),
        "the mouth": in_face & (np.abs(down - mouth_down) < 0.3) & (width < 0.62),
        "the cheeks": in_face & (down > 0) & (down < mouth_down + 0.3),
        "the chin": in_face & (down > 0),
        "the forehead": in_face,
        "the hair": in_head & (down < FACE_BELOW),
        "what is outside the face": np.ones((size, size), bool),
    }
    taken = np.zeros((size, size), bool)
    parts = {}
    for name in PARTS:  # the first that claims a pixel has it
        mask = tests[name] & ~taken
        taken |= mask
        if mask.any():
            parts[name] = mask
    return parts
