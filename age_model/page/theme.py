"""How the page looks: Gradio's default theme with other colours, and a stylesheet of our own."""

from pathlib import Path

import gradio as gr

STATIC = Path(__file__).parent / "static"
SHEETS = ("page.css", "answer.css", "other_tabs.css", "accuracy.css", "webcam.css")
STYLE = [STATIC / name for name in SHEETS]

THEME = gr.themes.Default(
    primary_hue="cyan",
    neutral_hue="slate",
    # Served by Gradio itself; its semi-bold files lack most letters, so bold stands in for them.
    font=[gr.themes.LocalFont("IBM Plex Sans", weights=(400, 700)), "system-ui", "sans-serif"],
).set(
    body_background_fill="*neutral_50",
    body_text_color_subdued="*neutral_600",  # the default is too faint to read with ease
    body_text_color_subdued_dark="*neutral_400",
    border_color_primary="*neutral_300",
    # Darker, or lighter, than the defaults, which are hard to read (WCAG 2.1 asks for 4.5:1).
    button_primary_background_fill="*primary_700",
    button_primary_background_fill_hover="*primary_800",
    button_primary_background_fill_dark="*primary_700",
    button_primary_background_fill_hover_dark="*primary_800",
    link_text_color_dark="*primary_300",
)


def script(name: str) -> str:
    """The content of a script in `static/`."""
    return (STATIC / name).read_text(encoding="utf-8")
