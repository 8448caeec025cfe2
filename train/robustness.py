"""`python -m train.robustness`: how much worse the estimates become on worse pictures.

Blurred, compressed, small, dark, turned, covered, grey and badly cropped copies of a split's UTKFace
pictures go through the same `AgePredictor.predict_crops` as the untouched ones -> robustness.json,
robustness.png. For blur, size and light it also says what `age_model.quality` measures on these
pictures, so that a photo's level can be told from the photo.
"""

import sys
import zlib
from dataclasses import dataclass

import datasets
import numpy as np
from transformers import HfArgumentParser

from age_model.images import load_image
from age_model.measured import ROBUSTNESS
from age_model.predictor import AgePredictor
from age_model.results import FaceAges
from train.conditions import KINDS, MEASUREMENTS, Condition, conditions
from train.evaluate import predict_split
from train.measured import (
    MeasureArguments,
    difference,
    drawn_pictures,
    head,
    measurement_folder,
    write_measurement,
)
from train.predictions import Predictions
from train.robustness_figure import FIGURE, draw_robustness
from train.scores import age_error


@dataclass
class RobustnessArguments(MeasureArguments):
    """What to measure, on how many pictures, and where to write it."""

    def command(self) -> str:
        """The command line that gives the same numbers, without this machine's folders."""
        return self.command_of("train.robustness")


class CorruptingPredictor:
    """A predictor that sees corrupted pictures only, and measures them.

    What is random in a corruption is drawn by the seed and the number of the picture, so that it does
    not depend on the batch size.

    Attributes:
        measured: values of each of `conditions.MEASUREMENTS` that tells this kind, picture by picture.
    """

    def __init__(self, predictor: AgePredictor, condition: Condition, seed: int):
        self.measured = {name: [] for name in KINDS[condition.kind].measured}
        self._predictor, self._condition = predictor, condition
        self._seed = [seed, zlib.crc32(f"{condition.kind} {condition.name}".encode())]
        self._seen = 0

    def predict_crops(self, crops: list) -> FaceAges:
        """As `AgePredictor.predict_crops`, of corrupted copies of the crops."""
        corrupted = [self._corrupt(load_image(crop)) for crop in crops]
        for name, values in self.measured.items():
            values += [MEASUREMENTS[name](image_rgb) for image_rgb in corrupted]
        return self._predictor.predict_crops(corrupted)

    def _corrupt(self, image_rgb: np.ndarray) -> np.ndarray:
        rng = np.random.default_rng([*self._seed, self._seen])
        self._seen += 1
        return self._condition.apply(image_rgb, rng)


def measure(
    predictor: AgePredictor, table: datasets.Dataset, arguments: RobustnessArguments
) -> list[dict]:
    """The numbers of each condition, the untouched pictures first."""
    rows, untouched = [], None
    for condition in conditions():
        corrupting = CorruptingPredictor(predictor, condition, arguments.seed)
        p = predict_split(corrupting, table, arguments.batch_size)
        untouched = p if untouched is None else untouched
        scores = _scores(p, untouched, arguments.resamples, arguments.seed)
        measured = {name: _quantiles(values) for name, values in corrupting.measured.items()}
        rows.append(
            {"kind": condition.kind, "level": condition.level, "name": condition.name}
            | scores
            | ({"measured": measured} if measured else {})
        )
    return rows


def _scores(p: Predictions, untouched: Predictions, resamples: int, seed: int) -> dict:
    error = age_error(p.years, p.age_low, resamples, seed)
    errors, before = (np.abs(q.years - q.age_low) for q in (p, untouched))
    return {
        **{name: error[name] for name in ("n", "mae", "mae_interval", "bias")},
        **difference(errors, before, resamples, seed),
        "coverage": float(p.held.mean()),
        "mean_width": float(np.diff(p.interval_years).mean()),
    }


def _quantiles(values: list[float]) -> dict:
    low, median, high = np.quantile(values, [0.1, 0.5, 0.9])
    return {"median": float(median), "p10": float(low), "p90": float(high)}


def robustness(arguments: RobustnessArguments) -> dict:
    """Measure and write everything; returns the content of robustness.json.

    Raises:
        ValueError: the model or the data cannot be used, or --out holds other files.
    """
    table, of = drawn_pictures(arguments)
    with measurement_folder(arguments.out, {ROBUSTNESS, FIGURE}) as staging:
        # The pictures are crops already, so the detector that needs no file will do.
        predictor = AgePredictor.from_pretrained(arguments.model, detector="haar")
        content = head(arguments, arguments.command(), predictor, table["file"][:], of)
        content["definitions"]["measured"] = (
            "what age_model.quality measures on these very pictures: median, 10% and 90% quantile"
        )
        content["kinds"] = {
            name: {"title": kind.title, "unit": kind.unit, "measured": list(kind.measured)}
            for name, kind in KINDS.items()
        }
        content["conditions"] = measure(predictor, table, arguments)
        write_measurement(staging, ROBUSTNESS, content)
        draw_robustness(staging, content)
    return content


def main(argv: list[str] | None = None) -> None:
    """Parse `argv` and measure; a problem with the input ends the process with its message."""
    try:
        (arguments,) = HfArgumentParser(RobustnessArguments).parse_args_into_dataclasses(argv)
        content = robustness(arguments)
    except ValueError as error:
        sys.exit(f"train.robustness: {error}")
    print(f"{content['data']['n']} pictures")
    for row in content["conditions"]:
        title = f"{KINDS[row['kind']].title}: {row['name']}"
        print(f"{title:50} MAE {row['mae']:6.2f} ({row['mae_difference']:+.2f})")
    print(f"written to {arguments.out}")


if __name__ == "__main__":
    main()
