"""`python -m train.robustness`: how much worse the estimates become on worse pictures.

Blurred, compressed, small, dark, rotated, occluded, grey and badly cropped copies of a split's
pictures go through the same `AgePredictor.predict_crops` as the pictures themselves ->
robustness.json, robustness.png. For blur, size, light and occlusion it also says what is measured
on these pictures, so that a photo's level can be told from the photo. How sure a detector is of a
face is measured for each detector with landmarks that is found. Heads turned to the side are
found by the detector that the app would take, and omitted where it gives no landmarks.
"""

import zlib
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import datasets
import numpy as np

from age_model.faces.detector import Detector, available_detectors, load_detector
from age_model.faces.landmark_detector import LandmarkDetector
from age_model.images.load import load_image
from age_model.network.reports import ROBUSTNESS
from age_model.results import FaceAges
from train.console.command import run_command
from train.evaluation.predict import encoded, predict_split
from train.figures.robustness import FIGURE, draw_robustness
from train.stress.conditions import (
    DETECTOR_SCORE,
    KINDS,
    MEASUREMENTS,
    Condition,
    Measurement,
    conditions,
)
from train.stress.measurement import (
    MeasureArguments,
    drawn_pictures,
    head,
    measurement_folder,
    quantiles,
    row_scores,
    write_measurement,
)
from train.stress.pose import FRONTAL_DEGREES, detector_score, head_yaw, pose_rows

if TYPE_CHECKING:
    from age_model.predictor import AgePredictor


@dataclass
class RobustnessArguments(MeasureArguments):
    """What to measure, on how many pictures, and where to write it."""

    def command(self) -> str:
        """The command line that gives the same numbers, without this machine's folders."""
        return self.command_of("train.robustness")


class CorruptingPredictor:
    """A predictor that sees corrupted pictures only, and measures them.

    What is random in a corruption is drawn by the seed and the number of the picture, so that it
    does not depend on the batch size; so pictures must come in their order.

    Attributes:
        measured: values of each of the measurements that tells this kind, picture by picture.
    """

    def __init__(
        self,
        predictor: "AgePredictor",
        condition: Condition,
        seed: int,
        measurements: dict[str, Measurement] = MEASUREMENTS,
    ):
        measured = KINDS[condition.kind].measured
        told_by = [
            name
            for name in measurements
            if name in measured or (name not in MEASUREMENTS and DETECTOR_SCORE in measured)
        ]
        self.measured: dict[str, list[float]] = {name: [] for name in told_by}
        self._predictor, self._condition, self._measurements = predictor, condition, measurements
        self._seed = [seed, zlib.crc32(f"{condition.kind} {condition.name}".encode())]
        self._seen = 0

    def predict_crops(self, crops: list) -> FaceAges:
        """As `AgePredictor.predict_crops`, of corrupted copies of the crops."""
        corrupted = [self._corrupt(load_image(crop)) for crop in crops]
        for name, values in self.measured.items():
            values += [self._measurements[name](image_rgb) for image_rgb in corrupted]
        return self._predictor.predict_crops(corrupted)

    def _corrupt(self, image_rgb: np.ndarray) -> np.ndarray:
        rng = np.random.default_rng([*self._seed, self._seen])
        self._seen += 1
        return self._condition.apply(image_rgb, rng)


def measure(
    predictor: "AgePredictor",
    detectors: list[LandmarkDetector],
    table: datasets.Dataset,
    arguments: RobustnessArguments,
) -> list[dict]:
    """The numbers of each condition that is made from the pictures, the baseline first."""
    scores_of = {DETECTOR_SCORE.format(detector=d.kind): d for d in detectors}
    measurements = MEASUREMENTS | {
        name: partial(detector_score, detector) for name, detector in scores_of.items()
    }
    rows, baseline = [], None
    for condition in conditions():
        corrupting = CorruptingPredictor(predictor, condition, arguments.seed, measurements)
        p = predict_split(corrupting, table, arguments.batch_size, threads=1)
        if baseline is None:
            baseline = np.abs(p.years - p.age_low)
        scores = row_scores(p, baseline, arguments.resamples, arguments.seed)
        measured = {name: quantiles(values) for name, values in corrupting.measured.items()}
        rows.append(
            {"kind": condition.kind, "level": condition.level, "name": condition.name}
            | scores
            | ({"measured": measured} if measured else {})
        )
    return rows


def measure_pose(
    predictor: "AgePredictor", detector: Detector, arguments: RobustnessArguments, of: int
) -> list[dict]:
    """Numbers of heads turned to the side among all `of` pictures; none without landmarks."""
    if not isinstance(detector, LandmarkDetector):
        return []
    table, _ = drawn_pictures(replace(arguments, max_pictures=of))
    p = predict_split(predictor, table, arguments.batch_size)
    degrees = [head_yaw(detector, load_image(encoded(image))) for image in table["image"]]
    return pose_rows(p, np.array(degrees), arguments.resamples, arguments.seed)


def robustness(arguments: RobustnessArguments) -> dict:
    """Measure and write everything; returns the content of robustness.json.

    Raises:
        ValueError: the model or the data cannot be used, or --out holds other files.
    """
    from age_model.predictor import AgePredictor  # torch and transformers take seconds to import

    table, of = drawn_pictures(arguments)
    with measurement_folder(arguments.out, {ROBUSTNESS, FIGURE}) as staging:
        # The pictures are crops already, so the detector that needs no file will do.
        predictor = AgePredictor.from_pretrained(
            arguments.model, detector="haar", device=arguments.device
        )
        content = head(arguments, arguments.command(), predictor, table, of)
        detector = load_detector()
        detectors = [d for d in available_detectors() if isinstance(d, LandmarkDetector)]
        content["detector"] = detector.name
        content["detectors"] = {d.kind: d.name for d in detectors}
        content["definitions"] |= {
            "measured": "what age_model.quality, and the detector, measure on these very pictures: "
            "median, 10% and 90% quantile",
            "pose": "as the pictures come, of all of the split, by the detector's landmarks; here "
            "mae_difference is the mean absolute error minus that of the faces of the same age "
            f"group turned by less than {FRONTAL_DEGREES} degrees",
        }
        content["kinds"] = {
            name: {"title": kind.title, "unit": kind.unit} for name, kind in KINDS.items()
        }
        content["conditions"] = [
            *measure(predictor, detectors, table, arguments),
            *measure_pose(predictor, detector, arguments, of),
        ]
        write_measurement(staging, ROBUSTNESS, content)
        draw_robustness(staging, content)
    return content


def _run(arguments: RobustnessArguments) -> None:
    content = robustness(arguments)
    print(f"{content['data']['n']} pictures")
    for row in content["conditions"]:
        title = f"{KINDS[row['kind']].title}: {row['name']}"
        print(f"{title:50} MAE {row['mae']:6.2f} ({row['mae_difference']:+.2f})")
    print(f"written to {arguments.out}")


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.robustness`."""
    run_command("train.robustness", RobustnessArguments, _run, argv)


if __name__ == "__main__":
    main()
