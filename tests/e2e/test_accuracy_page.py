"""The tab "Accuracy" follows the results of the model that is loaded."""

import pytest

from age_model.network.loading import EMBEDDED, EMBEDDED_NAME
from age_model.network.reports import read_results
from age_model.page.accuracy.explorer import together

SEEN = """() => [...document.querySelectorAll('#accuracy-answer .chart')].map((chart) => {
  const box = chart.getBoundingClientRect();
  const inner = [...chart.querySelectorAll('span, i')].map((one) => one.getBoundingClientRect());
  return { height: box.height, left: Math.min(...inner.map((one) => one.left)),
           right: Math.max(...inner.map((one) => one.right)) };
})"""


@pytest.mark.parametrize("width", [1280, 390])
def test_the_pictures_fit_and_have_their_tables(open_page, choose_tab, width):
    page = open_page(width)
    choose_tab(page, "Accuracy")
    page.locator("#accuracy-explorer").wait_for()
    results = read_results(EMBEDDED)
    text = page.locator("#accuracy-answer").inner_text()
    assert f"{results['sources']['utkface']['years']['mae']:.1f} years" in text
    assert page.locator("#not-for").is_visible()
    charts = page.evaluate(SEEN)
    assert len(charts) >= 9 and all(chart["height"] > 20 for chart in charts)
    assert min(c["left"] for c in charts) >= 0 and max(c["right"] for c in charts) <= width
    assert not page.locator("#accuracy-answer table:visible").count(), "tables are on demand"
    page.locator("#accuracy-errors-by-age summary").click()
    assert "30–34" in page.locator("#accuracy-errors-by-age table").first.inner_text()
    page.evaluate("document.querySelectorAll('.accuracy details').forEach(d => d.open = true)")
    assert results["command"] in page.locator("#accuracy-answer").inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_explorer_answers_each_choice(open_page, choose_tab):
    page = open_page()
    choose_tab(page, "Accuracy")
    page.locator("#accuracy-explorer").wait_for()
    cells = read_results(EMBEDDED)["cells"]
    answer = page.locator(".explorer-answer")

    def chosen(**labels: str) -> None:
        for name, value in labels.items():
            shown = value.replace("-", "–") if name == "decade" else value
            page.locator(f"[data-choice={name}]").select_option(label=shown)
        part = together([c for c in cells if all(c[k] == v for k, v in labels.items())])
        words = answer.inner_text()
        assert f"{part.mae:.1f} years off" in words and f"{part.n:,} face" in words
        assert f"{abs(part.bias):.1f} years too {'young' if part.bias < 0 else 'old'}" in words
        assert f"{part.coverage:.0%} of the ranges" in words
        if part.mae_interval:
            low, high = part.mae_interval
            assert f"({low:.1f} to {high:.1f})" in words
        assert ("too few" in words) == (part.n < 30)

    chosen(decade="60-69")
    chosen(decade="60-69", gender="female")
    chosen(decade="60-69", gender="female", ethnicity="Indian")
    page.locator("[data-choice=decade]").select_option(label="90+")
    page.locator("[data-choice=ethnicity]").select_option(label="Others")
    assert answer.inner_text() == "There are no such faces in the test split."
    chosen(decade="20-29", gender="male", ethnicity="White")


def test_the_page_says_which_model_answers(open_page):
    page = open_page()
    page.locator(".page-model").wait_for()
    assert EMBEDDED_NAME in page.locator(".page-model").inner_text()
