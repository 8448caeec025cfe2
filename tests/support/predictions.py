"""Predictions without a network."""

import numpy as np

from age_model.labels import group_index
from train.evaluation.predictions import Predictions


def predictions(low, error, source="a", gender=0, ethnicity=0) -> Predictions:
    """Faces of labelled ages `low` that are estimated off by `error` years, ranges of 10 years."""
    low = np.array(low)
    years, n = low + np.array(error, float), len(low)
    return Predictions(
        file=np.arange(n).astype(str), source=np.broadcast_to(source, n), age_low=low, age_high=low,
        gender=np.broadcast_to(gender, n), ethnicity=np.broadcast_to(ethnicity, n), years=years,
        interval_years=np.stack([years - 5, years + 5], axis=1),
        group_probabilities=np.eye(9)[group_index(years)],
        gender_probabilities=np.full((n, 2), 0.5), ethnicity_probabilities=np.full((n, 5), 0.2),
    )  # fmt: skip
