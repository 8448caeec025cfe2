"""The page: its tabs, and what every request to it passes.

`Page` overrides two methods of Gradio's Blocks (release 6.31); each names what it answers to.
"""

import logging
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import gradio as gr
from gradio.processing_utils import save_base64_to_cache
from gradio.utils import get_upload_folder

from age_model.page.answers import page_answer
from age_model.page.examples import EXAMPLES
from age_model.page.guard.middleware import REQUEST_FAILED
from age_model.page.guard.visitors import Visitors
from age_model.page.lazy_predictor import LazyPredictor, Predictor
from age_model.page.private_log import log_without_text
from age_model.page.render import render
from age_model.page.tabs.accuracy import build_accuracy_tab
from age_model.page.tabs.answer_view import AnswerView
from age_model.page.tabs.batch import build_batch_tab
from age_model.page.tabs.photo import build_photo_tab
from age_model.page.tabs.video import build_video_tab
from age_model.page.tabs.webcam import build_webcam_tab

UPLOADS_LIVE_SECONDS = 600
CHECK_UPLOADS_SECONDS = 120
OWN_FILE = "/gradio_api/file="  # in the address of an upload
# What the server says to a program, where the page shows it as a notice.
NO_ADDRESSES = (
    "This server fetches nothing from addresses: upload the picture, or send it as a data: URL "
    "(data:image/jpeg;base64,...)."
)
log = logging.getLogger(__name__)


def build_demo(predictor: Predictor) -> "Page":
    """The page and its API, over one predictor."""

    def name_model() -> str:
        unreachable = predictor.instead_of if isinstance(predictor, LazyPredictor) else None
        names = {"name": predictor.model_name, "detector": predictor.detector_name}
        limitation = predictor.limitation
        return render("page.html", "model", unreachable=unreachable, limitation=limitation, **names)

    with Page(
        title="How old do they look?",
        analytics_enabled=False,
        delete_cache=(CHECK_UPLOADS_SECONDS, UPLOADS_LIVE_SECONDS),
    ) as page:
        gr.HTML(render("page.html", "header"), padding=False)
        with gr.Tab("Photo"):
            page.photo = build_photo_tab(predictor)
        with gr.Tab("Webcam"):
            build_webcam_tab(predictor)
        with gr.Tab("Batch"):
            build_batch_tab(predictor)
        with gr.Tab("Video"):
            build_video_tab(predictor)
        with gr.Tab("Accuracy") as accuracy:
            build_accuracy_tab(accuracy, predictor)
        gr.HTML(render("page.html", "notes"), padding=False)
        model = gr.HTML(padding=False)
        page.load(name_model, None, model, api_visibility="private")
    return page


class Page(gr.Blocks):
    """Blocks that takes uploads only, and logs no visitor's data.

    Attributes:
        visitors: is told who was worked for, and for how long.
        photo: what the tab Photo shows.
    """

    visitors = Visitors(0)
    photo: AnswerView

    def answer_first(self, predictor: Predictor) -> None:
        """Let the page open with the answer to its first example, of the model that is loaded."""
        first = page_answer(predictor, {"example": EXAMPLES[0].name}, "")
        self.photo.boxes.value, self.photo.answer.value = first

    def get_api_info(self, *args: Any, **kwargs: Any) -> Any:
        """What the endpoints take and give: as Gradio says it, each schema in one piece.

        Gradio's MCP server (https://github.com/gradio-app/gradio/pull/10984) puts the schema of
        each parameter, "$defs" and all, below the "properties" of the tool's schema. References in
        it, as to "#/$defs/FileData", then lead nowhere, and strict clients refuse the tool.
        """
        info = super().get_api_info(*args, **kwargs)
        for endpoint in info["named_endpoints"].values():
            for parameter in endpoint["parameters"]:
                parameter["type"] = _in_one_piece(parameter["type"])
        return info

    async def process_api(
        self, block_fn: Any, inputs: list[Any], *args: Any, **kwargs: Any
    ) -> dict[str, Any]:
        """Answer a request.

        Gradio downloads a file that a request names by its address, whatever its size, also where
        `preprocess` is off; it only checks that the address is public
        (https://github.com/gradio-app/gradio/pull/9383). Here nothing is fetched. And it prints the
        whole traceback of an error, whose text may quote what a visitor sent; only `gr.Error` can
        be kept out of the log (https://github.com/gradio-app/gradio/issues/10136), so every error
        becomes one.

        Args:
            inputs: as they came. In place of an upload's dict may stand its address on this server.

        Raises:
            gr.Error: the request names an address elsewhere, or cannot be answered.
        """
        began = time.monotonic()
        try:
            inputs = [_given(value) for value in inputs]
            if any(map(_is_elsewhere, _dicts(inputs))):
                raise gr.Error(NO_ADDRESSES, print_exception=False)
            return await super().process_api(block_fn, inputs, *args, **kwargs)
        except gr.Error:
            raise
        except Exception as error:
            log_without_text(log, "a request", error)
            raise gr.Error(REQUEST_FAILED, print_exception=False) from None
        finally:
            client = getattr(kwargs.get("request"), "client", None)
            self.visitors.worked(getattr(client, "host", ""), time.monotonic() - began)


def _in_one_piece(schema: object, parts: dict[str, Any] | None = None) -> object:
    """A JSON schema without references: each is replaced by what it refers to."""
    if isinstance(schema, list):
        return [_in_one_piece(item, parts) for item in schema]
    if not isinstance(schema, dict):
        return schema
    parts = schema.get("$defs", parts) or {}
    if "$ref" in schema:
        return _in_one_piece(parts[schema["$ref"].removeprefix("#/$defs/")], parts)
    return {key: _in_one_piece(value, parts) for key, value in schema.items() if key != "$defs"}


def _given(value: object) -> object:
    """An input in which uploads are dicts: in lists, Gradio's MCP server leaves them as text."""
    if isinstance(value, list):
        return [_upload(item) if isinstance(item, str) else _given(item) for item in value]
    if isinstance(value, dict) and OWN_FILE in str(value.get("path")):
        return {**value, "path": _own_path(value["path"])}
    return value


def _upload(text: str) -> dict[str, Any]:
    if text.startswith("data:"):
        path = save_base64_to_cache(text, get_upload_folder())
    else:
        path = _own_path(text)
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def _own_path(address: str) -> str:
    """Path of an upload from its address; that it is one is checked as with any other path."""
    return unquote(address.partition(OWN_FILE)[2]) if OWN_FILE in address else address


def _dicts(value: object) -> Iterator[dict[str, Any]]:
    """All dicts in a JSON value, at any depth."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _is_elsewhere(value: dict[str, Any]) -> bool:
    return "://" in str(value.get("path"))
