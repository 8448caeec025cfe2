"""Waiting in a browser for the answer to a photo."""

from collections.abc import Iterator
from contextlib import contextmanager

LISTEN = """() => {
  window.answered = false;
  document.querySelector("#photo-view").addEventListener(
    "answered", () => setTimeout(() => { window.answered = true }), { once: true });
}"""


@contextmanager
def answered(page) -> Iterator[None]:
    """Wait, after what is done within, until the tab Photo has been answered."""
    page.evaluate(LISTEN)
    yield
    page.wait_for_function("window.answered")
