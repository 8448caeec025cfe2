"""What to train on where near-duplicates carry different labels; validation and test stay."""

import numpy as np

from train.data.sources.picture import MISSING
from train.data.splits import MAX_AGE_CONFLICT


def resolve(
    point_age_years: np.ndarray, gender: np.ndarray, ethnicity: np.ndarray, clusters: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, list[dict]]:
    """Labels to train on, and the conflicts found.

    Within a cluster, ages up to MAX_AGE_CONFLICT years apart become their median; ages further
    apart say that one of them is wrong but not which, so all of them are dropped. A gender or
    ethnicity on which the copies disagree is dropped.

    Args:
        point_age_years, gender, ethnicity: (N,) int, -1 where missing.
        clusters: (N,) int, near-duplicates share a number.

    Returns:
        The three label arrays resolved, and one dict a conflicting cluster: `members` (indices into
        N), `ages` (years) and `resolution`.
    """
    ages, gender, ethnicity = point_age_years.copy(), gender.copy(), ethnicity.copy()
    conflicts = []
    order = np.argsort(clusters, kind="stable")
    starts = np.flatnonzero(np.diff(clusters[order], prepend=-1))
    for members in np.split(order, starts[1:]):
        if len(members) == 1:
            continue
        for labels in (gender, ethnicity):
            if len(set(labels[members]) - {MISSING}) > 1:
                labels[members] = MISSING
        known = members[point_age_years[members] >= 0]
        if len(set(point_age_years[known])) < 2:
            continue
        spread = int(np.ptp(point_age_years[known]))
        resolved = MISSING
        if spread <= MAX_AGE_CONFLICT:
            resolved = int(np.median(point_age_years[known]))
        ages[known] = resolved
        conflicts.append(
            {
                "members": known.tolist(),
                "ages": point_age_years[known].tolist(),
                "resolution": "age dropped" if resolved == MISSING else f"median, {resolved}",
            }
        )
    return ages, gender, ethnicity, conflicts
