"""What every request to the page passes: no address is fetched, no error's text is logged."""

import logging
from collections.abc import Iterator
from urllib.parse import unquote

import gradio as gr
from gradio.processing_utils import save_base64_to_cache
from gradio.utils import get_upload_folder

from age_model.page.guard import REQUEST_FAILED
from age_model.page.private_log import log_without_text

OWN_FILE = "/gradio_api/file="  # in the address of an upload
log = logging.getLogger(__name__)

NO_ADDRESSES = (
    "This server fetches nothing from addresses: upload the picture, or send it as a data: URL "
    "(data:image/jpeg;base64,...)."
)


class Page(gr.Blocks):
    """Blocks that takes uploads only."""

    def get_api_info(self, *args, **kwargs) -> dict:
        """What the endpoints take and give: as Gradio says it, each schema in one piece."""
        info = super().get_api_info(*args, **kwargs)
        for endpoint in info["named_endpoints"].values():
            for parameter in endpoint["parameters"]:
                parameter["type"] = _in_one_piece(parameter["type"])
        return info

    async def process_api(self, block_fn, inputs: list, *args, **kwargs) -> dict:
        """Answer a request.

        Args:
            inputs: as they came. In place of an upload's dict may stand its address on this server.

        Raises:
            gr.Error: the request names an address elsewhere, or cannot be answered.
        """
        try:
            inputs = [_given(value) for value in inputs]
            # Gradio would fetch it, whatever its size, and also where `preprocess` is off.
            if any(map(_is_elsewhere, _dicts(inputs))):
                raise gr.Error(NO_ADDRESSES, print_exception=False)
            return await super().process_api(block_fn, inputs, *args, **kwargs)
        except gr.Error:
            raise
        except Exception as error:
            log_without_text(log, "a request", error)
            raise gr.Error(REQUEST_FAILED, print_exception=False) from None


def _in_one_piece(schema: object, parts: dict | None = None) -> object:
    """A JSON schema without references: Gradio's MCP server moves schemas, and breaks those in them."""
    if isinstance(schema, list):
        return [_in_one_piece(item, parts) for item in schema]
    if not isinstance(schema, dict):
        return schema
    parts = schema.get("$defs", parts)
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


def _upload(text: str) -> dict:
    if text.startswith("data:"):
        path = save_base64_to_cache(text, get_upload_folder())
    else:
        path = _own_path(text)
    return {"path": path, "meta": {"_type": "gradio.FileData"}}


def _own_path(address: str) -> str:
    """Path of an upload from its address; that it is one is checked as with any other path."""
    return unquote(address.partition(OWN_FILE)[2]) if OWN_FILE in address else address


def _dicts(value: object) -> Iterator[dict]:
    """All dicts in a JSON value, at any depth."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            yield value
            waiting.extend(value.values())
        elif isinstance(value, list):
            waiting.extend(value)


def _is_elsewhere(value: dict) -> bool:
    return "://" in str(value.get("path"))
