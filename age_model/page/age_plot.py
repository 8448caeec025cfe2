"""A plot of ages over time, as HTML that is as wide as there is room and as legible on a phone.

The lines are an SVG that is stretched; what has to keep its shape, words and numbers, lies over it.
"""

import math
from html import escape

import numpy as np

from age_model.labels import MAX_AGE
from age_model.page import words
from age_model.page.drawing import face_color
from age_model.video.people import Moment, Person

UNITS = 1000  # of the SVG, both ways; it is stretched to its place
MOST_STEPS = 7  # between the numbers along an axis
STEPS = (0.5, 1, 2, 5, 10, 20, 50)  # seconds or years
LEAST_YEARS = 20  # shown: a calm line must not look as if it jumped
# Dashes tell the lines apart for those who see no colours; the numbers at their ends do too.
DASHES = ("", "10 5", "2 5", "12 4 2 4")  # CSS pixels
TAG_WIDTH, TAG_HEIGHT = 0.06, 0.09  # of the plot: nearer to each other, tags would overlap


def plot_html(people: list[Person], seconds: float) -> str:
    """The plot: seconds to the right, years upwards, a line a person within its range.

    Args:
        people: those to show, one or more.
        seconds: how long the axis is at least.
    """
    moments = [moment for person in people for moment in person.moments]
    right = max(seconds, max(moment.second for moment in moments), 0.5)
    low, high = _years_shown(moments)

    def place(second: float, years: float) -> tuple[float, float]:
        """Share of the way from the left, and from the top."""
        return second / right, (high - years) / (high - low)

    drawn = "".join(_band_svg(person, place) for person in people)
    drawn += "".join(_line_svg(person, place) for person in people)
    labels = [
        f'<span class="plot-y" style="top: {place(0, years)[1]:.2%}">{years:g}</span>'
        for years in _ticks(low, high)
    ]
    labels += [
        f'<span class="plot-x" style="left: {place(second, 0)[0]:.2%}">'
        f"{words.VIDEO_SECOND.format(second=second)}</span>"
        for second in _ticks(0, right)
    ]
    grid = "".join(_grid_svg(place(0, years)[1]) for years in _ticks(low, high))
    return (
        f'<figure class="plot"><figcaption>{words.VIDEO_PLOT}</figcaption>'
        f'<div class="plot-area" role="img" aria-label="{escape(summary(people))}">'
        f'<svg viewBox="0 0 {UNITS} {UNITS}" preserveAspectRatio="none">{grid}{drawn}</svg>'
        f"{''.join(labels)}{_tags_html(people, place)}</div></figure>"
    )


def summary(people: list[Person]) -> str:
    """The plot in words."""
    parts = [words.VIDEO_PLOT]
    for person in people:
        years = [moment.age_years for moment in person.moments]
        low, high = round(min(years)), round(max(years))
        parts.append(
            words.VIDEO_PLOT_PERSON.format(
                number=person.number, low=low, high=high, first=person.first, last=person.last
            )
        )
    return ". ".join(parts) + "."


def _years_shown(moments: list[Moment]) -> tuple[float, float]:
    """Ends of the axis of years: whole tens that hold all lines and ranges."""
    low = 10 * math.floor(min(moment.interval_years[0] for moment in moments) / 10)
    high = 10 * math.ceil(max(moment.interval_years[1] for moment in moments) / 10)
    low = min(low, MAX_AGE - LEAST_YEARS)
    return low, max(high, low + LEAST_YEARS)


def _ticks(low: float, high: float) -> list[float]:
    step = next(step for step in STEPS if (high - low) / step <= MOST_STEPS or step == STEPS[-1])
    return list(np.arange(math.ceil(low / step), math.floor(high / step) + 1) * step)


def _points(pairs) -> str:
    return " ".join(f"{x * UNITS:.1f},{y * UNITS:.1f}" for x, y in pairs)


def _grid_svg(top: float) -> str:
    y = top * UNITS
    return f'<path class="plot-grid" d="M0 {y:.1f}H{UNITS}"/>'


def _band_svg(person: Person, place) -> str:
    bands = ""
    for stretch in person.stretches:
        upper = [place(m.second, m.interval_years[1]) for m in stretch]
        lower = [place(m.second, m.interval_years[0]) for m in reversed(stretch)]
        bands += f'<polygon class="plot-band" points="{_points(upper + lower)}"/>'
    return f'<g style="--face: {face_color(person.number - 1)}">{bands}</g>'


def _line_svg(person: Person, place) -> str:
    dash = DASHES[(person.number - 1) % len(DASHES)]
    lines = ""
    for stretch in person.stretches:
        points = [place(m.second, m.age_years) for m in stretch]
        points *= 2 if len(points) == 1 else 1  # a line to itself is a dot: its ends are round
        lines += f'<polyline points="{_points(points)}" stroke-dasharray="{dash}"/>'
    return f'<g class="plot-line" style="--face: {face_color(person.number - 1)}">{lines}</g>'


def _tags_html(people: list[Person], place) -> str:
    """The number of each person at the end of the line, moved up or down off those before."""
    tags, taken = "", []
    for person in people:
        moment = person.moments[-1]
        x, y = place(moment.second, moment.age_years)
        x = min(max(x, TAG_WIDTH / 2), 1 - TAG_WIDTH / 2)
        ways = [y + sign * n * TAG_HEIGHT for n in range(len(people) + 1) for sign in (-1, 1)]
        free = [
            way
            for way in ways
            if 0 <= way <= 1
            and all(abs(x - a) >= TAG_WIDTH or abs(way - b) >= TAG_HEIGHT - 1e-9 for a, b in taken)
        ]
        y = free[0] if free else y
        taken.append((x, y))
        tags += (
            f'<b class="plot-tag" style="--face: {face_color(person.number - 1)}; '
            f'left: {x:.2%}; top: {y:.2%}">{person.number}</b>'
        )
    return tags
