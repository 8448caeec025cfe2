"""Stopping what a tab has begun."""

import time
from typing import Any

import gradio as gr
from gradio.events import Dependency

RUNNING = "answer-running"  # class of what says that something is in progress
LATE_SECONDS = 0.5


def add_cancel(button: gr.Button, running: Dependency, status: gr.HTML, stopped: str) -> None:
    """Let a button stop a running event.

    Args:
        stopped: HTML of the status then.
    """

    def stop(shown: str | None) -> str | None:
        return status_after_stop(shown, stopped)

    # Progress that was on its way may come after the answer and take its place: it is given again.
    event: dict[str, Any] = {"concurrency_limit": None, "api_visibility": "private"}
    button.click(stop, status, status, cancels=[running], **event).then(
        lambda: time.sleep(LATE_SECONDS), None, None, **event
    ).then(stop, status, status, **event)


def status_after_stop(shown: str | None, stopped: str) -> str | None:
    """`stopped` in place of progress; what else is shown stays, as the click may come too late."""
    return stopped if RUNNING in (shown or "") else shown
