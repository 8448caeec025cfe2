"""What the tab "Accuracy" draws of a results.json.

A model that was not taught, or not measured on, what a picture needs has no such picture: each of
them may be None.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from age_model.network.calibration import INTERVAL_COVERAGE
from age_model.network.reports import by_source
from age_model.page.accuracy.charts import (
    DIAGONAL,
    Axis,
    Density,
    Dots,
    Lines,
    axis_over,
    density,
    dots,
    ends,
    level,
    lines,
)
from age_model.page.accuracy.measured import Measured, Series, mean_of, share_of, weighted

LABELS = ("gender", "ethnicity")
ERROR, BIAS, SHARE = "years", "signed", "share"  # how a number is written


@dataclass(frozen=True)
class Panel:
    """One plot, and the table behind it.

    Attributes:
        title: what the numbers are.
        unit: how they are written: ERROR, BIAS or SHARE.
    """

    title: str
    unit: str
    series: tuple[Series, ...]
    chart: Dots | Lines | Density


@dataclass(frozen=True)
class Figure:
    """Plots under one sentence.

    Attributes:
        n: faces.
        facts: what the sentence in the template is made of.
    """

    n: int
    panels: tuple[Panel, ...]
    facts: dict[str, Any]


def estimates(results: dict[str, Any]) -> Figure | None:
    """Estimated over labelled age."""
    found = results.get("estimate_counts")
    if not found:
        return None
    counts = np.array([row.split() for row in found["counts"]], dtype=int)
    chart = density(counts, int(found["bin_years"]))
    if not chart.quantiles:
        return None
    facts = {
        "widest": max(chart.quantiles, key=lambda m: (m.high or 0) - (m.low or 0)),
        "narrowest": min(chart.quantiles, key=lambda m: (m.high or 0) - (m.low or 0)),
    }
    panel = Panel("Estimated age", ERROR, (Series("", chart.quantiles),), chart)
    return Figure(int(found["n"]), (panel,), facts)


def errors_by_age(results: dict[str, Any]) -> Figure | None:
    """Mean absolute error and bias over the labelled age, a line for each source."""
    sources = [(title, s["years"]["by_age"]) for title, s in by_source(results) if "years" in s]
    if not sources:
        return None
    panels = []
    for name, title, unit in [
        ("mae", "Mean absolute error, years", ERROR),
        ("bias", "Bias, years: above zero it makes people older", BIAS),
    ]:
        series = tuple(
            Series(
                source, tuple(mean_of(age, part, name, _middle(age)) for age, part in by.items())
            )
            for source, by in sources
        )
        y = axis_over(ends(series), 0)
        x = Axis(0, 100, (0, 20, 40, 60, 80, 100))
        panels.append(Panel(title, unit, series, lines(series, x, y, level(y, 0))))
    enough = [m for s in panels[0].series for m in s.measured if not m.few]
    facts = {
        "best": min(enough, key=lambda m: m.value, default=None),
        "worst": max(enough, key=lambda m: m.value, default=None),
        "bias": max(
            (m for s in panels[1].series for m in s.measured if not m.few),
            key=lambda m: abs(m.value),
            default=None,
        ),
    }
    return Figure(_faces(sources), tuple(panels), facts)


def reliability(results: dict[str, Any]) -> Figure | None:
    """How often the most probable group is right, by how probable it is said to be."""
    bins: dict[float, list[dict[str, Any]]] = {}
    for _, source in by_source(results):
        for part in source.get("groups", {}).get("reliability", ()):
            bins.setdefault(part["low"], []).append(part)
    if not bins:
        return None
    points, gaps = [], []
    for low in sorted(bins):
        parts = bins[low]
        n, said = weighted([(p["n"], p["confidence"]) for p in parts])
        _, right = weighted([(p["n"], p["accuracy"]) for p in parts])
        points.append(share_of(f"{low:.0%} to {parts[0]['high']:.0%}", n, right, said))
        gaps.append((n, right - said))
    n, gap = weighted([(n, abs(gap)) for n, gap in gaps])
    _, signed = weighted(gaps)
    axis = Axis(0, 1, (0, 0.2, 0.4, 0.6, 0.8, 1))
    series = (Series("", tuple(points)),)
    chart = lines(series, axis, axis, DIAGONAL)
    panel = Panel("Right, by how sure it says it is", SHARE, series, chart)
    return Figure(n, (panel,), {"gap": gap, "signed": signed})


def coverage(results: dict[str, Any]) -> Figure | None:
    """How often the ranges hold the label: by decade, gender and ethnicity, over all sources."""
    sources = [s["years"] for _, s in by_source(results) if "years" in s]
    if not sources:
        return None
    series = []
    for name in ("decade", *LABELS):
        merged = _merged([s["interval"].get(f"by_{name}", {}) for s in sources], "coverage")
        if merged:
            measured = tuple(share_of(label, n, share) for label, (n, share) in merged.items())
            series.append(Series(name, measured, INTERVAL_COVERAGE))
    n, share = weighted([(s["interval"]["n"], s["interval"]["coverage"]) for s in sources])
    enough = [m for s in series for m in s.measured if not m.few]
    facts = {
        "share": share,
        "worst": min(enough, key=lambda m: m.value, default=None),
        "best": max(enough, key=lambda m: m.value, default=None),
    }
    panel = Panel("Ranges that hold the labelled age", SHARE, tuple(series), dots(series))
    return Figure(n, (panel,), facts)


def differences(results: dict[str, Any]) -> Figure | None:
    """Error by gender and ethnicity as labelled, against that of all faces of the source."""
    panels, gaps, n = [], [], 0
    in_years = _by_label(results, "years", lambda part, label: mean_of(label, part, "mae"), "mae")
    in_groups = _by_label(
        {**results, "sources": {k: s for k, s in results["sources"].items() if "years" not in s}},
        "groups",
        lambda part, label: share_of(label, part["n"], part["accuracy"]),
        "accuracy",
    )
    for title, unit, (series, faces) in [
        ("Mean absolute error, years", ERROR, in_years),
        ("Right age group", SHARE, in_groups),
    ]:
        if series:
            panels.append(Panel(title, unit, tuple(series), dots(series)))
            n += faces
            gaps += [(unit, s.title, *gap) for s in series if (gap := _gap(s))]
    if not panels:
        return None
    years = [gap for gap in gaps if gap[0] == ERROR] or gaps
    return Figure(n, tuple(panels), {"gap": max(years, key=lambda gap: gap[-1], default=None)})


def sources(results: dict[str, Any]) -> Figure | None:
    """Each source of pictures."""
    found = by_source(results)
    years = [(title, s["years"]) for title, s in found if "years" in s]
    groups = [(title, s["groups"]) for title, s in found if "groups" in s]
    mae = tuple(mean_of(title, numbers, "mae") for title, numbers in years)
    right = tuple(share_of(title, g["n"], g["accuracy"]) for title, g in groups)
    panels = [
        Panel(title, unit, series := (Series("", measured),), dots(series, whole))
        for title, unit, measured, whole in [
            ("Mean absolute error, years", ERROR, mae, 0),
            ("Right age group", SHARE, right, 0),
        ]
        if measured
    ]
    if not panels:
        return None
    facts = {"mae": mae, "right": right}
    return Figure(sum(s["n"] for _, s in found), tuple(panels), facts)


def challenge(results: dict[str, Any]) -> Figure | None:
    """How often a check at the challenge age would err."""
    series, n, worst, age = [], 0, None, 0
    for title, source in by_source(results):
        thresholds = source.get("thresholds")
        if not thresholds:
            continue
        measured = tuple(
            Measured(f"{_ages(name)} {outcome}", part["n"], part["share"], *part["interval"])
            for key, outcome in [("let_through", "let through"), ("turned_away", "turned away")]
            for name, part in thresholds[key].items()
        )
        let = thresholds["let_through"].get("13_17")
        worst = worst or (let and (title, let))
        series.append(Series(title, measured))
        n, age = n + sum(m.n for m in measured), thresholds["challenge_age"]
    if not series:
        return None
    panel = Panel("Treated wrongly", SHARE, tuple(series), dots(series, 0))
    return Figure(n, (panel,), {"worst": worst, "age": age})


def _by_label(
    results: dict[str, Any],
    kind: str,
    measure: Callable[[dict[str, Any], str], Measured],
    whole: str,
) -> tuple[list[Series], int]:
    """A series for each source and label, and how many faces of how many sources they are of."""
    series, faces = [], 0
    for title, source in by_source(results):
        numbers = source.get(kind, {})
        parts = [(name, by) for name in LABELS if (by := numbers.get(f"by_{name}"))]
        for name, by in parts:
            measured = tuple(measure(part, label) for label, part in by.items())
            series.append(Series(f"{title}, {name}", measured, numbers[whole]))
        faces += numbers["n"] if parts else 0
    return series, faces


def _gap(series: Series) -> tuple[Measured, Measured, float] | None:
    """The parts with the most and the least, of those with faces enough, and their distance."""
    enough = sorted((m for m in series.measured if not m.few), key=lambda m: -m.value)
    if len(enough) < 2:
        return None
    return enough[0], enough[-1], enough[0].value - enough[-1].value


def _merged(parts: Sequence[dict[str, Any]], name: str) -> dict[str, tuple[int, float]]:
    """Label -> (n, mean) over several sources; labels in the order of the first that has them."""
    labels = dict.fromkeys(label for part in parts for label in part)
    order = sorted(labels, key=_middle) if all(label[0].isdigit() for label in labels) else labels
    return {
        label: weighted([(p[label]["n"], p[label][name]) for p in parts if label in p])
        for label in order
    }


def _middle(ages: str) -> float:
    """Years in the middle of "30-34"; "90+" and "100-100" reach to 100."""
    low, _, high = ages.rstrip("+").partition("-")
    return (float(low) + float(high or 99) + 1) / 2 if low != high else float(low)


def _ages(name: str) -> str:
    return name.replace("over_", "over ").replace("_", "-")


def _faces(sources: Sequence[tuple[str, dict[str, Any]]]) -> int:
    return sum(part["n"] for _, by in sources for part in by.values())
