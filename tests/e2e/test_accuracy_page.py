"""The tab "Accuracy" follows the results of the model that is loaded."""

import pytest

from age_model.network.loading import EMBEDDED, EMBEDDED_NAME
from age_model.network.reports import read_results


@pytest.mark.parametrize("width", [1280, 390])
def test_the_measured_errors_are_shown_and_fit_the_window(open_page, choose_tab, width):
    page = open_page(width)
    choose_tab(page, "Accuracy")
    page.locator("#accuracy-answer table").first.wait_for()
    text = page.locator("#accuracy-answer").inner_text()
    results = read_results(EMBEDDED)
    years = results["sources"]["utkface"]["years"]
    assert f"{years['mae']:.1f} years" in text and results["command"] in text
    assert page.locator("#accuracy-answer #not-for").is_visible()
    tables = page.locator("#accuracy-answer table")
    assert tables.count() >= 5 and "70+" in tables.first.inner_text()
    too_wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
    assert not too_wide


def test_the_page_says_which_model_answers(open_page):
    page = open_page()
    page.locator(".page-model").wait_for()
    assert EMBEDDED_NAME in page.locator(".page-model").inner_text()
