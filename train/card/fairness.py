"""The part of the card on age group, gender and ethnicity together, made from results.json."""

from train.card.tables import FEW, by_source, table

# What the measure of `train.fairness` is called, how a value is written, and which part of a
# source's numbers has it by gender and by ethnicity alone.
MEASURES = {
    "mae": ("mean absolute error", "{:.1f} years", "years"),
    "accuracy": ("share of right age groups", "{:.1%}", "groups"),
}


def fairness_text(results: dict) -> str:
    """The largest gaps in words, then a table of the cells with enough faces, for each source."""
    gaps = "\n".join(f"- {sentence}" for sentence in results["words"]["gaps"])
    cells = [
        _details(title, numbers["fairness"])
        for title, numbers in by_source(results)
        if "fairness" in numbers
    ]
    text = "\n\n".join([gaps, *cells] if gaps else cells)
    return text or "The split has no faces with all three labels."


def all_gaps(results: dict) -> list[str]:
    """The sentences of `largest_gaps` for every source, each with its name."""
    return [
        f"{title}: {sentence}"
        for title, numbers in by_source(results)
        if "fairness" in numbers
        for sentence in largest_gaps(numbers)
    ]


def largest_gaps(numbers: dict) -> list[str]:
    """Sentences on which two groups of people differ most; parts with few faces are left out.

    Args:
        numbers: of one source, with "fairness".

    Returns:
        the largest gap within an age group between two labels of gender and ethnicity, then by
        gender and by ethnicity over all ages; each where two parts are large enough.
    """
    measure = numbers["fairness"]["measure"]
    noun, _, section = MEASURES[measure]
    by_age: dict[str, dict] = {}
    for cell in numbers["fairness"]["cells"]:
        name = f"faces labelled {cell['gender']}, {cell['ethnicity']}"
        by_age.setdefault(cell["age_group"], {})[name] = cell
    found = [(_gap(parts, measure), f"within the age group {age}") for age, parts in by_age.items()]
    within = max((g for g in found if g[0]), key=lambda g: _size(g[0], measure), default=None)
    overall = [
        (_gap(numbers.get(section, {}).get(f"by_{label}", {}), measure, "faces labelled "),
         f"by {label} label, over all ages")
        for label in ("gender", "ethnicity")
    ]  # fmt: skip
    return [
        f"the largest gap {where}: the {noun} is {_shown(gap[0], measure)} and "
        f"{_shown(gap[1], measure)}."
        for gap, where in [*([within] if within else []), *overall]
        if gap
    ]


def _gap(parts: dict, measure: str, prefix: str = "") -> list[tuple[str, dict]] | None:
    """(name, numbers) of the worst and of the best part; None where fewer than two are large."""
    enough = [(prefix + name, part) for name, part in parts.items() if part["n"] >= FEW]
    if len(enough) < 2:
        return None
    order = sorted(enough, key=lambda part: part[1][measure], reverse=measure == "mae")
    return [order[0], order[-1]]


def _size(gap: list[tuple[str, dict]], measure: str) -> float:
    return abs(gap[0][1][measure] - gap[1][1][measure])


def _shown(part: tuple[str, dict], measure: str) -> str:
    name, numbers = part
    shown = MEASURES[measure][1]
    interval = ""
    if f"{measure}_interval" in numbers:
        low, high = numbers[f"{measure}_interval"]
        interval = f"; 95%: {shown.format(low).removesuffix(' years')} to {shown.format(high)}"
    return f"{shown.format(numbers[measure])} for {name} (n={numbers['n']:,}{interval})"


def _details(title: str, fairness: dict) -> str:
    columns = {
        "mae": [
            ("mae", "MAE, years (95%)", "{:.2f}"),
            ("bias", "bias, years (95%)", "{:+.2f}"),
            ("coverage", "80% interval holds (95%)", "{:.1%}"),
        ],
        "accuracy": [("accuracy", "age group right (95%)", "{:.1%}")],
    }[fairness["measure"]]
    rows = [
        [cell["age_group"], cell["gender"], cell["ethnicity"], f"{cell['n']:,}"]
        + [_with_interval(cell, key, shown) for key, _, shown in columns]
        for cell in fairness["cells"]
        if cell["n"] >= FEW
    ]
    header = ["age group", "gender", "ethnicity", "n", *(name for _, name, _ in columns)]
    summary = (
        f"{title}: {len(rows)} of {len(fairness['cells'])} cells, those with {FEW} faces or more"
    )
    return f"<details><summary>{summary}</summary>\n\n{table(header, rows)}\n\n</details>"


def _with_interval(cell: dict, key: str, shown: str) -> str:
    low, high = (shown.format(v) for v in cell[f"{key}_interval"])
    return f"{shown.format(cell[key])} ({low} to {high})"
