"""The metric modules and the scores that go through them."""

import os
import subprocess
import sys
from pathlib import Path

import evaluate
import numpy as np
import pytest

from age_model.labels import NUM_AGES
from train.evaluation import metrics as scores

ROOT = Path(__file__).parents[3]


def logits_at(ages) -> np.ndarray:
    """(B, 101) logits that put nearly everything on one year each."""
    logits = np.full((len(ages), NUM_AGES), -30.0)
    logits[np.arange(len(ages)), ages] = 30.0
    return logits


def test_age_error_on_numbers_worked_out_by_hand():
    # Signed errors +1, -3, +5, -11, +0.5
    got = scores.age_error(np.array([21, 27, 45, 39, 10.5]), np.array([20, 30, 40, 50, 10]))
    assert got["n"] == 5
    assert got["mae"] == pytest.approx(20.5 / 5)
    assert got["median_absolute_error"] == pytest.approx(3)
    assert got["bias"] == pytest.approx(-7.5 / 5)
    assert (got["cs3"], got["cs5"], got["cs10"]) == pytest.approx((3 / 5, 4 / 5, 4 / 5))
    assert "mae_interval" not in got


def test_bootstrap_interval_is_seeded_and_as_wide_as_theory_says():
    rng = np.random.default_rng(3)
    true = np.full(400, 40.0)
    years = true + np.abs(rng.normal(5, 2, 400))
    first = scores.age_error(years, true, resamples=2000, seed=1)
    low, high = first["mae_interval"]
    assert scores.age_error(years, true, resamples=2000, seed=1)["mae_interval"] == [low, high]
    assert scores.age_error(years, true, resamples=2000, seed=2)["mae_interval"] != [low, high]
    assert low < first["mae"] < high
    assert first["bias_interval"] == first["mae_interval"]  # all errors are positive
    theory = 2 * 1.96 * np.abs(years - true).std() / 20
    assert high - low == pytest.approx(theory, rel=0.15)


def test_age_error_refuses_what_is_no_age():
    with pytest.raises(ValueError, match="finite ages"):
        scores.age_error(np.array([np.nan, 3]), np.array([2, 3]))


def test_bias_interval_is_about_signed_errors():
    years = 40 + np.tile([6.0, -4.0], 200)
    low, high = scores.age_error(years, np.full(400, 40.0), resamples=500)["bias_interval"]
    assert 0 < low < 1 < high < 2


def test_share_has_a_wilson_interval():
    got = scores.share(np.array([True] * 2 + [False] * 8))
    assert (got["n"], got["share"]) == (10, 0.2)
    z, n, p = 1.959964, 10, 0.2
    middle, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    expected = (np.array([middle - half, middle + half])) / (1 + z**2 / n)
    assert got["interval"] == pytest.approx(expected, abs=1e-6)


def test_group_accuracy_and_within_one():
    got = scores.group_accuracy(np.array([0, 1, 2, 5]), np.array([0, 2, 4, 5]))
    assert got == {"n": 4, "accuracy": 0.5, "within_one_accuracy": 0.75}


def test_true_group_needs_the_whole_label_inside():
    low, high = np.array([0, 70, 5, 18, -1]), np.array([2, 100, 5, 25, -1])
    assert scores.true_group(low, high).tolist() == [0, 8, 1, -1, -1]


def test_calibration_error_by_hand():
    # Two faces at 0.9 of which one right, two at 0.6 of which both right.
    p = np.array([[0.9, 0.1], [0.9, 0.1], [0.6, 0.4], [0.6, 0.4]])
    got = scores.expected_calibration_error(p, np.array([0, 1, 0, 0]))
    assert got == pytest.approx((2 * 0.4 + 2 * 0.4) / 4)
    assert scores.expected_calibration_error(np.eye(2), np.array([0, 1])) == 0
    assert scores.expected_calibration_error(np.eye(2), np.array([1, 0])) == 1


def test_reliability_has_a_bin_for_each_confidence_that_occurs():
    p = np.array([[0.62, 0.38], [0.36, 0.64], [0.97, 0.03], [1.0, 0.0]])
    assert scores.reliability(p, np.array([0, 0, 0, 0])) == [
        {"low": 0.6, "high": 0.7, "n": 2, "confidence": pytest.approx(0.63), "accuracy": 0.5},
        {"low": 0.9, "high": 1.0, "n": 2, "confidence": pytest.approx(0.985), "accuracy": 1.0},
    ]


def test_validation_scores_by_label_type():
    ages = [24, 10, 70, 25, 35, 5, 50]
    low = np.array([20, 12, 65, 20, 20, -1, 10])
    high = np.array([20, 12, 65, 29, 29, -1, 59])
    gender = np.array([0, 1, -1, 1, 0, 0, 1])
    said = np.array([0, 1, 0, 0, 0, 0, 1])
    got = scores.validation_scores(logits_at(ages), np.eye(2)[said], low, high, gender)
    assert got["mae"] == pytest.approx((4 + 2 + 5) / 3)
    assert got["cs5"] == 1.0
    assert got["mae_under_13"] == pytest.approx(2)
    assert got["mae_over_60"] == pytest.approx(5)
    assert "mae_21_60" not in got
    assert (got["group_accuracy"], got["group_accuracy_within_one"]) == (0.5, 1.0)
    assert got["gender_accuracy"] == pytest.approx(5 / 6)


def test_teens_have_a_band_of_their_own():
    low = np.array([12, 13, 19, 20])
    got = scores.validation_scores(logits_at([12, 16, 24, 20]), np.eye(2)[[0] * 4], low, low, low)
    assert got["mae_13_19"] == pytest.approx((3 + 5) / 2)


def test_validation_scores_leave_out_what_has_no_label():
    none = np.array([-1])
    assert scores.validation_scores(logits_at([3]), np.eye(2)[:1], none, none, none) == {}


@pytest.mark.slow
def test_modules_load_by_path_offline_from_several_processes(tmp_path):
    code = (
        "import evaluate\n"
        f"m = evaluate.load({str(scores.METRICS_FOLDER / 'age_error')!r}, keep_in_memory=True)\n"
        "print(m.compute(predictions=[1.0, 5.0], references=[2.0, 2.0])['mae'])"
    )
    env = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    running = [
        subprocess.Popen(
            [sys.executable, "-c", code], env=env, cwd=tmp_path, text=True, stdout=subprocess.PIPE
        )
        for _ in range(2)
    ]
    assert [process.communicate()[0].strip() for process in running] == ["2.0", "2.0"]


def test_group_module_describes_itself():
    module = evaluate.load(str(scores.METRICS_FOLDER / "age_groups"), keep_in_memory=True)
    assert "within one group" in module.description
    assert "references" in module.inputs_description
