"""The demo: a Gradio page and the API endpoint /predict over one predictor.

`python app.py` serves it at http://127.0.0.1:7860; see `python app.py --help`.
"""

import argparse
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import gradio as gr
from gradio.route_utils import delete_files_created_by_app
from gradio.utils import get_upload_folder

from age_model import page_html, words
from age_model.answers import Predictor, api_answer, page_answer
from age_model.images import MAX_BYTES
from age_model.lazy import LazyPredictor
from age_model.page.how_good import build_measured_tab
from age_model.page.live import build_live_tab
from age_model.page.many import build_many_tab
from age_model.page.why import build_why_tab

PACKAGE = Path(page_html.__file__).parent
EXAMPLES = [PACKAGE / "examples" / name for name in ("portrait.jpg", "group.jpg", "cat.jpg")]
AFTER_ANSWER = (PACKAGE / "after_answer.js").read_text(encoding="utf-8")
UPLOADS_LIVE_SECONDS = 600
CHECK_UPLOADS_SECONDS = 120
WAITING_VISITORS = 32

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
)


def build_demo(predictor: Predictor) -> gr.Blocks:
    """The page and its API.

    Args:
        predictor: called with an upright (H, W, 3) uint8 RGB picture.
    """

    def show(picture: dict | None, waiting: str) -> tuple[dict, str]:
        drawn, html = page_answer(predictor, picture, get_upload_folder(), waiting)
        return gr.update(value=drawn, visible=drawn is not None), html

    def predict(picture: dict | None, thresholds: bool = False) -> dict:
        """Find the faces in a picture and say how old each of them looks.

        With `thresholds` also how probable it is that it looks 18 or older, and other such ages.
        """
        return api_answer(predictor, picture, get_upload_folder(), thresholds)

    def name_model() -> str:
        instead_of = getattr(predictor, "instead_of", None)
        return page_html.model_html(predictor.model_name, predictor.detector_name, instead_of)

    with gr.Blocks(
        title=words.TITLE,
        analytics_enabled=False,
        delete_cache=(CHECK_UPLOADS_SECONDS, UPLOADS_LIVE_SECONDS),
    ) as page:
        gr.HTML(page_html.header_html(), padding=False)
        with gr.Tab("Photo"):
            photo = _tab("photo", ["upload", "clipboard"], words.WAITING_PHOTO, show)
        with gr.Tab("Webcam"):
            _tab("webcam", ["webcam"], words.WAITING_WEBCAM, show)
        with gr.Tab("Live"):
            build_live_tab(predictor)
        with gr.Tab("Why?"):
            build_why_tab(predictor, EXAMPLES)
        with gr.Tab("Many pictures"):
            build_many_tab(predictor)
        with gr.Tab("How good is it?") as measured:
            build_measured_tab(measured, lambda: predictor.results)
        gr.HTML(page_html.notes_html(), padding=False)
        model = gr.HTML(padding=False)
        page.load(name_model, None, model, api_visibility="private")
        _add_api(photo, predict)
    return page


def _tab(name: str, sources: list[str], waiting: str, show: Callable) -> gr.Image:
    """A picture to give on the left, the answer to it on the right; examples go with uploads."""
    with gr.Row(equal_height=False):
        with gr.Column(scale=5, min_width=320):
            picture = gr.Image(
                label="Your picture",
                sources=sources,
                type="filepath",
                height=380,
                buttons=[],
                elem_id=f"{name}-input",
            )
            if "upload" in sources:
                gr.Examples(
                    [[str(path)] for path in EXAMPLES],
                    picture,
                    label="Or try one of these",
                    cache_examples=False,
                    api_visibility="private",
                )
        with gr.Column(scale=6, min_width=320, elem_id=f"{name}-result"):
            shown = gr.Image(
                label="Faces found",
                visible=False,
                interactive=False,
                format="jpeg",
                buttons=["fullscreen"],
                elem_id=f"{name}-faces",
            )
            answer = gr.HTML(
                page_html.waiting_html(waiting), padding=False, elem_id=f"{name}-answer"
            )
    picture.change(
        lambda given: show(given, waiting),
        picture,
        [shown, answer],
        preprocess=False,  # the file as it came: our own reader turns, converts and complains
        trigger_mode="always_last",
        concurrency_id="predict",
        api_visibility="private",
    ).then(None, js=AFTER_ANSWER.replace("NAME", name), api_visibility="private")
    return picture


def _add_api(picture: gr.Image, predict: Callable) -> None:
    record = gr.JSON(visible=False)
    # Its value is what a client gets that does not name the parameter.
    thresholds = gr.Checkbox(value=False, label="Thresholds", visible=False)
    # Nobody sees this button: an endpoint of Gradio needs an event, and the page's own events
    # answer with HTML.
    gr.Button(visible=False).click(
        predict,
        [picture, thresholds],
        record,
        preprocess=False,
        concurrency_id="predict",
        api_name="predict",
    )


def parse_args(arguments: list[str] | None = None) -> argparse.Namespace:
    """Options of `python app.py`; the defaults listen to what a Space sets in its environment."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
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
        demo.queue(max_size=WAITING_VISITORS).launch(
            server_name=options.host,
            server_port=options.port,
            share=options.share,
            max_file_size=MAX_BYTES,
            run_history=False,  # would keep what visitors upload in their browsers
            footer_links=["api"],
            ssr_mode=False,
            theme=THEME,
            css_paths=PACKAGE / "page.css",
        )
    except (OSError, ValueError) as error:  # no such model, or the port is taken
        print(f"app.py: {error}", file=sys.stderr)
        return 1
    finally:
        # Gradio does so itself only when no visitor's connection is open any more.
        delete_files_created_by_app(demo, age=None)
    return 0


predictor = LazyPredictor()
demo = build_demo(predictor)

if __name__ == "__main__":
    sys.exit(main())
