from types import SimpleNamespace

import numpy as np
import pytest

from age_model.labels import AGE_GROUP_NAMES, AGE_GROUPS, NUM_AGES, parse_groups
from age_model.network.answers import trained_attributes
from age_model.network.calibration import Calibration
from age_model.network.decode import decode, interval, quantile

YEARS = np.arange(NUM_AGES)
N_GROUPS = len(AGE_GROUPS)


def normal(mean: float, sigma: float) -> np.ndarray:
    density = np.exp(-0.5 * ((YEARS - mean) / sigma) ** 2)[None]
    return density / density.sum()


def test_travels_through_a_configuration_unchanged():
    calibration = Calibration(0.8, 1.1, 1.2, tuple(np.linspace(0.5, 0.9, N_GROUPS)))
    config = SimpleNamespace(calibration=calibration.to_dict())
    assert Calibration.from_config(config) == calibration


def test_a_configuration_without_one_changes_nothing():
    logits = np.log(normal(40, 5))
    plain, calibrated = decode(logits), decode(logits, Calibration.from_config(SimpleNamespace()))
    assert np.array_equal(plain.interval_years, calibrated.interval_years)


def test_groups_of_ones_own_stand_beside_it_in_the_configuration():
    groups = parse_groups("0-17,18+")
    calibration = Calibration(0.8, 1.1, 1.2, (0.5, 0.9), groups)
    config = SimpleNamespace(calibration=calibration.to_dict(), age_groups=["0-17", "18+"])
    assert Calibration.from_config(config) == calibration and "groups" not in calibration.to_dict()
    assert Calibration.from_config(SimpleNamespace(age_groups=["0-17", "18+"])).groups == groups
    ages = decode(np.log(normal(18, 3)), calibration)
    assert ages.group_probabilities.shape == (1, 2)
    # The level of the young reaches to the end of their group alone.
    assert ages.interval_years[0, 0] > quantile(normal(18, 3), 0.05)
    assert calibration.uncalibrated() == Calibration(groups=groups)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"age_groups": ["0-17", "19+"]}, "leave a gap"),
        ({"age_groups": "0-17,18+"}, "expected a list of names"),
        ({"age_groups": ["0-17", "18+"], "calibration": Calibration().to_dict()}, "expected 2 int"),
    ],
)
def test_groups_that_do_not_fit_are_refused(change, said):
    with pytest.raises(ValueError, match=said):
        Calibration.from_config(SimpleNamespace(**change))


@pytest.mark.parametrize("given", [["hair"], "gender", [1]])
def test_attributes_that_there_are_none_of_are_refused(given):
    with pytest.raises(ValueError, match="trained_attributes: expected"):
        trained_attributes(SimpleNamespace(trained_attributes=given))
    assert trained_attributes(SimpleNamespace()) == ("gender", "ethnicity")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"age_temperature": 0}, "age_temperature above 0"),
        ({"gender_temperature": "1"}, "gender_temperature above 0"),
        ({"interval_levels": [0.8]}, "expected 9 interval_levels"),
        ({"interval_levels": [1.5] * N_GROUPS}, "from 0 to 1"),
        ({"unknown": 1}, "expected the keys"),
    ],
)
def test_what_is_no_calibration_is_refused(change, said):
    config = SimpleNamespace(calibration=Calibration().to_dict() | change)
    with pytest.raises(ValueError, match=said):
        Calibration.from_config(config)


def test_a_higher_temperature_widens_the_interval_and_keeps_the_median():
    logits = np.log(normal(40, 5))
    plain, unsure = decode(logits), decode(logits, Calibration(age_temperature=4))
    assert np.diff(unsure.interval_years) == pytest.approx(
        2 * np.diff(plain.interval_years), rel=0.05
    )
    assert unsure.years == pytest.approx(plain.years, abs=0.1)


def test_one_level_for_all_groups_is_the_middle_share():
    p = np.concatenate([normal(8, 4), normal(40, 12), normal(95, 9)])
    found = interval(p, (0.6,) * N_GROUPS)
    assert found == pytest.approx(np.stack([quantile(p, 0.2), quantile(p, 0.8)], axis=1))


def test_a_groups_level_reaches_only_into_that_group():
    p = normal(45, 10)
    levels = [0.5] * N_GROUPS
    levels[AGE_GROUP_NAMES.index("50-59")] = 0.9
    low, high = interval(p, tuple(levels))[0]
    assert low == pytest.approx(quantile(p, 0.25)[0])
    assert high == pytest.approx(59.5)  # 0.9 would reach 61.4, which is another group's
    levels[AGE_GROUP_NAMES.index("60-69")] = 0.9
    assert interval(p, tuple(levels))[0, 1] == pytest.approx(quantile(p, 0.95)[0])


def test_the_interval_holds_the_median_even_at_level_0():
    p = np.concatenate([normal(mean, 6) for mean in (1, 30, 59.5, 99)])
    low, high = interval(p, (0.0,) * N_GROUPS).T
    median = quantile(p, 0.5)
    assert (low <= median + 1e-9).all() and (median - 1e-9 <= high).all()
