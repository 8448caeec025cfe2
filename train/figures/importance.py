"""The figure of `train.search`: how much each option decides about the result."""

from pathlib import Path

from matplotlib.figure import Figure

from train.figures.evaluation import BLUE, GREY


def draw_importance(path: Path, importances: dict[str, float], metric: str, trials: int) -> None:
    """Write a bar for each option.

    Args:
        path: of the PNG.
        importances: share of the metric's variance over the trials that an option explains, 0..1.
        metric: what was searched for.
        trials: how many were finished.
    """
    names = sorted(importances, key=importances.__getitem__)
    figure = Figure(figsize=(7.5, 1.5 + 0.4 * len(names)), layout="constrained")
    axes = figure.subplots()
    axes.barh(names, [100 * importances[name] for name in names], color=BLUE)
    axes.set(
        xlabel=f"% of the variance of {metric} that the option explains (fANOVA)",
        title=f"What decides about {metric}: {trials} finished trials",
        xlim=(0, 100),
    )
    axes.grid(axis="x", color=GREY, alpha=0.25)
    figure.savefig(path, dpi=110)
