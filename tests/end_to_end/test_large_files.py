"""A file of a quarter of a gibibyte on a real node: in pieces, over faults, and never whole in memory."""

from __future__ import annotations

import random
import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from devnet.cluster import Cluster
from devnet.story import CREATOR
from remarque import transferring
from remarque.api.content import StoredCiphertext
from remarque.client import Client
from remarque.errors import RemarqueError
from remarque.requesting import NodeConnection

MEBI = 1 << 20
SIZE = 256 * MEBI + 12_345
GROWN_MAX = 64 * MEBI


def most_bytes(pid: int | None) -> int:
    """The most that a process has had in memory."""
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1]) * 1024


def test_a_large_file_is_sent_and_fetched_over_faults(
    one_node: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file, back, told = tmp_path / "cipher", tmp_path / "back", list[int]()
    with file.open("wb") as out:
        noise = random.Random(1)
        for _ in range(SIZE // MEBI):
            out.write(noise.randbytes(MEBI))
        out.write(noise.randbytes(SIZE % MEBI))
    before = most_bytes(one_node.pid("node1"))
    monkeypatch.setattr(transferring, "PAUSE_SECONDS", 0.01)
    faults = Faults()
    monkeypatch.setattr(NodeConnection, "request", lambda *given, **named: faults.request(*given, **named))

    with Client(one_node.url("node1"), CREATOR, one_node.key(CREATOR)) as alice:
        name = alice.upload(file, lambda at, _: told.append(at))
        faults.count = 0
        stored = msgspec.json.decode(alice.request("POST", f"/v1/ciphertexts?upload={name}"), type=StoredCiphertext)
        faults.always = True
        with pytest.raises(ConnectionError, match="nothing is sent"):
            alice.download(stored.cid, SIZE, back)
        faults.always = False
        alice.download(stored.cid, SIZE, back)
        with pytest.raises(RemarqueError, match="CONTENT_MISMATCH"):
            alice.download(stored.cid, SIZE - 1, tmp_path / "short")

    assert stored.size == SIZE
    assert told[-1] == SIZE
    assert back.read_bytes() == file.read_bytes()
    assert most_bytes(one_node.pid("node1")) - before < GROWN_MAX


class Faults:
    """Of every third request, what is asked or what is answered is lost; or of all of them."""

    def __init__(self) -> None:
        self.count, self.always = 0, False

    async def request(self, connection: NodeConnection, *given: Any, **named: Any) -> bytes:
        self.count += 1
        if self.always or self.count % 6 == 2:
            raise ConnectionError("nothing is sent")
        answer = await asked(connection, *given, **named)
        if self.count % 6 == 5:
            raise ConnectionError("nothing comes back")
        return answer


asked = NodeConnection.request
