"""Crops of faces and of what is none, for the face check: each as a detector might hand it over."""

from collections.abc import Callable, Iterator, Sequence

import cv2
import numpy as np

from age_model.faces.crop import crop_face, crop_square, warp
from age_model.faces.detector import Detector
from age_model.results import Faces
from train.stress.corruptions import darkened, jpeg, low_resolution, occluded

SIDE = 64  # pixels of the crops that are kept: more than the network sees, for its augmentation
# How far off a detector's crop may be: turn in degrees, scale, shift in sides.
TURN, SCALE, SHIFT = 20.0, (0.75, 1.3), 0.1
NEAR = 0.05  # of a face's crop that may lie in a crop that is to show none
PARTS = (0.12, 0.3)  # side of a part of a face that is none by itself, in sides of the crop
Rng = np.random.Generator


def moved(picture_rgb: np.ndarray, rng: Rng) -> np.ndarray:
    """An aligned face as an inexact crop shows it: (SIDE, SIDE, 3) uint8, degraded now and then."""
    scale = np.exp(rng.uniform(*np.log(SCALE)))
    matrix = _similarity(rng.normal(0, TURN / 2), scale, 0.5 + rng.uniform(-SHIFT, SHIFT, 2))
    crop = warp(picture_rgb, matrix @ _to_unit(picture_rgb), SIDE)
    return degraded(crop, rng)


def degraded(crop_rgb: np.ndarray, rng: Rng) -> np.ndarray:
    """A crop made worse in one way, in half of the cases: dark, coarse, covered, grey, JPEG."""
    kind = rng.integers(10)
    if kind == 0:
        return darkened(crop_rgb, rng.uniform(0.12, 0.6))
    if kind == 1:
        return low_resolution(crop_rgb, int(rng.integers(14, 32)))
    if kind == 2:  # a mask, glasses, a hand
        left, top = rng.uniform(0, 0.6), rng.uniform(0, 0.7)
        box = (left, top, left + rng.uniform(0.2, 0.6), top + rng.uniform(0.12, 0.35))
        worse = occluded(crop_rgb, box)
        worse[(worse == 127).all(axis=2)] = rng.integers(0, 255, 3)
        return worse
    if kind == 3:
        return np.repeat(cv2.cvtColor(crop_rgb, cv2.COLOR_RGB2GRAY)[..., None], 3, axis=2)
    if kind == 4:
        return jpeg(crop_rgb, int(rng.integers(10, 40)))
    return crop_rgb


def scrambled(picture_rgb: np.ndarray, rng: Rng) -> np.ndarray:
    """The tiles of an aligned face in another order: all of its colours and parts, and no face."""
    tiles = int(rng.integers(2, 5))
    side = SIDE // tiles
    small = cv2.resize(picture_rgb, (side * tiles, side * tiles), interpolation=cv2.INTER_AREA)
    grid = small.reshape(tiles, side, tiles, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)
    order = rng.permutation(len(grid))
    while (order == np.arange(len(grid))).mean() > 0.25:
        order = rng.permutation(len(grid))
    grid = grid[order].reshape(tiles, tiles, side, side, 3).swapaxes(1, 2)
    return cv2.resize(grid.reshape(side * tiles, side * tiles, 3), (SIDE, SIDE))


def part(picture_rgb: np.ndarray, rng: Rng) -> np.ndarray:
    """A small part of an aligned face: an eye, a cheek, a chin."""
    side = rng.uniform(*PARTS)
    matrix = _similarity(rng.uniform(-30, 30), 1 / side, rng.uniform(0.15, 0.85, 2))
    return warp(picture_rgb, matrix @ _to_unit(picture_rgb), SIDE)


def away_from(faces: Faces, photo_rgb: np.ndarray, rng: Rng, count: int) -> Iterator[np.ndarray]:
    """Up to `count` crops anywhere in a photo that show next to nothing of its faces."""
    height, width = photo_rgb.shape[:2]
    squares = [crop_square(matrix) for matrix in faces.to_crop]
    for _ in range(4 * count):
        side = np.exp(rng.uniform(np.log(16), np.log(min(height, width))))
        left, top = rng.uniform(-0.1 * side, np.array([width, height]) - 0.9 * side)
        here = np.array([left, top, left + side, top + side])
        if count and all(_overlap(here, square) < NEAR for square in squares):
            count -= 1
            turned = _similarity(rng.normal(0, TURN / 2), 1 / side, here[:2] + side / 2)
            yield warp(photo_rgb, turned, SIDE)


def false_alarms(
    detectors: Sequence[Detector], photo_rgb: np.ndarray, faces: Faces
) -> Iterator[tuple[str, np.ndarray]]:
    """What detectors take for faces in a photo beside those that are: kind of detector, crop.

    Args:
        faces: those that are faces.
    """
    squares = [crop_square(matrix) for matrix in faces.to_crop]
    for detector in detectors:
        offered = detector.detect(photo_rgb)
        for i, matrix in enumerate(offered.to_crop):
            square = crop_square(matrix)
            if all(_overlap(square, other) < NEAR for other in squares):
                yield detector.kind, crop_face(photo_rgb, offered, i, SIDE)


def made(rng: Rng) -> np.ndarray:
    """(SIDE, SIDE, 3) uint8 made from nothing but a seed: noise, shapes, text, a drawn face."""
    makers: tuple[Callable[[Rng], np.ndarray], ...] = (_noise, _shapes, _text, _drawn_face, _flat)
    picture = makers[rng.integers(len(makers))](rng)
    noise = rng.normal(0, rng.uniform(0, 12), picture.shape)
    return np.clip(picture + noise, 0, 255).astype(np.uint8)


def _noise(rng: Rng) -> np.ndarray:
    """Noise of a spectrum like that of photos."""
    frequencies = np.hypot(*np.meshgrid(np.fft.fftfreq(SIDE), np.fft.fftfreq(SIDE)))
    frequencies[0, 0] = 1 / SIDE
    waves = np.fft.fft2(rng.normal(size=(3, SIDE, SIDE))) / frequencies ** rng.uniform(0, 2)
    noise = np.fft.ifft2(waves).real.transpose(1, 2, 0)
    if rng.random() < 0.5:
        noise = np.repeat(noise.mean(axis=2, keepdims=True), 3, axis=2)
    noise = (noise - noise.mean()) / max(noise.std(), 1e-9)
    return 127 + noise * rng.uniform(15, 60) + rng.uniform(-60, 60, 3)


def _shapes(rng: Rng) -> np.ndarray:
    picture = _canvas(rng)
    for _ in range(rng.integers(2, 12)):
        x, y = (int(v) for v in rng.integers(0, SIDE, 2))
        colour, size = _colour(rng), int(rng.integers(2, SIDE // 2))
        width = int(rng.choice([-1, 1, 2, 4]))
        if rng.random() < 0.5:
            axes = (size, max(1, size // int(rng.integers(1, 4))))
            cv2.ellipse(picture, (x, y), axes, float(rng.uniform(0, 180)), 0, 360, colour, width)
        else:
            cv2.rectangle(picture, (x, y), (x + size, y + size // 2 + 1), colour, width)
    return picture


def _text(rng: Rng) -> np.ndarray:
    picture = _canvas(rng)
    for line in range(rng.integers(1, 5)):
        letters = "".join(chr(rng.integers(48, 123)) for _ in range(rng.integers(1, 12)))
        place = (int(rng.integers(-8, 20)), int(rng.integers(8, 24)) + 14 * line)
        font, size = int(rng.integers(0, 8)), float(rng.uniform(0.3, 2))
        cv2.putText(picture, letters, place, font, size, _colour(rng), int(rng.integers(1, 4)))
    return picture


def _drawn_face(rng: Rng) -> np.ndarray:
    """A face as children draw it: an ellipse, two dots, a line."""
    picture = _canvas(rng)
    centre = SIDE // 2 + rng.integers(-5, 6, 2)
    skin, ink = _colour(rng), _colour(rng)
    axes = (int(rng.integers(16, 28)), int(rng.integers(20, 32)))
    cv2.ellipse(picture, centre.tolist(), axes, 0, 0, 360, skin, int(rng.choice([-1, 1, 2])))
    eyes, size = int(rng.integers(8, 14)), int(rng.integers(1, 5))
    for side in (-1, 1):
        eye = (int(centre[0] + side * eyes), int(centre[1] - rng.integers(6, 12)))
        cv2.circle(picture, eye, size + 2, (255, 255, 255), -1)
        cv2.circle(picture, eye, size, ink, -1)
    mouth = (int(centre[0]), int(centre[1] + rng.integers(6, 12)))
    curve = (int(rng.integers(5, 13)), int(rng.integers(1, 8)))
    cv2.ellipse(picture, mouth, curve, 0, 0, 180, ink, int(rng.choice([-1, 1, 2])))
    return picture


def _flat(rng: Rng) -> np.ndarray:
    """A gradient, or stripes."""
    x, y = np.meshgrid(np.linspace(0, 1, SIDE), np.linspace(0, 1, SIDE))
    angle = rng.uniform(0, 2 * np.pi)
    along = x * np.cos(angle) + y * np.sin(angle)
    if rng.random() < 0.5:
        along = 0.5 + 0.5 * np.sin(2 * np.pi * along * rng.uniform(1, 12))
    first, second = rng.uniform(0, 255, (2, 3))
    return first + along[..., None] * (second - first)


def _canvas(rng: Rng) -> np.ndarray:
    return np.full((SIDE, SIDE, 3), _colour(rng), np.uint8)


def _colour(rng: Rng) -> tuple[int, int, int]:
    red, green, blue = (int(v) for v in rng.integers(0, 256, 3))
    return red, green, blue


def _similarity(degrees: float, scale: float, centre_xy: np.ndarray) -> np.ndarray:
    """(2, 3): about a centre that comes to lie in the middle of the unit square."""
    angle = np.deg2rad(degrees)
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([turn, 0.5 - turn @ centre_xy])


def _to_unit(picture_rgb: np.ndarray) -> np.ndarray:
    height, width = picture_rgb.shape[:2]
    return np.diag([1 / width, 1 / height, 1.0])


def _overlap(one: np.ndarray, other: np.ndarray) -> float:
    """Area that two squares share, in shares of the smaller one."""
    shared = np.minimum(one[2:], other[2:]) - np.maximum(one[:2], other[:2])
    smaller = min(np.prod(one[2:] - one[:2]), np.prod(other[2:] - other[:2]))
    return float(np.prod(np.clip(shared, 0, None)) / max(smaller, 1e-9))
