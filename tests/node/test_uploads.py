"""Files that no record names: whose they are, what they cost, when they go, and what becomes of them once recorded."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from pathlib import Path

import pytest
from asgi import answer_of
from consortium import registering
from contents import OtherMember, a_face, an_opening_store, until_here
from PIL import Image
from written_chain import WrittenChain

from ledger import actions
from node.content import uploads
from node.content.blockstore import Blockstore
from node.decoding.lanes import Decoders
from node.exchange.replicator import Replicator
from node.keeping.backup import content_in
from remarque.errors import NodeError

ALICE, ANN, BOB = "alice@studio", "ann@studio", "bob@agency"
TWO_BLOCKS = os.urandom(1_100_000)


@pytest.fixture
def store(tmp_path: Path) -> Blockstore:
    return Blockstore(tmp_path / "content")


def files(store: Blockstore) -> Counter[str]:
    """What lies on the disk: how many files that wait, and how many blocks."""
    found = (file.relative_to(store._path).parts[0] for file in store._path.rglob("*") if file.is_file())
    return Counter("waiting" if first == "uploads" else "blocks" for first in found)


def test_an_account_and_an_org_have_so_many_bytes_waiting(store: Blockstore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(uploads, "ACCOUNT_BYTES_MAX", 100)
    monkeypatch.setattr(uploads, "ORG_BYTES_MAX", 150)
    for number in range(10):
        store.take(ALICE, bytes([number] * 10))
    cid = store.take(ALICE, bytes([9] * 10))

    for whose, account, size in (("alice@studio", ALICE, 1), ("studio", ANN, 51)):
        with pytest.raises(NodeError, match=f"UPLOADS_FULL.*100 bytes of {whose} wait"):
            store.take(account, b"x" * size)
    store.take(ANN, b"y" * 50)
    store.take(BOB, b"z" * 100)
    assert files(store) == {"waiting": 12}

    store.keep(cid)
    store.take(ALICE, b"x" * 10)
    with pytest.raises(NodeError, match="UPLOADS_FULL"):
        Blockstore(store._path).take(ALICE, b"x")


def test_what_nobody_records_goes_and_nothing_recorded_goes_with_it(store: Blockstore) -> None:
    """Though both share a block."""
    recorded = store.take(ALICE, TWO_BLOCKS)
    store.keep(recorded)
    blocks = files(store)
    like_it = store.take(BOB, TWO_BLOCKS + b"more")
    (old,) = (file for file in (store._path / "uploads").glob("*/*"))
    fresh = store.take(BOB, b"fresh")

    assert store.file(like_it) == TWO_BLOCKS + b"more"
    os.utime(old, (0, time.time() - uploads.SECONDS_MAX - 1))
    assert store.uploads.forget_old() == 1

    assert store.file(recorded) == TWO_BLOCKS
    with pytest.raises(NodeError, match="CONTENT_MISSING"):
        store.file(like_it)
    assert store.file(fresh) == b"fresh"
    assert files(store) == blocks + Counter(waiting=1)


def test_what_is_here_already_costs_nobody_anything(store: Blockstore) -> None:
    cid = store.put_file(TWO_BLOCKS)

    assert store.take(ALICE, TWO_BLOCKS) == cid
    assert files(store)["waiting"] == 0


def test_a_start_finds_what_waits_and_clears_what_was_being_written(store: Blockstore) -> None:
    cid = store.take(ALICE, b"picture")
    (store._path / "uploads" / ALICE / "half.new").write_bytes(b"pic")

    again = Blockstore(store._path)

    assert again.file(cid) == b"picture"
    assert files(store) == {"waiting": 1}


def test_what_is_recorded_becomes_content_wherever_its_node_was_ended_meanwhile(tmp_path: Path) -> None:
    written, store = WrittenChain(tmp_path), Blockstore(tmp_path / "content")
    before, after = store.take(ALICE, b"before the start"), store.take(ALICE, b"after it")
    nobody = OtherMember(Blockstore(tmp_path / "theirs"))

    def recording(cid: str) -> None:
        content = actions.Content(cid=cid, size=1, media_type="image/png")
        written.block(written.ask(registering(cid, content=content)))

    async def story() -> None:
        openings = an_opening_store(tmp_path)
        running = asyncio.create_task(Replicator(written.chain, nobody, store, openings, tmp_path / "kept").run())
        await until_here(store, before)
        recording(after)
        await until_here(store, after)
        running.cancel()

    recording(before)
    asyncio.run(story())

    assert files(store) == {"blocks": 2}


def test_a_backup_has_no_uploads(tmp_path: Path) -> None:
    store = Blockstore(tmp_path / "content")
    store.take(ALICE, b"waits")
    cid = store.put_file(b"recorded")

    assert [(Path(name).name, data) for name, data in content_in(tmp_path)] == [(cid, b"recorded")]


def test_a_refusal_says_that_too_much_waits(
    tmp_path: Path, decoders: Decoders, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads, "ACCOUNT_BYTES_MAX", 10)
    image = tmp_path / "picture.png"
    Image.new("RGB", (8, 8)).save(image)
    app = a_face(WrittenChain(tmp_path), Blockstore(tmp_path / "content"), decoders.members)

    for path, data in (("/v1/content", image.read_bytes()), ("/v1/ciphertexts", bytes(99))):
        status, body = asyncio.run(answer_of(app, "POST", path, data))

        assert (status, body["code"]) == (429, "UPLOADS_FULL")
