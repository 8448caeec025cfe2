"""What a request may say: the fields that Gradio remembers or looks things up by.

A `session_hash` with half of a surrogate pair made Gradio fail at the end of every later event of
every visitor, since it stays among those that are told of the queue. A number that no event has,
and the name of no endpoint, are errors of the server to Gradio.
"""

import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

import orjson

from age_model.page.guard.routes import ID, MCP

BAD_BODY = "The body of the request is not JSON in UTF-8 as the API takes it."
BAD_FIELD = 'The field "{name}" of the request is not what it should be: expected {expected}.'
NO_ENDPOINT = "There is no endpoint /{name}: expected one of {known}."
NO_EVENT = "There is no event with this fn_index: see /config for those of the page."

MAX_NUMBER = 2**31
_ID = re.compile(ID)
_IDS = ("session_hash", "event_id", "upload_id", "deep_link")
_IS_ID = "1 to 64 letters, digits, - or _"
_ENDPOINT = re.compile(r"/gradio_api/(?:call/(?:v2/)?|run/)([^/]+)/?")


# Gradio's `BlockFunction`s, which have `api_name` and `api_visibility`, by their numbers.
Events = Mapping[int, Any]


def query_problem(query: bytes) -> tuple[int, str] | None:
    """Status and reason, where the part of an address after "?" is not to be answered."""
    for name, values in parse_qs(query.decode("latin-1")).items():
        if name in _IDS and not all(_ID.fullmatch(value) for value in values):
            return 400, BAD_FIELD.format(name=name, expected=_IS_ID)
    return None


def body_problem(path: str, data: bytes, events: Events) -> tuple[int, str] | None:
    """Status and reason, where the JSON body of a request is not to be answered.

    Args:
        path: of the request, without the folder that a proxy serves the app at.
        events: of the page, by their numbers.
    """
    try:
        # Refuses what Python's own parser takes: lone surrogates, NaN, nesting without end.
        body = orjson.loads(data)
    except orjson.JSONDecodeError:
        return 400, BAD_BODY
    if MCP.fullmatch(path):
        return None  # the library that answers has models for each of its messages
    return _named(path, events) or _fields(path, body, events)


def _named(path: str, events: Events) -> tuple[int, str] | None:
    """What is wrong with the endpoint that the address names, if it names one."""
    match = _ENDPOINT.fullmatch(path)
    if not match:
        return None
    names = {str(event.api_name): event.api_visibility for event in events.values()}
    if match[1] in names:
        return None
    known = ", ".join(f"/{name}" for name, seen in sorted(names.items()) if seen == "public")
    return 404, NO_ENDPOINT.format(name=match[1], known=known)


def _fields(path: str, body: Any, events: Events) -> tuple[int, str] | None:
    if not isinstance(body, dict):
        return 400, BAD_FIELD.format(name="", expected="a JSON object")
    if "/call/v2/" in path:
        return None  # its fields are the endpoint's own parameters
    for name in ("session_hash", "event_id"):
        value = body.get(name)
        if value is not None and not (isinstance(value, str) and _ID.fullmatch(value)):
            return 400, BAD_FIELD.format(name=name, expected=_IS_ID)
    for name in ("fn_index", "trigger_id"):
        value = body.get(name)
        if value is not None and not (_is_whole(value) and 0 <= value < MAX_NUMBER):
            return 400, BAD_FIELD.format(name=name, expected="a whole number of the page's")
    if body.get("batched") or body.get("oauth_token") is not None:
        return 400, BAD_FIELD.format(name="batched or oauth_token", expected="nothing")
    if body.get("fn_index") is not None and body["fn_index"] not in events:
        return 404, NO_EVENT
    return None


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
