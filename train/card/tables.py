"""Markdown tables and sentences made from results.json, for the card and the README."""

from collections.abc import Callable, Mapping
from itertools import chain

from age_model.network.reports import by_source, group_names
from train.evaluation.cells import DECADE_NAMES, ENOUGH

NOTHING = "–"
Show = Callable[[float], str] | str  # a function, or a format string
Columns = dict[str, tuple[str, Show]]  # heading -> (name of a number, how it is shown)


def percent(share: float) -> str:
    """0.8842 -> "88.4%"."""
    return f"{share:.1%}"


def shown_number(value: float | None, show: Show) -> str:
    """A number in the form of a function or a format string; a dash where there is none."""
    if value is None:
        return NOTHING
    return show(value) if callable(show) else show.format(value)


def table(header: list[str], rows: list[list]) -> str:
    """A Markdown table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)


def shown_numbers(columns: Columns, numbers: Mapping[str, float]) -> list[str]:
    """A row: the number of each column, a dash where there is none."""
    return [shown_number(numbers.get(name), show) for name, show in columns.values()]


def overview(results: dict) -> str:
    """One column for each source, one row for each number that matters most."""
    columns = [_overview_column(numbers) for _, numbers in by_source(results)]
    names = list(dict.fromkeys(name for column in columns for name in column))
    header = [f"{title}, {numbers['n']:,} faces" for title, numbers in by_source(results)]
    rows = [[name, *(column.get(name, NOTHING) for column in columns)] for name in names]
    return table([f"Split `{results['data']['split']}`", *header], rows)


def coverage_text(results: dict) -> str:
    """How often the 80% interval covers the label, for each source and over its age groups."""
    sentences = []
    for title, numbers in by_source(results):
        if "years" not in numbers:
            continue
        interval = numbers["years"]["interval"]
        sentence = (
            f"On the {results['data']['split']} split of {title} it covers the label of "
            f"{percent(interval['coverage'])} of the faces"
        )
        groups = {k: v for k, v in interval["by_group"].items() if v["n"] >= ENOUGH}
        if len(groups) > 1:
            low, *_, high = sorted(groups, key=lambda name: groups[name]["coverage"])
            sentence += (
                f", from {percent(groups[low]['coverage'])} (labelled {low}) to "
                f"{percent(groups[high]['coverage'])} ({high}) in the age groups with {ENOUGH} "
                "faces or more"
            )
        sentences.append(f"{sentence}.")
    return " ".join(sentences)


def by_decade(results: dict) -> str:
    """MAE, bias and coverage for each decade: a row for each source that has ages in years."""
    rows = [
        [
            name, title, f"{error['n']:,}", f"{error['mae']:.2f}", f"{error['bias']:+.2f}",
            percent(years["interval"]["by_decade"][name]["coverage"]),
        ]
        for name in DECADE_NAMES
        for title, numbers in by_source(results)
        if (years := numbers.get("years")) and (error := years["by_decade"].get(name))
    ]  # fmt: skip
    header = ["decade", "source", "n", "MAE, years", "bias, years", "80% interval covers"]
    return table(header, rows) if rows else ""


def _overview_column(numbers: dict) -> dict[str, str]:
    column: dict[str, str] = {}
    if years := numbers.get("years"):
        low, high = years["mae_interval"]
        interval = years["interval"]
        column |= {
            "Mean absolute error": f"**{years['mae']:.2f} years** (95%: {low:.2f} to {high:.2f})",
            "Median absolute error": f"{years['median_absolute_error']:.2f} years",
            "At most 3 / 5 / 10 years off": " / ".join(
                percent(years[f"cs{k}"]) for k in (3, 5, 10)
            ),
            "Bias (estimate minus label)": f"{years['bias']:+.2f} years",
            "MAE, 21 to 60 years": _band(years, "21_60"),
            "MAE, up to 12 years": _band(years, "under_13"),
            "MAE, over 60 years": _band(years, "over_60"),
            "Bias, 13 to 19 years": _band(years, "13_19", "bias", "+.2f"),
            "80% interval covers the label": f"{percent(interval['coverage'])}, "
            f"{interval['mean_width']:.1f} years wide",
        }
    if groups := numbers.get("groups"):
        column |= {
            f"Age group right (of {len(groups['confusion'])})": percent(groups["accuracy"]),
            "Age group right or next to it": percent(groups["within_one_accuracy"]),
            "Calibration error of the groups": f"{groups['calibration_error']:.3f}",
        }
    for name, row in [("gender", "Perceived gender"), ("ethnicity", "Perceived ethnicity")]:
        if name in numbers:
            column[row] = percent(numbers[name]["accuracy"])
    return column


def _band(years: dict, name: str, number: str = "mae", form: str = ".2f") -> str:
    band = years["by_band"].get(name)
    return f"{band[number]:{form}} years (n={band['n']:,})" if band else NOTHING


def by_part(years: dict, part: str) -> str:
    """MAE, bias and coverage for each value of `by_group`, `by_gender` or `by_ethnicity`."""
    rows = []
    for name, error in years[part].items():
        low, high = error["mae_interval"]
        interval = years["interval"][part][name]
        rows.append([
            name, f"{error['n']:,}", f"{error['mae']:.2f} ({low:.2f} to {high:.2f})",
            f"{error['bias']:+.2f}", percent(interval["coverage"]),
            f"{interval['mean_width']:.1f}",
        ])  # fmt: skip
    header = ["", "n", "MAE, years (95%)", "bias, years", "80% interval covers", "its width, years"]
    return table(header, rows)


def accuracy_by_group(results: dict) -> str:
    """For each labelled age group and source: share of right groups, and of right genders.

    "" where no picture has a label that lies within one group.
    """
    header = ["labelled group"]
    rows: dict[str, dict[str, list[str]]] = {}
    for title, numbers in by_source(results):
        header += [f"{title} n", f"{title} group", f"{title} gender"]
        for name, group in numbers.get("groups", {}).get("by_group", {}).items():
            gender = numbers.get("gender", {}).get("by_group", {}).get(name)
            rows.setdefault(name, {})[title] = [
                f"{group['n']:,}", percent(group["accuracy"]),
                percent(gender["accuracy"]) if gender else NOTHING,
            ]  # fmt: skip
    if not rows:
        return ""
    empty, titles = [NOTHING] * 3, [title for title, _ in by_source(results)]
    return table(
        header,
        [
            [name, *chain.from_iterable(rows[name].get(title, empty) for title in titles)]
            for name in group_names(results)
            if name in rows
        ],
    )
