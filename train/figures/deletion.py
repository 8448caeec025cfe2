"""The figure of `train.deletion`: how the estimate changes while patches are taken away."""

from pathlib import Path

from matplotlib.figure import Figure

from train.evaluation.deletion_curves import LEAST, MOST, RANDOM
from train.figures.evaluation import BLUE, GREY, ORANGE

FIGURE = "deletion.png"
LINES = {
    MOST: ("most relevant first", BLUE, "o-"),
    RANDOM: ("random order", GREY, "s--"),
    LEAST: ("least relevant first", ORANGE, "^-"),
}


def draw_deletion(folder: Path, content: dict) -> None:
    """Write the figure of what deletion.json holds into `folder`."""
    figure = Figure(figsize=(7.5, 5), layout="constrained")
    axes = figure.subplots()
    for name, (label, color, style) in LINES.items():
        row = content["orders"][name]
        low, high = row["area_interval"]
        text = f"{label}: area {row['area']:.2f} years (95%: {low:.2f} to {high:.2f})"
        percent = [100 * share for share in content["shares"]]
        axes.plot(percent, row["change_years"], style, color=color, markersize=4, label=text)
    axes.set(
        xlabel="% of the face's patches taken away",
        ylabel="mean change of the estimate, years",
        title=f"Does the heat map show what moves the estimate? {content['data']['n']:,} pictures",
    )
    axes.grid(color=GREY, alpha=0.25)
    figure.legend(loc="outside lower center", fontsize=9)
    figure.savefig(folder / FIGURE, dpi=110)
