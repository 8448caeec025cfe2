"""The curve of a card, and how sure its range is."""

import re

import numpy as np
import pytest

from age_model.network.loading import EMBEDDED
from age_model.network.reports import read_results
from age_model.page.curve import HEIGHT, age_curve
from age_model.page.sureness import Sureness, decade_of, measured_sureness
from tests.support.factories import face_ages
from tests.support.stub_predictor import StubPredictor


def _points(path: str) -> np.ndarray:
    return np.array(re.findall(r"[\d.]+", path), float).reshape(-1, 2)


@pytest.mark.parametrize("age", [1, 35, 99])
def test_the_curve_is_the_distribution_and_its_range_is_the_interval(age):
    ages = face_ages([age])
    low, high = ages.interval_years[0].tolist()
    curve = age_curve(ages.age_probabilities[0], (low, high), age)
    line = _points(curve.line)
    assert line[:, 0].tolist() == list(range(101)) and curve.median == age
    shown = (HEIGHT - line[:, 1]) / HEIGHT * ages.age_probabilities[0].max()
    assert np.allclose(shown, ages.age_probabilities[0], atol=0.001)
    shaded = _points(curve.range)
    assert shaded[:, 0].min() == pytest.approx(low, abs=0.06)
    assert shaded[:, 0].max() == pytest.approx(high, abs=0.06)
    assert curve.area.startswith(curve.line) and curve.area.endswith("Z")


def test_a_distribution_on_one_year_can_be_drawn():
    curve = age_curve(np.eye(101)[40], (40.0, 40.0), 40.0)
    assert _points(curve.range)[:, 0].tolist() == [40] * len(_points(curve.range))


def test_sureness_is_that_of_the_measured_ranges():
    measured = measured_sureness(Measured())
    assert set(measured) <= {f"{d}-{d + 9}" for d in range(0, 90, 10)} | {"90+"}
    assert all(0.5 < s.coverage < 1 and s.n >= 30 and s.width > 0 for s in measured.values())
    assert measured_sureness(StubPredictor(face_ages([35]))) == {}


class Measured:
    """A predictor of which only the results are asked for."""

    results = read_results(EMBEDDED)


@pytest.mark.parametrize("results", [{}, {"sources": 3}, {"sources": {"a": {"years": {}}}}])
def test_results_in_another_form_are_no_error(results):
    other = type("Other", (), {"results": results})()
    assert measured_sureness(other) == {}


def test_an_estimate_belongs_to_a_decade():
    names = [decade_of(age) for age in (0, 9.4, 9.6, 35, 89.6, 100)]
    assert names == ["0-9", "0-9", "10-19", "30-39", "90+", "90+"]
    assert Sureness("30-39", 40, 0.8, 10).of((30, 37.4)) == "narrow"
