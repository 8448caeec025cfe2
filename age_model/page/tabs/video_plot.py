"""Where the lines of people's ages go in the plot of the tab "Video" (`templates/video.html`).

Places are shares of the plot, from its left and from its top. The lines are an SVG of UNITS x UNITS
that is stretched to the room there is; words and numbers lie over it and keep their shape.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from age_model.labels import MAX_AGE
from age_model.video.people import Moment, Person

UNITS = 1000
MOST_STEPS = 7  # between the numbers along an axis
STEPS = (0.5, 1, 2, 5, 10, 20, 50)  # seconds or years
LEAST_YEARS = 20  # shown: a calm line must not look as if it jumped
# Dashes tell the lines apart for those who see no colours; the numbers at their ends do too.
DASHES = ("", "10 5", "2 5", "12 4 2 4")  # CSS pixels
TAG_WIDTH, TAG_HEIGHT = 0.06, 0.09  # of the plot: nearer to each other, tags would overlap

Place = tuple[float, float]


@dataclass(frozen=True)
class Tick:
    """A number along an axis.

    Attributes:
        value: seconds or years.
        place: share of the axis.
    """

    value: float
    place: float


@dataclass(frozen=True)
class Line:
    """A person's line within the band of its range.

    Attributes:
        number: of the person.
        dashes: of the line, as SVG's `stroke-dasharray`.
        strokes, bands: points of the line and of its band in UNITS, as SVG takes them; one for each
            stretch in which the person was seen.
        tag_xy: place of the number at the line's end.
        low_years, high_years: the lowest and the highest point.
        first, last: seconds when the person was seen first and last.
    """

    number: int
    dashes: str
    strokes: tuple[str, ...]
    bands: tuple[str, ...]
    tag_xy: Place
    low_years: int
    high_years: int
    first: float
    last: float


@dataclass(frozen=True)
class Plot:
    """Seconds to the right, years upwards, a line for each person."""

    lines: tuple[Line, ...]
    years: tuple[Tick, ...]
    seconds: tuple[Tick, ...]
    units: int = UNITS


class _Axes:
    """From seconds and years to places."""

    def __init__(self, right: float, low: float, high: float):
        self.right, self.low, self.high = right, low, high

    def place(self, second: float, years: float) -> Place:
        return second / self.right, (self.high - years) / (self.high - self.low)


def plot(people: Sequence[Person], seconds: float) -> Plot:
    """The plot.

    Args:
        people: those to show, one or more.
        seconds: how long the axis is at least.
    """
    moments = [moment for person in people for moment in person.moments]
    right = max(seconds, max(moment.second for moment in moments), 0.5)
    axes = _Axes(right, *_years_shown(moments))
    tags = _tags([axes.place(p.moments[-1].second, p.moments[-1].age_years) for p in people])
    return Plot(
        lines=tuple(_line(person, axes, tag) for person, tag in zip(people, tags, strict=True)),
        years=tuple(Tick(y, axes.place(0, y)[1]) for y in _ticks(axes.low, axes.high)),
        seconds=tuple(Tick(s, axes.place(s, axes.low)[0]) for s in _ticks(0, right)),
    )


def _line(person: Person, axes: _Axes, tag_xy: Place) -> Line:
    years = [moment.age_years for moment in person.moments]
    return Line(
        number=person.number,
        dashes=DASHES[(person.number - 1) % len(DASHES)],
        strokes=tuple(_stroke(stretch, axes) for stretch in person.stretches),
        bands=tuple(_band(stretch, axes) for stretch in person.stretches),
        tag_xy=tag_xy,
        low_years=round(min(years)),
        high_years=round(max(years)),
        first=person.first,
        last=person.last,
    )


def _stroke(stretch: Sequence[Moment], axes: _Axes) -> str:
    points = [axes.place(m.second, m.age_years) for m in stretch]
    # A line to itself is a dot: its ends are round.
    return _points(points * 2 if len(points) == 1 else points)


def _band(stretch: Sequence[Moment], axes: _Axes) -> str:
    upper = [axes.place(m.second, m.interval_years[1]) for m in stretch]
    lower = [axes.place(m.second, m.interval_years[0]) for m in reversed(stretch)]
    return _points(upper + lower)


def _points(places: Iterable[Place]) -> str:
    return " ".join(f"{x * UNITS:.1f},{y * UNITS:.1f}" for x, y in places)


def _years_shown(moments: Sequence[Moment]) -> tuple[float, float]:
    """Ends of the axis of years: whole tens that hold all lines and ranges."""
    low = 10 * math.floor(min(moment.interval_years[0] for moment in moments) / 10)
    high = 10 * math.ceil(max(moment.interval_years[1] for moment in moments) / 10)
    low = min(low, MAX_AGE - LEAST_YEARS)
    return low, max(high, low + LEAST_YEARS)


def _ticks(low: float, high: float) -> list[float]:
    step = next(step for step in STEPS if (high - low) / step <= MOST_STEPS or step == STEPS[-1])
    return list(np.arange(math.ceil(low / step), math.floor(high / step) + 1) * step)


def _tags(ends: Sequence[Place]) -> list[Place]:
    """Places for the numbers at the lines' ends, moved up or down off those before."""
    taken: list[Place] = []
    for x, y in ends:
        x = min(max(x, TAG_WIDTH / 2), 1 - TAG_WIDTH / 2)
        steps = [sign * n * TAG_HEIGHT for n in range(len(ends) + 1) for sign in (-1, 1)]
        free = (
            (x, y + step)
            for step in steps
            if 0 <= y + step <= 1 and not any(_overlap((x, y + step), tag) for tag in taken)
        )
        taken.append(next(free, (x, y)))
    return taken


def _overlap(a: Place, b: Place) -> bool:
    return abs(a[0] - b[0]) < TAG_WIDTH and abs(a[1] - b[1]) < TAG_HEIGHT - 1e-9
