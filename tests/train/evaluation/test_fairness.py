"""Fairness by cells and errors at the challenge age: in numbers, in the card, in the figure."""

import numpy as np
import pytest

from age_model.labels import AGE_GROUP_NAMES, GENDERS, group_index
from train.card.challenge_age import thresholds_text
from train.card.fairness import fairness_text
from train.evaluation.challenge_age import challenge
from train.evaluation.fairness import fairness
from train.evaluation.findings import all_gaps, largest_gaps
from train.evaluation.predictions import Predictions
from train.figures.fairness import GREY, fairness_figure


def predictions(low, years, gender=0, ethnicity=0, width=0) -> Predictions:
    """Faces with labels from `low` to `low + width` years, estimated at `years` plus or minus 5."""
    low, years = np.array(low), np.array(years, float)
    n = len(low)
    return Predictions(
        file=np.arange(n).astype(str),
        source=np.full(n, "utkface"),
        age_low=low,
        age_high=low + width,
        gender=np.broadcast_to(gender, n),
        ethnicity=np.broadcast_to(ethnicity, n),
        years=years,
        interval_years=np.stack([years - 5, years + 5], axis=1),
        group_probabilities=np.eye(9)[group_index(years)],
        gender_probabilities=np.eye(2)[np.zeros(n, int)],
        ethnicity_probabilities=np.eye(5)[np.zeros(n, int)],
    )


def test_challenge_counts_each_range_with_both_ends():
    p = predictions([12, 13, 17, 18, 24, 25, 30, 31], [40, 25, 24.9, 24, 26, 24, 25, 99])
    got = challenge(p)
    assert got["challenge_age"] == 25
    assert {k: (v["n"], v["share"]) for k, v in got["let_through"].items()} == {"13_17": (2, 0.5)}
    assert {k: (v["n"], v["share"]) for k, v in got["turned_away"].items()} == {
        "18_24": (2, 0.5), "25_30": (2, 0.5), "over_30": (1, 0.0),
    }  # fmt: skip
    assert challenge(p.where(p.age_low < 13)) == {
        "challenge_age": 25, "let_through": {}, "turned_away": {},
    }  # fmt: skip


def test_card_tells_the_challenge_and_that_it_is_no_verification():
    minors = predictions([13, 14, 17, 17], [30, 10, 10, 10])
    text = thresholds_text({"sources": {"utkface": {"thresholds": challenge(minors)}}})
    assert (
        "| 13 to 17 | 25 or more: let through, a false positive | 4 | 25.0% (4.6% to 69.9%) |"
        in text
    )
    assert "no age verification and must not be used as one" in text


def test_cells_are_three_way_and_leave_out_the_unlabelled():
    p = predictions(
        [35, 35, 35, 35, 65, 35], [37, 41, 30, 35, 65, 90],
        gender=np.array([0, 0, 1, 0, 0, -1]), ethnicity=np.array([1, 1, 1, 2, 1, 1]),
    )  # fmt: skip
    got = fairness(p, resamples=200, seed=0)
    assert got["measure"] == "mae"
    cells = {(c["age_group"], c["gender"], c["ethnicity"]): c for c in got["cells"]}
    assert {key: (c["n"], c["mae"], c["bias"], c["coverage"]) for key, c in cells.items()} == {
        ("30-39", "male", "Black"): (2, 4, 4, 0.5),
        ("30-39", "male", "Asian"): (1, 0, 0, 1),
        ("30-39", "female", "Black"): (1, 5, -5, 1),
        ("60-69", "male", "Black"): (1, 0, 0, 1),
    }
    two = cells["30-39", "male", "Black"]
    assert two["mae_interval"] == two["bias_interval"] == [2, 6]
    assert two["coverage_interval"] == pytest.approx([0.0945, 0.9055], abs=1e-4)


def test_a_source_with_groups_only_is_measured_by_right_groups():
    p = predictions([30, 30, 20], [31, 45, 25], gender=1, ethnicity=4, width=9)
    got = fairness(p, resamples=10, seed=0)
    assert got["measure"] == "accuracy"
    assert [(c["age_group"], c["n"], c["accuracy"]) for c in got["cells"]] == [
        ("20-29", 1, 1.0), ("30-39", 2, 0.5),
    ]  # fmt: skip
    assert "mae" not in got["cells"][0] and len(got["cells"][0]["accuracy_interval"]) == 2


def test_a_source_without_ethnicity_has_cells_by_gender():
    p = predictions([30, 30], [31, 45], gender=np.array([0, 1]), ethnicity=-1)
    got = fairness(p, resamples=10, seed=0)
    assert [(c["gender"], c["ethnicity"], c["mae"]) for c in got["cells"]] == [
        ("male", None, 1), ("female", None, 15),
    ]  # fmt: skip
    for cell in got["cells"]:
        cell["n"] = 30
    numbers = {"n": 60, "fairness": got, "years": {}}
    (said,) = largest_gaps(numbers)
    assert "15.0 years for faces labelled female (n=30" in said
    results = {"sources": {"a": numbers}, "words": {"gaps": []}}
    assert "| 30-39 | female | – | 30 |" in fairness_text(results)
    assert fairness_figure(results) is None
    assert fairness(predictions([30], [30], gender=-1, ethnicity=-1), 10, 0) is None


def cell(age, gender, ethnicity, n, mae):
    return {
        "age_group": age, "gender": gender, "ethnicity": ethnicity, "n": n, "mae": mae,
        "mae_interval": [mae - 1, mae + 1], "bias": 0.0, "bias_interval": [-1, 1],
        "coverage": 0.5, "coverage_interval": [0.4, 0.6],
    }  # fmt: skip


@pytest.fixture
def numbers():
    """The largest gap is within 30-39; larger ones are between age groups or of few faces."""
    cells = [
        cell("3-9", "male", "White", 99, 1.0),
        cell("30-39", "male", "Asian", 40, 5.2),
        cell("30-39", "female", "White", 35, 9.1),
        cell("30-39", "female", "Indian", 29, 19.0),
        cell("40-49", "male", "White", 50, 8.0),
        cell("40-49", "female", "White", 50, 11.0),
    ]
    shared = {"n": 100, "mae_interval": [4, 8]}
    by_gender = {g: shared | {"mae": m} for g, m in zip(GENDERS, (6, 7), strict=True)}
    return {"fairness": {"measure": "mae", "cells": cells}, "years": {"by_gender": by_gender}}


def test_the_largest_gap_is_within_an_age_group_and_of_enough_faces(numbers):
    assert largest_gaps(numbers) == [
        "the largest gap within the age group 30-39: the mean absolute error is 9.1 years for "
        "faces labelled female, White (n=35; 95%: 8.1 to 10.1 years) and 5.2 years for faces "
        "labelled male, Asian (n=40; 95%: 4.2 to 6.2 years).",
        "the largest gap by gender label, over all ages: the mean absolute error is 7.0 years for "
        "faces labelled female (n=100; 95%: 4.0 to 8.0 years) and 6.0 years for faces labelled "
        "male (n=100; 95%: 4.0 to 8.0 years).",
    ]


def test_worse_means_less_often_right_where_that_is_the_measure():
    shares = {("male", "White"): 0.2, ("female", "White"): 0.7}
    cells = [
        {"age_group": "3-9", "gender": g, "ethnicity": e, "n": 30, "accuracy": a,
         "accuracy_interval": [a - 0.1, a + 0.1]}
        for (g, e), a in shares.items()
    ]  # fmt: skip
    (said,) = largest_gaps({"fairness": {"measure": "accuracy", "cells": cells}})
    assert "is 20.0% for faces labelled male, White (n=30; 95%: 10.0% to 30.0%) and 70.0%" in said


def test_card_tables_hold_the_large_cells_only(numbers):
    results = {"sources": {"utkface": numbers}}
    text = fairness_text(results | {"words": {"gaps": all_gaps(results)}})
    assert (
        "5 of 6 cells" in text and "| 30-39 | female | White | 35 | 9.10 (8.10 to 10.10) |" in text
    )
    assert "Indian" not in text


def test_few_faces_are_grey_with_their_number(numbers):
    numbers["fairness"]["cells"][0]["n"] = 9
    figure = fairness_figure({"sources": {"utkface": numbers, "fairface": {"n": 3}}})
    panel = figure.axes[0]
    texts = {tuple(map(int, text.get_position())): text.get_text() for text in panel.texts}
    assert texts[0, AGE_GROUP_NAMES.index("3-9")] == "n=9"
    assert texts[2, AGE_GROUP_NAMES.index("30-39")] == "5.2\nn=40"
    drawn = panel.images[0].get_array()
    assert drawn.mask[1, 0] and not drawn.mask[4, 2]
    assert "#{:02x}{:02x}{:02x}".format(*(int(255 * v) for v in panel.get_facecolor()[:3])) == GREY
    assert fairness_figure({"sources": {"fairface": {"n": 3}}}) is None
