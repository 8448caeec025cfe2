"""The addresses that the page, its API and its MCP server need; every other one is closed.

Gradio 6.31 serves about ninety routes (`gradio/routes.py`, `gradio/mcp.py`), and each release adds
some. Several have been ways into the server, so what is not listed here is not served:

- `/proxy=` and `/file=http...` fetch addresses for whoever asks: gradio-app/gradio#6794, #13593,
  #13596, #13608, and GHSA-jmh7-g254-2cq9.
- `/component_server` calls functions of components: CVE-2024-1561, GHSA-34rf-p3r3-58x2.
- `/process_recording` starts FFmpeg in the server's own process, `/deep_link` writes a visitor's
  inputs to a file, `/custom_component` and `/svelte` read code, `/runs`, `/monitoring` and
  `/profiling` tell what others do, `/api` is the old name of `/run`, `/login`, `/token` and
  `/dev/reload` have no use without accounts and in production.

`/run` stays open for the page's events that pass the queue by; the others refuse it
(`queue(api_open=False)`).
"""

import re

_READ = frozenset({"GET", "HEAD", "OPTIONS"})
_WRITE = frozenset({"POST", "OPTIONS"})
_MCP = frozenset({"GET", "POST", "DELETE", "OPTIONS"})

# Ids of sessions and events as Gradio and its clients make them.
ID = "[A-Za-z0-9_-]{1,64}"
_NAME = "[A-Za-z0-9_]{1,64}"  # of an endpoint

UPLOAD = re.compile(r"/gradio_api/upload/?")
MCP = re.compile(r"/gradio_api/mcp(/.*)?")
_ROUTES: tuple[tuple[frozenset[str], str], ...] = (
    # The page and its files.
    (_READ, r"/"),
    (_READ, r"/config/?"),
    (_READ, r"/(gradio_api/)?theme\.css"),
    (_READ, r"/(static|assets)/.+"),
    (_READ, r"/(favicon\.ico|robots\.txt|manifest\.json|pwa_icon(/\d+)?)"),
    (_READ, r"/gradio_api/(startup-events|app_id|login_check|user)/?"),
    # What the API takes and gives.
    (_READ, r"/gradio_api/(info/?|openapi\.json)"),
    # Uploads, and what the page shows and lends out. `file=` with an address is not a file.
    (_WRITE, UPLOAD.pattern),
    (_READ, r"/gradio_api/upload_progress"),
    (_READ, r"/gradio_api/file=(?!\s*[A-Za-z][A-Za-z0-9+.-]*:).+"),
    # Events: the queue of the page and of gradio_client, and the endpoints for other programs.
    (_WRITE, r"/gradio_api/queue/join"),
    (_READ, r"/gradio_api/queue/(data|status)"),
    (_WRITE, rf"/gradio_api/call/(v2/)?{_NAME}/?"),
    (_READ, rf"/gradio_api/call/(v2/)?{_NAME}/{ID}"),
    (_WRITE, r"/gradio_api/run/predict/?"),
    (_WRITE, rf"/gradio_api/stream/{ID}(/close)?"),
    (_WRITE, r"/gradio_api/(cancel|reset/?)"),
    (_READ, rf"/gradio_api/heartbeat/{ID}"),
    # Tools for agents.
    (_MCP, r"/gradio_api/mcp(/|/schema|/sse|/messages/?)?"),
)
_OPEN = tuple((methods, re.compile(pattern)) for methods, pattern in _ROUTES)


_WORK = re.compile(r"/gradio_api/(upload/?|queue/join|call/.+|run/.+|mcp(/|/sse|/messages/?)?)")


def begins_work(method: str, path: str) -> bool:
    """Whether a request begins something, and is to be counted; frames of a running one are not."""
    return method == "POST" and _WORK.fullmatch(path) is not None


def is_open(method: str, path: str) -> bool:
    """Whether an address may be asked for.

    Args:
        method: of the request, in capitals.
        path: decoded, without the folder that a proxy serves the app at.
    """
    return any(method in methods and pattern.fullmatch(path) for methods, pattern in _OPEN)
