"""Lends a time-stamp authority to the C2PA library, which asks by HTTP only: an address on this machine, for one call.

Whom a member really asks, by which certificates, and for how long it waits is the business of the function that is
given; so the library gets neither addresses nor a network.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from pictures.credentials.timestamps import REQUEST_BYTES_MAX, RESPONSE_TYPE, granted

_POLL_SECONDS = 0.001
"""How long the end of a call may wait for the thread."""
_READ_SECONDS_MAX = 10.0


@contextmanager
def served(stamp: Callable[[bytes], bytes]) -> Iterator[tuple[str, list[bytes]]]:
    """An address at which a function answers time-stamp requests, and the responses that it granted there."""
    given: list[bytes] = []

    class Handler(BaseHTTPRequestHandler):
        timeout = _READ_SECONDS_MAX

        def do_POST(self) -> None:
            response = _answered(self, stamp)
            if response is None:
                self.send_error(503)
                return
            given.append(response)
            self.send_response(200)
            self.send_header("Content-Type", RESPONSE_TYPE)
            self.send_header("Content-Length", str(len(response)))
            self.end_headers()
            self.wfile.write(response)

        def log_message(self, *_: object) -> None:
            """Nothing: what is asked here is no news."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(_POLL_SECONDS,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", given
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _answered(handler: BaseHTTPRequestHandler, stamp: Callable[[bytes], bytes]) -> bytes | None:
    """The function's response; None if it granted nothing."""
    length = handler.headers.get("Content-Length", "")
    if not length.isdecimal() or int(length) > REQUEST_BYTES_MAX:
        return None
    try:
        response = stamp(handler.rfile.read(int(length)))
    except Exception:  # whatever keeps it from answering, the manifest is signed without it
        return None
    return response if granted(response) else None
