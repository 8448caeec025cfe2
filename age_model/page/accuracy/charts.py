"""Where numbers go in a plot. Places are percent of the plot, from its left and from its top.

Lines and areas are an SVG of 100 x 100 that is stretched to the room there is; words and numbers
lie over it and keep their shape, so that a plot can be read at any width.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from age_model.page.accuracy.measured import Measured, Series

STEPS = (0.1, 0.2, 0.25, 0.5, 1, 2, 5, 10, 20, 25, 50, 100)
MOST_STEPS = 6  # between the numbers along an axis
SHADES = 5  # of a density
WINDOW_YEARS = 6  # of labelled age that share their quantiles: single bins hold few faces
LEAST_FACES = 20  # of a window whose quantiles are drawn
BAND = (0.1, 0.5, 0.9)  # of the estimates: the middle 80% and the median


@dataclass(frozen=True)
class Axis:
    """From `low` to `high`, with numbers at `ticks`."""

    low: float
    high: float
    ticks: tuple[float, ...]

    def place(self, value: float) -> float:
        """Percent of the way from low to high, at most to the ends."""
        share = (value - self.low) / (self.high - self.low)
        return round(100 * min(max(share, 0.0), 1.0), 2)


@dataclass(frozen=True)
class Dots:
    """A list of numbers as dots along one axis."""

    axis: Axis
    series: tuple[Series, ...]


@dataclass(frozen=True)
class Lines:
    """Numbers over an axis, each series a line with an interval at each point.

    Attributes:
        paths: of the lines, in the order of the series.
        whiskers: of each series' intervals, one path.
        dots: of each series' points, one path: lines without a length, whose ends are round.
        guide: the path of a line to hold them against; "" for none.
    """

    x: Axis
    y: Axis
    paths: tuple[str, ...]
    whiskers: tuple[str, ...]
    dots: tuple[str, ...]
    guide: str


@dataclass(frozen=True)
class Density:
    """Faces by labelled age, to the right, and estimated age, upwards.

    Attributes:
        shades: paths of the bins, those with the fewest faces first.
        band, median: of the estimates at each labelled age.
        quantiles: what these are made of: 10%, 50% and 90% of the estimates.
    """

    axis: Axis
    shades: tuple[str, ...]
    band: str
    median: str
    quantiles: tuple[Measured, ...]


def axis_over(values: Iterable[float], whole: float | None = None) -> Axis:
    """An axis of round numbers that holds all values.

    Args:
        whole: that it begins or ends with at least, such as 0 or 1.
    """
    held = [*values, *([] if whole is None else [whole])]
    low, high = min(held), max(held)
    wide = max(high - low, 1e-3)
    step = next((step for step in STEPS if wide / step <= MOST_STEPS), STEPS[-1])
    first, last = math.floor(low / step + 1e-9), math.ceil(high / step - 1e-9)
    last = max(last, first + 1)
    ticks = tuple(round(i * step, 4) for i in range(first, last + 1))
    return Axis(ticks[0], ticks[-1], ticks)


def ends(series: Sequence[Series]) -> list[float]:
    """All that a plot of them must hold. Intervals of few faces may be cut off: they are wide."""
    held = [s.reference for s in series if s.reference is not None]
    for one in (m for s in series for m in s.measured):
        held += [one.value, *one.milder]
        held += [end for end in (one.low, one.high) if end is not None and not one.few]
    return held


def dots(series: Sequence[Series], whole: float | None = None) -> Dots:
    """The plot of a list."""
    return Dots(axis_over(ends(series), whole), tuple(series))


def lines(series: Sequence[Series], x: Axis, y: Axis, guide: str = "") -> Lines:
    """The plot of numbers that have an `x`.

    Args:
        guide: the path of a line to hold them against, see `level` and `diagonal`.
    """
    places = [
        [(x.place(m.x), y.place(m.value), m) for m in s.measured if m.x is not None] for s in series
    ]
    return Lines(
        x=x,
        y=y,
        paths=tuple(_path([(a, 100 - b) for a, b, _ in line]) for line in places),
        whiskers=tuple("".join(_whisker(a, m, y) for a, _, m in line) for line in places),
        dots=tuple("".join(f"M{a:g} {100 - b:g}h0" for a, b, _ in line) for line in places),
        guide=guide,
    )


def level(y: Axis, value: float) -> str:
    """The path of a line across the plot."""
    return f"M0 {100 - y.place(value):g}H100"


DIAGONAL = "M0 100L100 0"


def density(counts: np.ndarray, bin_years: int) -> Density:
    """The plot of the counts in results.json.

    Args:
        counts: (B, B) int, faces by bin of labelled age (row) and of estimated age (column).
        bin_years: width of a bin.
    """
    bins = len(counts)
    axis = Axis(0, bins * bin_years, tuple(range(0, bins * bin_years + 1, 20)))
    # The root tells few faces from none, and many from most.
    shade = np.ceil(np.sqrt(counts / max(counts.max(), 1)) * SHADES).astype(int)
    side = 100 / bins
    shades = tuple(
        "".join(
            f"M{column * side:.2f} {100 - (row + 1) * side:.2f}h{side:.2f}v{side:.2f}h-{side:.2f}z"
            for column, row in np.argwhere(shade == level)
        )
        for level in range(1, SHADES + 1)
    )
    quantiles = tuple(_quantiles(counts, bin_years))
    at = [(axis.place(m.x or 0), m) for m in quantiles]
    upper = [(x, 100 - axis.place(m.high or 0)) for x, m in at]
    lower = [(x, 100 - axis.place(m.low or 0)) for x, m in reversed(at)]
    median = _path([(x, 100 - axis.place(m.value)) for x, m in at])
    return Density(axis, shades, _path(upper + lower), median, quantiles)


def _quantiles(counts: np.ndarray, bin_years: int) -> Iterable[Measured]:
    """BAND of the estimates in each window of labelled age that holds enough faces."""
    width = WINDOW_YEARS // bin_years
    edges = np.arange(counts.shape[1] + 1) * bin_years
    for first in range(0, len(counts), width):
        faces = counts[first : first + width].sum(axis=0)
        n = int(faces.sum())
        if n < LEAST_FACES:
            continue
        below = np.concatenate([[0], np.cumsum(faces)]) / n
        low, middle, high = np.interp(BAND, below, edges)
        begin = first * bin_years
        yield Measured(
            f"{begin}-{begin + WINDOW_YEARS - 1}", n, float(middle), float(low), float(high),
            begin + WINDOW_YEARS / 2,
        )  # fmt: skip


def _path(points: Sequence[tuple[float, float]]) -> str:
    return "M" + "L".join(f"{x:g} {y:.2f}" for x, y in points) if points else ""


def _whisker(x: float, one: Measured, y: Axis) -> str:
    if one.low is None or one.high is None:
        return ""
    return f"M{x:g} {100 - y.place(one.low):g}V{100 - y.place(one.high):g}"
