"""The pages a node serves: plain files of this package, no build step, nothing from elsewhere."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter
from starlette.responses import Response

_TYPES = {"html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8", "css": "text/css; charset=utf-8"}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def _file(name: str) -> Response:
    data = files("node").joinpath("pages", name).read_bytes()
    return Response(data, media_type=_TYPES[name.rpartition(".")[2]], headers=_HEADERS)


def routes() -> APIRouter:
    """The pages' routes."""
    router = APIRouter(include_in_schema=False)

    @router.get("/")
    async def home() -> Response:
        return _file("index.html")

    @router.get("/assets/{asset}")
    async def asset(asset: str) -> Response:
        return _file("index.html")

    @router.get("/pages/remarque.js")
    async def script() -> Response:
        return _file("remarque.js")

    @router.get("/pages/remarque.css")
    async def style() -> Response:
        return _file("remarque.css")

    return router
