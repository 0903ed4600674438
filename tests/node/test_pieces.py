"""Files that come piece after piece: what has come stays, counts, and goes on; and parts of files are read."""

from __future__ import annotations

import asyncio
import os
from base64 import b64encode
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from asgi import answer_of, asked
from contents import a_face
from written_chain import WrittenChain

from node.api import content
from node.content import uploads
from node.content.blockstore import Blockstore
from node.content.uploads import Uploads
from node.decoding.lanes import Decoders
from remarque.dag import import_file
from remarque.errors import NodeCode, NodeError

ALICE, BOB = "alice@studio", "bob@agency"
CIPHER = os.urandom(2_500_000)


class Sender:
    """An account at a node's REST port."""

    def __init__(self, tmp_path: Path, decoders: Decoders, account: str = ALICE) -> None:
        self.written = WrittenChain(tmp_path)
        self.store = Blockstore(tmp_path / "content")
        self.app = a_face(self.written, self.store, decoders.members, account)
        self.bob = a_face(self.written, self.store, decoders.members, BOB)

    async def post(self, path: str, body: bytes = b"", **said: str) -> tuple[int, dict[str, Any]]:
        route, _, query = path.partition("?")
        headers = tuple((name.replace("_", "-").encode(), value.encode()) for name, value in said.items())
        return await answer_of(self.app, "POST", f"/v1/{route}", body, query.encode(), headers)

    async def begun(self) -> str:
        status, found = await self.post("uploads", b'{"size":5}')
        assert (status, found["size"]) == (201, 0)
        return str(found["upload"])

    async def come(self, name: str, app: Any = None) -> tuple[int, dict[str, Any]]:
        return await answer_of(app or self.app, "GET", f"/v1/uploads/{name}")

    async def part(self, cid: str, wanted: str) -> tuple[int, bytes, dict[bytes, bytes]]:
        headers = ((b"range", wanted.encode()),)
        start, *parts = [one async for one in asked(self.app, "GET", f"/v1/content/{cid}", b"", b"", headers)]
        return start["status"], b"".join(one.get("body", b"") for one in parts), dict(start["headers"])


@pytest.fixture
def sender(tmp_path: Path, decoders: Decoders) -> Sender:
    return Sender(tmp_path, decoders)


def test_a_file_in_pieces_is_the_file(sender: Sender) -> None:
    async def story() -> tuple[int, dict[str, Any]]:
        name, at = await sender.begun(), 0
        for end in (1, 1_000_000, 1_048_577, len(CIPHER)):
            status, found = await sender.post(f"uploads/{name}?at={at}", CIPHER[at:end])
            assert (status, found) == (200, {"upload": name, "size": end})
            at = end
        return await sender.post(f"ciphertexts?upload={name}")

    status, stored = asyncio.run(story())

    assert (status, stored) == (201, {"cid": import_file(CIPHER)[0], "size": len(CIPHER)})
    assert sender.store.file(stored["cid"]) == CIPHER


def test_only_the_next_piece_is_taken_and_only_of_whoever_began(sender: Sender) -> None:
    async def story() -> list[tuple[int, str]]:
        name = await sender.begun()
        await sender.post(f"uploads/{name}?at=0", b"12345")
        refused = [
            await sender.post(f"uploads/{name}?at=4", b"56"),
            await sender.post(f"uploads/{name}?at=6", b""),
            await sender.post(f"uploads/{'0' * 32}?at=0", b"1"),
            await sender.post(f"ciphertexts?upload={'0' * 32}"),
            await answer_of(sender.bob, "POST", f"/v1/uploads/{name}", b"6", b"at=5"),
            await answer_of(sender.bob, "POST", "/v1/ciphertexts", b"", f"upload={name}".encode()),
            await answer_of(sender.bob, "DELETE", f"/v1/uploads/{name}"),
            await sender.come(name, sender.bob),
        ]
        assert (await sender.come(name))[1]["size"] == 5
        return [(status, found["code"]) for status, found in refused]

    assert asyncio.run(story()) == [(409, "UPLOAD_OFFSET")] * 2 + [(404, "NOT_FOUND")] * 6


def test_a_piece_that_is_not_what_it_is_said_to_be_leaves_nothing(sender: Sender) -> None:
    digest = f"sha-256=:{b64encode(sha256(b'other').digest()).decode()}:"

    async def story() -> None:
        name = await sender.begun()
        await sender.post(f"uploads/{name}?at=0", b"12345")
        status, found = await sender.post(f"uploads/{name}?at=5", CIPHER, content_digest=digest)
        assert (status, found["code"]) == (400, "CONTENT_DIGEST_INVALID")
        assert (await sender.come(name))[1]["size"] == 5
        assert sender.store.uploads._bytes[ALICE] == uploads.FILE_BYTES_MIN

    asyncio.run(story())


def test_a_file_stays_as_it_is_while_it_is_looked_at(sender: Sender) -> None:
    """It is mapped into the node's memory: to cut it off there would end the node."""

    async def story() -> list[tuple[int, str]]:
        name = await sender.begun()
        await sender.post(f"uploads/{name}?at=0", CIPHER)
        with sender.store.uploads.held(ALICE, name):
            refused = [await sender.post(f"uploads/{name}?at={len(CIPHER)}", b"more")]
            refused.append(await sender.post(f"ciphertexts?upload={name}"))
            with pytest.raises(NodeError, match="UPLOAD_OFFSET"):
                sender.store.uploads.cut(ALICE, name, 5)
        assert (await sender.post(f"ciphertexts?upload={name}"))[0] == 201
        return [(status, found["code"]) for status, found in refused]

    assert asyncio.run(story()) == [(409, "UPLOAD_OFFSET")] * 2


def test_a_piece_is_of_a_bounded_size_and_so_is_the_file(sender: Sender, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(content, "PIECE_BYTES_MAX", 100)
    monkeypatch.setattr(content, "FILE_BYTES_MAX", 150)

    async def story() -> list[tuple[int, int]]:
        name, found = await sender.begun(), []
        for at, size in ((0, 101), (0, 100), (100, 51), (100, 50), (150, 1)):
            status, _ = await sender.post(f"uploads/{name}?at={at}", bytes(size))
            found.append((status, (await sender.come(name))[1]["size"]))
        return found

    assert [status for status, _ in asyncio.run(story())] == [413, 200, 413, 200, 413]


def test_a_file_counts_as_it_comes_and_no_more_once_it_is_given_up(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "FILE_BYTES_MIN", 10)
    monkeypatch.setattr(uploads, "ACCOUNT_BYTES_MAX", 100)
    held = sender.store.uploads

    async def story() -> None:
        name, other = await sender.begun(), await sender.begun()
        assert held._bytes == {ALICE: 20, "@studio": 20}
        assert (await sender.post(f"uploads/{name}?at=0", bytes(90)))[0] == 200
        status, found = await sender.post(f"uploads/{other}?at=0", bytes(11))
        assert (status, found["code"]) == (429, "UPLOADS_FULL")
        assert (await sender.post("uploads", b'{"size":11}'))[0] == 429
        await answer_of(sender.app, "DELETE", f"/v1/uploads/{name}")
        assert (await sender.post(f"uploads/{other}?at=0", bytes(11)))[0] == 200
        assert held._bytes == {ALICE: 11, "@studio": 11}
        assert [(await sender.come(one))[0] for one in (name, other)] == [404, 200]

    asyncio.run(story())


def test_what_has_come_is_there_after_a_restart_and_what_is_in_a_body_is_not(tmp_path: Path) -> None:
    store = Blockstore(tmp_path)
    name = store.uploads.begin(ALICE)
    store.uploads.append(ALICE, name, 0, b"12345")
    (tmp_path / "uploads" / ALICE / "half.new").write_bytes(b"half")

    again = Blockstore(tmp_path)

    assert again.uploads.append(ALICE, name, 5, CIPHER) == 5 + len(CIPHER)
    assert again.finish(ALICE, name) == import_file(b"12345" + CIPHER)[0]
    assert [file.suffix for file in (tmp_path / "uploads" / ALICE).iterdir()] == [""]


def test_the_same_file_twice_counts_once(tmp_path: Path) -> None:
    store = Blockstore(tmp_path)
    names = [store.uploads.begin(ALICE) for _ in range(3)]
    for name in names:
        store.uploads.append(ALICE, name, 0, CIPHER)

    first, second = (store.finish(ALICE, name) for name in names[:2])
    assert (first == second, store.uploads._bytes[ALICE]) == (True, 2 * len(CIPHER))
    store.keep(first)
    assert store.finish(ALICE, names[2]) == first
    assert store.uploads._bytes[ALICE] == 0
    for name in names:
        with pytest.raises(NodeError, match="NOT_FOUND"):
            store.finish(ALICE, name)


def test_a_piece_for_which_the_disk_has_no_room_is_taken_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Uploads(tmp_path)
    name = store.begin(ALICE)
    store.append(ALICE, name, 0, b"12345")

    def full(write: Callable[[int, bytes], int]) -> Callable[[int, bytes], int]:
        def half(file: int, data: bytes) -> int:
            write(file, data[: len(data) // 2])
            raise OSError(28, "No space left on device")

        return half

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", full(os.write))
        with pytest.raises(OSError, match="No space"):
            store.append(ALICE, name, 5, CIPHER)

    assert store.come(ALICE, name)[1] == 5
    assert store.append(ALICE, name, 5, b"6") == 6


def test_a_picture_that_is_refused_in_a_body_is_gone_and_one_in_pieces_stays(sender: Sender) -> None:
    async def story() -> None:
        assert (await sender.post("content", b"no picture"))[1]["code"] == NodeCode.IMAGE_UNREADABLE.name
        assert not sender.store.uploads._bytes[ALICE]
        name = await sender.begun()
        await sender.post(f"uploads/{name}?at=0", b"no picture")
        assert (await sender.post(f"content?upload={name}"))[1]["code"] == NodeCode.IMAGE_UNREADABLE.name
        assert (await sender.come(name))[0] == 200

    asyncio.run(story())


@pytest.mark.parametrize("recorded", [True, False])
def test_a_part_of_a_file_is_given(sender: Sender, *, recorded: bool) -> None:
    size = len(CIPHER)
    cid = sender.store.put_file(CIPHER) if recorded else sender.store.take(ALICE, CIPHER)
    parts = {
        "bytes=0-0": (0, 1),
        "bytes=1048575-1048576": (1_048_575, 1_048_577),
        "bytes=2000000-": (2_000_000, size),
        "bytes=2000000-99999999": (2_000_000, size),
        "bytes=-5": (size - 5, size),
        "bytes=-99999999": (0, size),
    }
    whole = ["bytes=0-1,5-6", "bytes=-", "lines=1-2", "bytes=a-b", ""]

    async def story() -> None:
        for wanted, (start, end) in parts.items():
            status, found, headers = await sender.part(cid, wanted)
            assert (status, found) == (206, CIPHER[start:end])
            assert headers[b"content-range"] == f"bytes {start}-{end - 1}/{size}".encode()
        for wanted in whole:
            assert (await sender.part(cid, wanted))[:2] == (200, CIPHER)
        for wanted in (f"bytes={size}-", "bytes=5-4", "bytes=-0"):
            assert (await sender.part(cid, wanted))[0] == 416

    asyncio.run(story())
