"""The tab "How good is it?": what was measured about the model that is loaded."""

from collections.abc import Callable

import gradio as gr

from age_model.network.reports import NotMeasuredError
from age_model.page import page_html, words
from age_model.page.measured_html import results_html


def build_measured_tab(tab: gr.Tab, results: Callable[[], dict]) -> None:
    """The content of `tab`, filled when a visitor opens it.

    Args:
        results: gives the results.json of the model that is loaded; see `measured.read_results`.
    """
    answer = gr.HTML(
        page_html.waiting_html(words.WAITING_RESULTS), padding=False, elem_id="measured-answer"
    )
    tab.select(lambda: measured_answer(results), None, answer, api_visibility="private")


def measured_answer(results: Callable[[], dict]) -> str:
    """HTML of the results, or a sentence on why there are none."""
    try:
        return results_html(results())
    except NotMeasuredError as error:
        return page_html.message_html(words.NOT_MEASURED, str(error))
    except (KeyError, TypeError, ValueError, AttributeError):
        # A checkpoint from elsewhere may say anything; the page must stand all the same.
        return page_html.message_html(words.NOT_MEASURED, words.RESULTS_UNREADABLE)
