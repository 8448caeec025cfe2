"""What stands before the page's server: how much a request may bring, and what it may ask for.

Gradio bounds each uploaded file (`images.MAX_BYTES`), but neither their sum, nor any other
request's body, and it has routes that this page has no use for (`routes`).
"""

import json
import logging
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from age_model.page.private_log import log_without_text
from age_model.page.routes import UPLOAD, is_open

MAX_BODY = 8 * 2**20  # bytes of any request but an upload: a data URL of a picture of 6 MB
MAX_UPLOAD = 2 * 2**30  # bytes of one upload, which may be of many files
KEEP_FREE = 512 * 2**20  # bytes of the disk that uploads leave alone

REQUEST_FAILED = (
    "The request could not be answered: its values are not what this endpoint takes, or a file of "
    "it is no upload. See the API link at the foot of the page, and try again."
)
REQUEST_TOO_LARGE = (
    "The request is too large: at most {megabytes} MB. Send fewer or smaller pictures."
)
NO_SUCH_ADDRESS = "There is nothing at this address, or it takes another method."
DISK_FULL = "There is no room for uploads at the moment: try again in a few minutes."

Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
log = logging.getLogger(__name__)


class RequestGuard:
    """ASGI middleware; see the module's text."""

    def __init__(self, app: Callable[..., Any], upload_folder: Callable[[], str]):
        """Stand before `app`; `upload_folder` gives the folder whose disk is to keep KEEP_FREE."""
        self._app = app
        self._upload_folder = upload_folder

    async def __call__(self, scope: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer a request, or let `app` do it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        refusal = self._refusal(scope)
        if refusal:
            await _answer(send, *refusal)
            return
        body = _Body(receive, _limit(scope))
        answer = _Answer(send, body)
        try:
            await self._app(scope, body, answer)
        except Exception as error:
            if not body.lost:
                log_without_text(log, "a request", error)
            if not answer.begun and not body.too_large:
                await _answer(send, 500, REQUEST_FAILED)
        if body.too_large and not answer.begun:
            await _answer(send, 413, _too_large(scope))

    def _refusal(self, scope: dict[str, Any]) -> tuple[int, str] | None:
        """Status and reason, where a request's head shows already that it is not to be answered."""
        if not is_open(scope["method"], _path(scope)):
            return 404, NO_SUCH_ADDRESS
        length = dict(scope["headers"]).get(b"content-length", b"")
        if length.isdigit() and int(length) > _limit(scope):
            return 413, _too_large(scope)
        if _is_upload(scope):
            folder = Path(self._upload_folder())
            there = next(path for path in (folder, *folder.absolute().parents) if path.exists())
            wanted = int(length) if length.isdigit() else MAX_UPLOAD
            if shutil.disk_usage(there).free < wanted + KEEP_FREE:
                return 507, DISK_FULL
        return None


class _Body:
    """The body of a request: past `limit` bytes it breaks off, as if the visitor had gone.

    Attributes:
        too_large: more came than `limit`.
        lost: it broke off.
    """

    def __init__(self, receive: Receive, limit: int):
        self._receive, self._left = receive, limit
        self.too_large = self.lost = False

    async def __call__(self) -> dict[str, Any]:
        message = {"type": "http.disconnect"} if self.too_large else await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            self.too_large, message = True, {"type": "http.disconnect"}
        self.lost = self.lost or message["type"] == "http.disconnect"
        return message


class _Answer:
    """What the app answers; it is not sent where the body was too large, for which we have our own.

    Attributes:
        begun: something was sent.
    """

    def __init__(self, send: Send, body: _Body):
        self._send, self._body = send, body
        self.begun = False

    async def __call__(self, message: dict[str, Any]) -> None:
        if self.begun or not self._body.too_large:
            self.begun = True
            await self._send(message)


def _path(scope: dict[str, Any]) -> str:
    """Path of a request, without the folder that a proxy serves the app at."""
    return scope["path"].removeprefix(scope.get("root_path", ""))


def _is_upload(scope: dict[str, Any]) -> bool:
    return UPLOAD.fullmatch(_path(scope)) is not None


def _limit(scope: dict[str, Any]) -> int:
    return MAX_UPLOAD if _is_upload(scope) else MAX_BODY


def _too_large(scope: dict[str, Any]) -> str:
    return REQUEST_TOO_LARGE.format(megabytes=_limit(scope) // 2**20)


async def _answer(send: Send, status: int, reason: str) -> None:
    body = json.dumps({"detail": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
