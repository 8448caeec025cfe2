"""Connections to the server: how many there may be, and how long one may keep it waiting.

A visitor who opens connections and sends nothing, or half of a request's head, never reaches the
guard: with 1,024 files a process had no room for others.
"""

import asyncio
from collections import Counter
from functools import partial
from types import SimpleNamespace
from typing import Any, ClassVar

import h11
import uvicorn
from gradio import http_server
from uvicorn.protocols.http.h11_impl import H11Protocol

try:
    import resource
except ImportError:  # Windows, which has no such limit
    resource = None  # type: ignore[assignment]

MAX_CONNECTIONS = 600
MAX_OF_ONE_ADDRESS = 100  # a browser opens six, a household has several
HEAD_SECONDS = 20  # until a request's head is complete
FILES = 4096  # that the process may have open, where the system lets it


class CarefulProtocol(H11Protocol):
    """HTTP for one connection, which ends where it is one too many or sends no request."""

    of_address: ClassVar[Counter[str]] = Counter()
    named_proxies: ClassVar[tuple[str, ...]] = ()  # their connections are many visitors'
    _timer: asyncio.TimerHandle | None = None
    _counted: str | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take a connection, or end it at once."""
        super().connection_made(transport)
        address = self.client[0] if self.client else ""
        one_too_many = (
            len(self.connections) > MAX_CONNECTIONS
            or (self.of_address[address] >= MAX_OF_ONE_ADDRESS and not self._is_exempt(address))
        )  # fmt: skip
        self.of_address[address] += 1
        self._counted = address
        if one_too_many:
            transport.write(b"HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\n\r\n")
            transport.close()
            return
        self._wait_for_head()

    def data_received(self, data: bytes) -> None:
        """Take some bytes; wait anew for the head of the next request."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_waiting()
        elif self._timer is None:
            self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._stop_waiting()
        if self._counted is not None:
            self.of_address[self._counted] -= 1
            if self.of_address[self._counted] <= 0:
                del self.of_address[self._counted]
            self._counted = None
        super().connection_lost(exc)

    def _is_exempt(self, address: str) -> bool:
        return "*" in self.named_proxies or address in self.named_proxies

    def _wait_for_head(self) -> None:
        self._timer = self.loop.call_later(HEAD_SECONDS, self._hang_up)

    def _stop_waiting(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _hang_up(self) -> None:
        self._timer = None
        if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
            self.transport.close()


def apply(proxies: tuple[str, ...]) -> None:
    """Let Gradio's server use these limits; it has no option for them.

    Args:
        proxies: addresses whose connections carry those of many visitors; "*" stands for all.
    """
    CarefulProtocol.named_proxies = proxies
    # The guard takes visitors' addresses from a named proxy; uvicorn would trust this machine. It
    # logs where all do (`private_log`), without a configuration of its own.
    config = partial(
        uvicorn.Config,
        http=CarefulProtocol,
        proxy_headers=False,
        server_header=False,
        log_config=None,
    )
    names: dict[str, Any] = {"uvicorn": SimpleNamespace(Config=config)}
    http_server.__dict__.update(names)
    if resource is not None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
        if soft != resource.RLIM_INFINITY and soft < wanted:
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
