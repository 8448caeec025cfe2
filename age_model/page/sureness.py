"""How sure an answer is, in words: its range beside those of test faces of about the same age."""

import functools
from dataclasses import dataclass
from typing import Any

from age_model.network.reports import FEW, NotMeasuredError
from age_model.page.lazy_predictor import Predictor

NARROW, WIDE = 0.75, 1.33  # of the mean width: beyond these a range is called unusual


@dataclass(frozen=True)
class Sureness:
    """What the model's ranges were measured to be worth.

    Attributes:
        decade: of labelled age, such as "20-29".
        n: test faces of it.
        coverage: share of them whose range holds the labelled age.
        width: mean width of their ranges, years.
    """

    decade: str
    n: int
    coverage: float
    width: float

    def of(self, interval_years: tuple[float, float]) -> str:
        """What a range is beside the mean width: "narrow", "usual" or "wide"."""
        width = interval_years[1] - interval_years[0]
        if width < NARROW * self.width:
            return "narrow"
        return "wide" if width > WIDE * self.width else "usual"


@functools.cache  # the file is read, and held against the weights, once a model
def measured_sureness(predictor: Predictor) -> dict[str, Sureness]:
    """By decade; {} for a model whose ranges nobody has measured, or not in this form."""
    try:
        return _by_decade(predictor.results)
    except (NotMeasuredError, KeyError, TypeError, ValueError, AttributeError):
        return {}


def decade_of(age_years: float) -> str:
    """The name of the decade that an estimate falls into, as results.json names it."""
    decade = round(age_years) // 10 * 10
    return f"{decade}-{decade + 9}" if decade < 90 else "90+"


def _by_decade(results: dict[str, Any]) -> dict[str, Sureness]:
    """Over all sources with labels in years; decades of fewer than FEW faces say too little."""
    intervals = [
        numbers["years"]["interval"]["by_decade"]
        for numbers in results["sources"].values()
        if "years" in numbers
    ]
    found = {}
    for decade in {name for by_decade in intervals for name in by_decade}:
        parts = [by_decade[decade] for by_decade in intervals if decade in by_decade]
        n = sum(part["n"] for part in parts)
        if n >= FEW:
            coverage, width = (
                sum(part["n"] * part[key] for part in parts) / n
                for key in ("coverage", "mean_width")
            )
            found[decade] = Sureness(decade, n, coverage, width)
    return found
