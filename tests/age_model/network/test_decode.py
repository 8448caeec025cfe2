import numpy as np
import pytest

from age_model.labels import AGE_GROUP_NAMES, NUM_AGES
from age_model.network.calibration import INTERVAL_COVERAGE
from age_model.network.decode import (
    decode,
    group_probabilities,
    probability_at_least,
    quantile,
    softmax,
)


def sure_of(*years: int) -> np.ndarray:
    probabilities = np.zeros((1, NUM_AGES))
    probabilities[0, list(years)] = 1 / len(years)
    return probabilities


def normal(mean: float, sigma: float) -> np.ndarray:
    logits = -0.5 * ((np.arange(NUM_AGES) - mean) / sigma) ** 2
    return logits[None]


def test_softmax_survives_large_logits_and_sums_to_one():
    probabilities = softmax(np.array([[1e5, 0.0, -1e5]]))
    assert np.allclose(probabilities, [[1, 0, 0]])


@pytest.mark.parametrize("year", [0, 1, 37, 99, 100])
def test_median_of_one_sure_year_is_that_year(year):
    assert quantile(sure_of(year), 0.5)[0] == pytest.approx(year)


def test_quantiles_run_through_a_year():
    assert quantile(sure_of(40), 0.1)[0] == pytest.approx(39.6)
    assert quantile(sure_of(40), 0.9)[0] == pytest.approx(40.4)


def test_quantiles_stay_on_the_scale():
    assert quantile(sure_of(0), 0.0)[0] == 0
    assert quantile(sure_of(100), 1.0)[0] == 100


def test_median_lies_between_two_equal_years():
    assert 30 < quantile(sure_of(30, 50), 0.5)[0] < 50.1


def test_decode_of_a_normal_distribution():
    ages = decode(normal(40, 5))
    assert ages.years[0] == pytest.approx(40, abs=0.01)
    # 80% of a normal distribution lie within 1.2816 sigma.
    assert ages.interval_years[0] == pytest.approx([40 - 6.408, 40 + 6.408], abs=0.05)
    assert INTERVAL_COVERAGE == 0.8
    assert ages.probabilities.sum() == pytest.approx(1)
    assert AGE_GROUP_NAMES[ages.group_probabilities[0].argmax()] == "40-49"


def test_groups_and_tails_are_sums_over_years():
    probabilities = softmax(np.random.default_rng(0).normal(size=(4, NUM_AGES)))
    groups = group_probabilities(probabilities)
    assert np.allclose(groups.sum(axis=1), 1)
    assert np.allclose(groups[:, 1], probabilities[:, 3:10].sum(axis=1))
    assert np.allclose(probability_at_least(probabilities, 18), probabilities[:, 18:].sum(axis=1))


@pytest.mark.parametrize("shape", [(NUM_AGES,), (2, 100), (2, 3, NUM_AGES)])
def test_wrong_shapes_are_refused(shape):
    with pytest.raises(ValueError, match=r"expected .*\(B, 101\).*got"):
        decode(np.zeros(shape))
