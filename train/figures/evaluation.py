"""Figures of an evaluation, each drawn from the same predictions as results.json."""

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, LogLocator

from age_model.labels import MAX_AGE, group_index
from age_model.network.calibration import INTERVAL_COVERAGE
from age_model.network.reports import source_title
from train.evaluation.by_group import AGE_BIN_NAMES, AGE_BINS, confusion
from train.evaluation.metrics import age_error
from train.evaluation.predictions import Predictions
from train.figures.fairness import fairness_figure

FIGURES = (
    "predicted_against_true.png", "error_by_age.png", "confusion_groups.png", "reliability.png",
    "fairness.png",
)  # fmt: skip
BLUE, ORANGE, GREY = "#2b6cb0", "#dd6b20", "#718096"


def draw_figures(folder: Path, p: Predictions, results: dict) -> None:
    """Write the figures that the labels of this split allow into `folder`.

    Args:
        folder: where to write.
        p: predictions of the whole split.
        results: content of results.json, made from `p`.
    """
    parts = {
        source_title(results, str(source)): p.where(p.source == source)
        for source in sorted(set(p.source))
    }
    points = {title: rows.points for title, rows in parts.items() if len(rows.points)}
    drawn = {"reliability.png": reliability(parts), "confusion_groups.png": confusion_groups(parts)}
    if points:
        drawn["predicted_against_true.png"] = predicted_against_true(points)
        drawn["error_by_age.png"] = error_by_age(points)
    if (cells := fairness_figure(results)) is not None:
        drawn["fairness.png"] = cells
    for name, figure in drawn.items():
        figure.savefig(folder / name, dpi=110)


def predicted_against_true(points: dict[str, Predictions]) -> Figure:
    """How many faces of each true age got each estimate; the diagonal is a perfect answer.

    Args:
        points: by title, the faces of a source that have point labels.
    """
    figure = Figure(figsize=(7.5 * len(points), 6.5), layout="constrained")
    grid = figure.subplots(1, len(points), squeeze=False)[0]
    for axes, (title, p) in zip(grid, points.items(), strict=True):
        cells = axes.hexbin(
            p.age_low, p.years, gridsize=50, extent=(0, MAX_AGE, 0, MAX_AGE),
            bins="log", mincnt=1, cmap="viridis",
        )  # fmt: skip
        figure.colorbar(
            cells, label="faces (log scale)", ticks=LogLocator(subs=(1, 2, 5)),
            format=LogFormatter(minor_thresholds=(9, 9)),
        )  # fmt: skip
        axes.plot([0, MAX_AGE], [0, MAX_AGE], color=ORANGE, label="estimate = label")
        bins = group_index(p.age_low, AGE_BINS)
        full = [i for i in range(len(AGE_BINS)) if (bins == i).sum() >= 5]
        axes.plot(
            [(AGE_BINS[i].low + AGE_BINS[i].high) / 2 for i in full],
            [np.median(p.years[bins == i]) for i in full],
            "o-", color="black", markersize=3, label="median, in bins of five years",
        )  # fmt: skip
        axes.set(
            xlabel="labelled age, years", ylabel="estimated age, years", xlim=(0, 100),
            ylim=(0, 100), title=f"{title}: estimated against labelled age, {len(p):,} faces",
        )  # fmt: skip
        axes.legend(loc="upper left")
    return figure


def error_by_age(points: dict[str, Predictions]) -> Figure:
    """Mean absolute error and bias in bins of five years, with the number of faces.

    Args:
        points: by title, the faces of a source that have point labels.
    """
    figure = Figure(figsize=(10, 5 * len(points)), layout="constrained")
    grid = figure.subplots(len(points), 1, squeeze=False)[:, 0]
    for axes, (title, p) in zip(grid, points.items(), strict=True):
        bins = group_index(p.age_low, AGE_BINS)
        used = np.unique(bins)
        errors = [age_error(p.years[bins == i], p.age_low[bins == i]) for i in used]
        x = np.arange(len(used))
        axes.bar(x, [e["mae"] for e in errors], color=BLUE, label="mean absolute error")
        axes.plot(
            x, [e["bias"] for e in errors], "o-", color=ORANGE, label="bias (estimate - label)"
        )
        axes.axhline(0, color=GREY, linewidth=0.8)
        names = [f"{AGE_BIN_NAMES[i]}\nn={e['n']}" for i, e in zip(used, errors, strict=True)]
        axes.set_xticks(x, names, fontsize=7)
        axes.set(xlabel="labelled age, years", ylabel="years", title=f"{title}: error by age")
        axes.legend()
    return figure


def confusion_groups(parts: dict[str, Predictions]) -> Figure:
    """True against predicted age group for each source: share of the row, with counts.

    Args:
        parts: by title, the faces of a source.
    """
    figure = Figure(figsize=(7.5 * len(parts), 6.8), layout="constrained")
    grid = figure.subplots(1, len(parts), squeeze=False)[0]
    for axes, (title, p) in zip(grid, parts.items(), strict=True):
        counts = confusion(p)
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for i, j in np.argwhere(counts):
            axes.text(
                j, i, f"{share[i, j]:.0%}\n{counts[i, j]}", ha="center", va="center", fontsize=8,
                color="white" if share[i, j] > 0.55 else "black",
            )  # fmt: skip
        ticks = range(len(p.groups))
        axes.set_xticks(ticks, p.group_names)
        rows = zip(p.group_names, counts.sum(axis=1), strict=True)
        axes.set_yticks(ticks, [f"{name}\nn={count}" for name, count in rows])
        axes.set(
            xlabel="predicted group", ylabel="labelled group", title=f"{title}: share of the row"
        )
    return figure


def reliability(parts: dict[str, Predictions]) -> Figure:
    """Is a group as often right as its probability says, and do the intervals hold?

    Args:
        parts: by title, the faces of a source.
    """
    figure = Figure(figsize=(12, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    edges = np.linspace(0, 1, 11)
    for title, p in parts.items():
        groups = p.labelled_group
        rows, true = p.where(groups >= 0), groups[groups >= 0]
        said = rows.group_probabilities.max(axis=1)
        right_answer = rows.group_probabilities.argmax(axis=1) == true
        bins = np.digitize(said, edges[1:-1])
        full = [i for i in range(10) if (bins == i).sum() >= 10]
        left.plot(
            [said[bins == i].mean() for i in full],
            [right_answer[bins == i].mean() for i in full],
            "o-", label=f"{title}, n={len(rows):,}",
        )  # fmt: skip
    left.plot([0, 1], [0, 1], "--", color=GREY, label="as sure as right")
    left.set(
        xlabel="probability of the predicted group", ylabel="share that is right",
        xlim=(0, 1), ylim=(0, 1), title="Age groups (tenths with 10 faces or more)",
    )  # fmt: skip
    left.legend(loc="upper left")
    _coverage(right, {title: rows.points for title, rows in parts.items() if len(rows.points)})
    return figure


def _coverage(axes: Axes, points: dict[str, Predictions]) -> None:
    """A bar for each labelled group and source."""
    width = 0.8 / max(len(points), 1)
    names = next(iter(points.values())).group_names if points else ()
    counts = np.zeros(len(names), dtype=int)
    for i, (title, p) in enumerate(points.items()):
        groups = group_index(p.age_low, p.groups)
        used = np.unique(groups)
        counts += np.bincount(groups, minlength=len(counts))
        x = used + (i - (len(points) - 1) / 2) * width
        axes.bar(x, [p.covered[groups == g].mean() for g in used], width, label=title)
    axes.axhline(INTERVAL_COVERAGE, color=ORANGE, label=f"promised: {INTERVAL_COVERAGE:.0%}")
    ticks = [f"{name}\nn={n}" for name, n in zip(names, counts, strict=True)]
    axes.set_xticks(np.arange(len(ticks)), ticks, fontsize=8)
    axes.set(
        xlabel="labelled group", ylabel="share of labels inside", ylim=(0, 1.2),
        title=f"{INTERVAL_COVERAGE:.0%} intervals",
    )  # fmt: skip
    axes.legend(loc="upper right")
