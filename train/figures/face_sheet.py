"""A sheet of the faces that an evaluation got most right and most wrong.

It shows pictures of the user's own copy of the data set, which may not be passed on: the sheet is
written to the evaluation's folder only, and must never be committed or published.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from train.evaluation.predictions import Predictions

FACE_SHEET = "best_and_worst.png"
FACES_A_ROW = 8
FACE_ROWS = 2  # of the best and of the worst each


def draw_face_sheet(folder: Path, p: Predictions, picture: Callable[[int], np.ndarray]) -> None:
    """Write the sheet to `folder`; nothing where no face has a point label.

    Args:
        folder: where to write.
        p: predictions of the whole split.
        picture: row of `p` -> (H, W, 3) uint8 RGB.
    """
    rows = np.flatnonzero((p.age_low >= 0) & (p.age_low == p.age_high))
    if not len(rows):
        return
    order = rows[np.argsort(np.abs(p.years - p.age_low)[rows], kind="stable")]
    shown = FACES_A_ROW * FACE_ROWS
    figure = Figure(figsize=(1.5 * FACES_A_ROW, 8.4), layout="constrained")
    best, worst = figure.subfigures(2, 1, squeeze=False)[:, 0]
    for half, title, chosen in [
        (best, "Smallest errors", order[:shown]),
        (worst, "Largest errors", order[::-1][:shown]),
    ]:
        half.suptitle(f"{title}: labelled age -> estimate", fontsize=11)
        grid = half.subplots(FACE_ROWS, FACES_A_ROW).flat
        for axes in grid:
            axes.axis("off")
        for axes, i in zip(half.axes, chosen, strict=False):
            axes.imshow(picture(i))
            axes.set_title(f"{p.age_low[i]} -> {p.years[i]:.0f}", fontsize=9)
    figure.savefig(folder / FACE_SHEET, dpi=110)
