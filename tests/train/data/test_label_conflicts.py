import numpy as np

from train.data.label_conflicts import resolve


def test_close_ages_become_their_median_and_far_ones_are_dropped():
    ages = np.array([30, 33, 50, 20, 61, -1])
    clusters = np.array([0, 0, 1, 2, 2, 1])
    none = np.full(6, -1)
    resolved, *_, conflicts = resolve(ages, none, none, clusters)
    assert resolved.tolist() == [31, 31, 50, -1, -1, -1]
    assert [c["resolution"] for c in conflicts] == ["median, 31", "age dropped"]
    assert ages.tolist() == [30, 33, 50, 20, 61, -1]  # the argument is not touched


def test_gender_and_ethnicity_on_which_copies_disagree_are_dropped():
    gender, ethnicity = np.array([0, 1, 1, -1]), np.array([2, 2, 3, 3])
    _, gender, ethnicity, conflicts = resolve(
        np.full(4, 40), gender, ethnicity, np.array([0, 0, 1, 1])
    )
    assert gender.tolist() == [-1, -1, 1, -1]
    assert ethnicity.tolist() == [2, 2, 3, 3]
    assert conflicts == []
