"""Measures what all marks on a picture cost: watermark, label, file, digests, manifest, time-stamp; and their reading.

`python -m bench.marks` marks a scene of 512 x 512 pixels with some grain in every container. The time-stamp authority
answers by HTTP on this machine. Beside it stands what the file alone costs, without any mark.
"""

from __future__ import annotations

import argparse
import io
import secrets
import statistics
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, TypeVar, get_args

import cv2
import numpy as np
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from PIL import Image

from bench.painted.scenes import draw_scene
from pictures.credentials.certificates import (
    Issuer,
    Subject,
    Term,
    claim_certificate,
    issuing_certificate,
    new_authority_key,
    new_leaf_key,
    root_certificate,
    stamp_certificate,
)
from pictures.credentials.findings import CredentialState
from pictures.credentials.manifest import Claim, Program, Signing, seal
from pictures.credentials.reading import read_credentials
from pictures.credentials.timestamps import REQUEST_TYPE, RESPONSE_TYPE, StampKeys, answer
from pictures.labels import Label, declared_labels
from pictures.marking import Container, Layers, MarkedFile, mark
from pictures.source_types import SourceType
from pictures.watermark import read

KEY = bytes(range(32))
SIDE = 512


def main() -> None:
    """Mark, read, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.marks", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=30)
    rounds = parser.parse_args().rounds
    cv2.setNumThreads(1)
    member = _Member()
    print("medians in ms, of the whole the least and the 95th percentile in brackets; bytes that the marks add")
    print("container   bare file      mark    seal    all                   C2PA read   watermark   labels     added")
    for container in get_args(Container):
        print(_row(container, member, rounds))
    member.close()


def _row(container: Container, member: _Member, rounds: int) -> str:
    picture = _picture()
    spent: dict[str, list[float]] = {
        name: [] for name in ("bare", "mark", "seal", "all", "c2pa", "watermark", "labels")
    }
    for _ in range(rounds):
        name = f"urn:c2pa:{uuid.uuid4()}"
        plain = _timed(spent["bare"], mark, picture, container, Layers(), name)
        made = _timed(spent["mark"], mark, picture, container, _layers(name), name)
        sealed = _timed(spent["seal"], seal, made.data, _claim(name, made), member.signing)
        spent["all"].append(spent["mark"][-1] + spent["seal"][-1])
        found = _timed(spent["c2pa"], read_credentials, sealed.data, member.root)
        pixels = np.asarray(Image.open(io.BytesIO(sealed.data)).convert("RGB"))
        number = _timed(spent["watermark"], read, pixels, KEY)
        _timed(spent["labels"], declared_labels, sealed.data)
        if not (sealed.time_stamped and sealed.rebuilt and found.state is CredentialState.TRUSTED and number):
            raise SystemExit(f"{container}: a mark does not hold")
    late = sorted(spent["all"])[int(0.95 * rounds)]
    added = len(sealed.data) - len(plain.data)
    cells = [statistics.median(one) for one in spent.values()]
    shown = "{:9.1f} {:9.1f} {:7.1f} {:6.1f} ({least:5.1f}-{late:5.1f}) {:11.1f} {:11.1f} {:8.2f} {added:9d}"
    return f"{container:9}" + shown.format(*cells, least=min(spent["all"]), late=late, added=added)


Result = TypeVar("Result")


def _timed(spent: list[float], job: Callable[..., Result], *arguments: Any) -> Result:
    """What a job gives; how many milliseconds it took is noted."""
    started = time.perf_counter()
    found = job(*arguments)
    spent.append((time.perf_counter() - started) * 1e3)
    return found


def _picture() -> Image.Image:
    drawn = np.asarray(draw_scene(3).image.resize((SIDE, SIDE), Image.Resampling.BICUBIC)).astype(float)
    grain = np.random.default_rng(1).normal(0, 4, drawn.shape)
    return Image.fromarray(np.clip(drawn + grain, 0, 255).astype(np.uint8))


def _layers(name: str) -> Layers:
    label = Label(SourceType.TRAINED, "studio", "Remarque default", "1", datetime.now(UTC), name)
    return Layers(KEY, label)


def _claim(name: str, made: MarkedFile) -> Claim:
    return Claim(
        label=name,
        signer=Program("Remarque", "0.1.0"),
        at=datetime.now(UTC),
        title="picture",
        image_code=made.image_code,
        source=SourceType.TRAINED,
        made_with=Program("Remarque default", "1"),
        watermarked=made.watermark is not None,
        mining={"cawg.ai_generative_training": "notAllowed"},
    )


class _Member:
    """Certificates of a consortium, and a time-stamp authority that answers by HTTP on this machine."""

    def __init__(self) -> None:
        begins = datetime.now(UTC) - timedelta(hours=1)
        root_key, issuing_key, key, stamp_key = (
            new_authority_key(),
            new_authority_key(),
            new_leaf_key(),
            new_leaf_key(),
        )
        self.root = root_certificate(Subject("DE", "Consortium", "Root"), root_key, Term(begins, 3650))
        above = Issuer(self.root, root_key)
        named = Subject("DE", "Consortium", "Issuing")
        issuing = issuing_certificate(named, issuing_key.public_key(), above, Term(begins, 1827))
        issuer = Issuer(issuing, issuing_key)
        leaf = claim_certificate(Subject("DE", "studio", "node1"), key.public_key(), issuer, Term(begins, 366))
        stamps = stamp_certificate(Subject("DE", "studio", "time"), stamp_key.public_key(), issuer, Term(begins, 1827))
        self._server = _serving(StampKeys(stamp_key, (stamps, issuing)))
        self.signing = Signing((leaf, issuing), lambda data: key.sign(data, ec.ECDSA(hashes.SHA256())), "", self._ask)

    def _ask(self, request: bytes) -> bytes:
        address = f"http://127.0.0.1:{self._server.server_port}"
        asked = urllib.request.Request(address, request, {"Content-Type": REQUEST_TYPE})
        with urllib.request.urlopen(asked, timeout=5) as response:
            return bytes(response.read())

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def _serving(keys: StampKeys) -> ThreadingHTTPServer:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = self.rfile.read(int(self.headers["Content-Length"]))
            response = answer(request, keys, datetime.now(UTC), secrets.randbits(63))
            self.send_response(200)
            self.send_header("Content-Type", RESPONSE_TYPE)
            self.send_header("Content-Length", str(len(response)))
            self.end_headers()
            self.wfile.write(response)

        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


if __name__ == "__main__":
    main()
