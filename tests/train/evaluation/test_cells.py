"""Cells of decade, gender, ethnicity and source: their numbers, and which are far worse."""

import dataclasses

import numpy as np
import pytest

from age_model.labels import ETHNICITIES, GENDERS
from tests.support.predictions import predictions
from train.card.fairness import high_errors_text
from train.evaluation.cells import (
    DECADE_NAMES,
    DECADES,
    all_cells,
    coverage,
    high_error_cells,
)


def test_decades_reach_to_the_end_of_the_scale():
    assert (DECADE_NAMES[0], DECADE_NAMES[-2]) == ("0-9", "80-89")
    assert (DECADES[-1].low, DECADES[-1].high, len(DECADES)) == (90, 100, 10)


def test_cells_have_their_numbers_and_missing_labels():
    p = predictions(
        [31, 39, 40, 100], [2, -6, 1, 0], source=["a", "a", "a", "b"], ethnicity=[1, 1, 1, -1]
    )
    cells = all_cells(p)
    assert cells[0] == {
        "source": "a", "decade": "30-39", "gender": GENDERS[0], "ethnicity": ETHNICITIES[1],
        "n": 2, "mae": 4, "bias": -2, "rmse": pytest.approx(20**0.5), "coverage": 0.5,
    }  # fmt: skip
    assert [(c["source"], c["decade"], c["ethnicity"]) for c in cells[1:]] == [
        ("a", "40-49", "Black"), ("b", DECADE_NAMES[-1], None),
    ]  # fmt: skip


def test_a_part_is_compared_with_its_decade_and_needs_enough_faces():
    # Twenties: 200 faces of a off by 2, 100 of b off by 6, so 10/3 on average. Sixties: all by 9.
    low = [25] * 300 + [65] * 100
    error = [2] * 200 + [6] * 100 + [9] * 100
    source = ["a"] * 200 + ["b"] * 100 + ["a"] * 100
    found = high_error_cells(all_cells(predictions(low, error, source, gender=1, ethnicity=-1)))
    assert found[0] == {
        "decade": "20-29", "source": "b", "n": 100, "mae": 6, "decade_mae": pytest.approx(10 / 3),
        "ratio": pytest.approx(1.8),
    }  # fmt: skip
    assert [set(part) - set(found[0]) for part in found[1:]] == [{"gender"}]
    results = {"high_error_cells": found, "source_facts": {"b": {"title": "Data B"}}}
    assert "| 20-29 | Data B | 100 | 6.00 | 3.33 |" in high_errors_text(results)
    fewer = predictions(low[1:], error[1:], ["a"] * 200 + ["b"] * 99 + ["a"] * 100)
    fewer = fewer.where(np.delete(np.arange(399), 200))
    assert high_error_cells(all_cells(fewer)) == []
    assert "there is no part" in high_errors_text({"high_error_cells": []})


def test_coverage_by_source_and_decade():
    got = coverage(predictions([31, 39, 40, 41], [2, -6, 1, 0], source=["a", "b", "b", "b"]))
    assert (got["n"], got["coverage"]) == (4, 0.75)
    assert got["by_source"] == {
        "a": {"n": 1, "coverage": 1.0}, "b": {"n": 3, "coverage": pytest.approx(2 / 3)},
    }  # fmt: skip
    assert got["by_decade"]["30-39"] == {"n": 2, "coverage": 0.5}


def test_groups_only_have_no_coverage():
    p = predictions([30], [0])
    assert coverage(dataclasses.replace(p, age_high=p.age_high + 9)) is None
