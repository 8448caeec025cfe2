"""What stands before the page's server: what a request may ask for, say and bring.

Gradio bounds each uploaded file (`images.MAX_BYTES`), but neither their sum, nor any other
request's body; it has routes that this page has no use for (`routes`), and stumbles over fields
that it does not check (`fields`).
"""

import asyncio
import errno
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from age_model.page.guard.disk import Reservation, Room
from age_model.page.guard.fields import Events, body_problem, query_problem
from age_model.page.guard.headers import SECURITY, from_visitor, is_allowed_host, with_security
from age_model.page.guard.routes import MCP, UPLOAD, begins_work, is_open
from age_model.page.guard.visitors import TOO_MANY, Visitors
from age_model.page.private_log import log_without_text

MAX_BODY = 9 * 2**20  # bytes of any request but an upload: a data URL of a picture of 6 MB
MAX_UPLOAD = 2 * 2**30  # bytes of one upload, which may be of many files
UNWRITTEN = 2**18  # bytes of a request that are never written to the disk: a frame of the camera
# Of a visitor who sends nothing, and of all that one sends: a slow line needs minutes for a clip.
IDLE_SECONDS, BODY_SECONDS, UPLOAD_SECONDS = 30, 120, 900
SLOWEST = 2048  # bytes a second, on average

NOT_WRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EROFS)
REQUEST_FAILED = (
    "The request could not be answered: its values are not what this endpoint takes, or a file of "
    "it is no upload. See the API link at the foot of the page, and try again."
)
REQUEST_TOO_LARGE = (
    "The request is too large: at most {megabytes} MB. Send fewer or smaller pictures."
)
NO_SUCH_ADDRESS = "There is nothing at this address, or it takes another method."
DISK_FULL = "There is no room for uploads at the moment: try again in a few minutes."
TOO_MANY_UPLOADS = "Your address has too many uploads under way: wait for one of them to end."
WRONG_HOST = "This server does not answer to that name."
TOO_SLOW = "The request took too long to arrive: send it again over a faster line."

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Problem = tuple[int, str]  # status and reason
log = logging.getLogger(__name__)


class RequestGuard:
    """ASGI middleware; see the module's text."""

    def __init__(
        self,
        app: Callable[..., Any],
        upload_folder: Callable[[], str],
        events: Callable[[], Events] = dict,
        visitors: Visitors | None = None,
        proxies: tuple[str, ...] = (),
        hosts: tuple[str, ...] = (),
    ):
        """Stand before `app`.

        Args:
            app: an ASGI application.
            upload_folder: gives the folder whose disk is to keep `disk.KEEP_FREE`.
            events: gives those of the page, by their numbers.
            visitors: limits what each of them may ask for.
            proxies: addresses that are believed where they say whom they ask for.
            hosts: names that the server is asked by; none allow all.
        """
        self._app = app
        self._visitors = visitors or Visitors(0)
        self._proxies, self._hosts = proxies, hosts
        self._events = events
        self._room = Room(upload_folder)

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer a request, or let `app` do it."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
        elif scope["type"] != "http":  # Gradio 6 has no other
            await send({"type": "websocket.close"})
        else:
            await self._http(from_visitor(scope, self._proxies), receive, send)

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        address = (scope.get("client") or ("", 0))[0]
        if problem := _head_problem(scope, self._hosts):
            await _answer(send, *problem)
        elif begins_work(scope["method"], _path(scope)) and (
            wait := self._visitors.seconds_to_wait(address)
        ):
            await _answer(send, 429, TOO_MANY.format(seconds=wait), wait)
        elif not _is_upload(scope):
            await self._other(scope, receive, send)
        elif self._visitors.begin_upload(address):
            try:
                await self._upload(scope, receive, send)
            finally:
                self._visitors.end_upload(address)
        else:
            await _answer(send, 429, TOO_MANY_UPLOADS, IDLE_SECONDS)

    async def _other(self, scope: Message, receive: Receive, send: Send) -> None:
        """Read a whole body, look at it, and pass it on."""
        has_body = scope["method"] == "POST"
        body = _Body(receive, MAX_BODY, BODY_SECONDS, complete=not has_body)
        if has_body:
            data = await body.read()
            if data is None and body.problem is None:
                return  # the visitor has gone
            body.problem = body.problem or self._body_problem(_path(scope), data or b"")
        if body.problem:
            await _answer(send, *body.problem)
        else:
            await self._pass_on(scope, body, send)

    def _body_problem(self, path: str, data: bytes) -> Problem | None:
        """What is wrong with a body, or with the disk, to which its data: URLs are written."""
        if problem := body_problem(path, data, self._events()):
            return problem
        # The MCP server looks itself, and says it in its own way.
        if len(data) > UNWRITTEN and not MCP.fullmatch(path) and not self._room.has(len(data)):
            return 507, DISK_FULL
        return None

    async def _upload(self, scope: Message, receive: Receive, send: Send) -> None:
        """Pass an upload on while there is room for it."""
        reservation = Reservation(self._room)
        try:
            if not reservation.begin(_length(scope)):
                await _answer(send, 507, DISK_FULL)
                return
            body = _Body(receive, MAX_UPLOAD, UPLOAD_SECONDS, reservation)
            await self._pass_on(scope, body, send)
        finally:
            reservation.end()

    async def _pass_on(self, scope: Message, body: "_Body", send: Send) -> None:
        answer = _Answer(send, body)
        try:
            await self._app(scope, body, answer)
        except Exception as error:
            if is_full(error):
                body.problem = body.problem or (507, DISK_FULL)
            elif not body.lost:
                log_without_text(log, "a request", error)
            if body.problem is None:
                # What Gradio's own check of an endpoint's arguments raises, unanswered.
                status = 422 if isinstance(error, TypeError) else 500
                body.problem = (status, REQUEST_FAILED)
        if body.problem and not answer.begun:
            await _answer(send, *body.problem)


class _Body:
    """The body of a request: where it breaks a limit it breaks off, as if the visitor had gone.

    Attributes:
        problem: why it broke off by this class's doing.
        lost: it broke off.
    """

    def __init__(
        self,
        receive: Receive,
        limit: int,
        seconds: float,
        reservation: Reservation | None = None,
        complete: bool = False,
    ):
        """Read at most `limit` bytes in so many seconds; `complete`: there is none to wait for."""
        self._receive, self._limit, self._left = receive, limit, limit
        self._began = asyncio.get_running_loop().time()
        self._until = self._began + seconds
        self._reservation = reservation
        self._whole: list[Message] | None = None
        self._complete = complete
        self.problem: Problem | None = None
        self.lost = False

    async def read(self) -> bytes | None:
        """All of it, to be given out once more afterwards; None where it broke off."""
        data = bytearray()
        while True:
            message = await self()
            if message["type"] == "http.disconnect":
                return None
            data += message.get("body", b"")
            if not message.get("more_body"):
                break
        self._whole = [{"type": "http.request", "body": bytes(data), "more_body": False}]
        return bytes(data)

    async def __call__(self) -> Message:
        if self._whole:
            return self._whole.pop()
        message = {"type": "http.disconnect"} if self.problem else await self._next()
        size = len(message.get("body", b""))
        self._left -= size
        if self._left < 0:
            self.problem = (413, _too_large(self._limit))
        elif self._reservation is not None and not self._reservation.written(size):
            self.problem = (507, DISK_FULL)
        if self.problem:
            message = {"type": "http.disconnect"}
        self.lost = self.lost or message["type"] == "http.disconnect"
        self._complete = self.lost or not message.get("more_body")
        return message

    async def _next(self) -> Message:
        if self._complete:  # what is awaited now is the end of the visit, however long that takes
            return await self._receive()
        if self._is_slow():
            self.problem = (408, TOO_SLOW)
            return {"type": "http.disconnect"}
        left = self._until - asyncio.get_running_loop().time()
        try:
            return await asyncio.wait_for(self._receive(), min(IDLE_SECONDS, max(0.0, left)))
        except TimeoutError:
            self.problem = (408, TOO_SLOW)
            return {"type": "http.disconnect"}

    def _is_slow(self) -> bool:
        """Whether less came than over the slowest of lines, once some time has passed."""
        now = asyncio.get_running_loop().time()
        seconds = now - self._began
        return seconds > IDLE_SECONDS and self._limit - self._left < SLOWEST * seconds


class _Answer:
    """What the app answers; it is not sent where the body had a problem, for which we have our own.

    Attributes:
        begun: something was sent.
    """

    def __init__(self, send: Send, body: _Body):
        self._send, self._body = send, body
        self.begun = False

    async def __call__(self, message: Message) -> None:
        if self.begun or not self._body.problem:
            self.begun = True
            if message["type"] == "http.response.start":
                message = {**message, "headers": with_security(list(message["headers"]))}
            await self._send(message)


def _head_problem(scope: Message, hosts: tuple[str, ...]) -> Problem | None:
    """What a request's head shows to be wrong with it."""
    if not is_allowed_host(scope["headers"], hosts):
        return 421, WRONG_HOST
    if not is_open(scope["method"], _path(scope)):
        return 404, NO_SUCH_ADDRESS
    limit = MAX_UPLOAD if _is_upload(scope) else MAX_BODY
    if (_length(scope) or 0) > limit:
        return 413, _too_large(limit)
    return query_problem(scope.get("query_string", b""))


def _path(scope: Message) -> str:
    """Path of a request, without the folder that a proxy serves the app at."""
    path: str = scope["path"]
    return path.removeprefix(scope.get("root_path", ""))


def _is_upload(scope: Message) -> bool:
    return scope["method"] == "POST" and UPLOAD.fullmatch(_path(scope)) is not None


def _length(scope: Message) -> int | None:
    """How long a request says that its body is; None where it does not say."""
    length = dict(scope["headers"]).get(b"content-length", b"")
    return int(length) if length.isdigit() else None


def _too_large(limit: int) -> str:
    return REQUEST_TOO_LARGE.format(megabytes=limit // 2**20)


def is_full(error: BaseException) -> bool:
    """Whether nothing can be written: a full disk or quota, or one that became read-only."""
    return isinstance(error, OSError) and error.errno in NOT_WRITABLE


async def _answer(send: Send, status: int, reason: str, wait: int | None = None) -> None:
    """Send a refusal.

    Args:
        wait: seconds after which it may be tried again.
    """
    body = json.dumps({"detail": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
    headers.extend(SECURITY)
    if wait is not None:
        headers.append((b"retry-after", b"%d" % wait))
    if status in (408, 413, 429, 507):  # the rest of the body is not read
        headers.append((b"connection", b"close"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})
