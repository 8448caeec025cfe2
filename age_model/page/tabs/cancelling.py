"""Stopping what a tab has begun."""

import time
from collections.abc import Callable

import gradio as gr
from gradio.events import Dependency

LATE_SECONDS = 0.5


def add_cancel(
    button: gr.Button, running: Dependency, status: gr.HTML, stopped: Callable[[str], str]
) -> None:
    """Let a button stop a running event.

    Args:
        stopped: from what the status says to what it is to say then; the click may come too late.
    """
    # Progress that was on its way may come after the answer and take its place: so it is given again.
    event = {"concurrency_limit": None, "api_visibility": "private"}
    button.click(stopped, status, status, cancels=[running], **event).then(
        lambda: time.sleep(LATE_SECONDS), None, None, **event
    ).then(stopped, status, status, **event)
