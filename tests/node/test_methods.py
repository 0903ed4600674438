"""Methods that a path takes or not, parameters that a route has or not, and pages of elsewhere that read answers."""

from __future__ import annotations

import asyncio
import http.client
import json
import urllib.request
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import asgi
import pytest
from sessions import open_session
from starlette.responses import Response, StreamingResponse

from devnet.cluster import Cluster
from devnet.story import CREATOR
from node.api.app import make_app
from node.api.routing import router as make_router
from node.ground.config import load_config
from remarque.errors import NodeError

OURS, THEIRS = "https://gallery.example", "https://elsewhere.example"


def asked(
    cluster: Cluster, method: str, path: str, headers: dict[str, str] | None = None
) -> tuple[int, http.client.HTTPMessage, bytes]:
    connection = http.client.HTTPConnection(cluster.url("node1").removeprefix("http://"), timeout=10)
    connection.request(method, path, headers=headers or {})
    answer = connection.getresponse()
    found = answer.status, answer.headers, answer.read()
    connection.close()
    return found


def paths(cluster: Cluster, method: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Paths of all operations of a method, with their examples in them."""
    with urllib.request.urlopen(cluster.url("node1") + "/openapi.json", timeout=10) as answer:
        described = json.load(answer)
    for path, methods in described["paths"].items():
        if method in methods:
            for parameter in methods[method]["parameters"]:
                path = path.replace(f"{{{parameter['name']}}}", str(parameter["example"]))
            yield path, methods[method]


def test_head_is_answered_with_the_header_of_get_wherever_get_is(one_node: Cluster) -> None:
    token = {"Authorization": f"Bearer {open_session(one_node, CREATOR)}"}
    seen = 0
    for path in [*(path for path, _ in paths(one_node, "get")), "/", "/docs", "/openapi.json", "/pages/node.js"]:
        status, header, body = asked(one_node, "HEAD", path, token)
        assert body == b""
        assert header["Content-Type"], path
        if path != "/v1/events":  # whose answer to GET does not end
            expected = asked(one_node, "GET", path, token)
            assert (status, header["Content-Type"]) == (expected[0], expected[1]["Content-Type"]), path
        seen += 1
    assert seen > 60
    assert asked(one_node, "HEAD", "/v1/events", token)[0] == 200
    assert asked(one_node, "HEAD", "/v1/genesis")[1]["Content-Length"] == str(
        len(asked(one_node, "GET", "/v1/genesis")[2])
    )


def test_head_begins_no_stream_and_gives_no_body() -> None:
    begun = []

    async def parts() -> AsyncIterator[bytes]:
        begun.append(1)
        yield b"part"

    router = make_router("", "events")

    @router.get("/stream")
    async def stream() -> StreamingResponse:
        return StreamingResponse(parts(), media_type="text/event-stream")

    @router.get("/whole")
    async def whole() -> Response:
        return Response(b"whole")

    async def head(path: str) -> list[dict[str, Any]]:
        return [message async for message in asgi.asked(make_app("0", [router]), "HEAD", path)]

    for path, field in (("/stream", b"content-type"), ("/whole", b"content-length")):
        start, *bodies = asyncio.run(head(path))
        assert (start["status"], field in dict(start["headers"])) == (200, True)
        assert b"".join(body["body"] for body in bodies) == b""
    assert begun == []


@pytest.mark.parametrize("method", ["get", "post"])
def test_options_and_other_methods_say_what_a_path_takes(one_node: Cluster, method: str) -> None:
    answers = {"get": ["GET", "HEAD"], "post": ["POST"], "delete": ["DELETE"]}
    takes_of = {one: {path for path, _ in paths(one_node, one)} for one in answers}
    for path, _ in paths(one_node, method):
        taken = {name for one, names in answers.items() if path in takes_of[one] for name in names}
        takes = ", ".join(sorted(taken | {"OPTIONS"}))
        status, header, body = asked(one_node, "OPTIONS", path)
        assert (status, header["Allow"], body) == (204, takes, b"")
        for wrong in {"DELETE", "PATCH"} - taken:
            status, header, body = asked(one_node, wrong, path)
            assert (status, header["Allow"]) == (405, takes)
            assert (header["Content-Type"], json.loads(body)["code"]) == (
                "application/problem+json",
                "METHOD_NOT_ALLOWED",
            )


@pytest.mark.parametrize("method", ["get", "post"])
def test_no_operation_passes_over_a_parameter_that_it_does_not_have(one_node: Cluster, method: str) -> None:
    seen = 0
    for path, operation in paths(one_node, method):
        status, header, body = asked(one_node, method.upper(), path + "?heigth=7&Limit=")
        assert status == 400, path
        if header["Content-Type"] == "application/problem+json":
            problem = json.loads(body)
            assert (problem["code"], "heigth, Limit" in problem["detail"]) == ("REQUEST_MALFORMED", True), path
            names = [one["name"] for one in operation["parameters"] if one["in"] == "query"]
            assert all(name in problem["detail"] for name in names), path
        seen += 1
    assert seen >= (57 if method == "get" else 10)


def test_a_page_is_served_whatever_stands_behind_its_address(one_node: Cluster) -> None:
    assert asked(one_node, "GET", "/?from=newsletter")[0] == 200


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A node whose answers pages of one origin may read."""
    cluster = Cluster.create(tmp_path_factory.mktemp("shared") / "devnet", 1)
    settings = cluster.home("node1") / "node.toml"
    text = settings.read_text().replace("[api]\n", f'[api]\nallowed_origins = ["{OURS}"]\n')
    settings.write_text(text)
    cluster.up()
    yield cluster
    cluster.down()


def preflight(origin: str, method: str = "POST", fields: str = "authorization, content-type") -> dict[str, str]:
    return {"Origin": origin, "Access-Control-Request-Method": method, "Access-Control-Request-Headers": fields}


@pytest.mark.nodes
@pytest.mark.parametrize("path", ["/v1/status", "/v1/transactions", "/v1/nothing", "/v1/orgs"])
def test_pages_of_an_allowed_origin_read_answers_and_refusals(shared: Cluster, path: str) -> None:
    method = "POST" if path == "/v1/transactions" else "GET"
    header = asked(shared, method, path, {"Origin": OURS})[1]

    assert header["Access-Control-Allow-Origin"] == OURS
    assert "Origin" in header["Vary"]
    assert "Retry-After" in header["Access-Control-Expose-Headers"]
    assert "Access-Control-Allow-Credentials" not in header
    for other in ({"Origin": THEIRS}, {}):
        header = asked(shared, method, path, other)[1]
        assert "Access-Control-Allow-Origin" not in header
        assert "Origin" in header["Vary"], "a cache must not give the one's answer to the other"


@pytest.mark.nodes
def test_a_browser_learns_beforehand_what_it_may_send(shared: Cluster) -> None:
    for path in ("/v1/transactions", "/v1/assets"):
        status, header, _ = asked(shared, "OPTIONS", path, preflight(OURS))
        assert (status, header["Access-Control-Allow-Origin"]) == (200, OURS)
        assert "Access-Control-Allow-Credentials" not in header
        assert "Origin" in header["Vary"]
        for wrong in (preflight(THEIRS), preflight(OURS, "DELETE"), preflight(OURS, fields="cookie")):
            assert asked(shared, "OPTIONS", path, wrong)[0] == 400
    assert asked(shared, "OPTIONS", "/v1/assets")[1]["Allow"] == "GET, HEAD, OPTIONS"


def test_unless_it_is_set_no_page_of_elsewhere_reads_anything(one_node: Cluster) -> None:
    for method, path in (("GET", "/v1/status"), ("POST", "/v1/transactions")):
        header = asked(one_node, method, path, {"Origin": OURS})[1]
        assert not [name for name in header if name.lower().startswith("access-control")]
    header = asked(one_node, "OPTIONS", "/v1/status", preflight(OURS))[1]
    assert not [name for name in header if name.lower().startswith("access-control")]


@pytest.mark.parametrize("origin", ["https://gallery.example/", "gallery.example", "https://*", "null", "HTTPS://A.B"])
def test_what_is_no_origin_is_refused(tmp_path: Path, origin: str) -> None:
    settings = tmp_path / "node.toml"
    settings.write_text(f'[node]\nname = "node1"\n[api]\nallowed_origins = ["{origin}"]\n')

    with pytest.raises(NodeError, match=r"CONFIG_INVALID.*allowed_origins"):
        load_config(settings)
    settings.write_text('[node]\nname = "node1"\n[api]\nallowed_origins = ["*", "http://[::1]:8080"]\n')
    assert load_config(settings).api.allowed_origins == ("*", "http://[::1]:8080")
