"""Errors by age group, gender and ethnicity together: a fair average can hide an unfair cell.

The labels of gender and ethnicity are others' guesses from a face; they say who may be treated
worse, not who somebody is.
"""

from itertools import product

import numpy as np

from age_model.labels import ETHNICITIES, GENDERS
from train.evaluation.metrics import age_error, share
from train.evaluation.predictions import Predictions

MISSING = -1  # of a label


def fairness(p: Predictions, resamples: int, seed: int) -> dict | None:
    """Numbers for each cell of age group x gender x ethnicity that holds a face.

    Of gender and ethnicity, one that the source does not label at all is None in every cell; faces
    without a label that others of the source have are not counted.

    Args:
        p: predictions of one source.
        resamples: bootstrap resamples for the intervals of MAE and bias; 0 for none.
        seed: seed of the resampling.

    Returns:
        "measure": "mae" where the source has point labels, else "accuracy" (of age groups), and
        "cells": a list of dicts with age_group, gender, ethnicity, n and either mae, bias and
        coverage of the 80% interval or accuracy, each with its interval. None where there is
        no such cell.
    """
    points = p.points
    measure = _years if len(points) else _group_accuracy
    rows = points if len(points) else p
    groups = rows.labelled_group
    cells = []
    genders, ethnicities = _classes(rows.gender), _classes(rows.ethnicity)
    if genders == ethnicities == [MISSING]:
        return None
    for g, m, e in product(range(len(p.groups)), genders, ethnicities):
        inside = (groups == g) & (rows.gender == m) & (rows.ethnicity == e)
        if inside.any():
            names = {
                "age_group": p.group_names[g],
                "gender": GENDERS[m] if m != MISSING else None,
                "ethnicity": ETHNICITIES[e] if e != MISSING else None,
            }
            cells.append(names | measure(rows.where(inside), resamples, seed))
    if not cells:
        return None
    return {"measure": "mae" if len(points) else "accuracy", "cells": cells}


def _classes(labels: np.ndarray) -> list[int]:
    """The classes among the labels, in order; [MISSING] where nothing is labelled."""
    return sorted(set(labels[labels != MISSING].tolist())) or [MISSING]


def _years(p: Predictions, resamples: int, seed: int) -> dict:
    error = age_error(p.years, p.age_low, resamples, seed)
    kept = ("n", "mae", "mae_interval", "bias", "bias_interval")
    return {k: error[k] for k in kept if k in error} | _share("coverage", p.covered)


def _group_accuracy(p: Predictions, *_) -> dict:
    chosen = p.group_probabilities.argmax(axis=1)
    return {"n": len(p)} | _share("accuracy", chosen == p.labelled_group)


def _share(name: str, holds: np.ndarray) -> dict:
    found = share(holds)
    return {name: found["share"], f"{name}_interval": found["interval"]}
