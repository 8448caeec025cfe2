"""The tab "Accuracy" without a browser: every figure is from results.json."""

import copy

import pytest

from age_model.labels import AGE_GROUP_NAMES
from age_model.network.loading import EMBEDDED
from age_model.network.reports import NotMeasuredError, by_source, read_results
from age_model.page.tabs.accuracy import accuracy_answer, results_html
from tests.support.markup import Element, read


@pytest.fixture
def results() -> dict:
    return copy.deepcopy(read_results(EMBEDDED))


def _table(page: Element, source: str, index: int) -> list[list[str]]:
    table = page.one("section", data_source=source).all("table")[index]
    return [[cell.text for cell in row.all("th") + row.all("td")] for row in table.all("tr")]


def test_the_shipped_results_are_shown_in_full(results):
    page = read(results_html(results))
    years = results["sources"]["utkface"]["years"]
    titles = [title for title, _ in by_source(results)]
    assert [section["data-source"] for section in page.all("section") if
            "data-source" in section.attributes] == titles  # fmt: skip
    tiles = [tile.text for tile in page.all("b")]
    assert f"{years['mae']:.1f} years" in tiles and f"{years['cs5']:.0%}" in tiles
    header, *rows = _table(page, titles[0], 0)
    assert [row[0] for row in rows] == [name.replace("-", "–") for name in AGE_GROUP_NAMES]
    for name, row in zip(AGE_GROUP_NAMES, rows, strict=True):
        error, interval = years["by_group"][name], years["interval"]["by_group"][name]
        assert row[1:] == [
            f"{error['n']:,}", f"{error['mae']:.1f}", f"{error['bias']:+.1f}",
            f"{interval['coverage']:.0%}", f"{interval['mean_width']:.0f}",
        ]  # fmt: skip
    assert len(header) == len(rows[0])
    assert results["command"] in page.text and f"{results['data']['n']:,}" in page.text
    sentences = [li.text for li in page.all("li")]
    assert sentences == [*results["words"]["gaps"], *results["words"]["limits"]]
    assert "verifying ages" in page.one(id="not-for").text


def test_numbers_follow_the_file(results):
    before = read(results_html(results)).all("tr", "accuracy-few")
    results["sources"]["utkface"]["years"]["mae"] = 12.345
    results["sources"]["utkface"]["years"]["by_group"]["3-9"]["n"] = 7
    page = read(results_html(results))
    assert "12.3 years" in [tile.text for tile in page.all("b")]
    assert len(page.all("tr", "accuracy-few")) == len(before) + 1


def test_a_source_that_is_missing_is_omitted(results):
    del results["sources"]["utkface"]
    page = read(results_html(results))
    assert len([s for s in page.all("section") if "data-source" in s.attributes]) == len(
        results["sources"]
    )


@pytest.mark.parametrize("missing", ["data", "sources", "model", "date", "command"])
def test_results_of_another_form_are_said_to_be_unreadable(results, missing):
    del results[missing]
    page = read(accuracy_answer(lambda: results))
    assert "results.json" in page.one(role="status").text and not page.all("table")


def test_numbers_of_another_type_are_said_to_be_unreadable(results):
    results["sources"]["utkface"]["years"]["mae"] = "<b>5</b>"
    page = read(accuracy_answer(lambda: results))
    assert page.one(role="status") and not page.all("table")


def test_a_model_without_results_gives_the_reason():
    def none():
        raise NotMeasuredError("There is <nothing>.")

    assert "There is <nothing>." in read(accuracy_answer(none)).one(role="status").text
