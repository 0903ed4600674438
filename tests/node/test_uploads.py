"""Files that no record names: whose they are, what they cost, when they go, and what becomes of them once recorded."""

from __future__ import annotations

import asyncio
import os
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

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
from node.exchange import replicator
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
    monkeypatch.setattr(uploads, "FILE_BYTES_MIN", 10)
    monkeypatch.setattr(uploads, "ACCOUNT_BYTES_MAX", 100)
    monkeypatch.setattr(uploads, "ORG_BYTES_MAX", 150)
    for number in range(10):
        store.take(ALICE, bytes([number]))
    cid = store.take(ALICE, bytes([9]))

    for whose, account, size in ((ALICE, ALICE, 1), ("@studio", ANN, 51)):
        with pytest.raises(NodeError, match=f"UPLOADS_FULL.* {whose} that wait here for a record count 100 bytes"):
            store.take(account, b"x" * size)
    store.take(ANN, b"y" * 50)
    store.take(BOB, b"z" * 100)
    assert files(store) == {"waiting": 12}

    store.keep(cid)
    store.take(ALICE, b"x" * 10)
    with pytest.raises(NodeError, match="UPLOADS_FULL"):
        Blockstore(store._path).take(ALICE, b"!")


def test_a_write_that_fails_costs_nothing_and_is_not_held(store: Blockstore, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(uploads, "write_durably", full)
        with pytest.raises(OSError, match="No space"):
            store.take(ALICE, b"picture")

    assert (store.uploads._bytes[ALICE], store.uploads._holders(store.put_file(b"picture"))) == (0, [])


def test_one_picture_that_is_sent_often_at_once_is_taken_once(store: Blockstore) -> None:
    data = os.urandom(2_000_000)
    with ThreadPoolExecutor(8) as pool:
        cids = set(pool.map(lambda _: store.take(ALICE, data), range(40)))
        store.take(BOB, data)

    assert files(store)["waiting"] == 2
    assert store.uploads._bytes[ALICE] == len(data)
    store.keep(cids.pop())
    assert files(store)["waiting"] == 0
    assert store.uploads._bytes[BOB] == 0


class Collecting(NamedTuple):
    """A node's content, on a chain, with what forgets it."""

    written: WrittenChain
    store: Blockstore
    replicator: Replicator

    def recording(self, cid: str, after_ms: int = 0) -> None:
        content = actions.Content(cid=cid, size=1, media_type="image/png")
        until_ms = self.written.chain.tip.time_ms + after_ms + 60_000
        signed = self.written.ask(registering(cid, content=content), valid_until_ms=until_ms)
        self.written.block(signed, after_ms=after_ms)

    def aged(self, cid: str) -> None:
        """Have an upload be of a day before the chain's time."""
        since = self.written.chain.tip.time_ms / 1_000 - uploads.SECONDS_MAX - 1
        for held in self.store.uploads._since.values():
            if cid in held:
                held[cid] = since


@pytest.fixture
def collecting(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Collecting:
    monkeypatch.setattr(replicator, "COLLECT_SECONDS", 0.01)
    written, store = WrittenChain(tmp_path), Blockstore(tmp_path / "content")
    nobody = OtherMember(Blockstore(tmp_path / "theirs"))
    made = Replicator(written.chain, nobody, store, an_opening_store(tmp_path), tmp_path / "kept")
    return Collecting(written, store, made)


def test_what_nobody_records_goes_and_nothing_recorded_goes_with_it(collecting: Collecting) -> None:
    """Though both share a block, and what is recorded is old too."""
    store = collecting.store
    recorded, like_it = store.take(ALICE, TWO_BLOCKS), store.take(BOB, TWO_BLOCKS + b"more")
    fresh, again = store.take(BOB, b"fresh"), store.take(BOB, b"again")
    collecting.recording(recorded, after_ms=time.time_ns() // 1_000_000 - collecting.written.chain.tip.time_ms)
    for cid in (recorded, like_it, again):
        collecting.aged(cid)
    store.take(BOB, b"again")

    async def story() -> None:
        running = asyncio.create_task(collecting.replicator.run())
        async with asyncio.timeout(20):
            while store.uploads._holders(like_it) or store.uploads._holders(recorded):
                await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(story())

    assert Blockstore(store._path).file(recorded) == TWO_BLOCKS
    with pytest.raises(NodeError, match="CONTENT_MISSING"):
        store.file(like_it)
    assert (store.file(fresh), store.file(again)) == (b"fresh", b"again")
    assert files(store)["waiting"] == 2


def test_what_is_wanted_is_not_forgotten_however_old_it_is(collecting: Collecting) -> None:
    """It is recorded, and only not yet content: here because the disk does not take it."""
    store, cid = collecting.store, collecting.store.take(ALICE, b"picture")
    collecting.recording(cid)
    collecting.aged(cid)

    def full(_: str) -> None:
        raise OSError(28, "No space left on device")

    store.keep = full  # type: ignore[method-assign]

    async def story() -> None:
        running = asyncio.create_task(collecting.replicator.run())
        await asyncio.sleep(0.3)
        running.cancel()

    asyncio.run(story())

    assert store.file(cid) == b"picture"


def test_by_the_clock_of_a_chain_that_stands_still_nothing_gets_old(collecting: Collecting) -> None:
    """So a node that lags does not forget what is recorded in blocks that it has not seen."""
    cid = collecting.store.take(ALICE, b"picture")

    async def story() -> None:
        running = asyncio.create_task(collecting.replicator.run())
        await asyncio.sleep(0.1)
        running.cancel()

    asyncio.run(story())

    assert collecting.store.file(cid) == b"picture"
    assert collecting.written.chain.tip.time_ms < time.time_ns() // 1_000_000 - 2_000 * uploads.SECONDS_MAX


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


def test_a_backup_has_what_waits_too_for_a_record_may_name_it_by_now(tmp_path: Path) -> None:
    store = Blockstore(tmp_path / "content")
    store.take(ALICE, TWO_BLOCKS)
    store.put_file(b"recorded")

    restored = Blockstore(tmp_path / "restored")
    for name, data in content_in(tmp_path):
        restored.put_block(Path(name).name, data)
        assert (tmp_path / "restored" / name).exists()

    assert restored.file(store.put_file(TWO_BLOCKS)) == TWO_BLOCKS


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
