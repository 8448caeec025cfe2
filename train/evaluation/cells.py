"""Errors by decade, gender, ethnicity and source together, and the cells that are far worse.

An age group can do well on average while one part of it does not. A cell is held against the faces
of the same decade, because errors grow with age for everybody.
"""

from itertools import combinations, product

import numpy as np

from age_model.labels import ETHNICITIES, GENDERS, MAX_AGE, AgeGroup, group_index
from train.evaluation.metrics import age_error
from train.evaluation.predictions import Predictions

# The last one reaches to the end of the scale: 90 to 100 years.
DECADES = tuple(
    AgeGroup(low, MAX_AGE if low + 10 >= MAX_AGE else low + 9) for low in range(0, MAX_AGE, 10)
)
DECADE_NAMES = tuple(decade.name for decade in DECADES)
ENOUGH = 100  # faces that a cell needs to be called worse than its decade
TOO_MUCH = 1.5  # times the mean absolute error of the decade
LABELS = ("gender", "ethnicity", "source")


def all_cells(p: Predictions) -> list[dict]:
    """Errors in years for each decade x gender x ethnicity x source that holds a face.

    Args:
        p: predictions of a split; faces without a point label are not counted.

    Returns:
        dicts with source, decade, gender, ethnicity (None where that label is missing), n, mae,
        bias and rmse (years) and coverage of the 80% interval (0 to 1). From n, mae, bias and rmse
        follow those of cells put together, and how far chance moves them.
    """
    p = p.points
    decades = group_index(p.age_low, DECADES)
    cells = []
    for source, d, g, e in product(
        sorted(set(p.source)),
        range(len(DECADES)),
        range(-1, len(GENDERS)),
        range(-1, len(ETHNICITIES)),
    ):
        inside = (p.source == source) & (decades == d) & (p.gender == g) & (p.ethnicity == e)
        if inside.any():
            rows = p.where(inside)
            error = age_error(rows.years, rows.age_low)
            cells.append({
                "source": str(source),
                "decade": DECADE_NAMES[d],
                "gender": GENDERS[g] if g >= 0 else None,
                "ethnicity": ETHNICITIES[e] if e >= 0 else None,
                **{name: error[name] for name in ("n", "mae", "bias")},
                "rmse": float(np.sqrt(np.mean((rows.years - rows.age_low) ** 2))),
                "coverage": float(rows.covered.mean()),
            })  # fmt: skip
    return cells


def high_error_cells(cells: list[dict]) -> list[dict]:
    """The parts of a decade whose mean absolute error is over TOO_MUCH times that of the decade.

    Parts are looked at by each of LABELS alone and by any of them together.

    Args:
        cells: from `all_cells`.

    Returns:
        dicts with decade, the labels that make the part, n (at least ENOUGH), mae, decade_mae (of
        all faces of the decade, years) and ratio; the worst first.
    """
    overall = _merged(cells, ())
    found = []
    for count in range(1, len(LABELS) + 1):
        for labels in combinations(LABELS, count):
            for (decade, *values), (n, mae) in _merged(cells, labels).items():
                decade_mae = overall[decade,][1]
                if n >= ENOUGH and None not in values and mae > TOO_MUCH * decade_mae:
                    numbers = {"n": n, "mae": mae, "decade_mae": decade_mae}
                    part = dict(zip(labels, values, strict=True))
                    found.append({"decade": decade} | part | numbers | {"ratio": mae / decade_mae})
    return sorted(found, key=lambda part: -part["ratio"])


def _merged(cells: list[dict], labels: tuple[str, ...]) -> dict[tuple, tuple[int, float]]:
    """(decade, values of these labels) -> faces and mean absolute error, years."""
    sums: dict[tuple, np.ndarray] = {}
    for cell in cells:
        key = (cell["decade"], *(cell[label] for label in labels))
        sums[key] = sums.get(key, 0) + np.array([cell["n"], cell["n"] * cell["mae"]])
    return {key: (int(n), float(total / n)) for key, (n, total) in sums.items()}


def coverage(p: Predictions) -> dict | None:
    """How often the 80% interval covers the label, over all sources, by source and by decade.

    Args:
        p: predictions of a split; faces without a point label are not counted.

    Returns:
        "n", "coverage", and "by_source" and "by_decade" with the same for each; None where no face
        has a point label.
    """
    p = p.points
    if not len(p):
        return None

    def part(rows: np.ndarray) -> dict:
        return {"n": int(rows.sum()), "coverage": float(p.covered[rows].mean())}

    decades = group_index(p.age_low, DECADES)
    return {
        **part(np.ones(len(p), bool)),
        "by_source": {str(source): part(p.source == source) for source in sorted(set(p.source))},
        "by_decade": {DECADE_NAMES[d]: part(decades == d) for d in np.unique(decades)},
    }
