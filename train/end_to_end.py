"""`python -m train.end_to_end`: what the app's own way to a face costs over the aligned crop.

Each picture of a split is pasted into a larger one, at a random place and size; the face is found,
cropped and estimated there as in the app (`AgePredictor.__call__`), and the same picture is
estimated as the aligned crop that it is (`predict_crops`), by each detector -> end_to_end.json.
"""

import dataclasses
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import datasets
import numpy as np
from tqdm import tqdm

from age_model.faces.detector import available_detectors, load_detector
from age_model.images.load import load_image
from age_model.network.reports import END_TO_END
from age_model.results import FaceAges, Faces
from train.console.command import run_command
from train.console.output import shown_name
from train.evaluation.metrics import age_error
from train.evaluation.predict import encoded
from train.stress.measurement import (
    MeasureArguments,
    difference,
    drawn_pictures,
    head,
    measurement_folder,
    write_measurement,
)
from train.stress.synthetic_photos import SIDES, pasted_photo

if TYPE_CHECKING:
    from age_model.predictor import AgePredictor

# A face counts as found where its box's middle is so near the pasted picture's, in its sides.
NEAR = 0.3


@dataclass
class EndToEndArguments(MeasureArguments):
    """What to measure, on how many pictures, with which detectors, and where to write it."""

    detector: str | None = field(
        default=None,
        metadata={
            "help": "Only this detector, as AGE_FACE_DETECTOR names it. None: all that are found."
        },
    )
    degrees: float = field(
        default=0.0,
        metadata={"help": "Rotate each picture by up to so many degrees to either side."},
    )

    def command(self) -> str:
        """The command line that gives the same numbers, without this machine's folders."""
        shown = self.detector and shown_name(self.detector)
        return dataclasses.replace(self, detector=shown).command_of("train.end_to_end")


def measure(
    predictor: "AgePredictor", table: datasets.Dataset, arguments: EndToEndArguments
) -> dict | None:
    """The numbers of one detector; None where it finds no face at all."""
    true = np.asarray(table["age_low"][:], np.float64)
    app, aligned = (np.full(len(table), np.nan) for _ in range(2))
    others = rejected = 0
    for i, row in enumerate(tqdm(table, desc=predictor.detector_name, unit="face")):
        image_rgb = load_image(encoded(row["image"]))
        aligned[i] = predictor.predict_crops([image_rgb]).age_years[0]
        rng = np.random.default_rng([arguments.seed, i])
        photo_rgb, square_xyxy = pasted_photo(image_rgb, rng, arguments.degrees)
        faces = predictor(photo_rgb)
        found = index_of(faces, square_xyxy)
        app[i] = np.nan if found is None else faces.age_years[found]
        others += len(faces) - (found is not None)
        rejected += faces.rejected
    found = np.isfinite(app)
    if not found.any():
        return None
    app_error = age_error(app[found], true[found], arguments.resamples, arguments.seed)
    crop_error = age_error(aligned[found], true[found], arguments.resamples, arguments.seed)
    errors, before = (np.abs(years - true)[found] for years in (app, aligned))
    kept = ("mae", "mae_interval", "bias")
    return {
        "detector": predictor.detector_name,
        "n": len(table),
        "found": int(found.sum()),
        "found_share": float(found.mean()),
        "other_faces": others,
        "rejected": rejected,
        "app": {name: app_error[name] for name in kept},
        "aligned": {name: crop_error[name] for name in kept},
        **difference(errors, before, arguments.resamples, arguments.seed),
        "mean_absolute_change": float(np.abs(app - aligned)[found].mean()),
        "aligned_mae_of_the_missed": _mae(aligned[~found], true[~found]),
    }


def index_of(faces: FaceAges | Faces, square_xyxy: np.ndarray) -> int | None:
    """Which face is the one in the pasted square (pixels); None where none lies near its middle."""
    corners = faces.box_xyxy.reshape(-1, 2, 2)
    left_top, right_bottom = square_xyxy.reshape(2, 2)
    apart = corners.mean(axis=1) - (left_top + right_bottom) / 2
    distance = np.hypot(*apart.T) / (right_bottom - left_top).max()
    return int(distance.argmin()) if len(faces) and distance.min() < NEAR else None


def _mae(years: np.ndarray, true: np.ndarray) -> float | None:
    return float(np.abs(years - true).mean()) if len(years) else None


def _predictors(arguments: EndToEndArguments) -> "list[AgePredictor]":
    # Here, since torch and transformers take seconds to import.
    from age_model.network.loading import load_model
    from age_model.predictor import AgePredictor

    name = arguments.detector
    detectors = [load_detector(name)] if name else available_detectors()
    network = load_model(arguments.model)
    return [
        AgePredictor(network, detector, arguments.model, arguments.device) for detector in detectors
    ]


def end_to_end(arguments: EndToEndArguments) -> dict:
    """Measure and write everything; returns the content of end_to_end.json.

    Raises:
        ValueError: the model, a detector or the data cannot be used, or --out holds other files.
    """
    table, of = drawn_pictures(arguments)
    with measurement_folder(arguments.out, {END_TO_END}) as staging:
        predictors = _predictors(arguments)
        content = head(arguments, arguments.command(), predictors[0], table, of)
        content["definitions"] |= {
            "found": f"a face whose box's middle is within {NEAR} sides of the pasted picture's; "
            "all errors are of the found ones",
            "app": "the face found and cropped in a larger picture, in which it was pasted with a "
            f"side of {SIDES[0]} to {SIDES[1]} pixels; aligned: the same pictures as aligned crops",
            "mean_absolute_change": "mean of |estimate by the app's way - estimate of the aligned "
            "crop|",
        }
        measured = [measure(predictor, table, arguments) for predictor in predictors]
        content["detectors"] = {
            numbers["detector"].split()[0]: numbers for numbers in measured if numbers
        }
        if not content["detectors"]:
            raise ValueError("expected faces in the pictures, but no detector found one")
        write_measurement(staging, END_TO_END, content)
    return content


def _run(arguments: EndToEndArguments) -> None:
    content = end_to_end(arguments)
    for numbers in content["detectors"].values():
        low, high = numbers["mae_difference_interval"]
        print(f"{numbers['detector']}: found {numbers['found']} of {numbers['n']}")
        print(
            f"  MAE {numbers['app']['mae']:.2f}, aligned {numbers['aligned']['mae']:.2f}: ", end=""
        )
        print(f"{numbers['mae_difference']:+.2f} (95% {low:+.2f} to {high:+.2f}) years")
    print(f"written to {arguments.out}")


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.end_to_end`."""
    run_command("train.end_to_end", EndToEndArguments, _run, argv)


if __name__ == "__main__":
    main()
