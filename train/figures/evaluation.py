"""Figures of an evaluation, each drawn from the same predictions as results.json."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter, LogLocator

from age_model.labels import AGE_GROUP_NAMES, MAX_AGE, group_index
from age_model.network.calibration import INTERVAL_COVERAGE
from train.evaluation.by_group import AGE_BIN_NAMES, AGE_BINS, confusion
from train.evaluation.metrics import age_error, true_group
from train.evaluation.predictions import Predictions
from train.figures.fairness import fairness_figure

FIGURES = (
    "predicted_against_true.png", "error_by_age.png", "confusion_groups.png", "reliability.png",
    "fairness.png",
)  # fmt: skip
BLUE, ORANGE, GREY = "#2b6cb0", "#dd6b20", "#718096"


def draw_figures(folder: Path, p: Predictions, sources: dict[str, dict]) -> None:
    """Write the figures that the labels of this split allow into `folder`.

    Args:
        folder: where to write.
        p: predictions of the whole split.
        sources: the numbers of each source, as `results.json` has them.
    """
    drawn = {"reliability.png": reliability(p)}
    if len(p.points):
        drawn["predicted_against_true.png"] = predicted_against_true(p.points)
        drawn["error_by_age.png"] = error_by_age(p.points)
    drawn["confusion_groups.png"] = confusion_groups(p)
    if (cells := fairness_figure(sources)) is not None:
        drawn["fairness.png"] = cells
    for name, figure in drawn.items():
        figure.savefig(folder / name, dpi=110)


def predicted_against_true(p: Predictions) -> Figure:
    """How many faces of each true age got each estimate; the diagonal is a perfect answer."""
    figure = Figure(figsize=(7.5, 6.5), layout="constrained")
    axes = figure.subplots()
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
        xlabel="labelled age, years", ylabel="estimated age, years",
        title=f"Estimated against labelled age, {len(p):,} faces", xlim=(0, 100), ylim=(0, 100),
    )  # fmt: skip
    axes.legend(loc="upper left")
    return figure


def error_by_age(p: Predictions) -> Figure:
    """Mean absolute error and bias in bins of five years, with the number of faces."""
    figure = Figure(figsize=(10, 5), layout="constrained")
    axes = figure.subplots()
    bins = group_index(p.age_low, AGE_BINS)
    used = np.unique(bins)
    errors = [age_error(p.years[bins == i], p.age_low[bins == i]) for i in used]
    x = np.arange(len(used))
    axes.bar(x, [e["mae"] for e in errors], color=BLUE, label="mean absolute error")
    axes.plot(x, [e["bias"] for e in errors], "o-", color=ORANGE, label="bias (estimate - label)")
    axes.axhline(0, color=GREY, linewidth=0.8)
    names = [f"{AGE_BIN_NAMES[i]}\nn={e['n']}" for i, e in zip(used, errors)]
    axes.set_xticks(x, names, fontsize=7)
    axes.set(xlabel="labelled age, years", ylabel="years", title="Error by age")
    axes.legend()
    return figure


def confusion_groups(p: Predictions) -> Figure:
    """True against predicted age group for each source: share of the row, with counts."""
    sources = sorted(set(p.source))
    figure = Figure(figsize=(7.5 * len(sources), 6.8), layout="constrained")
    grid = figure.subplots(1, len(sources), squeeze=False)[0]
    for axes, source in zip(grid, sources):
        counts = confusion(p.where(p.source == source))
        share = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(share, cmap="Blues", vmin=0, vmax=1)
        for i, j in np.argwhere(counts):
            axes.text(
                j, i, f"{share[i, j]:.0%}\n{counts[i, j]}", ha="center", va="center", fontsize=8,
                color="white" if share[i, j] > 0.55 else "black",
            )  # fmt: skip
        ticks = range(len(AGE_GROUP_NAMES))
        axes.set_xticks(ticks, AGE_GROUP_NAMES)
        axes.set_yticks(ticks, [f"{n}\nn={c}" for n, c in zip(AGE_GROUP_NAMES, counts.sum(1))])
        axes.set(
            xlabel="predicted group", ylabel="labelled group", title=f"{source}: share of the row"
        )
    return figure


def reliability(p: Predictions) -> Figure:
    """Is a group as often right as its probability says, and do the intervals hold?"""
    figure = Figure(figsize=(12, 5), layout="constrained")
    left, right = figure.subplots(1, 2)
    edges = np.linspace(0, 1, 11)
    groups = true_group(p.age_low, p.age_high)
    for source in sorted(set(p.source)):
        chosen = (p.source == source) & (groups >= 0)
        rows, true = p.where(chosen), groups[chosen]
        said = rows.group_probabilities.max(axis=1)
        right_answer = rows.group_probabilities.argmax(axis=1) == true
        bins = np.digitize(said, edges[1:-1])
        full = [i for i in range(10) if (bins == i).sum() >= 10]
        left.plot(
            [said[bins == i].mean() for i in full],
            [right_answer[bins == i].mean() for i in full],
            "o-", label=f"{source}, n={len(rows):,}",
        )  # fmt: skip
    left.plot([0, 1], [0, 1], "--", color=GREY, label="as sure as right")
    left.set(
        xlabel="probability of the predicted group", ylabel="share that is right",
        xlim=(0, 1), ylim=(0, 1), title="Age groups (tenths with 10 faces or more)",
    )  # fmt: skip
    left.legend(loc="upper left")
    _coverage(right, p.points)
    return figure


def _coverage(axes, p: Predictions) -> None:
    groups = group_index(p.age_low)
    used = np.unique(groups)
    axes.bar(np.arange(len(used)), [p.held[groups == g].mean() for g in used], color=BLUE)
    axes.axhline(INTERVAL_COVERAGE, color=ORANGE, label=f"promised: {INTERVAL_COVERAGE:.0%}")
    names = [f"{AGE_GROUP_NAMES[g]}\nn={(groups == g).sum()}" for g in used]
    axes.set_xticks(np.arange(len(used)), names, fontsize=8)
    axes.set(
        xlabel="labelled group", ylabel="share of labels inside", ylim=(0, 1.1),
        title=f"{INTERVAL_COVERAGE:.0%} intervals",
    )  # fmt: skip
    axes.legend(loc="upper right")
