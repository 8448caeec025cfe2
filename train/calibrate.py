"""`python -m train.calibrate`: measure on the validation split how sure a checkpoint may be.

Writes the temperatures of the heads and the levels of the age interval into the checkpoint's
config.json (see `age_model.calibration`). The network's weights are not touched, and only validation
pictures are looked at, so the test split still measures something unseen.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import datasets
import numpy as np
from scipy.optimize import minimize_scalar
from tqdm import tqdm

from age_model.labels import AGE_GROUP_NAMES, group_index
from age_model.network.calibration import CONFIG_KEY, INTERVAL_COVERAGE, Calibration
from age_model.network.decode import UNCALIBRATED, cumulated, group_probabilities, interval, softmax
from age_model.predictor import AgePredictor
from age_model.records.atomic import atomic_file
from train.console.command import run_command
from train.console.errors import InputError
from train.evaluation.metrics import true_group
from train.evaluation.predict import encoded, load_split

SPLIT = "validation"  # never another: a calibrated split can no longer measure calibration
TEMPERATURES = (0.2, 5.0)  # searched between
LEAST = 1e-12  # of a probability, so that its logarithm exists
FEWEST_IN_GROUP = 20  # labels that a group needs for a level of its own; else all groups' level


@dataclass
class CalibrateArguments:
    """What to calibrate, on what."""

    model: str = field(metadata={"help": "Checkpoint folder; its config.json is rewritten."})
    data: str = field(metadata={"help": "Data set that train.prepare wrote."})
    batch_size: int = field(default=64, metadata={"help": "Pictures held in memory at once."})


def calibrate(arguments: CalibrateArguments) -> Calibration:
    """Measure and write; returns what was written.

    Raises:
        ValueError: the model or the data cannot be used.
    """
    config_json = Path(arguments.model) / "config.json"
    if not config_json.is_file():
        raise InputError(f"--model: expected a checkpoint folder, got {arguments.model}")
    table = load_split(arguments.data, SPLIT)
    calibration = fit(*_log_probabilities(arguments, table), _labels(table))
    config = json.loads(config_json.read_text(encoding="utf-8"))
    config[CONFIG_KEY] = calibration.to_dict()
    text = json.dumps(config, indent=2, sort_keys=True) + "\n"
    with atomic_file(config_json) as partial:
        partial.write_text(text, encoding="utf-8")
    return calibration


def fit(
    age: np.ndarray, gender: np.ndarray, ethnicity: np.ndarray, labels: dict[str, np.ndarray]
) -> Calibration:
    """The calibration of N uncalibrated answers.

    Args:
        age, gender, ethnicity: (N, C) logits of each head.
        labels: (N,) integers "age_low", "age_high", "gender", "ethnicity"; -1 for none.
    """
    low, high = labels["age_low"], labels["age_high"]
    groups = true_group(low, high)
    known, point = groups >= 0, (low == high) & (low >= 0)
    age_temperature = _temperature(
        lambda t: group_probabilities(softmax(age[known], t)), groups[known]
    )
    probabilities = softmax(age[point], age_temperature)
    return Calibration(
        age_temperature=age_temperature,
        gender_temperature=_class_temperature(gender, labels["gender"]),
        ethnicity_temperature=_class_temperature(ethnicity, labels["ethnicity"]),
        interval_levels=interval_levels(probabilities, low[point]),
    )


def interval_levels(probabilities: np.ndarray, age_years: np.ndarray) -> tuple[float, ...]:
    """Level of the interval for each age group, so that it holds equally often in all.

    Class-conditional split conformal calibration: a label's score is the smallest middle share of the
    distribution that reaches it, and a group's level the quantile of its scores. The interval closes
    the gaps between the groups' parts, so it holds a little more often than that; the quantile is
    therefore the smallest with which it holds `INTERVAL_COVERAGE` of all labels.

    Args:
        probabilities: (N, 101), rows sum to 1.
        age_years: (N,) int, labels.
    """
    if not len(age_years):
        return UNCALIBRATED.interval_levels
    scores = np.abs(2 * cumulated(probabilities, age_years) - 1)
    groups = group_index(age_years)
    for share in np.arange(0.5, 1.0, 0.005):
        levels = _levels(scores, groups, share)
        low, high = interval(probabilities, levels).T
        if ((low <= age_years) & (age_years <= high)).mean() >= INTERVAL_COVERAGE:
            break
    return levels


def _levels(scores: np.ndarray, groups: np.ndarray, share: float) -> tuple[float, ...]:
    parts = [scores[groups == g] for g in range(len(AGE_GROUP_NAMES))]
    return tuple(
        round(_conformal_quantile(part if len(part) >= FEWEST_IN_GROUP else scores, share), 4)
        for part in parts
    )


def _conformal_quantile(scores: np.ndarray, share: float) -> float:
    """The quantile that holds for a new score too, from n of them: rank (n + 1) x share."""
    rank = min(int(np.ceil((len(scores) + 1) * share)), len(scores))
    return float(np.sort(scores)[rank - 1])


def _class_temperature(logits: np.ndarray, classes: np.ndarray) -> float:
    known = classes >= 0
    return _temperature(lambda t: softmax(logits[known], t), classes[known])


def _temperature(probabilities_at, classes: np.ndarray) -> float:
    """The temperature at which the right classes are most likely; 1 where there is no label."""
    if not len(classes):
        return 1.0

    def loss(log_temperature: float) -> float:
        right = probabilities_at(np.exp(log_temperature))[np.arange(len(classes)), classes]
        return -np.log(np.maximum(right, LEAST)).mean()

    found = minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded")
    return round(float(np.exp(found.x)), 4)


def _log_probabilities(
    arguments: CalibrateArguments, table: datasets.Dataset
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Logits of the three heads, each up to a constant a row, which no temperature minds."""
    predictor = AgePredictor.from_pretrained(arguments.model, detector="haar")
    predictor.calibration = UNCALIBRATED
    parts: list[tuple[np.ndarray, ...]] = []
    with tqdm(total=len(table), desc="calibrate", unit="face") as progress:
        for batch in table.iter(batch_size=arguments.batch_size):
            faces = predictor.predict_crops([encoded(image) for image in batch["image"]])
            parts.append(
                (faces.age_probabilities, faces.gender_probabilities, faces.ethnicity_probabilities)
            )
            progress.update(len(faces))
    return tuple(np.log(np.maximum(np.concatenate(p), LEAST)) for p in zip(*parts, strict=True))


def _labels(table: datasets.Dataset) -> dict[str, np.ndarray]:
    names = ("age_low", "age_high", "gender", "ethnicity")
    return {name: np.asarray(table[name]) for name in names}


def _run(arguments: CalibrateArguments) -> None:
    print(json.dumps(calibrate(arguments).to_dict(), indent=2))


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.calibrate`."""
    run_command("train.calibrate", CalibrateArguments, _run, argv)


if __name__ == "__main__":
    main()
