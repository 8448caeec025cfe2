"""From the age head's logits to years, intervals, groups and thresholds: pure NumPy functions.

Evaluation, training metrics and the app all decode here, so that they cannot disagree.

The class `a` is read as the stretch [a - 0.5, a + 0.5) of a continuous age scale, its probability
spread evenly over it. Quantiles are then continuous in the probabilities: no jumps between whole
years, and a distribution that sits on one year has that year as its median.
"""

from dataclasses import dataclass

import numpy as np

from age_model.labels import AGE_GROUPS, MAX_AGE, NUM_AGES, AgeGroup, group_membership

INTERVAL_COVERAGE = 0.8


@dataclass(frozen=True)
class DecodedAges:
    """Ages of B faces.

    Attributes:
        years: (B,) float64, point estimate in years: the median, which minimises absolute error.
        interval_years: (B, 2) float64, low and high end of the interval that should hold the age
            with probability `INTERVAL_COVERAGE`.
        probabilities: (B, 101) float64, one for each single year.
        group_probabilities: (B, 9) float64, sums over `labels.AGE_GROUPS`.
    """

    years: np.ndarray
    interval_years: np.ndarray
    probabilities: np.ndarray
    group_probabilities: np.ndarray


def softmax(logits: np.ndarray) -> np.ndarray:
    """(..., C) logits -> (..., C) float64 probabilities that sum to 1."""
    logits = np.asarray(logits, dtype=np.float64)
    exp = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exp / exp.sum(axis=-1, keepdims=True)


def quantile(probabilities: np.ndarray, q: float) -> np.ndarray:
    """Age below which a share `q` of the distribution lies.

    Args:
        probabilities: (B, 101), rows sum to 1.
        q: between 0 and 1.

    Returns:
        (B,) float64 years, within [0, 100].
    """
    probabilities = _checked(probabilities)
    cdf = np.cumsum(probabilities, axis=1)
    # First year whose cumulated probability reaches q; the last one guards against 0.999999.
    year = np.minimum((cdf < q).sum(axis=1), NUM_AGES - 1)
    rows = np.arange(len(probabilities))
    inside = probabilities[rows, year]
    below = cdf[rows, year] - inside
    fraction = np.divide(q - below, inside, out=np.full(len(rows), 0.5), where=inside > 0)
    return np.clip(year - 0.5 + np.clip(fraction, 0.0, 1.0), 0, MAX_AGE)


def group_probabilities(
    probabilities: np.ndarray, groups: tuple[AgeGroup, ...] = AGE_GROUPS
) -> np.ndarray:
    """(B, 101) probabilities of single years -> (B, len(groups)) of age groups."""
    return _checked(probabilities) @ group_membership(groups).T


def probability_at_least(probabilities: np.ndarray, age_years: int) -> np.ndarray:
    """(B,) probability that a face looks `age_years` (whole years) old or older."""
    return _checked(probabilities)[:, age_years:].sum(axis=1)


def decode(logits: np.ndarray) -> DecodedAges:
    """Read everything that is shown about age off the age head's (B, 101) logits."""
    probabilities = softmax(_checked(logits))
    tail = (1.0 - INTERVAL_COVERAGE) / 2
    interval = np.stack([quantile(probabilities, tail), quantile(probabilities, 1 - tail)], axis=1)
    return DecodedAges(
        years=quantile(probabilities, 0.5),
        interval_years=interval,
        probabilities=probabilities,
        group_probabilities=group_probabilities(probabilities),
    )


def _checked(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != NUM_AGES:
        raise ValueError(
            f"expected an array of shape (B, {NUM_AGES}), one column for each age, "
            f"got shape {values.shape}"
        )
    return values
