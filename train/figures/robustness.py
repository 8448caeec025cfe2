"""The figure of `train.robustness`: one panel for each kind of picture."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from train.figures.evaluation import BLUE, GREY, ORANGE

FIGURE = "robustness.png"
COLUMNS = 3
# Where levels are far apart at one end only, or have names, they stand at equal distances.
EVEN = ("jpeg", "darkness", "resolution", "occlusion", "grey", "rotation", "pose")


def draw_robustness(folder: Path, content: dict) -> None:
    """Write the figure of what robustness.json holds into `folder`."""
    baseline, *rows = content["conditions"]
    kinds = list(dict.fromkeys(row["kind"] for row in rows))
    lines = -(-len(kinds) // COLUMNS)
    figure = Figure(figsize=(4.6 * COLUMNS, 3.1 * lines), layout="constrained")
    # One scale for each line of panels: a face upside down would flatten all the others.
    panels = figure.subplots(lines, COLUMNS, sharey="row", squeeze=False)
    for axes, kind in zip(panels.flat, kinds, strict=False):
        _panel(axes, content["kinds"][kind], kind, [row for row in rows if row["kind"] == kind])
    for axes in panels.flat[len(kinds) :]:
        axes.axis("off")
    for axes in panels[:, 0]:
        axes.set(ylabel="years more")
    figure.suptitle(
        "Mean absolute error on other kinds of pictures, in years more than the baseline: "
        f"{baseline['mae']:.2f} on {baseline['n']:,} pictures (bars: 95% interval)"
    )
    figure.savefig(folder / FIGURE, dpi=110)


def _panel(axes: Axes, kind: dict, key: str, rows: list[dict]) -> None:
    """How much larger the mean absolute error is, against the level."""
    x = np.arange(len(rows)) if key in EVEN else np.array([row["level"] for row in rows])
    more = np.array([row["mae_difference"] for row in rows])
    bars = np.abs(np.array([row["mae_difference_interval"] for row in rows]) - more[:, None]).T
    named = key in ("occlusion", "grey")
    style = "o" if named else "o-"
    axes.errorbar(x, more, yerr=bars, fmt=style, color=BLUE, capsize=2, markersize=4)
    axes.axhline(0, color=ORANGE)
    if key in EVEN:
        axes.set_xticks(x, [row["name"].replace(", ", ",\n") for row in rows], fontsize=8)
        axes.set_xlim(-0.5, len(rows) - 0.5)
    axes.grid(axis="y", color=GREY, alpha=0.25)
    axes.set_title(kind["title"], fontsize=10)
    axes.set_xlabel("" if named else kind["unit"], fontsize=8)
