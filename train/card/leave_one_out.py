"""The card's section from leave_one_out.json: the recipe on a source that it never saw."""

import json
from pathlib import Path

from age_model.network.reports import LEAVE_ONE_OUT, source_title
from train.card.tables import Show, percent, shown_number, table

HEADER = [
    "Source", "", "MAE, years", "bias, years", "bias at 13-19, years", "80% interval covers",
    "age group right", "10-19 right",
]  # fmt: skip
NUMBERS: list[tuple[str, str, Show]] = [  # measured, its part, how shown
    ("years", "mae", "{:.2f}"), ("years", "bias", "{:+.2f}"), ("teens", "bias", "{:+.2f}"),
    ("coverage", "share", percent), ("groups", "share", percent), ("teens_right", "share", percent),
]  # fmt: skip


def leave_one_out_text(checkpoint: Path) -> str:
    """Markdown; "" where a checkpoint folder has no leave_one_out.json."""
    file = checkpoint / LEAVE_ONE_OUT
    if not file.is_file():
        return ""
    measured = json.loads(file.read_text(encoding="utf-8"))
    rows = [row for source in measured["sources"] for row in _rows(measured, source)]
    steps = {numbers["training"]["steps"] for numbers in measured["sources"].values()}
    seen = {numbers["training"]["pictures_seen"] for numbers in measured["sources"].values()}
    return (
        "For each source, a small network was trained on the others, calibrated on their "
        "validation pictures, and measured on the source's test pictures. These networks are not "
        f"this one: each saw {max(seen):,} pictures in {max(steps):,} steps, and none was adjusted "
        "afterwards. What counts is the step from a source known (the mean of the networks that "
        "learned from it) to the same source left out: so much worse is a new kind of pictures. "
        f"`{measured['command']}` on {measured['date']}.\n\n{table(HEADER, rows)}"
        f"{_distance_sentence(measured)}"
    )


def _rows(measured: dict, source: str) -> list[list[str]]:
    """The source left out, and known to the other networks."""
    title, networks = source_title(measured, source), measured["sources"]
    known = [numbers["known"][source] for key, numbers in networks.items() if key != source]
    return [
        [title, "left out", *_shown([networks[source]["omitted"]])],
        ["", "known", *_shown(known)],
    ]


def _shown(networks: list[dict]) -> list[str]:
    """Each of NUMBERS, the mean over networks."""
    cells = []
    for name, part, show in NUMBERS:
        values = [numbers[name][part] for numbers in networks if name in numbers]
        cells.append(shown_number(sum(values) / len(values) if values else None, show))
    return cells


def _distance_sentence(measured: dict) -> str:
    """Whether a picture's distance from those learned tells where the range is too narrow."""
    parts, drops = [], []
    for source, numbers in measured["sources"].items():
        quarters = [quarter for quarter in numbers["omitted"].get("by_distance", []) if quarter]
        if len(quarters) > 1:
            near, far = quarters[0], quarters[-1]
            drops.append(near["interval"][0] - far["interval"][1])
            parts.append(
                f"{source_title(measured, source)}: {percent(near['share'])} of the nearest "
                f"(n={near['n']:,}), {percent(far['share'])} of the farthest (n={far['n']:,})"
            )
    if not parts:
        return ""
    verdict = "does tell" if all(drop > 0 for drop in drops) else "does not tell"
    return (
        "\n\nHow far a picture lies from the training pictures in the features of the network "
        f"{verdict} where the 80% interval is too narrow. It covers, by quarters of that distance "
        f"among known pictures: {'; '.join(parts)}."
    )
