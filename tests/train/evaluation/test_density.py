"""Counts of estimates by labelled age."""

import dataclasses

import numpy as np

from tests.support.predictions import predictions
from train.evaluation.density import BIN_YEARS, BINS, estimate_counts


def test_each_face_is_counted_in_its_bins():
    found = estimate_counts(predictions([0, 1, 31, 100, 100], [0.5, 1.5, -8.2, 0, -60]))
    assert (found["n"], found["bin_years"], len(found["counts"])) == (5, BIN_YEARS, BINS)
    counts = np.array([row.split(" ") for row in found["counts"]], dtype=int)
    assert counts.shape == (BINS, BINS) and counts.sum() == 5
    for labelled, estimated in [(0, 0), (0, 2), (30, 22), (100, 100), (100, 40)]:
        assert counts[labelled // BIN_YEARS, estimated // BIN_YEARS] == 1


def test_faces_without_an_age_in_years_are_not_counted():
    p = predictions([30, 30], [0, 0])
    assert estimate_counts(dataclasses.replace(p, age_high=p.age_high + 9)) is None
