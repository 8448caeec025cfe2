"""The card's section from leave_one_out.json: the recipe on a source that it never saw."""

import json
from pathlib import Path

from age_model.network.reports import LEAVE_ONE_OUT, source_title
from train.card.tables import NOTHING, percent, table

HEADER = [
    "Source left out", "MAE, years (95%)", "by the networks that know it", "bias, years",
    "bias at 13-19, years", "80% interval covers", "age group right", "10-19 right",
]  # fmt: skip


def leave_one_out_text(checkpoint: Path) -> str:
    """Markdown; "" where a checkpoint folder has no leave_one_out.json."""
    file = checkpoint / LEAVE_ONE_OUT
    if not file.is_file():
        return ""
    measured = json.loads(file.read_text(encoding="utf-8"))
    rows = [_row(measured, source) for source in measured["sources"]]
    steps = {numbers["training"]["steps"] for numbers in measured["sources"].values()}
    seen = {numbers["training"]["pictures_seen"] for numbers in measured["sources"].values()}
    return (
        "For each source, a small network was trained on the others, calibrated on their "
        "validation pictures, and measured on the source's test pictures. These networks are not "
        f"this one: each saw {max(seen):,} pictures in {max(steps):,} steps. What counts is the "
        "step between the second and the third column: so much worse is a new kind of pictures. "
        f"`{measured['command']}` on {measured['date']}.\n\n{table(HEADER, rows)}"
        f"{_distance_sentence(measured)}"
    )


def _row(measured: dict, source: str) -> list[str]:
    omitted = measured["sources"][source]["omitted"]
    known = [
        numbers["known"][source]["years"]["mae"]
        for other, numbers in measured["sources"].items()
        if other != source and "years" in numbers["known"][source]
    ]
    years, teens = omitted.get("years"), omitted.get("teens")
    return [
        source_title(measured, source),
        "{:.2f} ({:.2f} to {:.2f})".format(years["mae"], *years["mae_interval"])
        if years else NOTHING,
        f"{sum(known) / len(known):.2f}" if known else NOTHING,
        f"{years['bias']:+.2f}" if years else NOTHING,
        f"{teens['bias']:+.2f} (n={teens['n']})" if teens else NOTHING,
        *(
            percent(omitted[name]["share"]) if name in omitted else NOTHING
            for name in ("coverage", "groups", "teens_right")
        ),
    ]  # fmt: skip


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
