"""What the numbers of results.json say in words: the widest gaps and the worst parts.

Evaluation writes the sentences into results.json, so that the card and the page say the same.
"""

from age_model.network.reports import FEW, by_source

# What the measure of `train.fairness` is called, how a value is written, and which part of a
# source's numbers has it by gender and by ethnicity alone.
MEASURES = {
    "mae": ("mean absolute error", "{:.1f} years", "years"),
    "accuracy": ("share of right age groups", "{:.1%}", "groups"),
}


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
        labels = [cell[label] for label in ("gender", "ethnicity") if cell[label] is not None]
        name = f"faces labelled {', '.join(labels)}"
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


def _size(gap: list[tuple[str, dict]] | None, measure: str) -> float:
    if not gap:
        return 0.0
    return abs(gap[0][1][measure] - gap[1][1][measure])


def _shown(part: tuple[str, dict], measure: str) -> str:
    name, numbers = part
    shown = MEASURES[measure][1]
    interval = ""
    if f"{measure}_interval" in numbers:
        low, high = numbers[f"{measure}_interval"]
        interval = f"; 95%: {shown.format(low).removesuffix(' years')} to {shown.format(high)}"
    return f"{shown.format(numbers[measure])} for {name} (n={numbers['n']:,}{interval})"


def limits(results: dict) -> list[str]:
    """Sentences that name the parts on which the model does worst, from the numbers alone."""
    found = []
    for title, numbers in by_source(results):
        if years := numbers.get("years"):
            for part, noun in [
                ("by_group", "age group"),
                ("by_ethnicity", "ethnicity label"),
                ("by_gender", "gender label"),
            ]:
                what = f"{title}: mean absolute error by {noun}"
                found += _extremes(years[part], what, "mae", "{:.2f} years", lambda v: -v)
            found += _extremes(
                years["by_group"], f"{title}: bias by age group", "bias", "{:+.2f} years",
                lambda v: -abs(v),
            )  # fmt: skip
            what = f"{title}: how often the 80% interval covers the label, by age group"
            found += _extremes(years["interval"]["by_group"], what, "coverage")
        for name, part, noun in [
            ("groups", "by_group", "right age groups by age group"),
            ("groups", "by_ethnicity", "right age groups by ethnicity label"),
            ("gender", "by_group", "right genders by age group"),
            ("gender", "by_class", "right genders by gender label"),
        ]:
            found += _extremes(numbers.get(name, {}).get(part, {}), f"{title}: {noun}", "accuracy")
    return found


def _extremes(
    parts: dict, what: str, key: str, shown: str = "{:.1%}", goodness=lambda v: v
) -> list[str]:
    """One sentence that names the worst and the best part; none where fewer than two are large."""
    enough = {name: part[key] for name, part in parts.items() if part["n"] >= FEW}
    if len(enough) < 2:
        return []
    order = sorted(enough, key=lambda name: goodness(enough[name]))
    worst, best = order[0], order[-1]
    return [
        f"{what}: worst for {worst} ({shown.format(enough[worst])}, n={parts[worst]['n']:,}), "
        f"best for {best} ({shown.format(enough[best])}, n={parts[best]['n']:,})."
    ]
