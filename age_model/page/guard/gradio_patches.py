"""Parts of Gradio that are replaced, each with why; `apply` is called before its server starts.

Checked against Gradio 6.31; the tests of this module notice where a later one has changed.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial
from typing import Any

import httpx
from gradio import mcp, queueing, route_utils, routes
from gradio.mcp import GradioMCPServer
from gradio.utils import LRUCache, get_upload_folder
from starlette.datastructures import FormData, UploadFile
from starlette.formparsers import MultiPartException

from age_model.page.guard.disk import Room
from age_model.page.guard.middleware import DISK_FULL, REQUEST_FAILED, is_full
from age_model.page.guard.visitors import FairQueue

REMEMBERED_UPLOADS = 200
REMEMBERED_SESSIONS = 200
MCP_TRANSPORTS = ("StreamableHTTPSessionManager", "SseServerTransport")


class TidyParser(route_utils.GradioMultiPartParser):
    """Deletes what it wrote of an upload that breaks off, or of a field that is not "files".

    Gradio leaves such parts in its folder: gradio-app/gradio#4620.
    """

    async def parse(self) -> FormData:
        """See `GradioMultiPartParser.parse`."""
        try:
            form = await super().parse()
        except BaseException:
            for part in self._files_to_close_on_error:
                _delete(part)
            raise
        fields = form.multi_items()
        wanted = [value for name, value in fields if name == "files"]
        good = bool(wanted) and all(isinstance(value, UploadFile) for value in wanted)
        for name, value in fields:
            if isinstance(value, UploadFile) and not (good and name == "files"):
                _delete(value.file)
        if not good:
            raise MultiPartException(
                'expected files, in a form whose field is named "files", each with a file name'
            )
        return form


class BoundedProgress(route_utils.FileUploadProgress):
    """How far uploads are, of the latest REMEMBERED_UPLOADS only.

    Gradio forgets an upload once someone asked how far it is, and what nobody asks for never.
    """

    def track(self, upload_id: str) -> None:
        """See `FileUploadProgress.track`."""
        self._forget()
        super().track(upload_id)

    async def is_tracked(self, upload_id: str) -> bool:
        """See `FileUploadProgress.is_tracked`."""
        self._forget()
        return await super().is_tracked(upload_id)

    def _forget(self) -> None:
        while len(self._signals) >= REMEMBERED_UPLOADS:
            oldest = next(iter(self._signals))
            del self._signals[oldest]
            self._statuses.pop(oldest, None)


class PlainMCPServer(GradioMCPServer):
    """Answers in words where the disk is full, or the page refuses.

    It writes pictures to the disk itself, and then asks the page as a client would, whose library
    says no more than the status and address of a refusal.
    """

    def _prepare_tool_call_args(self, name: str, arguments: dict[str, Any]) -> Any:
        pictures = [text for value in arguments.values() for text in _texts(value)]
        with _plain_errors():
            # Each is written here, and once more where the page takes it.
            if not Room(get_upload_folder).has(2 * sum(map(len, pictures))):
                raise ValueError(DISK_FULL)
            return super()._prepare_tool_call_args(name, arguments)

    async def _execute_tool_without_progress(self, job: Any) -> Any:
        with _plain_errors():
            return await super()._execute_tool_without_progress(job)

    async def _execute_tool_with_progress(self, job: Any, progress_token: str | int) -> Any:
        with _plain_errors():
            return await super()._execute_tool_with_progress(job, progress_token)


@contextmanager
def _plain_errors() -> Iterator[None]:
    try:
        yield
    except httpx.HTTPStatusError as error:
        raise ValueError(_detail(error.response)) from None
    except OSError as error:
        raise ValueError(DISK_FULL if is_full(error) else REQUEST_FAILED) from None


def _detail(reply: httpx.Response) -> str:
    """What the guard says of a request that it refuses."""
    with suppress(ValueError, KeyError, TypeError, httpx.ResponseNotRead):
        return str(reply.json()["detail"])
    return DISK_FULL if reply.status_code == 507 else REQUEST_FAILED


def _texts(value: object) -> list[str]:
    values = value if isinstance(value, list) else [value]
    return [text for text in values if isinstance(text, str)]


def apply(max_mcp_bytes: int) -> None:
    """Put them in place of Gradio's own.

    Args:
        max_mcp_bytes: that a message to the MCP server may have; the library takes 4 MB.
    """
    setattr(route_utils, "GradioMultiPartParser", TidyParser)  # noqa: B010
    routes.file_upload_statuses = BoundedProgress()
    setattr(queueing, "EventQueue", FairEventQueue)  # noqa: B010
    setattr(mcp, "GradioMCPServer", PlainMCPServer)  # noqa: B010
    for name in MCP_TRANSPORTS:
        limited = partial(getattr(GradioMCPServer, name), max_request_body_size=max_mcp_bytes)
        setattr(PlainMCPServer, name, staticmethod(limited))


def bound_sessions(queue: Any) -> None:
    """Let Gradio's queue keep the answers of the latest REMEMBERED_SESSIONS only.

    It keeps those that nobody comes for, of up to 2,000 sessions, each with its pictures, and the
    numbers of their events for good.
    """
    queue.pending_messages_per_session = LRUCache(REMEMBERED_SESSIONS)
    queue.pending_event_ids_session = LRUCache(REMEMBERED_SESSIONS)


class FairEventQueue(queueing.EventQueue):
    """Waiting events of one kind, in which visitors take turns."""

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **kwargs)
        self.queue = FairQueue()


def _delete(file: Any) -> None:
    with suppress(OSError):
        file.close()
    with suppress(OSError):
        os.unlink(file.name)
