"""Options, build and launch of the demo: a Gradio page and its API over one predictor.

`python app.py`, or `age-model-demo` where the package is installed, serves it at
http://127.0.0.1:7860; `--help` lists the options.
"""

import argparse
import os
import signal
import sys
from pathlib import Path

from age_model.page.uploads import UPLOADS, keep_deleting

# isort: split
# Gradio comes after the line above: on its import it reads where uploads go.
import gradio as gr
from gradio.utils import get_upload_folder
from starlette.middleware import Middleware

from age_model.images.load import MAX_BYTES
from age_model.page import page_html, words
from age_model.page.answers import Predictor
from age_model.page.blocks import Page
from age_model.page.guard import RequestGuard
from age_model.page.lazy_predictor import LazyPredictor
from age_model.page.tabs.accuracy import build_measured_tab
from age_model.page.tabs.batch import build_many_tab
from age_model.page.tabs.live import build_live_tab
from age_model.page.tabs.photo import build_photo_tab, build_webcam_tab
from age_model.page.tabs.video import build_video_tab
from age_model.page.tabs.why import build_why_tab

STATIC = Path(page_html.__file__).parent / "static"
UPLOADS_LIVE_SECONDS = 600
CHECK_UPLOADS_SECONDS = 120
WAITING_VISITORS = 32
REMEMBERED_VISITORS = 100  # Gradio holds what each of them sent last, up to a request's size

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
    # Darker, or lighter, than the defaults, which are hard to read on their grounds (WCAG 2.1, 4.5:1).
    button_primary_background_fill="*primary_700",
    button_primary_background_fill_hover="*primary_800",
    link_text_color_dark="*primary_300",
)


def build_demo(predictor: Predictor) -> gr.Blocks:
    """The page and its API.

    Args:
        predictor: called with an upright (H, W, 3) uint8 RGB picture.
    """

    def name_model() -> str:
        instead_of = getattr(predictor, "instead_of", None)
        return page_html.model_html(predictor.model_name, predictor.detector_name, instead_of)

    with Page(
        title=words.TITLE,
        analytics_enabled=False,
        delete_cache=(CHECK_UPLOADS_SECONDS, UPLOADS_LIVE_SECONDS),
    ) as page:
        gr.HTML(page_html.header_html(), padding=False)
        with gr.Tab(words.TABS["photo"]):
            build_photo_tab(predictor)
        with gr.Tab(words.TABS["webcam"]):
            build_webcam_tab(predictor)
        with gr.Tab(words.TABS["live"]):
            build_live_tab(predictor)
        with gr.Tab(words.TABS["why"]):
            build_why_tab(predictor)
        with gr.Tab(words.TABS["many"]):
            build_many_tab(predictor)
        with gr.Tab(words.TABS["video"]):
            build_video_tab(predictor)
        with gr.Tab(words.TABS["measured"]) as measured:
            build_measured_tab(measured, lambda: predictor.results)
        gr.HTML(page_html.notes_html(), padding=False)
        model = gr.HTML(padding=False)
        page.load(name_model, None, model, api_visibility="private")
    return page


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Options of the command; the defaults listen to what a Space sets in its environment."""
    parser = argparse.ArgumentParser(description="Serve the demo: a page and its API.")
    host, port = os.environ.get("GRADIO_SERVER_NAME"), os.environ.get("GRADIO_SERVER_PORT")
    parser.add_argument("--host", default=host or "127.0.0.1", help="default: %(default)s")
    parser.add_argument("--port", type=int, default=int(port or 7860), help="default: %(default)s")
    parser.add_argument("--share", action="store_true", help="also open a public Gradio link")
    parser.add_argument("--model", help="folder or Hub id in place of the embedded model")
    return parser.parse_args(arguments)


def main() -> int:
    """Load the model, then serve until stopped; returns the exit status."""
    options = parse_args()
    # Stopped by the system, the app ends as after Ctrl-C, which deletes the uploads.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        predictor.load(options.model)
        keep_deleting(
            Path(UPLOADS.name), CHECK_UPLOADS_SECONDS, UPLOADS_LIVE_SECONDS, example_files
        )
        # Without api_open=False a program could ask past the queue.
        demo.queue(max_size=WAITING_VISITORS, api_open=False).launch(
            server_name=options.host,
            server_port=options.port,
            share=options.share,
            max_file_size=MAX_BYTES,
            state_session_capacity=REMEMBERED_VISITORS,
            run_history=False,  # would keep what visitors upload in their browsers
            enable_monitoring=False,  # how often which button was pressed, told to anyone
            mcp_server=True,
            footer_links=["api"],
            ssr_mode=False,
            theme=THEME,
            css_paths=STATIC / "page.css",
            app_kwargs={"middleware": [Middleware(RequestGuard, upload_folder=get_upload_folder)]},
        )
    except (OSError, ValueError) as error:  # no such model, or the port is taken
        print(f"{Path(sys.argv[0]).name}: {error}", file=sys.stderr)
        return 1
    finally:
        # Gradio deletes uploads itself only when no visitor's connection is open any more.
        UPLOADS.cleanup()
    return 0


def example_files() -> set[str]:
    """Paths of the copies of the examples that Gradio made when the page was built."""
    return {path for block in demo.blocks.values() for path in getattr(block, "keep_in_cache", ())}


predictor = LazyPredictor()
demo = build_demo(predictor)
