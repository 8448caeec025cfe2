import numpy as np
import pytest

from age_model.labels import (
    AGE_GROUP_NAMES,
    AGE_GROUPS,
    ETHNICITIES,
    FAIRFACE_ETHNICITIES,
    MAX_AGE,
    NUM_AGES,
    THRESHOLDS,
    AgeGroup,
    group_index,
    group_membership,
    parse_groups,
    threshold_membership,
)


def test_groups_are_those_of_fairface():
    assert AGE_GROUP_NAMES == (
        "0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "70+",
    )  # fmt: skip


def test_each_year_is_in_exactly_one_group():
    assert group_membership().shape == (9, NUM_AGES)
    assert (group_membership().sum(axis=0) == 1).all()


@pytest.mark.parametrize(
    ("age", "name"),
    [(0, "0-2"), (2, "0-2"), (2.4, "0-2"), (2.6, "3-9"), (3, "3-9"), (19, "10-19"), (20, "20-29"),
     (69.4, "60-69"), (70, "70+"), (100, "70+"), (116, "70+")],
)  # fmt: skip
def test_group_index(age, name):
    assert AGE_GROUP_NAMES[group_index(age)] == name


def test_group_index_agrees_with_membership():
    years = np.arange(NUM_AGES)
    assert (group_membership()[group_index(years), years] == 1).all()


def test_other_groupings_are_views_too():
    groups = (AgeGroup(0, 15), AgeGroup(16, 25), AgeGroup(26, MAX_AGE))
    assert [g.name for g in groups] == ["0-15", "16-25", "26+"]
    assert group_index([15, 16, 26], groups).tolist() == [0, 1, 2]
    assert AGE_GROUPS[-1].high == MAX_AGE


def test_fairface_ethnicities_fold_into_all_of_ours():
    assert len(FAIRFACE_ETHNICITIES) == 7
    assert set(FAIRFACE_ETHNICITIES.values()) == set(ETHNICITIES)


def test_thresholds_take_their_own_year_and_all_above():
    assert THRESHOLDS == (13, 16, 18, 21, 25)
    from_18 = threshold_membership()[2]
    assert (from_18[17], from_18[18], from_18[100]) == (0, 1, 1)
    assert threshold_membership((0, 100)).sum(axis=1).tolist() == [NUM_AGES, 1]


@pytest.mark.parametrize("threshold", [-1, 101, 17.5])
def test_thresholds_off_the_scale_are_refused(threshold):
    with pytest.raises(ValueError, match=f"whole years, 0 to 100, got .{threshold}"):
        threshold_membership((18, threshold))


def test_groups_of_ones_own_are_parsed_from_text_and_names():
    groups = parse_groups("0-12, 13-17,18,19-64,65+")
    ends = [(group.low, group.high) for group in groups]
    assert ends == [(0, 12), (13, 17), (18, 18), (19, 64), (65, MAX_AGE)]
    names = [group.name for group in groups]
    assert names == ["0-12", "13-17", "18", "19-64", "65+"]
    assert parse_groups(names) == groups
    assert parse_groups(AGE_GROUP_NAMES) == AGE_GROUPS
    assert (group_membership(groups).sum(axis=0) == 1).all()


@pytest.mark.parametrize(
    ("groups", "said"),
    [
        ("0-12,14-17,18+", "starts at 13, got '14-17'; the groups leave a gap"),
        ("0-12,12-17,18+", "starts at 13, got '12-17'; the groups overlap"),
        ("18+,0-17", "starts at 0, got '18.'; the groups leave a gap"),
        ("1-17,18+", "starts at 0, got '1-17'"),
        ("0-17,18+,30-40", "starts at 101, got '30-40'; the groups overlap"),
        ("0-17,18-90", 'from 0 to 100, got \'18-90\' as the last.*"18.".*"91."'),
        ("0-17,18-12", "ends from 18 to 100, got '18-12'"),
        ("0-17,18-120", "ends from 18 to 100, got '18-120'"),
        ("0-17,adults", "expected names such as .*, got 'adults'"),
        ("", "expected names such as .*, got ''"),
        ("0+", "expected two or more"),
    ],
)
def test_groups_that_do_not_cover_all_ages_once_are_refused(groups, said):
    with pytest.raises(ValueError, match=said):
        parse_groups(groups)
