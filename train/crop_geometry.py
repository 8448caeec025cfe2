"""Measure where the detectors see an aligned face, and how near the crop comes to the true one.

    python -m train.crop_geometry UTKFACE [--detector NAME] [--pictures 1500]

Prints the constants of each detector's `Framing`, then the error of several ways to crop. For the
error, each picture is pasted into a larger one, at a side of 60 to 480 pixels and turned by up to
20 degrees; the crop found there is compared with the true one: the mean distance of their corners,
as a share of the crop's side. The pictures that give the constants are not those of the error.
"""

import argparse
import random
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np

from age_model.faces.crop import similarity
from age_model.faces.detector import Detector, available_detectors, load_detector
from age_model.images.load import load_image
from age_model.results import Faces
from train.console.command import exit_on_error

CANVAS = 640
SIDES = (60, 480)  # pixels, of the pasted picture
CORNERS = np.array([[0, 0], [1, 0], [1, 1], [0, 1.0]])


def sample(source: Path, count: int) -> Iterator[bytes]:
    """The bytes of `count` pictures of a folder or an archive, the same ones each time."""
    if source.is_dir():
        paths = sorted(source.rglob("*.jpg"))
        for path in random.Random(0).sample(paths, min(count, len(paths))):
            yield path.read_bytes()
        return
    with tarfile.open(source) as archive:
        members = sorted((m for m in archive if m.name.endswith(".jpg")), key=lambda m: m.name)
        for member in random.Random(0).sample(members, min(count, len(members))):
            if file := archive.extractfile(member):  # None for what is no file
                yield file.read()


def measured_ways(detector: Detector, pictures: list[np.ndarray]) -> dict[str, Callable]:
    """Print the constants of a detector; the ways to crop that can be made with them."""
    rng = np.random.default_rng(0)
    boxes, landmarks = [], []
    for picture in pictures:
        canvas_rgb, to_crop = pasted(picture, rng, degrees=0, sides=(200, 200))
        faces, index = found_face(detector, canvas_rgb, to_crop)
        if index is not None:
            boxes.append(apply(to_crop, faces.box_xyxy[index].reshape(2, 2)))
            landmarks.append(apply(to_crop, faces.landmarks_xy[index]))
    centres, sizes = np.mean(boxes, axis=1), np.diff(boxes, axis=1)[:, 0]
    centre, side = np.median(centres, axis=0), np.median(sizes.max(axis=1))
    points = np.median(landmarks, axis=0)
    print(f"  found {len(boxes)}; box: centre {centre.round(3)}, longer side {side:.3f}")
    ways = {
        "as its framing says": lambda f, i: f.to_crop[i],
        "box": lambda f, i: by_box(f, i, centre, side),
    }
    if np.isfinite(points).all():
        print(f"  landmarks: {points.round(3).tolist()}, spread {np.std(landmarks, 0).mean():.3f}")
        ways["box, turned"] = lambda f, i: by_box(f, i, centre, side, turned=True)
        ways["landmarks"] = lambda f, i: similarity(f.landmarks_xy[i], points)
        ways["mean of both"] = lambda f, i: (
            (ways["box, turned"](f, i) + ways["landmarks"](f, i)) / 2
        )  # fmt: skip
    return ways


def by_box(
    faces: Faces, index: int, centre: np.ndarray, side: float, turned: bool = False
) -> np.ndarray:
    """(2, 3) from the picture to the crop: by the box, and turned so that the eyes lie level."""
    corners = faces.box_xyxy[index].reshape(2, 2).astype(np.float64)
    scale = side / (corners[1] - corners[0]).max()
    right, down = faces.landmarks_xy[index, 1] - faces.landmarks_xy[index, 0]
    angle = -np.arctan2(down, right) if turned else 0.0
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return np.column_stack([turn, centre - turn @ corners.mean(axis=0)])


def print_errors(
    detector: Detector, ways: dict[str, Callable], pictures: list[np.ndarray], degrees: float
) -> None:
    """Print the error of each way to crop pictures that are turned by up to `degrees`."""
    rng = np.random.default_rng(1)
    errors: dict[str, list[float]] = {name: [] for name in ways}
    for picture in pictures:
        canvas_rgb, to_crop = pasted(picture, rng, degrees, SIDES)
        faces, index = found_face(detector, canvas_rgb, to_crop)
        for name, way in ways.items() if index is not None else ():
            errors[name].append(corner_error(way(faces, index), to_crop))
    found = len(errors["box"])
    print(f"  turned by up to {degrees}: found {found} of {len(pictures)}; error in % of the side")
    for name, values in errors.items():
        middle, high = np.percentile(values, [50, 90])
        print(f"    {name:20} median {middle:5.2f}   90% below {high:5.2f}")


def pasted(
    picture: np.ndarray, rng: np.random.Generator, degrees: float, sides: tuple[float, float]
) -> tuple[np.ndarray, np.ndarray]:
    """A canvas with the picture on it, its border mirrored or in grey, and the true crop matrix."""
    side = np.exp(rng.uniform(*np.log(sides)))
    angle = np.deg2rad(rng.uniform(-degrees, degrees))
    turn = side * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    centre = CANVAS / 2 + rng.uniform(-40, 40, 2)
    to_canvas = np.column_stack([turn, centre - turn @ [0.5, 0.5]])
    matrix = to_canvas @ np.diag([1 / picture.shape[1], 1 / picture.shape[0], 1])
    border = (cv2.BORDER_REFLECT, cv2.BORDER_CONSTANT)[rng.integers(2)]
    canvas_rgb = cv2.warpAffine(
        picture, matrix, (CANVAS, CANVAS), flags=cv2.INTER_AREA, borderMode=border,
        borderValue=(127, 127, 127),
    )  # fmt: skip
    return canvas_rgb, cv2.invertAffineTransform(to_canvas)


def found_face(
    detector: Detector, canvas_rgb: np.ndarray, to_crop: np.ndarray
) -> tuple[Faces, int | None]:
    """The faces in a canvas, and which one is the pasted one; None where it was not found."""
    faces = detector.detect(canvas_rgb)
    centres = apply(to_crop, faces.box_xyxy.reshape(-1, 2, 2).mean(axis=1))
    distance = np.hypot(*(centres - [0.5, 0.4]).T)
    return faces, int(distance.argmin()) if len(faces) and distance.min() < 0.4 else None


def corner_error(got: np.ndarray, true: np.ndarray) -> float:
    """Mean distance of the corners of two crops, in % of the true crop's side."""
    corners = apply(cv2.invertAffineTransform(got), CORNERS)
    return 100 * np.hypot(*(apply(true, corners) - CORNERS).T).mean()


def apply(matrix: np.ndarray, points_xy: np.ndarray) -> np.ndarray:
    """(N, 2) points under a (2, 3) matrix."""
    return points_xy @ matrix[:, :2].T + matrix[:, 2]


def measure(utkface: Path, count: int, only: str | None) -> None:
    """Print the constants of each detector, and the error of the ways to crop.

    Args:
        utkface: folder or .tar.gz of UTKFace's aligned crops.
        count: how many of them to take.
        only: name of the one detector to measure, as for `load_detector`.

    Raises:
        ValueError: no such detector, or a picture that cannot be read.
    """
    pictures = [load_image(data) for data in sample(utkface, count)]
    third = len(pictures) // 3
    for detector in [load_detector(only)] if only else available_detectors():
        print(f"\n{detector.name}: constants from {len(pictures) - third} pictures")
        ways = measured_ways(detector, pictures[third:])
        for degrees in (0, 20):
            print_errors(detector, ways, pictures[:third], degrees)


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.crop_geometry`."""
    parser = argparse.ArgumentParser(
        prog="python -m train.crop_geometry",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("utkface", type=Path, help="folder or .tar.gz of UTKFace's aligned crops")
    parser.add_argument("--detector", help="only this one, as AGE_FACE_DETECTOR names it")
    parser.add_argument("--pictures", type=int, default=1500, help="how many to take")
    args = parser.parse_args(argv)
    with exit_on_error("train.crop_geometry"):
        measure(args.utkface, args.pictures, args.detector)


if __name__ == "__main__":
    main()
