"""The curve of a card: how probable the model thinks each age from 0 to 100, as paths of an SVG."""

from dataclasses import dataclass

import numpy as np

from age_model.labels import MAX_AGE

HEIGHT = 30.0  # the curve's highest point; its width is MAX_AGE: a unit is a year


@dataclass(frozen=True)
class Curve:
    """A distribution over the ages, drawn: x is the age in years, y falls from HEIGHT to 0.

    Attributes:
        line: the path over all ages.
        area: the area under it, closed.
        range: the part of that area within the interval, closed.
        median: the age in years where the mark stands.
    """

    line: str
    area: str
    range: str
    median: float


def age_curve(
    probabilities: np.ndarray, interval_years: tuple[float, float], median: float
) -> Curve:
    """The curve of one face.

    Args:
        probabilities: (101,) one for each single year.
        interval_years: low and high end of what is shaded.
        median: the age that is marked, years.
    """
    ages = np.arange(MAX_AGE + 1, dtype=float)
    y = HEIGHT * (1 - probabilities / max(float(probabilities.max()), 1e-9))
    line = _path(ages, y)
    low, high = (float(np.clip(end, 0, MAX_AGE)) for end in interval_years)
    inside = ages[(ages > low) & (ages < high)]
    shaded = np.concatenate([[low], inside, [high]])
    return Curve(
        line=line,
        area=f"{line}L{MAX_AGE} {HEIGHT:g}L0 {HEIGHT:g}Z",
        range=f"{_path(shaded, np.interp(shaded, ages, y))}L{high:.1f} {HEIGHT:g}"
        f"L{low:.1f} {HEIGHT:g}Z",
        median=round(float(median), 1),
    )


def _path(x: np.ndarray, y: np.ndarray) -> str:
    points = (f"{a:.1f} {b:.1f}".replace(".0 ", " ") for a, b in zip(x, y, strict=True))
    return "M" + "L".join(point.removesuffix(".0") for point in points)
