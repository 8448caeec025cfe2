"""The figure of the numbers that `train.evaluation.fairness` gives."""

from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import CenteredNorm, Normalize
from matplotlib.figure import Figure

from age_model.labels import ETHNICITIES, GENDERS
from age_model.network.calibration import INTERVAL_COVERAGE
from age_model.network.reports import by_source, group_names

GREY = "#c4c4c4"
FEW = 10  # cells with fewer faces show their number only
# key of a cell, title, how a value is written, colours and what value their ends stand for
PANELS = {
    "mae": [
        ("mae", "mean absolute error, years", "{:.1f}", "Oranges", Normalize(0, 18)),
        ("bias", "bias (estimate - label), years", "{:+.1f}", "RdBu", CenteredNorm(0, 18)),
        ("coverage", f"{INTERVAL_COVERAGE:.0%} interval covers", "{:.0%}", "PuOr",
         CenteredNorm(INTERVAL_COVERAGE, 0.5)),
    ],
    "accuracy": [("accuracy", "age group right", "{:.0%}", "Blues", Normalize(0, 1))],
}  # fmt: skip


def fairness_figure(results: dict) -> Figure | None:
    """A panel for each gender and number, a cell for each age group and ethnicity.

    Args:
        results: content of results.json.

    Returns:
        None where no source labels gender and ethnicity.
    """
    panels = [
        (title, numbers["fairness"]["cells"], panel)
        for title, numbers in by_source(results)
        if "fairness" in numbers and _has_all_labels(numbers["fairness"]["cells"])
        for panel in PANELS[numbers["fairness"]["measure"]]
    ]
    if not panels:
        return None
    figure = Figure(figsize=(4.6 * len(panels), 12.5), layout="constrained")
    groups = group_names(results)
    grid = figure.subplots(len(GENDERS), len(panels), squeeze=False)
    for column, (title, cells, panel) in enumerate(panels):
        for row, gender in enumerate(GENDERS):
            axes = grid[row, column]
            shown = [cell for cell in cells if cell["gender"] == gender]
            _draw(axes, shown, panel, groups)
            axes.set_title(f"{title}, labelled {gender}\n{panel[1]}", fontsize=11)
    figure.suptitle(
        f"By age group, gender and ethnicity label; grey: fewer than {FEW} faces", fontsize=14
    )
    return figure


def _has_all_labels(cells: list[dict]) -> bool:
    return all(cell["gender"] is not None and cell["ethnicity"] is not None for cell in cells)


def _draw(axes: Axes, cells: list[dict], panel: tuple, groups: Sequence[str]) -> None:
    key, _, shown, colours, scale = panel
    values = np.full((len(groups), len(ETHNICITIES)), np.nan)
    written = []
    for cell in cells:
        y, x = groups.index(cell["age_group"]), ETHNICITIES.index(cell["ethnicity"])
        few = cell["n"] < FEW
        values[y, x] = np.nan if few else cell[key]
        written.append((x, y, "" if few else shown.format(cell[key]) + "\n", f"n={cell['n']}"))
    image = axes.imshow(values, cmap=colours, norm=scale, aspect="auto")
    axes.set_facecolor(GREY)
    light = image.to_rgba(np.ma.masked_invalid(values))[..., :3] @ [0.3, 0.59, 0.11]
    for x, y, value, n in written:
        colour = "white" if value and light[y, x] < 0.5 else "black"
        axes.text(x, y, value + n, ha="center", va="center", fontsize=9, color=colour)
    axes.set_xticks(range(len(ETHNICITIES)), ETHNICITIES)
    axes.set_yticks(range(len(groups)), groups)
