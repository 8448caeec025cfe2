"""The card's sections from robustness.json, end_to_end.json and deletion.json."""

import json
from pathlib import Path

from age_model.network.calibration import INTERVAL_COVERAGE
from age_model.network.reports import (
    DELETION,
    END_TO_END,
    ROBUSTNESS,
    source_title,
    weights_sha256,
)
from train.card.tables import percent, table

FILES = (ROBUSTNESS, END_TO_END, DELETION)
ORDERS = {
    "most_first": "the most relevant first",
    "random": "in random order",
    "least_first": "the least relevant first",
}
NARROW = INTERVAL_COVERAGE - 0.05  # an interval that covers fewer labels is called too narrow
DETECTORS = {"yunet": "YuNet", "haar": "Haar cascade"}


def other_pictures(checkpoint: Path) -> dict[str, str]:
    """The card's texts of what lies in a checkpoint folder and measured these very weights.

    Args:
        checkpoint: folder.

    Returns:
        "robustness", "end_to_end" and "deletion": Markdown, "" where that was not measured.
    """
    sha256 = weights_sha256(checkpoint)
    texts = {}
    for file, text in zip(FILES, (_robustness, _end_to_end, _deletion), strict=True):
        path = checkpoint / file
        measured = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        fits = bool(measured) and measured["model"]["weights_sha256"] == sha256
        texts[path.stem] = text(measured) if fits else ""
    return texts


def _robustness(measured: dict) -> str:
    rows = [
        [
            _condition_name(row, measured["kinds"]), _with_interval(row, "mae", "{:.2f}"),
            _with_interval(row, "mae_difference", "{:+.2f}"), f"{row['bias']:+.2f}",
            percent(row["coverage"]), f"{row['mean_width']:.1f}",
        ]
        for row in measured["conditions"]
    ]  # fmt: skip
    header = ["", "MAE, years (95%)", "more than baseline", "bias, years", "80% interval covers",
              "its width, years"]  # fmt: skip
    pose = any(row["kind"] == "pose" for row in measured["conditions"])
    of_all = (
        f" Heads turned to the side are those found among all {measured['data']['drawn_from']:,} "
        "pictures, compared with frontal faces of the same age group."
    )
    return (
        f"The same {_pictures(measured)}, corrupted in one way at a time; `{measured['command']}` "
        f"on {measured['date']}.{of_all if pose else ''} {_narrow_intervals(measured)}\n\n"
        f"{table(header, rows)}"
    )


def _narrow_intervals(measured: dict) -> str:
    """In how many conditions the interval still covers what it should, and where it does not."""
    conditions = measured["conditions"]
    narrow = [row for row in conditions if row["coverage"] < NARROW]
    named = (f"{_condition_name(r, measured['kinds'])}: {percent(r['coverage'])}" for r in narrow)
    return (
        f"The {INTERVAL_COVERAGE:.0%} interval covers at least {NARROW:.0%} of the labels in "
        f"{len(conditions) - len(narrow)} of {len(conditions)} conditions"
        + (f"; it is too narrow in the others: {'; '.join(named)}." if narrow else ".")
    )


def _condition_name(row: dict, kinds: dict) -> str:
    kind = kinds[row["kind"]]
    if row["kind"] in ("none", "grey"):
        return kind["title"]
    if row["kind"] == "occlusion":
        return f"{kind['title']}: {row['name']} ({percent(row['level'])} of the picture)"
    return f"{kind['title']}: {row['name']} ({kind['unit']})"


def _end_to_end(measured: dict) -> str:
    rows = [
        [
            DETECTORS.get(key, key), f"{numbers['found']:,} of {numbers['n']:,}",
            f"{numbers['app']['mae']:.2f}", f"{numbers['aligned']['mae']:.2f}",
            _with_interval(numbers, "mae_difference", "{:+.2f}"),
            f"{numbers['mean_absolute_change']:.2f}",
        ]
        for key, numbers in measured["detectors"].items()
    ]  # fmt: skip
    header = ["detector", "found", "MAE in the photo, years", "MAE as aligned crops, years",
              "difference (95%)", "mean change of an estimate"]  # fmt: skip
    return (
        f"{_pictures(measured)} were pasted into larger pictures, where a detector had to "
        f"find them, and were estimated from the crop that it led to; `{measured['command']}` on "
        f"{measured['date']}. Errors are those of the faces found.\n\n{table(header, rows)}"
    )


def _deletion(measured: dict) -> str:
    """What speaks for the heat map: its order of patches against random ones."""
    quarter = measured["shares"].index(0.25)
    rows = [
        [
            title, f"{numbers['change_years'][quarter]:.2f}",
            _with_interval(numbers, "area", "{:.2f}"),
            "–" if order == "random" else _with_interval(numbers, "more_than_random", "{:+.2f}"),
        ]
        for order, title in ORDERS.items()
        for numbers in [measured["orders"][order]]
    ]  # fmt: skip
    header = ["patches taken away", "change of the estimate, a quarter away, years",
              "mean over all shares, years (95%)", "more than random (95%)"]  # fmt: skip
    better = measured["orders"]["most_first"]["more_than_random_interval"][0] > 0
    verdict = "does so" if better else "does not clearly do so"
    return (
        f"{_pictures(measured)} lost their {measured['patches']} patches one after the other, "
        "their mean colour in their place, in the order of the map and in "
        f"{measured['random_orders']} random orders each. A map that tells more than chance "
        f"changes the estimate sooner with the most relevant patches first; this one {verdict}. "
        f"`{measured['command']}` on {measured['date']}.\n\n"
        f"{table(header, rows)}"
    )


def _pictures(measured: dict) -> str:
    data = measured["data"]
    titles = " and ".join(source_title(measured, source) for source in data["sources"])
    drawn = f", drawn from {data['drawn_from']:,}" if data["drawn_from"] > data["n"] else ""
    return f"{data['n']:,} {titles} pictures of the split `{data['split']}`{drawn}"


def _with_interval(numbers: dict, name: str, shown: str) -> str:
    value, (low, high) = numbers[name], numbers[f"{name}_interval"]
    return f"{shown.format(value)} ({shown.format(low)} to {shown.format(high)})"
