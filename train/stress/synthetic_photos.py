"""Larger pictures around an aligned face, made from nothing but a seed and the picture itself."""

import cv2
import numpy as np

from train.stress.corruptions import rotated

CANVAS_WH = (1280, 960)  # pixels
SIDES = (200, 400)  # pixels, of the pasted picture
# The picture goes on around itself by its reflection, in sides of it, and fades into the background
# there: a photo has no hard square around a face, and the detectors must not find one either.
SURROUNDINGS = 0.25


def pasted_photo(
    image_rgb: np.ndarray,
    rng: np.random.Generator,
    degrees: float = 0.0,
    sides: tuple[int, int] = SIDES,
    canvas_wh: tuple[int, int] = CANVAS_WH,
) -> tuple[np.ndarray, np.ndarray]:
    """A larger picture with an aligned face somewhere in it.

    Args:
        image_rgb: (H, W, 3) uint8, an aligned face.
        rng: of place, size and background.
        degrees: the picture is turned in its plane by up to so many, to either side.
        sides: range of the pasted picture's side, pixels.
        canvas_wh: of the larger picture, pixels.

    Returns:
        (H, W, 3) uint8, and the (4,) int square of the pasted picture before it is turned
        about its middle: left, top, right, bottom in pixels.
    """
    side = round(np.exp(rng.uniform(*np.log(sides))))
    how = cv2.INTER_CUBIC if side > len(image_rgb) else cv2.INTER_AREA
    face_rgb = cv2.resize(image_rgb, (side, side), interpolation=how)
    border = round(SURROUNDINGS * side)
    patch = cv2.copyMakeBorder(face_rgb, border, border, border, border, cv2.BORDER_REFLECT_101)
    if degrees:
        patch = rotated(patch, rng.uniform(-degrees, degrees))
    ramp = np.clip((np.arange(len(patch)) + 0.5) / border, 0, 1)
    ramp = np.minimum(ramp, ramp[::-1])
    opaque = (ramp[:, None] * ramp[None, :])[:, :, None]

    canvas = background(rng, canvas_wh)
    left, top = (int(rng.integers(0, n - len(patch) + 1)) for n in canvas_wh)
    part = canvas[top : top + len(patch), left : left + len(patch)]
    part[:] = np.rint(opaque * patch + (1 - opaque) * part)
    left, top = left + border, top + border
    return canvas, np.array([left, top, left + side, top + side])


def background(rng: np.random.Generator, canvas_wh: tuple[int, int] = CANVAS_WH) -> np.ndarray:
    """(H, W, 3) uint8: a gradient, soft noise or stripes, in colours drawn at random."""
    width, height = canvas_wh
    x, y = np.meshgrid(np.linspace(0, 1, width), np.linspace(0, 1, height))
    angle = rng.uniform(0, 2 * np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    kind = rng.integers(3)
    if kind == 0:
        shade = (along - along.min()) / np.ptp(along)
    elif kind == 1:
        coarse = rng.uniform(size=rng.integers(4, 40, 2)).astype(np.float32)
        shade = np.clip(cv2.resize(coarse, canvas_wh, interpolation=cv2.INTER_CUBIC), 0, 1)
    else:
        shade = 0.5 + 0.5 * np.sin(2 * np.pi * along * rng.uniform(3, 40))
    first, second = rng.uniform(0, 255, (2, 3))
    colours = first + shade[:, :, None] * (second - first) + rng.normal(0, 4, (height, width, 1))
    return np.clip(np.rint(colours), 0, 255).astype(np.uint8)
