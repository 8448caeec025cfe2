"""The conditions of `train.robustness`: which corruptions, how strong, what the numbers mean."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from age_model.quality.measure import blur_sigma, luminance
from train.stress import corruptions

Corruption = Callable[[np.ndarray, np.random.Generator], np.ndarray]
Measurement = Callable[[np.ndarray], float]
# What can be measured of a crop, so that the page can tell a photo's level.
DETECTOR_SCORE = "{detector}_score"  # one for each kind of detector
MEASUREMENTS: dict[str, Measurement] = {"blur_sigma": blur_sigma, "luminance": luminance}


@dataclass(frozen=True)
class Kind:
    """A way for a picture to be worse.

    Attributes:
        title: what it is called for readers.
        unit: what the level's number means.
        measured: the names of the measurements that tell this level in a photo: those in
            MEASUREMENTS, and with a detector of landmarks those of `train.stress.pose`.
    """

    title: str
    unit: str
    measured: tuple[str, ...] = ()


@dataclass(frozen=True)
class Condition:
    """One kind of corruption at one level.

    Attributes:
        kind: key of KINDS.
        level: how strong, in the kind's unit.
        name: the level for readers.
        apply: from a picture to the corrupted one; the generator is for what is drawn at random.
    """

    kind: str
    level: float
    name: str
    apply: Corruption


KINDS = {
    "none": Kind("Baseline", "none", (*MEASUREMENTS, DETECTOR_SCORE)),
    "blur": Kind(
        "Gaussian blur", "sigma in pixels of a picture 200 pixels wide", ("blur_sigma", "luminance")
    ),
    "jpeg": Kind("JPEG", "quality of the file"),
    "resolution": Kind(
        "Resolution",
        "side of the face's crop in pixels (baseline: 200)",
        ("blur_sigma", "luminance"),
    ),
    "darkness": Kind("Darkness", "factor on all pixel values", ("blur_sigma", "luminance")),
    "rotation": Kind("Rotation in the image plane", "degrees, counter-clockwise"),
    "occlusion": Kind(
        "Occluded by a grey rectangle", "share of the picture that is occluded", (DETECTOR_SCORE,)
    ),
    "pose": Kind(
        "Head turned to the side",
        "degrees of yaw, about; compared with frontal faces of the same age groups",
        ("yaw_degrees",),
    ),
    "grey": Kind("Greyscale", "1: grey"),
    "margin": Kind("Crop too tight or too wide", "side of the crop, in sides of the exact one"),
    "shift_x": Kind("Crop too far to the side", "shift to the right, in sides of the exact crop"),
    "shift_y": Kind("Crop too high or too low", "shift downwards, in sides of the exact crop"),
}
LEVELS = {
    "blur": (0.5, 1, 1.5, 2, 3, 4, 6, 8),
    "jpeg": (90, 70, 50, 30, 20, 10, 5),
    "resolution": (128, 96, 64, 48, 32, 24, 16),
    "darkness": (0.7, 0.5, 0.35, 0.25, 0.15, 0.1),
    "rotation": (-30, -20, -10, 10, 20, 30, 45, 90, 180),
    "margin": (0.7, 0.8, 0.9, 1.1, 1.2, 1.35, 1.5),
    "shift_x": (-0.2, -0.1, -0.05, 0.05, 0.1, 0.2),
    "shift_y": (-0.2, -0.1, -0.05, 0.05, 0.1, 0.2),
}
_MAKE = {
    "blur": corruptions.blurred,
    "jpeg": corruptions.jpeg,
    "resolution": corruptions.low_resolution,
    "darkness": corruptions.darkened,
    "rotation": corruptions.rotated,
    "margin": corruptions.reframed,
    "shift_x": lambda image, level: corruptions.reframed(image, shift_x=level),
    "shift_y": lambda image, level: corruptions.reframed(image, shift_y=level),
}
EYES_Y, MOUTH_Y = 0.288, 0.680  # where they lie in the crop, in sides (`train.crop_geometry`)
QUARTER = 0.5  # side of the rectangle that lies anywhere, in sides of the picture


def conditions() -> list[Condition]:
    """All of them, the baseline first, each kind in its levels' order."""
    found = [Condition("none", 0, "baseline", lambda image, _: image)]
    for kind in KINDS:
        found += [_levelled(kind, level) for level in LEVELS.get(kind, ())]
        if kind == "occlusion":
            found += _occlusions()
        if kind == "grey":
            found.append(Condition("grey", 1, "grey", lambda image, _: corruptions.grey(image)))
    return found


def _levelled(kind: str, level: float) -> Condition:
    return Condition(kind, level, f"{level:g}", lambda image, _: _MAKE[kind](image, level))


def _occlusions() -> list[Condition]:
    boxes = {
        "eyes": (0.15, EYES_Y - 0.08, 0.85, EYES_Y + 0.08),
        "mouth": (0.2, MOUTH_Y - 0.1, 0.8, MOUTH_Y + 0.1),
        "left half": (0, 0, 0.5, 1),
        "lower half": (0, 0.5, 1, 1),
    }
    found = [_occlusion(name, box) for name, box in boxes.items()]
    found.append(Condition("occlusion", QUARTER**2, "a quarter, anywhere", _occlude_anywhere))
    return sorted(found, key=lambda condition: condition.level)


def _occlusion(name: str, box: tuple[float, float, float, float]) -> Condition:
    left, top, right, bottom = box
    area = round(float((right - left) * (bottom - top)), 3)
    return Condition("occlusion", area, name, lambda image, _: corruptions.occluded(image, box))


def _occlude_anywhere(image_rgb: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    left, top = rng.uniform(0, 1 - QUARTER, 2)
    return corruptions.occluded(image_rgb, (left, top, left + QUARTER, top + QUARTER))
