"""What a robustness.json says of bad photos, for the tab "Accuracy"."""

from typing import Any

from age_model.page.accuracy.charts import dots
from age_model.page.accuracy.figures import ERROR, Figure, Panel
from age_model.page.accuracy.measured import Measured, Series

BARELY = 0.25  # years more: less is called hardly any


def bad_photos(robustness: dict[str, Any] | None) -> Figure | None:
    """How much larger the error is on changed pictures: for each kind of change the worst level.

    Args:
        robustness: content of robustness.json; None where there is none.
    """
    if not robustness:
        return None
    rows = robustness["conditions"]
    kinds: dict[str, list[Any]] = {r["kind"]: [] for r in rows if r["kind"] != "none"}
    for row in rows:
        if row["kind"] in kinds:
            kinds[row["kind"]].append(row)
    titles = {kind: robustness["kinds"][kind]["title"] for kind in kinds}
    shown = sorted((_kind(titles[k], part) for k, part in kinds.items()), key=lambda m: -m.value)
    every = tuple(
        Series(titles[kind], tuple(_condition(row["name"], row) for row in part))
        for kind, part in kinds.items()
    )
    baseline = next(row for row in rows if row["kind"] == "none")
    facts = {
        "mae": baseline["mae"],
        "worst": shown[0],
        "harmless": [m for m in shown if m.value < BARELY],
    }
    chart = dots([Series("", tuple(shown))], 0)
    panel = Panel("Error more than on the same photos unchanged, years", ERROR, every, chart)
    return Figure(int(baseline["n"]), (panel,), facts)


def _condition(label: str, row: dict[str, Any], milder: tuple[float, ...] = ()) -> Measured:
    low, high = row["mae_difference_interval"]
    return Measured(label, row["n"], row["mae_difference"], low, high, milder=milder)


def _kind(title: str, rows: list[dict[str, Any]]) -> Measured:
    worst = max(rows, key=lambda row: row["mae_difference"])
    milder = tuple(row["mae_difference"] for row in rows if row is not worst)
    return _condition(f"{title}: {worst['name']}", worst, milder)
