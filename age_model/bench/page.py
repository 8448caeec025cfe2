"""How a running demo feels in Chromium: how its page loads, answers and moves, and what it weighs.

Needs `python app.py` running, Playwright (tests/requirements.txt) and a Chromium. Every load has an
empty cache.
"""

import argparse
import importlib
import shutil
from typing import Any

import numpy as np

from age_model.bench import client

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
SIZE_WH = (1280, 800)
GRADIO = ("/assets/", "/static/", "/theme.css", "/gradio_api/")  # what any page of Gradio's loads
TIMEOUT_MILLISECONDS = 60_000
# The largest paint so far, and the sum of all shifts that nobody's click explains.
WATCH = """
  window.paint = 0; window.shifts = 0; window.elapsed = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) window.paint = entry.startTime;
  }).observe({ type: "largest-contentful-paint", buffered: true });
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
"""
# From the choice of a file to the frame after the one in which its answer was drawn.
CLOCK = """() => {
  const view = document.getElementById("photo-view");
  let began = 0;
  view.addEventListener("change", () => { began = performance.now(); window.elapsed = 0; }, true);
  view.addEventListener("answered", () => requestAnimationFrame(() =>
    setTimeout(() => { window.elapsed = performance.now() - began; })));
}"""


def add_options(parser: argparse.ArgumentParser) -> None:
    """Options of `python -m age_model.bench page`."""
    parser.add_argument("--url", default="http://127.0.0.1:7860", help="default: %(default)s")
    parser.add_argument("--loads", type=int, default=5, help="default: %(default)s")
    parser.add_argument("--photos", type=int, default=20, help="default: %(default)s")


def run(options: argparse.Namespace) -> None:
    """Measure, and print a line for each thing.

    Raises:
        ValueError: there is no Playwright, no Chromium, or no demo at the address.
    """
    paints, weights = [], []
    with _playwright()() as playwright:
        browser = playwright.chromium.launch(executable_path=_browser(), args=["--no-sandbox"])
        for _ in range(options.loads):
            page, loaded = _open(browser, options.url)
            paints.append(page.evaluate("window.paint"))
            weights.append(sum(size for path, size in loaded if not path.startswith(GRADIO)))
            page.context.close()
        page, _ = _open(browser, options.url)
        page.evaluate(CLOCK)
        page.evaluate("window.shifts = 0")
        answers = [_answer_milliseconds(page) for _ in range(options.photos)]
        shifts = page.evaluate("window.shifts")
        browser.close()
    print(f"largest contentful paint:        {np.median(paints) / 1000:.2f} s (median)")
    print(f"page beyond Gradio's own files:  {np.median(weights) / 1e6:.2f} MB")
    low, median, high = np.quantile(answers, (0, 0.5, 0.95))
    print(f"photo chosen to answer seen:     {median:.0f} ms ({low:.0f} to {high:.0f}, 95%)")
    print(f"layout shift while answering:    {shifts:.3f}")


def _open(browser: Any, url: str) -> tuple[Any, list[tuple[str, int]]]:
    """A page once its first answer is there; the path and the bytes of each thing it loaded."""
    width, height = SIZE_WH
    page = browser.new_context(viewport={"width": width, "height": height}).new_page()
    page.set_default_timeout(TIMEOUT_MILLISECONDS)
    page.add_init_script(WATCH)
    answers: list[Any] = []
    page.on("requestfinished", lambda request: answers.append(request))
    try:
        page.goto(url)
        page.locator("#photo-answer .face").wait_for()
    except Exception as error:  # Playwright's own kinds
        raise ValueError(f"no page of this demo at {url}: start python app.py first") from error
    page.wait_for_timeout(1500)  # for paints that come late
    own = [request for request in answers if request.url.startswith("http")]
    sizes = [(request.url.split("/", 3)[3], request.sizes()["responseBodySize"]) for request in own]
    return page, [("/" + path, size) for path, size in sizes]


def _answer_milliseconds(page: Any) -> float:
    """Give the example portrait as a visitor's own photo."""
    page.locator("#photo-view input[type=file]").set_input_files(client.PORTRAIT)
    page.wait_for_function("window.elapsed > 0")
    elapsed: float = page.evaluate("window.elapsed")
    page.evaluate("window.elapsed = 0")
    return elapsed


def _playwright() -> Any:
    try:
        return importlib.import_module("playwright.sync_api").sync_playwright
    except ImportError:
        raise ValueError(
            "Playwright is missing: pip install -r tests/requirements.txt first"
        ) from None


def _browser() -> str:
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        raise ValueError(f"expected a browser, found none of {', '.join(BROWSERS)}: install one")
    return found
