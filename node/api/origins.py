"""Which web pages of elsewhere may read what a node answers (CORS): those of its setting, and never with cookies."""

from __future__ import annotations

from typing import Any

from starlette.middleware.cors import CORSMiddleware

from node.api.levels import HEIGHT_HEADER, TIME_HEADER

METHODS = ("GET", "HEAD", "POST")
SENT = (
    "Authorization",
    "Content-Digest",
    "Content-Type",
    "Last-Event-ID",
    "Signature",
    "Signature-Input",
)
"""Header fields that a page may send."""
SHOWN = ("Allow", "Location", HEIGHT_HEADER, TIME_HEADER, "Retry-After")
"""Header fields of an answer that a page may read, beside those that it always may."""


def allow_origins(app: Any, origins: tuple[str, ...]) -> Any:
    """An ASGI application whose answers pages of some origins may read; the same one if there are none."""
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=METHODS,
        allow_headers=SENT,
        allow_credentials=False,
        expose_headers=SHOWN,
    )
