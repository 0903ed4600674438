"""A peer for the throughput bench: three etcd members on the same machine and disk (Debian's `etcd-server`).

What it does for one request is less: an unsigned value of the size of our transaction goes into a key, through its JSON
gateway; nothing is verified, executed or proven. What it shares with us is what costs time in both: a replicated log of
three members, a synced write on each, HTTP and JSON in front.
"""

from __future__ import annotations

import base64
import json
import secrets
import shutil
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from devnet.cluster import free_ports

VALUE_BYTES = 800
"""About what the body and signature of a register+mint transaction have."""
PUT, TRANSACTION = "/v3/kv/put", "/v3/kv/txn"
READY_SECONDS_MAX = 20.0


class Etcd:
    """Three members, running while the context lasts."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._processes: list[subprocess.Popen[bytes]] = []
        ports = free_ports(6)
        self._clients = [f"http://127.0.0.1:{port}" for port in ports[:3]]
        self._peers = [f"http://127.0.0.1:{port}" for port in ports[3:]]

    def __enter__(self) -> Self:
        program = shutil.which("etcd") or "etcd"
        cluster = ",".join(f"e{number}={url}" for number, url in enumerate(self._peers))
        for number, (client, peer) in enumerate(zip(self._clients, self._peers, strict=True)):
            self._processes.append(
                subprocess.Popen(
                    [program, "--name", f"e{number}", "--data-dir", str(self._directory / f"e{number}"),
                     "--listen-client-urls", client, "--advertise-client-urls", client,
                     "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer,
                     "--initial-cluster", cluster, "--initial-cluster-state", "new", "--log-level", "error"],
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
            )  # fmt: skip
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.terminate()
        for process in self._processes:
            process.wait(10)

    def leader(self) -> str:
        """Address of the member that leads, once one does."""
        deadline = time.monotonic() + READY_SECONDS_MAX
        while time.monotonic() < deadline:
            for url in self._clients:
                try:
                    request = urllib.request.Request(url + "/v3/maintenance/status", b"{}")
                    with urllib.request.urlopen(request, timeout=2) as answer:
                        status = json.load(answer)
                except (urllib.error.URLError, OSError):
                    continue
                if status.get("leader") == status["header"]["member_id"]:
                    return url
            time.sleep(0.1)
        raise SystemExit("etcd found no leader")


def put() -> dict[str, str]:
    """One put of a fresh key."""
    return {"key": _text(secrets.token_bytes(32)), "value": _text(secrets.token_bytes(VALUE_BYTES))}


def put_body() -> bytes:
    """Body of a request that puts one value."""
    return json.dumps(put()).encode()


def transaction_body(count: int) -> bytes:
    """Body of one atomic request that puts several values (etcd takes at most 128)."""
    return json.dumps({"success": [{"requestPut": put()} for _ in range(count)]}).encode()


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
