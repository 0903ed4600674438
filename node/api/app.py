"""The REST application of a node: all routes, one error shape, and the pages."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, FastAPI, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from node.api import problem
from node.api.bodies import answer
from node.ordering.driver import Driver
from remarque.api.chain import Live, Readiness


def make_app(version: str, routers: list[APIRouter]) -> FastAPI:
    """The application with its routes."""
    app = FastAPI(
        title="Remarque node",
        version=version,
        description="Who made which picture, who owns it, who may see it, and who is paid. Errors are problem+json.",
        docs_url=None,
        redoc_url=None,
    )
    problem.install(app)
    for router in routers:
        app.include_router(router)
    return app


def health_routes(driver: Driver, ready: Callable[[], Readiness]) -> APIRouter:
    """What orchestrators and Prometheus ask."""
    router = APIRouter(tags=["health"])

    @router.get("/healthz", summary="Whether the process lives")
    async def healthz() -> Response:
        return answer(Live(live=True))

    @router.get("/readyz", summary="Whether the node takes requests: it knows a leader and has caught up")
    async def readyz() -> Response:
        condition = ready()
        return answer(condition, 200 if condition.ready else 503)

    @router.get("/metrics", summary="Prometheus metrics")
    async def metrics(_: Request) -> Response:
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router
