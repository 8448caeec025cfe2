"""What the model can answer: ages, age groups, gender, ethnicity.

This is the only place where bins exist. The age head is a distribution over single years; every
grouping of ages is a view over it, so another grouping needs no other model.
"""

import re
from collections.abc import Iterable
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
        """Such as "20-29", "18" for one year, "70+" for a group to the end of the scale."""
        if self.high >= MAX_AGE:
            return f"{self.low}+"
        return f"{self.low}" if self.low == self.high else f"{self.low}-{self.high}"


# The groups of FairFace: what a checkpoint answers in that names no groups of its own.
AGE_GROUPS = tuple(
    AgeGroup(low, high)
    for low, high in [
        (0, 2), (3, 9), (10, 19), (20, 29), (30, 39), (40, 49), (50, 59), (60, 69), (70, MAX_AGE),
    ]
)  # fmt: skip
AGE_GROUP_NAMES = tuple(group.name for group in AGE_GROUPS)
GROUP = re.compile(r"(\d{1,3})(?:-(\d{1,3})|(\+))?")  # "20-29", "18", "70+"

# Ages in years that rules often ask for; the probability of each age or older is given on request.
THRESHOLDS = (13, 16, 18, 21, 25)
PAGE_THRESHOLDS = (18, 21, 25)  # those that the page offers to show

# Perceived attributes, in the data sets' words; an index is the class number of its head.
ATTRIBUTES = ("gender", "ethnicity")
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


def parse_groups(groups: str | Iterable[str]) -> tuple[AgeGroup, ...]:
    """Age groups from their names.

    Args:
        groups: names in rising order, such as "0-12", "13-17", "18+", or one text that has them
            with commas between. Together they cover 0 to MAX_AGE, each year once.

    Raises:
        ValueError: a name is none, the groups overlap, leave years out or are not in order, or
            there are fewer than two.
    """
    names = [name.strip() for name in (groups.split(",") if isinstance(groups, str) else groups)]
    found: list[AgeGroup] = []
    for name in names:
        match = GROUP.fullmatch(name)
        if match is None:
            raise ValueError(
                f'age groups: expected names such as "0-12", "18" or "65+", got {name!r}'
            )
        low = int(match[1])
        high = MAX_AGE if match[3] else int(match[2] or low)
        expected = found[-1].high + 1 if found else 0
        if low != expected:
            fault = "leave a gap" if low > expected else "overlap or are not in order"
            raise ValueError(
                f"age groups: expected a group that starts at {expected}, got {name!r}; the "
                f"groups {fault}"
            )
        if not low <= high <= MAX_AGE:
            raise ValueError(
                f"age groups: expected a group that ends from {low} to {MAX_AGE}, got {name!r}"
            )
        found.append(AgeGroup(low, high))
    if found[-1].high != MAX_AGE:
        raise ValueError(
            f"age groups: expected groups from 0 to {MAX_AGE}, got {names[-1]!r} as the last; let "
            f'it be "{found[-1].low}+", or add "{found[-1].high + 1}+"'
        )
    if len(found) < 2:
        raise ValueError(f"age groups: expected two or more, got {names}")
    return tuple(found)


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
