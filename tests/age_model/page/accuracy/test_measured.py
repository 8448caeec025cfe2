"""Intervals of the tab Accuracy."""

import numpy as np
import pytest
from scipy.stats import binomtest

from age_model.page.accuracy.measured import Measured, normal, share_of, weighted, wilson


@pytest.mark.parametrize(("count", "n"), [(0, 5), (8, 10), (300, 1000), (7, 7)])
def test_wilson_is_that_of_scipy(count, n):
    expected = binomtest(count, n).proportion_ci(confidence_level=0.95, method="wilson")
    assert wilson(count / n, n) == pytest.approx((expected.low, expected.high), abs=1e-4)


def test_normal_interval_is_as_wide_as_the_standard_error_says():
    values = np.random.default_rng(0).exponential(4, 500)
    low, high = normal(values.mean(), np.mean(values**2), len(values))
    assert (low + high) / 2 == pytest.approx(values.mean())
    assert high - low == pytest.approx(2 * 1.96 * values.std(ddof=1) / np.sqrt(500))
    assert normal(3.0, 9.0, 1) is None


def test_parts_count_by_their_faces():
    assert weighted([(1, 4.0), (3, 8.0)]) == (4, 7.0)


def test_few_faces_are_marked():
    assert Measured("a", 29, 1.0).few and not Measured("a", 30, 1.0).few
    one = share_of("a", 40, 0.5, 0.3)
    assert one.low < 0.5 < one.high and one.x == 0.3
