"""A number that was measured, with its 95% interval where there is one, and how to get that."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from age_model.network.reports import FEW

Z = 1.96  # of the standard normal distribution: 95% lie within


@dataclass(frozen=True)
class Measured:
    """A number of one part of the test faces.

    Attributes:
        label: of the part, such as "30-39".
        n: faces.
        value: years or a share.
        low, high: the 95% interval; None where it is not known.
        x: where along the horizontal axis it belongs, for a line; None in a list.
        milder: the same under milder conditions, for a list.
    """

    label: str
    n: int
    value: float
    low: float | None = None
    high: float | None = None
    x: float | None = None
    milder: tuple[float, ...] = ()

    @property
    def few(self) -> bool:
        """Are they so few faces that the number says little?"""
        return self.n < FEW


@dataclass(frozen=True)
class Series:
    """Numbers that belong together.

    Attributes:
        title: "" where there is only one series.
        reference: what to hold them against, such as the number of all faces; None for nothing.
    """

    title: str
    measured: tuple[Measured, ...]
    reference: float | None = None


def mean_of(label: str, numbers: dict[str, Any], name: str, x: float | None = None) -> Measured:
    """A mean of results.json with the bootstrap interval that stands beside it."""
    low, high = numbers.get(f"{name}_interval") or (None, None)
    return Measured(label, numbers["n"], numbers[name], low, high, x)


def share_of(label: str, n: int, share: float, x: float | None = None) -> Measured:
    """A share of n faces with its Wilson interval, see `wilson`."""
    return Measured(label, n, share, *wilson(share, n), x)


def wilson(share: float, n: int) -> tuple[float, float]:
    """The 95% interval of a share that was found among n faces, n >= 1.

    Source: Wilson, "Probable Inference, the Law of Succession, and Statistical Inference", 1927.
    """
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return max(middle - half, 0.0), min(middle + half, 1.0)


def normal(mean: float, mean_square: float, n: int) -> tuple[float, float] | None:
    """The 95% interval of a mean by the central limit theorem; None for fewer than two faces.

    Args:
        mean, mean_square: of n values, and of their squares.
    """
    if n < 2:
        return None
    half = Z * math.sqrt(max(mean_square - mean**2, 0.0) / (n - 1))
    return mean - half, mean + half


def weighted(parts: Sequence[tuple[int, float]]) -> tuple[int, float]:
    """(n, mean) of parts put together, each (n, mean)."""
    n = sum(count for count, _ in parts)
    return n, sum(count * mean for count, mean in parts) / n
