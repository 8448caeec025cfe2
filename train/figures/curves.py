"""The course of a training run, as a figure."""

from pathlib import Path

import matplotlib.pyplot as plt

PANELS = (
    ("loss, training", {"loss": "loss"}),
    ("MAE on validation, years", {"eval_mae": "all", "eval_mae_under_13": "under 13",
                                  "eval_mae_over_60": "over 60"}),
    ("accuracy on validation", {"eval_gender_accuracy": "gender",
                                "eval_group_accuracy": "FairFace age group"}),
)  # fmt: skip


def write_curves(log_history: list[dict], path: Path) -> None:
    """Draw the Trainer's log (`state.log_history`) to a PNG."""
    figure, axes = plt.subplots(1, len(PANELS), figsize=(13, 3.6), layout="constrained")
    for panel, (title, lines) in zip(axes, PANELS, strict=True):
        for key, name in lines.items():
            steps = [(entry["step"], entry[key]) for entry in log_history if key in entry]
            if steps:
                panel.plot(
                    *zip(*steps, strict=True), label=name, marker="." if len(steps) < 50 else ""
                )
        panel.set(title=title, xlabel="step")
        panel.grid(alpha=0.3)
        if panel.lines:
            panel.legend(frameon=False)
    figure.savefig(path, dpi=110)
    plt.close(figure)
