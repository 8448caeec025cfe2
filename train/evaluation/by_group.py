"""From predictions of one split to the numbers of results.json: overall and by what can differ."""

import numpy as np

from age_model.labels import ETHNICITIES, GENDERS, MAX_AGE, AgeGroup, group_index
from train.evaluation.cells import DECADE_NAMES, DECADES
from train.evaluation.challenge_age import challenge
from train.evaluation.fairness import fairness
from train.evaluation.metrics import (
    AGE_BANDS,
    age_error,
    expected_calibration_error,
    group_accuracy,
    reliability,
)
from train.evaluation.predictions import Predictions

# Finer than the groups, to see where along the years the estimates drift.
AGE_BINS = tuple(AgeGroup(low, min(low + 4, MAX_AGE)) for low in range(0, MAX_AGE + 1, 5))
AGE_BIN_NAMES = tuple(bin.name for bin in AGE_BINS)


def source_results(p: Predictions, resamples: int, seed: int) -> dict:
    """All numbers of one source.

    Args:
        p: predictions of one source.
        resamples: bootstrap resamples for the interval of each mean absolute error.
        seed: seed of the resampling.

    Returns:
        "n", and "years" (from point labels), "groups" (from every label that lies within one
        group), "gender" and "ethnicity", "thresholds" (from point labels) and "fairness" (the
        modules of these names), each where the source has such labels and the model was taught it.
    """
    results: dict = {"n": len(p)}
    if len(p.points):
        results["years"] = _years(p.points, resamples, seed)
        results["thresholds"] = challenge(p.points)
    groups = p.labelled_group
    if (groups >= 0).any():
        results["groups"] = _groups(p.where(groups >= 0), groups[groups >= 0])
    for name, names in [("gender", GENDERS), ("ethnicity", ETHNICITIES)]:
        labelled = p.where(getattr(p, name) >= 0)
        if len(labelled) and getattr(p, f"{name}_probabilities") is not None:
            results[name] = _attribute(labelled, name, names)
    if cells := fairness(p, resamples, seed):
        results["fairness"] = cells
    return results


def confusion(p: Predictions) -> np.ndarray:
    """(G, G) int counts: labelled group (row) against the most probable group (column)."""
    true = p.labelled_group
    chosen = p.group_probabilities.argmax(axis=1)
    counts = np.zeros((len(p.groups),) * 2, dtype=int)
    np.add.at(counts, (true[true >= 0], chosen[true >= 0]), 1)
    return counts


def _years(p: Predictions, resamples: int, seed: int) -> dict:
    def error(rows: Predictions) -> dict:
        return age_error(rows.years, rows.age_low, resamples, seed)

    groups = group_index(p.age_low, p.groups)
    decades = group_index(p.age_low, DECADES)
    bands = {
        name: p.where((p.age_low >= first) & (p.age_low <= last))
        for name, (first, last) in AGE_BANDS.items()
    }
    return {
        **error(p),
        "by_band": {name: error(rows) for name, rows in bands.items() if len(rows)},
        "by_age": _by(p, group_index(p.age_low, AGE_BINS), AGE_BIN_NAMES, error),
        "by_decade": _by(p, decades, DECADE_NAMES, error),
        "by_group": _by(p, groups, p.group_names, error),
        "by_gender": _by(p, p.gender, GENDERS, error),
        "by_ethnicity": _by(p, p.ethnicity, ETHNICITIES, error),
        "interval": {
            **_interval(p),
            "by_decade": _by(p, decades, DECADE_NAMES, _interval),
            "by_group": _by(p, groups, p.group_names, _interval),
            "by_gender": _by(p, p.gender, GENDERS, _interval),
            "by_ethnicity": _by(p, p.ethnicity, ETHNICITIES, _interval),
        },
    }


def _interval(p: Predictions) -> dict:
    low, high = p.interval_years.T
    return {
        "n": len(p),
        "coverage": float(p.covered.mean()),
        "mean_width": float((high - low).mean()),
    }


def _groups(p: Predictions, true: np.ndarray) -> dict:
    chosen = p.group_probabilities.argmax(axis=1)

    def accuracy(rows: np.ndarray) -> dict:
        return group_accuracy(chosen[rows], true[rows])

    rows = np.arange(len(p))
    return {
        **accuracy(rows),
        "calibration_error": expected_calibration_error(p.group_probabilities, true),
        "reliability": reliability(p.group_probabilities, true),
        "by_group": _by(rows, true, p.group_names, accuracy),
        "by_gender": _by(rows, p.gender, GENDERS, accuracy),
        "by_ethnicity": _by(rows, p.ethnicity, ETHNICITIES, accuracy),
        "confusion": confusion(p).tolist(),
    }


def _attribute(p: Predictions, name: str, names: tuple[str, ...]) -> dict:
    """Accuracy for gender or ethnicity; its value by true class is that class's recall."""
    true = getattr(p, name)
    correct = getattr(p, f"{name}_probabilities").argmax(axis=1) == true

    def accuracy(rows: np.ndarray) -> dict:
        return {"n": len(rows), "accuracy": float(correct[rows].mean())}

    rows = np.arange(len(p))
    return {
        **accuracy(rows),
        "by_class": _by(rows, true, names, accuracy),
        "by_group": _by(rows, p.labelled_group, p.group_names, accuracy),
    }


def _by(rows, classes: np.ndarray, names: tuple[str, ...], measure) -> dict:
    """`measure` of the rows (`Predictions` or indices) of each class; empty classes left out."""
    pick = rows.where if isinstance(rows, Predictions) else rows.__getitem__
    return {
        name: measure(pick(classes == i)) for i, name in enumerate(names) if (classes == i).any()
    }
