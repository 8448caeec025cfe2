"""What the model can answer: ages, age groups, gender, ethnicity.

This is the only place where bins exist. The age head is a distribution over single years; every
grouping of ages is a view over it, so another grouping needs no other model.
"""

from dataclasses import dataclass

import numpy as np

MAX_AGE = 100  # the last class means "100 and over"
NUM_AGES = MAX_AGE + 1


@dataclass(frozen=True)
class AgeGroup:
    """A run of years, both ends included; the last group of a grouping ends at MAX_AGE."""

    low: int
    high: int

    @property
    def name(self) -> str:
        """Such as "20-29", or "70+" for a group that runs to the end of the scale."""
        return f"{self.low}+" if self.high >= MAX_AGE else f"{self.low}-{self.high}"


# The groups of FairFace, which are also those that the page shows.
AGE_GROUPS = tuple(
    AgeGroup(low, high)
    for low, high in [
        (0, 2), (3, 9), (10, 19), (20, 29), (30, 39), (40, 49), (50, 59), (60, 69), (70, MAX_AGE),
    ]
)  # fmt: skip
AGE_GROUP_NAMES = tuple(group.name for group in AGE_GROUPS)

# Ages in years that rules often ask for; the probability of each age or older is given on request.
THRESHOLDS = (13, 16, 18, 21, 25)
PAGE_THRESHOLDS = (18, 21, 25)  # those that the page offers to show

# Perceived attributes, in the data sets' words; an index is the class number of its head.
GENDERS = ("male", "female")
ETHNICITIES = ("White", "Black", "Asian", "Indian", "Others")

# FairFace tells seven groups apart where UTKFace tells five. UTKFace describes its "Others" as
# Hispanic, Latino and Middle Eastern, so the seven fold into the five without a guess.
FAIRFACE_ETHNICITIES = {
    "White": "White",
    "Black": "Black",
    "East Asian": "Asian",
    "Southeast Asian": "Asian",
    "Indian": "Indian",
    "Middle Eastern": "Others",
    "Latino_Hispanic": "Others",
}


def group_index(age_years: np.ndarray, groups: tuple[AgeGroup, ...] = AGE_GROUPS) -> np.ndarray:
    """Index of the group that holds each age.

    Args:
        age_years: ages in years, any shape; a fraction belongs to the year that it rounds to.
        groups: groups in rising order that cover 0..MAX_AGE.

    Returns:
        int64 array of the same shape.
    """
    years = np.clip(np.rint(np.asarray(age_years, dtype=np.float64)), 0, MAX_AGE)
    lows = np.array([group.low for group in groups])
    return np.asarray(np.searchsorted(lows, years, side="right") - 1)


def group_membership(groups: tuple[AgeGroup, ...] = AGE_GROUPS) -> np.ndarray:
    """(len(groups), NUM_AGES) float64 matrix of 0 and 1: which years each group holds."""
    years = np.arange(NUM_AGES)
    return np.stack([(years >= g.low) & (years <= g.high) for g in groups]).astype(np.float64)


def threshold_membership(thresholds: tuple[int, ...] = THRESHOLDS) -> np.ndarray:
    """(len(thresholds), NUM_AGES) float64 matrix of 0 and 1: the years from each threshold on.

    Raises:
        ValueError: a threshold is no whole year of the scale.
    """
    wrong = [t for t in thresholds if t not in range(NUM_AGES)]
    if wrong:
        raise ValueError(f"expected thresholds in whole years, 0 to {MAX_AGE}, got {wrong}")
    return (np.arange(NUM_AGES) >= np.reshape(thresholds, (-1, 1))).astype(np.float64)
