"""From the age head's logits to years, intervals, groups and thresholds: pure NumPy functions.

Evaluation, training metrics and the app all decode here, so that they cannot disagree.

The class `a` is read as the stretch [a - 0.5, a + 0.5) of a continuous age scale, its probability
spread evenly over it. Quantiles are then continuous in the probabilities: no jumps between whole
years, and a distribution that sits on one year has that year as its median.
"""

from dataclasses import dataclass

import numpy as np

from age_model.labels import (
    AGE_GROUPS,
    MAX_AGE,
    NUM_AGES,
    AgeGroup,
    group_membership,
    threshold_membership,
)
from age_model.network.calibration import Calibration

UNCALIBRATED = Calibration()


@dataclass(frozen=True)
class DecodedAges:
    """Ages of B faces.

    Attributes:
        years: (B,) float64, point estimate in years: the median, which minimises absolute error.
        interval_years: (B, 2) float64, low and high end of the interval that should hold the age
            with probability `INTERVAL_COVERAGE`.
        probabilities: (B, 101) float64, one for each single year.
        group_probabilities: (B, G) float64, sums over the calibration's `groups`.
    """

    years: np.ndarray
    interval_years: np.ndarray
    probabilities: np.ndarray
    group_probabilities: np.ndarray


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """(..., C) logits, divided by `temperature`, -> (..., C) float64 probabilities, sum 1."""
    logits = np.asarray(logits, dtype=np.float64) / temperature
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
    return _quantiles(_checked(probabilities), np.array([q]))[:, 0]


def _quantiles(probabilities: np.ndarray, q: np.ndarray) -> np.ndarray:
    """(B, Q) ages below which the shares `q` (Q,) of each distribution lie."""
    cdf = np.cumsum(probabilities, axis=1)
    # First year whose cumulated probability reaches q; the last one guards against 0.999999.
    year = np.minimum((cdf[:, None, :] < q[:, None]).sum(axis=2), NUM_AGES - 1)
    inside = np.take_along_axis(probabilities, year, axis=1)
    below = np.take_along_axis(cdf, year, axis=1) - inside
    fraction = np.divide(q - below, inside, out=np.full(year.shape, 0.5), where=inside > 0)
    return np.clip(year - 0.5 + np.clip(fraction, 0.0, 1.0), 0, MAX_AGE)


def interval(
    probabilities: np.ndarray,
    levels: tuple[float, ...],
    groups: tuple[AgeGroup, ...] = AGE_GROUPS,
) -> np.ndarray:
    """The ages that a face may well have, from the lowest to the highest.

    An age belongs to them when it lies within the middle `levels[g]` of the distribution, g being
    its group. With one level for all groups that is the middle share of the distribution; a level
    for each group, found by class-conditional conformal calibration, makes the interval cover the
    young and the old about as often as all. Source: Vovk, "Conditional Validity of Inductive
    Conformal Predictors", ACML 2012.

    Args:
        probabilities: (B, 101), rows sum to 1.
        levels: one for each of the groups, between 0 and 1.
        groups: in rising order, covering 0..100.

    Returns:
        (B, 2) float64 years, low and high end, within [0, 100]; the median lies between them.
    """
    half = np.asarray(levels) / 2
    probabilities = _checked(probabilities)
    low = np.maximum(_quantiles(probabilities, 0.5 - half), [g.low - 0.5 for g in groups])
    high = np.minimum(_quantiles(probabilities, 0.5 + half), [g.high + 0.5 for g in groups])
    has_any = low <= high  # the middle share reaches into this group
    return np.stack(
        [
            np.where(has_any, low, np.inf).min(axis=1).clip(min=0),
            np.where(has_any, high, -np.inf).max(axis=1).clip(max=MAX_AGE),
        ],
        axis=1,
    )


def cumulated(probabilities: np.ndarray, age_years: np.ndarray) -> np.ndarray:
    """(B,) share of each distribution that lies below the middle of a year (B,), 0..1."""
    probabilities = _checked(probabilities)
    rows = np.arange(len(probabilities))
    inside = probabilities[rows, age_years]
    return np.cumsum(probabilities, axis=1)[rows, age_years] - inside / 2


def group_probabilities(
    probabilities: np.ndarray, groups: tuple[AgeGroup, ...] = AGE_GROUPS
) -> np.ndarray:
    """(B, 101) probabilities of single years -> (B, len(groups)) of age groups."""
    return _checked(probabilities) @ group_membership(groups).T


def probability_at_least(probabilities: np.ndarray, age_years: int) -> np.ndarray:
    """(B,) probability that a face looks `age_years` (whole years) old or older."""
    return _checked(probabilities) @ threshold_membership((age_years,))[0]


def decode(logits: np.ndarray, calibration: Calibration = UNCALIBRATED) -> DecodedAges:
    """Read everything that is shown about age off the age head's (B, 101) logits."""
    probabilities = softmax(_checked(logits), calibration.age_temperature)
    return DecodedAges(
        years=quantile(probabilities, 0.5),
        interval_years=interval(probabilities, calibration.interval_levels, calibration.groups),
        probabilities=probabilities,
        group_probabilities=group_probabilities(probabilities, calibration.groups),
    )


def _checked(values: np.ndarray) -> np.ndarray:
    values = np.asarray(values, dtype=np.float64)
    if values.ndim != 2 or values.shape[1] != NUM_AGES:
        raise ValueError(
            f"expected an array of shape (B, {NUM_AGES}), one column for each age, "
            f"got shape {values.shape}"
        )
    return values
