"""Copies in other depots: brought there, read again, brought back, let go; whatever the depot does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
from consortium import registering
from obstore.store import LocalStore
from written_chain import WrittenChain

from ledger import actions
from node.content.blockstore import Blockstore
from node.depots.depot import CopyMissing, CopyPending, DepotFailed, StoredFile, leaf_in, shape_in
from node.depots.object_stores import ObjectDepot
from node.exchange import copies
from node.exchange.copies import Copies
from node.exchange.copy_book import CopyBook
from node.ground.config import ContentSection, DepotSection
from remarque.cid import DAG_PB, cid_of
from remarque.dag import Leaf
from remarque.errors import NodeError

ALICE = "alice@studio"
SMALL, LARGE = b"a picture", bytes(range(256)) * 10_000


class Moody(ObjectDepot):
    """A folder that may fail, and that may keep something else than it is given."""

    failing = False
    cut = False
    puts = 0

    async def put(self, file: StoredFile) -> None:
        if self.failing:
            raise DepotFailed(f"{self.name} is closed")
        self.puts += 1
        await super().put(file)

    async def leaf(self, cid: str, leaf: Leaf) -> bytes:
        if self.failing:
            raise DepotFailed(f"{self.name} is closed")
        found = await super().leaf(cid, leaf)
        return found[:-1] if self.cut else found


class Slow(Moody):
    """A folder that takes a file on, and has it the third time that it is asked."""

    async def put(self, file: StoredFile) -> None:
        if self.puts < 2:
            self.puts += 1
            raise CopyPending(f"{self.name} fetches it")
        await super().put(file)


class Shelf:
    """A node's content, its chain, and two depots: one for its own org's pictures at once, one for all later."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.written = WrittenChain(path / "chain")
        self.store = Blockstore(path / "content")
        self.level = True
        self.pinned = set[str]()
        self.start()

    def start(self) -> None:
        sections = (
            DepotSection(name="near", kind="folder", url="near", when="at_once", what="own"),
            DepotSection(name="far", kind="folder", url="far", what="all"),
        )
        self.depots = {
            one.name: Moody(one.name, LocalStore(prefix=str(self.path / one.url), mkdir=True)) for one in sections
        }
        self.book = CopyBook(self.path / "copies.sqlite")
        section = ContentSection(depots=sections, scrub_bytes_per_second=1 << 40)
        self.copies = Copies(
            self.written.chain,
            self.store,
            self.depots,
            section,
            self.book,
            lambda: self.pinned,
            lambda: self.level,
        )

    def record(self, data: bytes, signer: str = ALICE, *, here: bool = True) -> str:
        """Record a picture's file, which is here or elsewhere."""
        store = self.store if here else Blockstore(self.path / "elsewhere")
        cid = store.put_file(data)
        content = actions.Content(cid=cid, size=len(data), media_type="image/png")
        self.written.block(self.written.ask(registering(cid + signer, content=content), signer=signer))
        return cid

    def lies(self, depot: str, cid: str) -> Path:
        """Where a copy lies."""
        return self.path / depot / "files" / cid

    async def until(self, done: Callable[[], bool]) -> None:
        """Let the copies go on until something has come about."""
        running = asyncio.create_task(self.copies.run())
        try:
            async with asyncio.timeout(60):
                while not done():
                    assert not running.done(), running.exception()
                    await asyncio.sleep(0.01)
        finally:
            running.cancel()

    def has(self, depot: str, cid: str) -> bool:
        return any(one.there and one.depot == depot for one in self.book.of(cid))


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shelf:
    monkeypatch.setattr(copies, "PAUSE_SECONDS", (0.01, 0.05))
    monkeypatch.setattr(copies, "IDLE_SECONDS", 0.01)
    monkeypatch.setattr(copies, "MISSING_SECONDS", 0.01)
    return Shelf(tmp_path)


def test_recorded_files_come_to_the_depots_that_are_for_them(shelf: Shelf) -> None:
    old = shelf.record(SMALL)

    async def story() -> None:
        new = []

        def more() -> bool:
            if not new and shelf.has("far", old):
                new.extend((shelf.record(LARGE), shelf.record(b"bob's", "bob@agency")))
            return bool(new) and all(shelf.has("far", cid) for cid in new) and shelf.has("near", new[0])

        await shelf.until(more)
        assert shelf.lies("far", new[0]).read_bytes() == LARGE
        assert not shelf.has("near", new[1])
        assert not shelf.lies("near", new[1]).exists()
        for depot in shelf.depots.values():
            shape, _ = await shape_in(depot, new[0])
            assert b"".join([await leaf_in(depot, shape, leaf) for leaf in shape.leaves]) == LARGE
        assert [one.fault for one in await shelf.copies.standing()] == ["", ""]

    asyncio.run(story())


def test_what_is_not_here_yet_comes_once_it_is(shelf: Shelf) -> None:
    cid = shelf.record(SMALL, here=False)

    async def story() -> None:
        await shelf.until(lambda: bool(shelf.book.of(cid)))
        assert not shelf.has("far", cid)
        shelf.store.put_file(SMALL)
        await shelf.until(lambda: shelf.has("far", cid))

    asyncio.run(story())


def test_what_a_depot_still_fetches_is_no_fault_of_it_and_is_there_in_the_end(shelf: Shelf) -> None:
    shelf.depots["far"] = Slow("far", LocalStore(prefix=str(shelf.path / "far"), mkdir=True))
    cid, faults = shelf.record(SMALL), set[str]()

    def there() -> bool:
        faults.add(shelf.copies._faults["far"])
        return shelf.has("far", cid)

    asyncio.run(shelf.until(there))
    assert faults == {""}
    assert shelf.depots["far"].puts == 3


def test_a_depot_that_fails_is_left_alone_for_a_while_and_then_gets_what_it_lacks(shelf: Shelf) -> None:
    cids = [shelf.record(f"{number}".encode()) for number in range(9)]
    shelf.depots["far"].failing = True

    async def story() -> None:
        await shelf.until(lambda: all(shelf.has("near", cid) for cid in cids))
        near, far = await shelf.copies.standing()
        assert (near.fault, near.counts.files, near.counts.wanted) == ("", 9, 0)
        assert (far.fault, far.counts.files, far.counts.wanted) == ("far is closed", 0, 9)
        shelf.depots["far"].failing = False
        await shelf.until(lambda: all(shelf.has("far", cid) for cid in cids))
        assert (await shelf.copies.standing())[1].fault == ""

    asyncio.run(story())


@pytest.mark.parametrize("fault", ["flipped", "short", "gone", "lies"])
def test_a_copy_that_is_not_what_it_was_is_brought_anew(
    shelf: Shelf, fault: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cid = shelf.record(LARGE)
    monkeypatch.setattr(copies, "AGAIN_SECONDS", 0.0)

    async def story() -> None:
        await shelf.until(lambda: shelf.has("far", cid))
        lies, depot = shelf.lies("far", cid), shelf.depots["far"]
        before, damaged = depot.puts, bytearray(LARGE)
        damaged[-1] ^= 1
        match fault:
            case "flipped":
                lies.write_bytes(damaged)
            case "short":
                lies.write_bytes(LARGE[:-1])
            case "gone":
                lies.unlink()
            case _:
                depot.cut = True
        await shelf.until(lambda: depot.puts > before)
        depot.cut = False
        await shelf.until(lambda: shelf.has("far", cid))
        assert lies.read_bytes() == LARGE

    asyncio.run(story())


def test_what_is_lost_here_comes_back_from_a_depot_even_if_nothing_is_known_of_it(shelf: Shelf) -> None:
    cids = [shelf.record(SMALL), shelf.record(LARGE), shelf.record(b"other")]

    async def story() -> None:
        await shelf.until(lambda: all(shelf.has(depot, cid) for cid in cids for depot in ("near", "far")))
        shelf.book.close()
        (shelf.path / "copies.sqlite").unlink()
        shelf.store = Blockstore(shelf.path / "fresh")
        shelf.start()
        shelf.depots["near"].failing = True
        assert [await shelf.copies.fetch(cid) for cid in cids] == [True] * 3
        assert [shelf.store.file(cid) for cid in cids] == [SMALL, LARGE, b"other"]
        shelf.depots["near"].failing = False
        await shelf.until(lambda: all(shelf.has("near", cid) for cid in cids))
        assert shelf.depots["near"].puts == 0, "what was there is found, and not brought again"

    asyncio.run(story())


def test_a_depot_cannot_make_this_node_keep_something_else(shelf: Shelf) -> None:
    cid = shelf.record(LARGE)

    async def story() -> None:
        await shelf.until(lambda: shelf.has("far", cid) and shelf.has("near", cid))
        for name in ("near", "far"):
            shelf.lies(name, cid).write_bytes(b"x" * len(LARGE))
        shelf.store = Blockstore(shelf.path / "fresh")
        shelf.book.close()
        shelf.start()
        assert not await shelf.copies.fetch(cid)
        assert not list((shelf.path / "fresh").glob("??/*"))

    asyncio.run(story())


def test_what_a_member_stores_is_in_the_depot_for_that_before_it_is_answered(shelf: Shelf) -> None:
    cid = shelf.store.take(ALICE, LARGE)

    async def story() -> None:
        await shelf.copies.before_it_is_answered(ALICE, cid)
        assert shelf.lies("near", cid).read_bytes() == LARGE
        assert not shelf.lies("far", cid).exists()
        shelf.depots["near"].failing = True
        with pytest.raises(NodeError, match="near is closed"):
            await shelf.copies.before_it_is_answered(ALICE, shelf.store.take(ALICE, SMALL))

    asyncio.run(story())


def test_what_no_record_names_goes_after_a_day_unless_it_is_pinned(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    named, pinned, loose = (shelf.store.take(ALICE, data) for data in (b"named", b"pinned", b"loose"))
    foreign = shelf.path / "near" / "files" / Blockstore(shelf.path / "other").put_file(b"foreign")

    async def story() -> None:
        for cid in (named, pinned, loose):
            await shelf.copies.before_it_is_answered(ALICE, cid)
        foreign.write_bytes(b"foreign")
        shelf.record(b"named")
        shelf.pinned.add(pinned)
        await shelf.until(lambda: shelf.has("far", named))
        assert shelf.has("near", loose)
        monkeypatch.setattr(copies, "AGAIN_SECONDS", -1.0)
        monkeypatch.setattr(copies, "LOOK_SECONDS", 0.01)
        shelf.level = False
        looked = time.monotonic() + 0.3
        await shelf.until(lambda: time.monotonic() > looked)
        assert shelf.has("near", loose), "a node that lags does not know what is recorded"
        shelf.level = True
        await shelf.until(lambda: not shelf.has("near", loose))
        assert [shelf.lies("near", cid).exists() for cid in (named, pinned, loose)] == [True, True, False]
        assert foreign.exists()
        assert shelf.store.file(named) == b"named"
        shelf.pinned.clear()
        await shelf.until(lambda: not shelf.lies("near", pinned).exists())

    asyncio.run(story())


def test_what_others_store_here_is_not_kept_where_only_ones_own_is(shelf: Shelf) -> None:
    cid = shelf.store.take("bob@agency", LARGE)

    asyncio.run(shelf.copies.before_it_is_answered("bob@agency", cid))

    assert shelf.book.of(cid) == []


def test_to_read_a_copy_again_keeps_none_that_no_record_names(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(copies, "AGAIN_SECONDS", 0.3)
    monkeypatch.setattr(copies, "LOOK_SECONDS", 0.01)
    loose = shelf.store.take(ALICE, SMALL)

    async def story() -> None:
        await shelf.copies.before_it_is_answered(ALICE, loose)
        await shelf.until(lambda: not shelf.book.of(loose))
        assert not shelf.lies("near", loose).exists()

    asyncio.run(story())


def test_a_record_of_what_is_no_file_and_a_fault_of_the_disk_end_nothing(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(copies, "DISK_SECONDS", 0.01)
    nonsense = b"\x0a\x01x"
    shelf.store.put_block(cid_of(DAG_PB, nonsense), nonsense)
    content = actions.Content(cid=cid_of(DAG_PB, nonsense), size=3, media_type="image/png")
    shelf.written.block(shelf.written.ask(registering("nonsense", content=content)))
    cid, faults = shelf.record(SMALL), iter([True] * 6)
    rows, writing = shelf.book._database.rows, shelf.book._write

    def failing(done: Callable[..., Any]) -> Callable[..., Any]:
        def do(*given: Any) -> Any:
            if next(faults, False):
                raise OSError(28, "No space left on device")
            return done(*given)

        return do

    monkeypatch.setattr(shelf.book._database, "rows", failing(rows))
    monkeypatch.setattr(shelf.book, "_write", failing(writing))

    asyncio.run(shelf.until(lambda: next(faults, None) is None and shelf.has("far", cid)))


class Hostile:
    """A depot that says whatever it likes."""

    name = "hostile"

    def __init__(self, nodes: Mapping[str, bytes], size: int, data: bytes) -> None:
        self._nodes, self._size, self._data = nodes, size, data

    async def put(self, file: StoredFile) -> None:
        raise NotImplementedError

    async def nodes(self, cid: str) -> Mapping[str, bytes]:
        return self._nodes

    async def size(self, cid: str) -> int:
        return self._size

    async def leaf(self, cid: str, leaf: Leaf) -> bytes:
        return self._data

    async def delete(self, cid: str) -> None:
        raise NotImplementedError

    async def listed(self) -> AsyncIterator[str]:
        yield ""

    async def check(self) -> None:
        raise NotImplementedError


def test_nothing_that_a_depot_says_is_believed(tmp_path: Path) -> None:
    store = Blockstore(tmp_path)
    cid, small = store.put_file(LARGE), store.put_file(SMALL)
    node = store.block(cid)
    assert node is not None
    lies = [
        (cid, Hostile({}, 0, b"")),
        (cid, Hostile({cid: node[:-1]}, 0, b"")),
        (cid, Hostile({cid: node}, 0, b"x" * 1_048_576)),
        (small, Hostile({}, 1 << 40, b"")),
        (small, Hostile({}, len(SMALL), SMALL[::-1])),
        (small, Hostile({}, len(SMALL) + 1, SMALL)),
    ]

    async def read(name: str, depot: Hostile) -> None:
        shape, _ = await shape_in(depot, name)
        await leaf_in(depot, shape, shape.leaves[0])

    for name, depot in lies:
        with pytest.raises(CopyMissing):
            asyncio.run(read(name, depot))
