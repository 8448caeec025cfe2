"""The numbers of results.json, worked out by hand."""

import dataclasses

import numpy as np
import pytest

from train.evaluation.by_group import confusion, source_results
from train.evaluation.predictions import Predictions


def one_hot(classes, count):
    return np.eye(count)[classes]


@pytest.fixture
def by_hand():
    """Five labelled faces: errors +2, -3, -5, +10, and one without any label."""
    return Predictions(
        file=np.array(["a", "b", "c", "d", "e"]),
        source=np.array(["utkface"] * 5),
        age_low=np.array([10, 25, 65, 80, -1]),
        age_high=np.array([10, 25, 65, 80, -1]),
        gender=np.array([0, 0, 1, 1, -1]),
        ethnicity=np.array([0, 1, 0, -1, -1]),
        years=np.array([12.0, 22, 60, 90, 50]),
        interval_years=np.array([[10, 18], [20, 24], [60, 65], [70, 75], [0, 100]], float),
        group_probabilities=one_hot([2, 4, 7, 8, 0], 9),
        gender_probabilities=one_hot([0, 1, 1, 1, 0], 2),
        ethnicity_probabilities=one_hot([0, 0, 0, 3, 0], 5),
    )


def test_numbers_worked_out_by_hand(by_hand):
    got = source_results(by_hand, resamples=10, seed=0)
    years = got["years"]
    assert (got["n"], years["n"]) == (5, 4)
    assert years["mae"] == pytest.approx(5)
    assert years["median_absolute_error"] == pytest.approx(4)
    assert years["bias"] == pytest.approx(1)
    assert (years["cs3"], years["cs5"], years["cs10"]) == (0.5, 0.75, 1.0)
    assert {k: v["mae"] for k, v in years["by_band"].items()} == {
        "21_60": 3, "under_13": 2, "over_60": 7.5,
    }  # fmt: skip
    assert {k: (v["n"], v["bias"]) for k, v in years["by_age"].items()} == {
        "10-14": (1, 2), "25-29": (1, -3), "65-69": (1, -5), "80-84": (1, 10),
    }  # fmt: skip
    assert {k: v["mae"] for k, v in years["by_gender"].items()} == {"male": 2.5, "female": 7.5}
    assert {k: v["mae"] for k, v in years["by_ethnicity"].items()} == {"White": 3.5, "Black": 3}


def test_teens_are_those_from_13_to_19(by_hand):
    ages = np.array([12, 13, 19, 20, -1])
    teens = dataclasses.replace(by_hand, age_low=ages, age_high=ages)
    band = source_results(teens, resamples=10, seed=0)["years"]["by_band"]["13_19"]
    assert (band["n"], band["bias"]) == (2, pytest.approx((22 - 13 + 60 - 19) / 2))


def test_intervals_hold_with_both_ends_included(by_hand):
    interval = source_results(by_hand, resamples=10, seed=0)["years"]["interval"]
    assert interval["coverage"] == 0.5
    assert interval["mean_width"] == pytest.approx((8 + 4 + 5 + 5) / 4)
    assert interval["by_group"]["60-69"]["coverage"] == 1.0
    assert interval["by_gender"]["male"] == {"n": 2, "coverage": 0.5, "mean_width": 6.0}


def test_groups_and_attributes(by_hand):
    got = source_results(by_hand, resamples=10, seed=0)
    assert (got["groups"]["accuracy"], got["groups"]["within_one_accuracy"]) == (0.75, 1.0)
    assert got["groups"]["by_group"]["20-29"]["accuracy"] == 0
    assert got["groups"]["calibration_error"] == pytest.approx(0.25)
    assert got["gender"]["accuracy"] == 0.75
    assert got["gender"]["by_class"]["male"] == {"n": 2, "accuracy": 0.5}
    assert got["ethnicity"]["n"] == 3
    counts = confusion(by_hand)
    assert counts.sum() == 4 and counts[3, 4] == 1 and np.trace(counts) == 3


def test_a_source_without_point_labels_has_no_errors_in_years(by_hand):
    intervals = dataclasses.replace(by_hand, age_high=by_hand.age_high + 1)
    got = source_results(intervals, resamples=10, seed=0)
    assert "years" not in got
    assert got["groups"]["n"] == 4
