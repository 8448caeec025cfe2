"""Where numbers go in the plots of the tab Accuracy."""

import re

import numpy as np
import pytest

from age_model.page.accuracy.charts import (
    LEAST_FACES,
    Axis,
    axis_over,
    density,
    dots,
    level,
    lines,
)
from age_model.page.accuracy.measured import Measured, Series


@pytest.mark.parametrize(
    ("values", "whole", "low", "high"),
    [
        ([3.2, 5.1], None, 3, 5.5),
        ([3.2, 5.1], 0, 0, 6),
        ([-12, 4], 0, -15, 5),
        ([0.5], 0.5, 0.5, 0.6),
    ],
)
def test_an_axis_has_round_ends_that_hold_all(values, whole, low, high):
    axis = axis_over(values, whole)
    assert (axis.low, axis.high) == (low, high)
    assert axis.ticks[0] == low and axis.ticks[-1] == high and len(axis.ticks) <= 8


def test_places_end_at_the_edges():
    axis = Axis(2, 6, (2, 4, 6))
    assert [axis.place(v) for v in (1, 2, 5, 6, 9)] == [0, 0, 75, 100, 100]


def test_the_interval_of_few_faces_does_not_stretch_the_axis():
    many, few = Measured("a", 100, 4.0, 3.5, 4.5), Measured("b", 3, 5.0, 0.0, 60.0)
    assert dots([Series("", (many, few))]).axis.high <= 6


def test_lines_have_a_point_and_a_whisker_each():
    series = Series("", (Measured("a", 50, 2, 1, 3, x=0), Measured("b", 50, 4, x=10)))
    y = Axis(0, 4, (0, 4))
    chart = lines([series], Axis(0, 10, (0, 10)), y, level(y, 0))
    assert chart.paths == ("M0 50.00L100 0.00",)
    assert chart.dots == ("M0 50h0M100 0h0",)
    assert chart.whiskers == ("M0 75V25",) and chart.guide == "M0 100H100"


def test_density_has_the_quantiles_of_the_estimates():
    counts = np.zeros((51, 51), dtype=int)
    counts[15, 10:20] = 10  # labelled 30 or 31, estimated evenly from 20 to 40
    counts[40, 40] = LEAST_FACES - 1
    chart = density(counts, 2)
    (only,) = chart.quantiles
    assert (only.label, only.n) == ("30-35", 100)
    assert (only.low, only.value, only.high) == pytest.approx((22, 30, 38))
    drawn = sum(len(re.findall("M", path)) for path in chart.shades)
    assert drawn == 11, "a square for each bin with a face"
