"""Stopping what a tab has begun."""

from collections.abc import Callable

import gradio as gr
from gradio.events import Dependency


def add_cancel(
    button: gr.Button, running: Dependency, status: gr.HTML, stopped: Callable[[str], str]
) -> None:
    """Let a button stop a running event.

    Args:
        stopped: from what the status says to what it is to say then; the click may come too late.
    """
    button.click(
        stopped,
        status,
        status,
        cancels=[running],
        # By the queue, at once: its answer then comes after the progress that is on its way, and
        # not before it, where that would take its place.
        concurrency_limit=None,
        api_visibility="private",
    )
