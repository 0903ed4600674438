"""The REST application of a node: all routes, one error shape, and the pages."""

from __future__ import annotations

from collections.abc import Callable

from fastapi import APIRouter, FastAPI, Request
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from starlette.responses import Response

from node.api import description, problem
from node.api.bodies import answer
from node.api.operations import Given, operation
from node.api.routing import router as make_router
from node.ordering.driver import Driver
from remarque.api.chain import Live, Readiness

METRICS = "# TYPE remarque_height gauge\nremarque_height 42.0\n"
"""What metrics look like."""


def make_app(version: str, routers: list[APIRouter], level: Callable[[], tuple[int, int]] | None = None) -> FastAPI:
    """The application with its routes, and the description of them all. `level`: what its answers stand at."""
    app = FastAPI(openapi_url=None, redirect_slashes=False)
    whole = (*routers, description.routes(version, routers))
    app.state.level = level
    problem.install(app, whole)
    for router in whole:
        app.include_router(router)
    return app


def health_routes(driver: Driver, ready: Callable[[], Readiness]) -> APIRouter:
    """What orchestrators and Prometheus ask."""
    router = make_router("", "health")

    @router.get("/healthz", summary="Whether the process lives")
    @operation(Live)
    async def healthz() -> Response:
        """Answers as long as the process does anything at all; for a liveness probe."""
        return answer(Live(live=True))

    @router.get("/readyz", summary="Whether the node takes requests: it knows a leader and has caught up")
    @operation(Readiness, Given(Readiness, 503, meaning="The same, of a node that does not take requests now."))
    async def readyz() -> Response:
        """For a readiness probe: 503 while no leader is known or the node has not caught up."""
        condition = ready()
        return answer(condition, 200 if condition.ready else 503)

    @router.get("/metrics", summary="Prometheus metrics")
    @operation(Given(bytes, media="text/plain", meaning="Prometheus' text format.", example=METRICS))
    async def metrics(_: Request) -> Response:
        """What the node counts and measures, for Prometheus. The names are in docs/operate.md."""
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return router
