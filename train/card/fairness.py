"""The part of the card on age group, gender and ethnicity together, made from results.json."""

from age_model.network.reports import FEW, by_source, source_title
from train.card.tables import NOTHING, table
from train.evaluation.cells import ENOUGH, LABELS, TOO_MUCH


def fairness_text(results: dict) -> str:
    """The largest gaps in words, then a table of the cells with enough faces, for each source."""
    gaps = "\n".join(f"- {sentence}" for sentence in results["words"]["gaps"])
    cells = [
        _details(title, numbers["fairness"])
        for title, numbers in by_source(results)
        if "fairness" in numbers
    ]
    text = "\n\n".join(part for part in (gaps, high_errors_text(results), *cells) if part)
    return text or "The split has no faces with an age and a label of gender or ethnicity."


def high_errors_text(results: dict) -> str:
    """The parts of a decade that are far worse than the decade; "" without ages in years."""
    if "high_error_cells" not in results:
        return ""
    rule = (
        f"of {ENOUGH} faces or more whose mean absolute error is over {TOO_MUCH} times that of all "
        "faces of the same decade"
    )
    if not results["high_error_cells"]:
        return (
            f"By decade, gender, ethnicity and source, alone or together, there is no part {rule}."
        )
    rows = [
        [
            part["decade"],
            ", ".join(
                source_title(results, part[label]) if label == "source" else part[label]
                for label in LABELS
                if label in part
            ),
            f"{part['n']:,}", f"{part['mae']:.2f}", f"{part['decade_mae']:.2f}",
        ]
        for part in results["high_error_cells"]
    ]  # fmt: skip
    header = ["decade", "part", "n", "MAE, years", "MAE of the decade, years"]
    return f"Parts {rule}:\n\n{table(header, rows)}"


def _details(title: str, fairness: dict) -> str:
    columns = {
        "mae": [
            ("mae", "MAE, years (95%)", "{:.2f}"),
            ("bias", "bias, years (95%)", "{:+.2f}"),
            ("coverage", "80% interval covers (95%)", "{:.1%}"),
        ],
        "accuracy": [("accuracy", "age group right (95%)", "{:.1%}")],
    }[fairness["measure"]]
    rows = [
        [
            cell["age_group"],
            cell["gender"] or NOTHING,
            cell["ethnicity"] or NOTHING,
            f"{cell['n']:,}",
        ]
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
