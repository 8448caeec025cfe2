"""Losses of the age, gender and ethnicity heads, and the class weights: pure functions.

Every loss here is one number a sample, 0 where the sample lacks the label. The trainer takes the
mean over the batch, so that a step over one batch and over its parts, accumulated, are the same.
"""

import numpy as np
import torch
from torch.nn import functional as F

from age_model.labels import AGE_GROUPS, NUM_AGES, AgeGroup, group_index
from train.console.errors import InputError

SIGMA_BASE_YEARS, SIGMA_PER_YEAR = 1.0, 0.03  # an old face is harder to tell to the year


def soft_age_targets(
    age_years: torch.Tensor, sigma_per_year: torch.Tensor | float = SIGMA_PER_YEAR
) -> torch.Tensor:
    """Label distributions: a Gaussian over ages around each label, of a width that grows with it.

    Args:
        age_years: (B,) labels in years.
        sigma_per_year: (B,) or one for all: the Gaussian's sigma is SIGMA_BASE_YEARS and this share
            of the age; larger for labels that are noisy.

    Returns:
        (B, 101) float32, rows sum to 1.

    Source: label distribution learning, Geng et al., "Facial Age Estimation by Learning from Label
    Distributions", TPAMI 2013.
    """
    ages = torch.arange(NUM_AGES, dtype=torch.float32, device=age_years.device)
    sigma = (SIGMA_BASE_YEARS + sigma_per_year * age_years)[:, None]
    density = torch.exp(-0.5 * ((ages - age_years[:, None]) / sigma) ** 2)
    return density / density.sum(dim=1, keepdim=True)


def point_age_loss(
    logits: torch.Tensor,
    age_low: torch.Tensor,
    age_high: torch.Tensor,
    sigma_per_year: torch.Tensor | float = SIGMA_PER_YEAR,
) -> torch.Tensor:
    """Cross-entropy against the soft label of a known year.

    Args:
        logits: (B, 101).
        age_low, age_high: (B,) int64 years; equal for a point label, -1 where the age is missing.
        sigma_per_year: see `soft_age_targets`.

    Returns:
        (B,), 0 for interval and missing labels.
    """
    is_point = (age_low == age_high) & (age_low >= 0)
    targets = soft_age_targets(age_low.clamp(min=0), sigma_per_year)
    loss = -(targets * F.log_softmax(logits.float(), dim=1)).sum(dim=1)
    return loss * is_point


def interval_age_loss(
    logits: torch.Tensor, age_low: torch.Tensor, age_high: torch.Tensor
) -> torch.Tensor:
    """Negative log-likelihood of the interval, -log of the probability that the age lies in it.

    Shapes as in `point_age_loss`; 0 for point and missing labels. Where in the interval the age
    lies
    is left to the model: no midpoint is invented.
    """
    is_interval = age_low < age_high
    ages = torch.arange(NUM_AGES, device=logits.device)
    inside = (ages >= age_low[:, None]) & (ages <= age_high[:, None])
    # A row without an interval would be a log of nothing; it is masked out below.
    inside = inside | ~is_interval[:, None]
    log_p = F.log_softmax(logits.float(), dim=1).masked_fill(~inside, float("-inf"))
    return -torch.logsumexp(log_p, dim=1) * is_interval


def class_loss(logits: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of (B, C) logits against (B,) class numbers; 0 for a missing class (-1)."""
    return F.cross_entropy(logits.float(), target, ignore_index=-1, reduction="none")


def age_class_weights(
    age_low: np.ndarray,
    age_high: np.ndarray,
    scheme: str,
    power: float,
    groups: tuple[AgeGroup, ...] = AGE_GROUPS,
) -> tuple[np.ndarray, np.ndarray]:
    """Weights that let rare ages count for more.

    Point labels are weighted by the density of their age, smoothed over its neighbours, since 68 is
    not rare where 67 and 69 are many (Yang et al., "Delving into Deep Imbalanced Regression", ICML
    2021). Interval labels are weighted by the count of their group. Both are normalised to a mean
    of 1 over the training pictures that they weight, so that weighting does not change the loss's
    scale.

    Args:
        age_low, age_high: (N,) labels of the training set.
        scheme: "none", "inverse" (1 / count) or "effective" (1 / effective number of samples, Cui
            et al., "Class-Balanced Loss Based on Effective Number of Samples", CVPR 2019).
        power: exponent on the weights: 0 is no weighting, 1 the full one.
        groups: the network's age groups.

    Returns:
        (101,) float32 weights by age for points, (G,) float32 weights by age group for intervals.
    """
    is_point = (age_low == age_high) & (age_low >= 0)
    is_interval = age_low < age_high
    point_counts = np.bincount(age_low[is_point], minlength=NUM_AGES).astype(np.float64)
    kernel = soft_age_targets(torch.arange(NUM_AGES)).numpy().astype(np.float64)
    point = _weights(point_counts @ kernel, point_counts, scheme, power)
    labelled = group_index(age_low[is_interval], groups)
    group_counts = np.bincount(labelled, minlength=len(groups)).astype(np.float64)
    return point, _weights(group_counts, group_counts, scheme, power)


def _weights(density: np.ndarray, counts: np.ndarray, scheme: str, power: float) -> np.ndarray:
    if scheme == "none" or not counts.any():
        return np.ones(len(density), np.float32)
    density = np.maximum(density, 1.0)
    if scheme == "inverse":
        weights = density**-power
    elif scheme == "effective":
        beta = 1 - 1 / counts.sum()
        weights = ((1 - beta) / (1 - beta**density)) ** power
    else:
        raise InputError(f"class weights: expected none, inverse or effective, got {scheme!r}")
    return (weights * counts.sum() / (weights * counts).sum()).astype(np.float32)
