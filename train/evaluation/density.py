"""How often which estimate goes with which label: the counts behind a plot of the two."""

import numpy as np

from age_model.labels import MAX_AGE
from train.evaluation.predictions import Predictions

BIN_YEARS = 2  # of both axes; finer, and few bins would hold more than one face
BINS = MAX_AGE // BIN_YEARS + 1  # the last one begins at MAX_AGE


def estimate_counts(p: Predictions) -> dict | None:
    """Faces by labelled and by estimated age.

    Args:
        p: predictions of a split; faces without a point label are not counted.

    Returns:
        "n"; "bin_years", the width of a bin on both axes, the first beginning at 0; "counts": for
        each bin of labelled age the faces in each bin of estimated age, as text with a space
        between them: a list of thousands of numbers would take a line of the file for each. None
        where no face has a point label.
    """
    p = p.points
    if not len(p):
        return None
    labelled = p.age_low // BIN_YEARS
    estimated = (np.clip(p.years, 0, MAX_AGE) // BIN_YEARS).astype(int)
    counts = np.zeros((BINS, BINS), dtype=int)
    np.add.at(counts, (labelled, estimated), 1)
    rows = [" ".join(map(str, row)) for row in counts]
    return {"n": len(p), "bin_years": BIN_YEARS, "counts": rows}
