"""The tab "Accuracy": what was measured about the model that is loaded."""

from collections.abc import Callable
from typing import Any

import gradio as gr
from jinja2 import UndefinedError

from age_model.network.reports import FEW, NotMeasuredError, by_source
from age_model.page.render import render

UNREADABLE = "The model's results.json is not in the form that train.evaluate writes."


def build_accuracy_tab(tab: gr.Tab, results: Callable[[], dict[str, Any]]) -> None:
    """The content of `tab`, filled when a visitor opens it.

    Args:
        results: gives the results.json of the model that is loaded; see `reports.read_results`.
    """
    answer = gr.HTML(render("accuracy.html", "waiting"), padding=False, elem_id="accuracy-answer")
    tab.select(lambda: accuracy_answer(results), None, answer, api_visibility="private")


def accuracy_answer(results: Callable[[], dict[str, Any]]) -> str:
    """HTML of the results, or a sentence on why there are none."""
    try:
        return results_html(results())
    except NotMeasuredError as error:
        return render("accuracy.html", "not_measured", reason=str(error))
    except (KeyError, TypeError, ValueError, AttributeError, UndefinedError):
        # A checkpoint from elsewhere may say anything; the page must stand all the same.
        return render("accuracy.html", "not_measured", reason=UNREADABLE)


def results_html(results: dict[str, Any]) -> str:
    """HTML of the content of a results.json."""
    sources = by_source(results)
    return render("accuracy.html", "answer", results=results, sources=sources, few=FEW)
