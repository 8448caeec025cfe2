"""The tab "Accuracy": what was measured about the model that is loaded."""

import json
from collections.abc import Callable
from typing import Any

import gradio as gr
from jinja2 import UndefinedError

from age_model.network.reports import FEW, NotMeasuredError, by_source
from age_model.page.accuracy import figures
from age_model.page.accuracy.explorer import explorer
from age_model.page.accuracy.photos import bad_photos
from age_model.page.lazy_predictor import Predictor
from age_model.page.render import render
from age_model.page.theme import script

UNREADABLE = "The model's results.json is not in the form that train.evaluate writes."
# In the order of the page.
FIGURES: dict[str, Callable[[dict[str, Any]], figures.Figure | None]] = {
    "estimates": figures.estimates,
    "errors_by_age": figures.errors_by_age,
    "coverage": figures.coverage,
    "reliability": figures.reliability,
    "differences": figures.differences,
    "sources": figures.sources,
    "challenge": figures.challenge,
}


def build_accuracy_tab(tab: gr.Tab, predictor: Predictor) -> None:
    """The content of `tab`, filled when a visitor opens it."""
    answer = gr.HTML(
        render("accuracy.html", "waiting"),
        js_on_load=script("explorer.js"),
        padding=False,
        elem_id="accuracy-answer",
    )
    tab.select(lambda: accuracy_answer(predictor), None, answer, api_visibility="private")


def accuracy_answer(predictor: Predictor) -> str:
    """HTML of the results, or a sentence on why there are none."""
    try:
        return results_html(predictor.results, predictor.robustness)
    except NotMeasuredError as error:
        return render("accuracy.html", "not_measured", reason=str(error))
    except (KeyError, TypeError, ValueError, AttributeError, IndexError, UndefinedError):
        # A checkpoint from elsewhere may say anything; the page must stand all the same.
        return render("accuracy.html", "not_measured", reason=UNREADABLE)


def results_html(results: dict[str, Any], robustness: dict[str, Any] | None = None) -> str:
    """HTML of the content of a results.json, and of a robustness.json where there is one."""
    drawn = {name: draw(results) for name, draw in FIGURES.items()}
    drawn["bad_photos"] = bad_photos(robustness)
    parts = explorer(results)
    return render(
        "accuracy.html",
        "answer",
        results=results,
        sources=by_source(results),
        figures=drawn,
        explorer=parts,
        answers=json.dumps(parts.answers, separators=(",", ":")) if parts else "",
        few=FEW,
    )
