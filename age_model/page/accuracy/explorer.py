"""Parts of the test faces put together: by decade, gender, ethnicity and source at one's choice."""

from dataclasses import dataclass
from itertools import product
from typing import Any

from age_model.network.reports import source_title
from age_model.page.accuracy.charts import Axis, axis_over
from age_model.page.accuracy.measured import normal, weighted, wilson

NAMES = ("decade", "gender", "ethnicity", "source")


@dataclass(frozen=True)
class Choice:
    """One thing to choose.

    Attributes:
        name: one of NAMES.
        options: (value, title); a value of None is all faces, also those without this label.
    """

    name: str
    options: tuple[tuple[str | None, str], ...]


@dataclass(frozen=True)
class Part:
    """What was measured on some of the faces.

    Attributes:
        n: faces.
        mae, bias: years.
        coverage: share of the ranges that hold the label.
        mae_interval, bias_interval, coverage_interval: their 95% intervals, None where unknown.
    """

    n: int
    mae: float
    mae_interval: tuple[float, float] | None
    bias: float
    bias_interval: tuple[float, float] | None
    coverage: float
    coverage_interval: tuple[float, float] | None


@dataclass(frozen=True)
class Explorer:
    """The choices, and the answer to each of their combinations.

    Attributes:
        axis: of the error, years.
        whole: all faces.
        answers: for each combination, the last choice changing fastest, `Part`'s fields as a flat
            list, or None where there is no such face.
    """

    choices: tuple[Choice, ...]
    axis: Axis
    whole: Part
    answers: tuple[list[float | None] | None, ...]


def explorer(results: dict[str, Any]) -> Explorer | None:
    """From a results.json; None where no face has an age in years."""
    cells = results.get("cells")
    if not cells:
        return None
    choices = tuple(choice for name in NAMES if len((choice := _choice(name, results)).options) > 1)
    answers = [
        together([cell for cell in cells if _chosen(cell, choices, values)])
        for values in product(*([value for value, _ in c.options] for c in choices))
    ]
    # Errors of few faces may lie anywhere: they end at the edge.
    errors = [part.mae for part in answers if part and part.n >= 10]
    whole = together(cells)
    assert whole is not None  # there are cells
    axis = axis_over([*errors, whole.mae], 0)
    return Explorer(choices, axis, whole, tuple(_flat(part) if part else None for part in answers))


def together(cells: list[dict[str, Any]]) -> Part | None:
    """Cells of results.json put together; None for none.

    The intervals of MAE and bias are by the central limit theorem from `rmse`, which older results
    lack; that of the coverage is Wilson's.
    """
    if not cells:
        return None
    n, mae = weighted([(cell["n"], cell["mae"]) for cell in cells])
    _, bias = weighted([(cell["n"], cell["bias"]) for cell in cells])
    _, covered = weighted([(cell["n"], cell["coverage"]) for cell in cells])
    mae_interval = bias_interval = None
    if all("rmse" in cell for cell in cells):
        _, square = weighted([(cell["n"], cell["rmse"] ** 2) for cell in cells])
        mae_interval, bias_interval = normal(mae, square, n), normal(bias, square, n)
    coverage_interval = wilson(covered, n)
    return Part(n, mae, mae_interval, bias, bias_interval, covered, coverage_interval)


def _choice(name: str, results: dict[str, Any]) -> Choice:
    found = dict.fromkeys(cell[name] for cell in results["cells"] if cell[name] is not None)
    values = (
        sorted(found, key=lambda v: int(v.split("-")[0].rstrip("+"))) if name == "decade" else found
    )
    titles = [(v, source_title(results, v) if name == "source" else v) for v in values]
    return Choice(name, ((None, "all"), *titles))


def _chosen(
    cell: dict[str, Any], choices: tuple[Choice, ...], values: tuple[str | None, ...]
) -> bool:
    pairs = zip(choices, values, strict=True)
    return all(value is None or cell[choice.name] == value for choice, value in pairs)


def _flat(part: Part) -> list[float | None]:
    # The page rounds to what it shows: fewer digits here would round twice, 5.5500 to 5.5.
    digits = 6
    flat: list[float | None] = [part.n]
    for value, interval in [
        (part.mae, part.mae_interval),
        (part.bias, part.bias_interval),
        (part.coverage, part.coverage_interval),
    ]:
        flat += [round(value, digits), *(round(end, digits) for end in interval or ())]
        flat += [None] * (2 if interval is None else 0)
    return flat
