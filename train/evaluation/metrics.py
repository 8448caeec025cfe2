"""Scores of age, gender and group predictions, for the training's validation and for evaluation.

The arithmetic of errors and group accuracies is in the metric modules beside this file; both ways
go through it, so that `eval_mae` during training and `mae` in results.json are the same number.
"""

import functools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import binomtest

from age_model.labels import AGE_GROUPS, AgeGroup, group_index
from age_model.network.calibration import Calibration
from age_model.network.decode import decode

if TYPE_CHECKING:
    import evaluate

METRICS_FOLDER = Path(__file__).parent / "metric_modules"

# Years, both ends included; where averages over all ages hide what happens.
AGE_BANDS = {
    "21_60": (21, 60),
    "under_13": (0, 12),
    "13_19": (13, 19),
    "over_60": (61, 100),
}


@functools.cache
def _metric(name: str) -> "evaluate.EvaluationModule":
    import evaluate  # it brings transformers' pipelines, which take seconds to import

    # In memory: the library's cache files on disk collide when two processes evaluate at once.
    return evaluate.load(str(METRICS_FOLDER / name), keep_in_memory=True)


def age_error(years: np.ndarray, true_years: np.ndarray, resamples: int = 0, seed: int = 0) -> dict:
    """What the module `age_error` says about (N,) estimates and (N,) true ages in years, N >= 1."""
    return _metric("age_error").compute(
        predictions=years, references=true_years, resamples=resamples, seed=seed
    )


def group_accuracy(groups: np.ndarray, true_groups: np.ndarray) -> dict:
    """What the module `age_groups` says about (N,) predicted and (N,) true groups, N >= 1."""
    return _metric("age_groups").compute(predictions=groups, references=true_groups)


def mean_interval(values: np.ndarray, resamples: int, seed: int) -> list[float]:
    """[low, high], the 95% bootstrap interval of the mean of (N,) values, N >= 1.

    It is the interval that `age_error` gives for the bias of these values as estimates of zero.
    """
    return age_error(values, np.zeros(len(values)), resamples, seed)["bias_interval"]


def share(holds: np.ndarray) -> dict:
    """How often something holds, with a 95% Wilson interval.

    Args:
        holds: (N,) bool, N >= 1.

    Returns:
        n, share (0..1) and interval: [low, high].

    Source: Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927.
    """
    count, n = int(np.sum(holds)), len(holds)
    interval = binomtest(count, n).proportion_ci(confidence_level=0.95, method="wilson")
    return {"n": n, "share": count / n, "interval": [float(v) for v in interval]}


def true_group(
    age_low: np.ndarray, age_high: np.ndarray, groups: tuple[AgeGroup, ...] = AGE_GROUPS
) -> np.ndarray:
    """(N,) index of the group that holds the whole of each age label.

    -1 where there is none: the label is missing (-1) or reaches over several groups.
    """
    low, high = group_index(age_low, groups), group_index(age_high, groups)
    return np.where((np.asarray(age_low) >= 0) & (low == high), low, -1)


def expected_calibration_error(
    probabilities: np.ndarray, true_classes: np.ndarray, bins: int = 15
) -> float:
    """How far the probability of the chosen class is from how often it is right, on average.

    Args:
        probabilities: (N, C), rows sum to 1, N >= 1.
        true_classes: (N,) int.
        bins: number of equally wide bins of confidence over 0..1.

    Returns:
        Mean of |accuracy - confidence| over the bins, weighted by faces; 0..1.

    Source: Guo et al., "On Calibration of Modern Neural Networks", ICML 2017.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == true_classes
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    gaps = [abs((correct - confidence)[which == i].sum()) for i in range(bins)]
    return float(sum(gaps) / len(confidence))


def reliability(probabilities: np.ndarray, true_classes: np.ndarray, bins: int = 10) -> list[dict]:
    """How often the chosen class is right, by how probable it is said to be.

    Args:
        probabilities: (N, C), rows sum to 1, N >= 1.
        true_classes: (N,) int.
        bins: number of equally wide bins of confidence over 0..1.

    Returns:
        a dict for each bin that holds a face: low and high (its ends), n, confidence (mean
        probability of the chosen class) and accuracy (0..1).

    Source: DeGroot and Fienberg, "The Comparison and Evaluation of Forecasters", 1983.
    """
    confidence = probabilities.max(axis=1)
    correct = probabilities.argmax(axis=1) == true_classes
    which = np.minimum((confidence * bins).astype(int), bins - 1)
    return [
        {
            "low": i / bins,
            "high": (i + 1) / bins,
            "n": int((which == i).sum()),
            "confidence": float(confidence[which == i].mean()),
            "accuracy": float(correct[which == i].mean()),
        }
        for i in np.unique(which).tolist()
    ]


def validation_scores(
    age_logits: np.ndarray,
    gender_logits: np.ndarray,
    age_low: np.ndarray,
    age_high: np.ndarray,
    gender: np.ndarray,
    *,
    groups: tuple[AgeGroup, ...] = AGE_GROUPS,
) -> dict[str, float]:
    """Scores to watch and select on during training.

    Args:
        age_logits: (B, 101).
        gender_logits: (B, 2).
        age_low: (B,) years; equal to `age_high` for a point label, -1 for none.
        age_high: (B,) years, the end included.
        gender: (B,) index in `labels.GENDERS`, -1 for none.
        groups: the network's age groups.

    Returns:
        mae, cs5, and an MAE for each of AGE_BANDS, such as mae_over_60, over point labels (years);
        group_accuracy and group_accuracy_within_one over interval labels (predicted group: the most
        probable one); gender_accuracy over all. A score without any face is left out.
    """
    age_low, age_high, gender = map(np.asarray, (age_low, age_high, gender))
    decoded = decode(age_logits, Calibration(groups=groups))
    scores: dict[str, float] = {}

    point = (age_low >= 0) & (age_low == age_high)
    if point.any():
        error = age_error(decoded.years[point], age_low[point])
        scores |= {"mae": error["mae"], "cs5": error["cs5"]}
    for name, (first, last) in AGE_BANDS.items():
        band = point & (age_low >= first) & (age_low <= last)
        if band.any():
            scores[f"mae_{name}"] = age_error(decoded.years[band], age_low[band])["mae"]

    labelled = true_group(age_low, age_high, groups)
    interval = (age_low < age_high) & (labelled >= 0)
    if interval.any():
        chosen = decoded.group_probabilities[interval].argmax(axis=1)
        accuracy = group_accuracy(chosen, labelled[interval])
        scores["group_accuracy"] = accuracy["accuracy"]
        scores["group_accuracy_within_one"] = accuracy["within_one_accuracy"]

    known = gender >= 0
    if known.any():
        chosen = np.asarray(gender_logits)[known].argmax(axis=1)
        scores["gender_accuracy"] = float((chosen == gender[known]).mean())
    return scores
