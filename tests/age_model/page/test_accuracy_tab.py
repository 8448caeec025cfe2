"""The tab "Accuracy" without a browser: every figure is from results.json."""

import copy
import json

import pytest

from age_model.network.loading import EMBEDDED
from age_model.network.reports import NotMeasuredError, read_results, read_robustness
from age_model.page.tabs.accuracy import FIGURES, accuracy_answer, results_html
from tests.support.markup import Element, read

BINS = 51


class Measured:
    """What the tab asks of a predictor."""

    def __init__(self, results, robustness=None):
        self._results, self.robustness = results, robustness

    @property
    def results(self):
        if isinstance(self._results, Exception):
            raise self._results
        return self._results


@pytest.fixture
def results() -> dict:
    return copy.deepcopy(read_results(EMBEDDED))


@pytest.fixture
def full(results) -> dict:
    """The results with all that train.evaluate writes, whichever it was that wrote them."""
    rows = [["0"] * BINS for _ in range(BINS)]
    for age in range(BINS):
        rows[age][age] = "30"
    counts = {"n": 30 * BINS, "bin_years": 2, "counts": [" ".join(row) for row in rows]}
    results.setdefault("estimate_counts", counts)
    for source in results["sources"].values():
        part = {"low": 0.6, "high": 0.7, "n": 50, "confidence": 0.66, "accuracy": 0.6}
        source["groups"].setdefault("reliability", [part])
    return results


def _figures(html: str) -> dict[str, Element]:
    sections = read(html).all("section", "figure")
    return {one["id"].removeprefix("accuracy-").replace("-", "_"): one for one in sections}


def _rows(figure: Element) -> list[list[str]]:
    return [
        [cell.text for cell in row.parts if isinstance(cell, Element)] for row in figure.all("tr")
    ]


def test_the_shipped_results_give_every_picture(full):
    html = results_html(full, read_robustness(EMBEDDED))
    figures = _figures(html)
    assert set(figures) == {*FIGURES, "bad_photos", "explorer"}
    for name, figure in figures.items():
        if name == "explorer":
            continue
        assert figure.one("p", "figure-means").text.endswith("."), name
        assert figure.one("summary").text.endswith("faces") and figure.all("table"), name
        assert all(c["aria-hidden"] == "true" for c in figure.all("div", "chart")), name
    page = read(html)
    years = full["sources"]["utkface"]["years"]
    tiles = [tile.text for tile in page.one("div", "tiles").all("b")]
    assert tiles[:2] == [f"{years['mae']:.1f} years", f"{years['cs5']:.0%}"]
    assert full["command"] in page.text and f"{full['data']['n']:,}" in page.text
    sentences = [li.text for li in page.all("li")]
    assert sentences == [*full["words"]["gaps"], *full["words"]["limits"]]
    assert "verifying ages" in page.one(id="not-for").text


def test_the_table_behind_a_picture_has_its_numbers(full):
    years = full["sources"]["utkface"]["years"]
    rows = _rows(_figures(results_html(full))["errors_by_age"])
    low, high = years["by_age"]["30-34"]["mae_interval"]
    assert [
        "30–34", f"{years['by_age']['30-34']['n']:,}", f"{years['by_age']['30-34']['mae']:.1f}",
        f"{low:.1f} to {high:.1f}",
    ] in rows  # fmt: skip


def test_the_explorer_starts_with_all_faces(full):
    explorer = _figures(results_html(full))["explorer"]
    answers = json.loads(explorer["data-answers"])
    n = sum(cell["n"] for cell in full["cells"])
    assert answers[0][0] == n and f"{n:,} faces" in explorer.text
    options = 1
    for select in explorer.all("select"):
        options *= len(select.all("option"))
    assert len(answers) == options


def test_numbers_follow_the_file(full):
    before = len(read(results_html(full)).all("tr", "accuracy-few"))
    full["sources"]["utkface"]["years"]["mae"] = 12.345
    full["sources"]["utkface"]["years"]["by_age"]["30-34"]["n"] = 7
    page = read(results_html(full))
    assert "12.3 years" in [tile.text for tile in page.all("b")]
    assert len(page.all("tr", "accuracy-few")) == before + 2, "in the tables of error and of bias"


def test_older_results_have_the_pictures_that_they_hold(results):
    results.pop("estimate_counts", None)
    results.pop("cells", None)
    for source in results["sources"].values():
        source["groups"].pop("reliability", None)
    figures = _figures(results_html(results))
    assert set(figures) == set(FIGURES) - {"estimates", "reliability"}


def test_a_model_that_was_taught_groups_only(results):
    for source in [name for name, s in results["sources"].items() if "years" in s]:
        del results["sources"][source]
    for name in ("estimate_counts", "cells", "coverage"):
        results.pop(name, None)
    figures = _figures(results_html(results))
    assert {"differences", "sources"} <= set(figures) <= {"differences", "sources", "reliability"}
    assert "right age group" in figures["differences"].one("p", "figure-means").text


@pytest.mark.parametrize("missing", ["data", "sources", "model", "date", "command"])
def test_results_of_another_form_are_said_to_be_unreadable(results, missing):
    del results[missing]
    page = read(accuracy_answer(Measured(results)))
    assert "results.json" in page.one(role="status").text and not page.all("table")


@pytest.mark.parametrize("value", ["<b>5</b>", None, []])
def test_numbers_of_another_type_are_said_to_be_unreadable(results, value):
    results["sources"]["utkface"]["years"]["mae"] = value
    page = read(accuracy_answer(Measured(results)))
    assert page.one(role="status") and not page.all("table")


def test_a_model_without_results_gives_the_reason():
    none = NotMeasuredError("There is <nothing>.")
    assert "There is <nothing>." in read(accuracy_answer(Measured(none))).one(role="status").text
