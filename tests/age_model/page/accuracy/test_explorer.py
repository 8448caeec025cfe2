"""Parts of the test faces put together."""

import itertools

import numpy as np
import pytest

from age_model.page.accuracy.explorer import explorer, together

RNG = np.random.default_rng(0)


def cell(errors, **labels) -> dict:
    errors = np.asarray(errors, float)
    names = {"source": "a", "decade": "20-29", "gender": None, "ethnicity": None}
    return names | labels | {
        "n": len(errors), "mae": np.abs(errors).mean(), "bias": errors.mean(),
        "rmse": np.sqrt(np.mean(errors**2)), "coverage": float(np.mean(np.abs(errors) < 5)),
    }  # fmt: skip


def test_cells_together_are_as_their_faces_together():
    parts = [RNG.normal(1, 5, n) for n in (40, 200, 7)]
    whole, errors = together([cell(p) for p in parts]), np.concatenate(parts)
    assert whole.n == 247
    assert whole.mae == pytest.approx(np.abs(errors).mean())
    assert whole.bias == pytest.approx(errors.mean())
    assert whole.coverage == pytest.approx(np.mean(np.abs(errors) < 5))
    half = 1.96 * np.abs(errors).std(ddof=1) / np.sqrt(247)
    assert whole.mae_interval == pytest.approx((whole.mae - half, whole.mae + half))


def test_cells_of_older_results_have_no_interval_of_the_error():
    old = {k: v for k, v in cell([1, 2, 3]).items() if k != "rmse"}
    assert together([old]).mae_interval is None and together([old]).coverage_interval
    assert together([]) is None


def test_there_is_an_answer_to_each_choice():
    cells = [
        cell(RNG.normal(0, 3, 30), decade="90+", gender="male", source="a"),
        cell(RNG.normal(0, 3, 20), decade="0-9", gender="female", source="b"),
        cell(RNG.normal(0, 3, 10), decade="0-9", source="b"),
    ]
    found = explorer({"cells": cells, "source_facts": {"b": {"title": "Data B"}}})
    assert [choice.name for choice in found.choices] == ["decade", "gender", "source"]
    decades, _, sources = (choice.options for choice in found.choices)
    assert [value for value, _ in decades] == [None, "0-9", "90+"]
    assert sources == ((None, "all"), ("a", "a"), ("b", "Data B"))
    places = list(itertools.product(range(3), range(3), range(3)))
    answers = dict(zip(places, found.answers, strict=True))
    assert answers[0, 0, 0][0] == 60 and answers[1, 0, 0][0] == 30
    assert answers[0, 1, 0][0] == 30 and answers[1, 0, 1] is None
    assert all(answer is None or len(answer) == 10 for answer in found.answers)


def test_a_model_measured_in_groups_only_has_no_explorer():
    assert explorer({"sources": {}}) is None
