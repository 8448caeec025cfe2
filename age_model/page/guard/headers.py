"""What a request says of where it comes from, and an answer of how it may be used."""

from typing import Any

Headers = list[tuple[bytes, bytes]]

# Gradio makes the addresses in the page of these, whoever sent them.
FROM_PROXIES = (
    b"forwarded", b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto",
    b"x-forwarded-port", b"x-forwarded-prefix", b"x-forwarded-server", b"x-gradio-server",
    b"x-real-ip",
)  # fmt: skip

# Gradio's page has scripts in its text and makes functions of text; pictures and frames of the
# camera are data: and blob: addresses. Nothing comes from elsewhere.
CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self' https://huggingface.co https://*.huggingface.co https://*.hf.space",
    )
)
SECURITY: Headers = [
    (b"content-security-policy", CONTENT_SECURITY_POLICY.encode("ascii")),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]


def from_visitor(scope: dict[str, Any], proxies: tuple[str, ...]) -> dict[str, Any]:
    """A request as the app is to see it: with the visitor's address, and no claims of strangers.

    Args:
        scope: of ASGI.
        proxies: addresses whose headers are believed; "*" stands for all.
    """
    peer = (scope.get("client") or ("", 0))[0]
    if not _is_named(peer, proxies):
        kept = [(name, value) for name, value in scope["headers"] if name not in FROM_PROXIES]
        return {**scope, "headers": kept}
    given = dict(scope["headers"])
    # The last entry is the proxy's own; those before it are named proxies', or anyone's words.
    chain = [
        part.strip() for part in given.get(b"x-forwarded-for", b"").decode("latin-1").split(",")
    ]
    strangers = [part for part in chain if part and part not in proxies]
    scheme = given.get(b"x-forwarded-proto", b"").decode("latin-1").split(",")[0].strip()
    return {
        **scope,
        "client": (strangers[-1], 0) if strangers else scope.get("client"),
        "scheme": scheme if scheme in ("http", "https") else scope.get("scheme", "http"),
        "headers": [pair for pair in scope["headers"] if pair[0] != b"x-gradio-server"],
    }


def with_security(headers: Headers) -> Headers:
    """The headers of an answer, with SECURITY."""
    said = {name.lower() for name, _ in headers}
    return [*headers, *(pair for pair in SECURITY if pair[0] not in said)]


def is_allowed_host(headers: Headers, hosts: tuple[str, ...]) -> bool:
    """Whether a request names one of `hosts`, or any where there are none."""
    host = dict(headers).get(b"host", b"").decode("latin-1").lower()
    name = host if host.endswith("]") else host.rpartition(":")[0] or host
    return not hosts or name in hosts


def _is_named(peer: str, proxies: tuple[str, ...]) -> bool:
    return "*" in proxies or peer in proxies
