"""`python -m train.calibrate`: measure on the validation split how sure a checkpoint may be.

Writes the temperatures of the heads and the levels of the age interval into the checkpoint's
config.json (see `age_model.network.calibration`). The network's weights stay as they are, and only
validation pictures are looked at, so the test split still measures something unseen. By default,
every source of pictures counts equally, whatever its size.
"""

import json
from dataclasses import dataclass, field
from pathlib import Path

import datasets
import numpy as np
from scipy.optimize import minimize_scalar
from tqdm import tqdm

from age_model.labels import AGE_GROUPS, AgeGroup, group_index, parse_groups
from age_model.network.answers import GROUPS_KEY
from age_model.network.calibration import CONFIG_KEY, INTERVAL_COVERAGE, Calibration
from age_model.network.decode import (
    cumulated,
    decode,
    group_probabilities,
    interval,
    softmax,
)
from age_model.records.atomic import atomic_file
from age_model.results import FaceAges
from train.console.command import run_command
from train.console.errors import InputError
from train.evaluation.arguments import DEVICE_HELP
from train.evaluation.metrics import true_group
from train.evaluation.predict import answered, load_split

SPLIT = "validation"  # never another: a calibrated split can no longer measure calibration
TEMPERATURES = (0.2, 5.0)  # searched between
LEAST = 1e-12  # of a probability, so that its logarithm exists
FEWEST_IN_GROUP = 20  # labels that a group needs for a level of its own; else all groups' level
LABELS = ("source", "age_low", "age_high", "gender", "ethnicity")
EQUAL, BY_PICTURES = "equal", "pictures"


@dataclass
class CalibrateArguments:
    """What to calibrate, on what."""

    model: str = field(metadata={"help": "Checkpoint folder; its config.json is rewritten."})
    data: str = field(metadata={"help": "Data set that train.prepare wrote."})
    batch_size: int = field(default=64, metadata={"help": "Pictures that go together."})
    source_weights: str = field(
        default=BY_PICTURES,  # equal weights leave the largest source short (docs/experiments.md)
        metadata={
            "help": f"{EQUAL}: each source of pictures counts as much as any other; "
            f"{BY_PICTURES}: each picture does.",
            "choices": [EQUAL, BY_PICTURES],
        },
    )
    omit_source: str | None = field(
        default=None, metadata={"help": "Key of a source of pictures that is not looked at."}
    )
    groups: str | None = field(
        default=None,
        metadata={
            "help": "Age groups for the checkpoint to answer in from now on, such as "
            "0-12,13-17,18+; none: those that it has. Any will do: it knows single years."
        },
    )
    device: str | None = field(default=None, metadata={"help": DEVICE_HELP})

    def __post_init__(self) -> None:
        if self.groups:
            parse_groups(self.groups)


def calibrate(arguments: CalibrateArguments) -> tuple[Calibration, dict]:
    """Measure and write.

    Returns:
        what was written, and how often its intervals cover the labels it was fitted to; see
        `interval_coverage`.

    Raises:
        ValueError: the model or the data cannot be used.
    """
    config_json = Path(arguments.model) / "config.json"
    if not config_json.is_file():
        raise InputError(f"--model: expected a checkpoint folder, got {arguments.model}")
    table = load_split(arguments.data, SPLIT, arguments.omit_source)
    labels = {name: np.asarray(table[name][:]) for name in LABELS}
    age, gender, ethnicity, own_groups = _log_probabilities(arguments, table)
    groups = parse_groups(arguments.groups) if arguments.groups else own_groups
    equal = arguments.source_weights == EQUAL
    calibration = fit(age, gender, ethnicity, labels, equal, groups=groups)
    config = json.loads(config_json.read_text(encoding="utf-8"))
    config[CONFIG_KEY] = calibration.to_dict()
    if arguments.groups:
        config[GROUPS_KEY] = [group.name for group in groups]
    text = json.dumps(config, indent=2, sort_keys=True) + "\n"
    with atomic_file(config_json) as partial:
        partial.write_text(text, encoding="utf-8")
    return calibration, interval_coverage(age, labels, calibration)


def fit(
    age: np.ndarray,
    gender: np.ndarray | None,
    ethnicity: np.ndarray | None,
    labels: dict[str, np.ndarray],
    equal_sources: bool = True,
    *,
    groups: tuple[AgeGroup, ...] = AGE_GROUPS,
) -> Calibration:
    """The calibration of N uncalibrated answers.

    Args:
        age, gender, ethnicity: (N, C) logits of each head; None of one that was not taught.
        labels: (N,) "source", keys of sources, and integers "age_low", "age_high", "gender",
            "ethnicity"; -1 for none.
        equal_sources: whether all sources that have a label count equally for what is fitted to it;
            else all labels do.
        groups: the checkpoint's age groups.
    """
    low, high, source = labels["age_low"], labels["age_high"], labels["source"]
    weights = source_weights if equal_sources else lambda source: np.ones(len(source))
    labelled, point = true_group(low, high, groups), (low == high) & (low >= 0)

    def temperature(logits: np.ndarray | None, classes: np.ndarray, merged=lambda p: p) -> float:
        if logits is None:
            return 1.0
        known = classes >= 0
        return _temperature(
            lambda t: merged(softmax(logits[known], t)), classes[known], weights(source[known])
        )

    age_temperature = temperature(age, labelled, lambda p: group_probabilities(p, groups))
    return Calibration(
        age_temperature=age_temperature,
        gender_temperature=temperature(gender, labels["gender"]),
        ethnicity_temperature=temperature(ethnicity, labels["ethnicity"]),
        interval_levels=interval_levels(
            softmax(age[point], age_temperature), low[point], weights(source[point]), groups
        ),
        groups=groups,
    )


def source_weights(source: np.ndarray) -> np.ndarray:
    """(N,) weights of rows with these sources: 1 on average, with the same sum for each source."""
    _, which, counts = np.unique(source, return_inverse=True, return_counts=True)
    return (len(source) / len(counts) / counts)[which] if len(source) else np.ones(0)


def interval_levels(
    probabilities: np.ndarray,
    age_years: np.ndarray,
    weights: np.ndarray,
    groups: tuple[AgeGroup, ...] = AGE_GROUPS,
) -> tuple[float, ...]:
    """Level of the interval for each age group, so that it covers equally often in all.

    Class-conditional split conformal calibration: a label's score is the smallest middle share of
    the distribution that reaches it, and a group's level the quantile of its scores. The interval
    closes the gaps between the groups' parts, so it covers a little more often than that; the
    quantile is therefore the smallest with which it covers `INTERVAL_COVERAGE` of all labels, by
    weight.

    Args:
        probabilities: (N, 101), rows sum to 1.
        age_years: (N,) int, labels.
        weights: (N,) above 0: how much each label counts.
        groups: the checkpoint's age groups.
    """
    if not len(age_years):
        return Calibration(groups=groups).interval_levels
    scores = np.abs(2 * cumulated(probabilities, age_years) - 1)
    labelled = group_index(age_years, groups)
    for share in np.arange(0.5, 1.0, 0.005):
        levels = _levels(scores, labelled, len(groups), weights, share)
        low, high = interval(probabilities, levels, groups).T
        covered = (low <= age_years) & (age_years <= high)
        if np.average(covered, weights=weights) >= INTERVAL_COVERAGE:
            break
    return levels


def _levels(
    scores: np.ndarray, labelled: np.ndarray, count: int, weights: np.ndarray, share: float
) -> tuple[float, ...]:
    levels = []
    for g in range(count):
        rows = labelled == g
        rows = rows if rows.sum() >= FEWEST_IN_GROUP else np.ones(len(labelled), bool)
        levels.append(round(_conformal_quantile(scores[rows], weights[rows], share), 4))
    return tuple(levels)


def _conformal_quantile(scores: np.ndarray, weights: np.ndarray, share: float) -> float:
    """The quantile that holds for a new score too; with equal weights, of rank (n + 1) x share.

    Source: Tibshirani, Foygel Barber, Candes and Ramdas, "Conformal Prediction Under Covariate
    Shift", NeurIPS 2019. The new score has the weight that one drawn by weight has on average.
    """
    order = np.argsort(scores, kind="stable")
    total = weights.sum()
    reached = np.cumsum(weights[order]) / (total + (weights**2).sum() / total)
    rank = int(np.searchsorted(reached, share - 1e-12))  # the tolerance: sums are not exact
    return float(scores[order][min(rank, len(scores) - 1)])


def _temperature(probabilities_at, classes: np.ndarray, weights: np.ndarray) -> float:
    """The temperature at which the right classes are most likely; 1 where there is no label."""
    if not len(classes):
        return 1.0

    def loss(log_temperature: float) -> float:
        right = probabilities_at(np.exp(log_temperature))[np.arange(len(classes)), classes]
        return -np.average(np.log(np.maximum(right, LEAST)), weights=weights)

    found = minimize_scalar(loss, bounds=np.log(TEMPERATURES), method="bounded")
    return round(float(np.exp(found.x)), 4)


def interval_coverage(
    age: np.ndarray, labels: dict[str, np.ndarray], calibration: Calibration
) -> dict[str, dict]:
    """How often the calibrated interval covers the label, for each source with point labels.

    Args:
        age: (N, 101) logits.
        labels: as for `fit`.
        calibration: to decode with.

    Returns:
        by source: "n", "coverage", and "by_group" with the same for each age group that has faces.
    """
    true = labels["age_low"]
    low, high = decode(age, calibration).interval_years.T
    covered, groups = (low <= true) & (true <= high), group_index(true, calibration.groups)
    names = [group.name for group in calibration.groups]

    def part(rows: np.ndarray) -> dict:
        return {"n": int(rows.sum()), "coverage": round(float(covered[rows].mean()), 4)}

    point = (true == labels["age_high"]) & (true >= 0)
    found = {}
    for source in np.unique(labels["source"][point]):
        rows = point & (labels["source"] == source)
        by_group = {names[g]: part(rows & (groups == g)) for g in np.unique(groups[rows])}
        found[str(source)] = part(rows) | {"by_group": by_group}
    return found


def _log_probabilities(
    arguments: CalibrateArguments, table: datasets.Dataset
) -> tuple[np.ndarray, np.ndarray | None, np.ndarray | None, tuple[AgeGroup, ...]]:
    """What a checkpoint says of all pictures, and its age groups.

    Returns:
        the logits of age, gender and ethnicity, each up to a constant a row, which no temperature
        minds; None for what the network was not taught.
    """
    from age_model.predictor import AgePredictor  # torch and transformers take seconds to import

    predictor = AgePredictor.from_pretrained(
        arguments.model, detector="haar", device=arguments.device
    )
    predictor.calibration = predictor.calibration.uncalibrated()
    parts: list[FaceAges] = []
    with tqdm(total=len(table), desc="calibrate", unit="face") as progress:
        for _, faces in answered(predictor, table, arguments.batch_size):
            parts.append(faces)
            progress.update(len(faces))
    faces = FaceAges.concatenate(parts)
    gender, ethnicity = (
        None if p is None else _log(p)
        for p in (faces.gender_probabilities, faces.ethnicity_probabilities)
    )
    return _log(faces.age_probabilities), gender, ethnicity, predictor.age_groups


def _log(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.maximum(probabilities, LEAST))


def _run(arguments: CalibrateArguments) -> None:
    calibration, coverage = calibrate(arguments)
    print(json.dumps({"calibration": calibration.to_dict(), "coverage": coverage}, indent=2))


def main(argv: list[str] | None = None) -> None:
    """Command line of `python -m train.calibrate`."""
    run_command("train.calibrate", CalibrateArguments, _run, argv)


if __name__ == "__main__":
    main()
