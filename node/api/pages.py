"""The pages a node serves: plain files of this package, no build step, nothing from elsewhere.

They use the public API as any client does. All are read when the node starts, so no request names a path on the disk.
What others wrote lies in `vendored/`, as its package has it; `vendored.json` says where each file is from.
"""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter
from starlette.responses import Response

from node.api.routing import Route
from remarque.errors import NodeCode, NodeError

_TYPES = {
    "html": "text/html; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "svg": "image/svg+xml",
}
_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob: data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}


def _files() -> dict[str, bytes]:
    """All that is served, by its path below the folder of the pages."""
    pages = files("node").joinpath("pages")
    folders = (("", pages), ("vendored/", pages.joinpath("vendored")))
    every = ((prefix + file.name, file) for prefix, folder in folders for file in folder.iterdir() if file.is_file())
    return {name: file.read_bytes() for name, file in every if _kind(name) in _TYPES}


def _kind(name: str) -> str:
    return name.rpartition(".")[2]


def routes() -> APIRouter:
    """The pages' routes: the three pages, and under `/pages/` the files they refer to."""
    router = APIRouter(include_in_schema=False, route_class=Route)
    served = _files()

    def page(name: str) -> Response:
        return Response(served[name], media_type=_TYPES[_kind(name)], headers=_HEADERS)

    @router.get("/")
    async def verify() -> Response:
        return page("index.html")

    @router.get("/assets/{asset}")
    async def asset(asset: str) -> Response:
        return page("asset.html")

    @router.get("/docs")
    async def docs() -> Response:
        return page("docs.html")

    @router.get("/pages/{name:path}")
    async def part(name: str) -> Response:
        if name not in served:
            raise NodeError(NodeCode.ROUTE_UNKNOWN, f"there is no page file {name[:80]!r}; start at /")
        return page(name)

    return router
