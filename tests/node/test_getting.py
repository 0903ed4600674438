"""`remarque get` of any route ends with its answer or with one line, whatever the route answers."""

from __future__ import annotations

import json
import socketserver
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from click.testing import CliRunner

from node.cli.exits import Exit
from node.cli.main import cli
from node.cli.target import Target
from remarque.client import Client
from remarque.errors import RemarqueError

PNG = b"\x89PNG\r\n\x1a\n\xff\x00"
ANSWERS = {
    "/json": (200, "application/json", b'{"b":[1.5,null],"a":"\xc2\x9b"}'),
    "/picture": (200, "application/octet-stream", PNG),
    "/note": (200, "text/plain", b"chain\n42\n"),
    "/empty": (200, "application/octet-stream", b""),
    "/deep": (200, "application/json", b"[" * 100_000),
    "/events": (200, "text/event-stream", b"id: 1.0.0\ndata: {}\n\n"),
    "/page": (404, "text/html", b"<h1>Not here</h1>"),
    "/moved": (307, "text/plain", b""),
}


class Answering(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        status, kind, body = ANSWERS[self.path]
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


class SpeakingNoHttp(socketserver.BaseRequestHandler):
    def handle(self) -> None:
        self.request.recv(4096)
        self.request.sendall(b"SSH-2.0-none\r\n")


@pytest.fixture
def node() -> Iterator[str]:
    yield from serving(ThreadingHTTPServer(("127.0.0.1", 0), Answering))


@pytest.fixture
def stranger() -> Iterator[str]:
    yield from serving(socketserver.ThreadingTCPServer(("127.0.0.1", 0), SpeakingNoHttp))


def serving(server: socketserver.TCPServer) -> Iterator[str]:
    running = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    running.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    running.join()
    server.server_close()


def got(node: str, path: str, *options: str) -> tuple[int, bytes, str]:
    done = CliRunner().invoke(cli, [*options, "--node", node, "get", path])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.exit_code, done.stdout_bytes, done.stderr


@pytest.mark.parametrize("path", ["/picture", "/note", "/empty", "/deep"])
def test_what_is_no_json_is_written_byte_by_byte(node: str, path: str) -> None:
    assert got(node, path) == (0, ANSWERS[path][2], "")


def test_json_is_laid_out(node: str) -> None:
    status, out, _ = got(node, "/json")

    assert (status, json.loads(out)) == (0, {"a": "\x9b", "b": [1.5, None]})
    assert out.isascii()


def test_where_json_is_asked_for_or_to_a_terminal_nothing_else_is_written(
    node: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    status, out, _ = got(node, "/picture", "--json")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)

    assert (status, json.loads(out)["code"]) == (Exit.REFUSED, "ANSWER_UNREADABLE")
    with pytest.raises(RemarqueError, match=r"10 bytes that are no JSON; .* > FILE"):
        Target((node,), None, None, False).give(PNG)


@pytest.mark.parametrize(("path", "said"), [("/events", "remarque events"), ("/page", "HTTP 404"), ("/moved", "307")])
def test_what_is_no_answer_is_refused_in_a_line(node: str, path: str, said: str) -> None:
    status, out, err = got(node, path)

    assert (status, out, err.count("\n")) == (Exit.REFUSED, b"", 1)
    assert said in err


@pytest.mark.parametrize("path", ["picture", "@127.0.0.1/picture", "", ":80/"])
def test_a_path_leads_to_no_other_address(node: str, path: str) -> None:
    status, _, err = got(node, path)

    assert (status, "write it as /v1/status" in err) == (Exit.REFUSED, True)


def test_whoever_speaks_no_http_is_no_node(stranger: str) -> None:
    assert got(stranger, "/v1/status")[0] == Exit.UNREACHED


def test_a_program_that_asks_for_json_is_refused_what_is_none(node: str) -> None:
    with Client(node) as client, pytest.raises(RemarqueError, match="ANSWER_UNREADABLE"):
        client.get("/picture", session=False)
