"""Openings at a node: kept as the chain says, told to whom it says, and gone from the disk once they are erased."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from asgi import answer_of
from attested import MODEL, a_record, openings
from consortium import State, a_digest, key_of
from contents import an_opening_store
from msgspec import convert
from msgspec.structs import replace
from written_chain import GENESIS, WrittenChain

from ledger import actions, records
from ledger.encoding import decode, encode
from ledger.generation import Opening, Openings, WithheldSetting, commit
from node.api.app import make_app
from node.api.member import Member
from node.api.peer_port.content import peer_app
from node.api.pictures import opening_routes
from node.content.at_rest import AtRest
from node.content.blockstore import Blockstore
from node.content.openings import OPENINGS, OpeningStore
from node.exchange.replicator import Replicator
from node.generation.jobs import JOBS, JobStore
from node.storage.erasable import Erasable
from node.verification.matches import is_for_all
from remarque.api.generation import DONE, OpenedSettings
from remarque.errors import NodeError, RemarqueError

BOB, CAROL, EVE = "bob@agency", "carol@club", "eve@club"
HIDDEN = (WithheldSetting(field="prompt"), WithheldSetting(field="seed", readers=(CAROL,)))
FIELDS = set(openings().given())


@pytest.fixture
def written(tmp_path: Path) -> Iterator[WrittenChain]:
    """A chain with a picture of bob's, made by the studio of node1: nobody is told its prompt, and carol its seed."""
    chain = WrittenChain(tmp_path)
    now = SimpleNamespace(genesis=GENESIS, time_ms=GENESIS.time_ms)
    chain.block(chain.ask(actions.RegisterModel(model=MODEL, name="m", version="1", licence="")))
    chain.block(chain.ask(a_record(cast(Any, now), request={"withheld": HIDDEN}), signer="gen@studio"))
    yield chain
    chain.close()


def disclosure(written: WrittenChain) -> records.Disclosure:
    return written.chain.ledger().disclosure(request_of(written))


def request_of(written: WrittenChain) -> str:
    return str(written.chain.ledger().asset(a_digest("pixels")).request)


class Telling:
    """The peers: one other node, with the peer port of `node` as it answers a node named `caller`."""

    def __init__(self, written: WrittenChain, store: OpeningStore, caller: str) -> None:
        self.connected = {"node9"}
        self._caller = caller
        unreleased = cast(Any, SimpleNamespace(release=None, release_share=None, release_seal=None))
        app = peer_app(cast(Any, self), written.chain, cast(Any, None), store, unreleased)
        self._told = next(route.handler for route in app.router.routes() if "openings" in str(route.resource))

    def caller(self, _: object) -> str:
        return self._caller

    async def stream(self, _: object) -> None:
        raise NotImplementedError

    async def ask(self, peer: str, path: str, bytes_max: int) -> bytes | None:
        if not path.startswith("/v1/openings/"):
            return None
        request = SimpleNamespace(match_info={"request": path.rpartition("/")[2]})
        answered = await self._told(cast(Any, request))
        return bytes(cast(Any, answered).body)


def replicating(written: WrittenChain, peers: Telling, store: OpeningStore, folder: Path) -> Replicator:
    return Replicator(written.chain, cast(Any, peers), Blockstore(folder / "content"), store, folder / "kept")


def test_openings_that_do_not_open_a_commitment_are_not_kept(tmp_path: Path, written: WrittenChain) -> None:
    store = an_opening_store(tmp_path)
    false = replace(openings(), prompt=Opening(salt="ab" * 16, value="a lighthouse by Turner"))

    assert not store.put(disclosure(written), false)
    assert not store.put_checked(disclosure(written), b"{", frozenset(FIELDS))
    assert not store.put_checked(disclosure(written), encode(false), frozenset(FIELDS))
    assert store.put(disclosure(written), openings().only({"seed"}))
    assert store.put(disclosure(written), openings().only({"prompt", "steps"}))
    assert set(store.get(request_of(written)).given()) == {"seed", "prompt", "steps"}


def test_a_members_node_is_given_what_its_org_may_keep(tmp_path: Path, written: WrittenChain) -> None:
    ours = an_opening_store(tmp_path / "ours")
    ours.put(disclosure(written), openings())
    asked = f"/v1/openings/{request_of(written)}"

    given = {
        node: set(decode(asyncio.run(Telling(written, ours, node).ask("", asked, 0)) or b"", Openings).given())
        for node in ("node1", "node2", "node3", "stranger")
    }

    orgs = {node.name: node.org for node in GENESIS.nodes} | {"stranger": ""}
    kept = {"studio": FIELDS, "agency": FIELDS, "club": FIELDS - {"prompt"}, "": FIELDS - {"prompt", "seed"}}
    assert given == {node: kept[org] for node, org in orgs.items()}


def test_a_node_fetches_what_it_may_keep_and_destroys_what_is_erased(tmp_path: Path, written: WrittenChain) -> None:
    theirs, ours = an_opening_store(tmp_path / "theirs"), an_opening_store(tmp_path / "ours")
    theirs.put(disclosure(written), openings())
    request = request_of(written)

    async def until(*fields: str) -> None:
        async with asyncio.timeout(20):
            while set(ours.get(request).given()) != set(fields):
                await asyncio.sleep(0.01)

    async def story() -> None:
        fetching = replicating(written, Telling(written, theirs, "node1"), ours, tmp_path)
        running = asyncio.create_task(fetching.run())
        await until(*FIELDS)
        erasing = actions.EraseSettings(request=request, fields=("prompt", "width"))
        written.block(written.ask(erasing, signer=BOB))
        await until(*(FIELDS - {"prompt", "width"}))
        running.cancel()

    asyncio.run(story())
    assert ours.put(disclosure(written), openings()), "an answer that was on its way"
    assert set(ours.get(request).given()) == FIELDS - {"prompt", "width"}


def test_what_a_member_gives_beyond_what_is_for_this_node_is_not_kept(tmp_path: Path, written: WrittenChain) -> None:
    theirs, ours = an_opening_store(tmp_path / "theirs"), an_opening_store(tmp_path / "ours")
    theirs.put(disclosure(written), openings())
    written.chain.node = "node3"

    async def story() -> bool:
        fetching = replicating(written, Telling(written, theirs, "node1"), ours, tmp_path)
        return await fetching._fetch_openings(request_of(written))

    assert asyncio.run(story())
    assert set(ours.get(request_of(written)).given()) == FIELDS - {"prompt"}


def test_a_request_that_a_recovery_left_out_is_not_waited_for(tmp_path: Path, written: WrittenChain) -> None:
    store = an_opening_store(tmp_path)
    fetching = replicating(written, Telling(written, store, "node1"), store, tmp_path)

    assert asyncio.run(fetching._fetch_openings(a_digest("no request")))


def test_a_start_destroys_what_was_erased_while_the_node_did_not_run(tmp_path: Path, written: WrittenChain) -> None:
    ours, request = an_opening_store(tmp_path / "ours"), request_of(written)
    ours.put(disclosure(written), openings())
    written.block(written.ask(actions.EraseSettings(request=request, fields=("prompt",)), signer=BOB))

    async def story() -> None:
        fetching = replicating(written, Telling(written, ours, "node1"), ours, tmp_path)
        running = asyncio.create_task(fetching.run())
        async with asyncio.timeout(20):
            while "prompt" in ours.get(request).given():
                await asyncio.sleep(0.01)
        running.cancel()

    asyncio.run(story())


def read(written: WrittenChain, store: OpeningStore, account: str) -> OpenedSettings:
    routes = opening_routes(written.chain, store, lambda: Member(account, lambda: True))
    path = f"/v1/assets/{a_digest('pixels')}/openings"
    status, body = asyncio.run(answer_of(make_app("0", [routes]), "GET", path))
    assert status == 200, body
    return convert(body, OpenedSettings)


def test_each_is_told_what_they_may_read_and_everybody_who_may_read_what(tmp_path: Path, written: WrittenChain) -> None:
    store = an_opening_store(tmp_path)
    store.put(disclosure(written), openings())

    told = {account: read(written, store, account) for account in (BOB, CAROL, EVE, "")}

    assert {account: set(one.openings.given()) for account, one in told.items()} == {
        BOB: FIELDS,
        CAROL: FIELDS - {"prompt"},
        EVE: FIELDS - {"prompt", "seed"},
        "": FIELDS - {"prompt", "seed"},
    }
    assert all(one.disclosure == disclosure(written) for one in told.values())
    assert told[BOB].value("prompt") == "a lighthouse"


@pytest.mark.parametrize("kind", [actions.RegisterGenerated, actions.AttestAsset])
def test_a_receipt_is_for_strangers_as_far_as_it_names_no_reader(kind: type[Any]) -> None:
    state = State(GENESIS)

    def asked(*withheld: WithheldSetting) -> Any:
        record = a_record(state, request={"withheld": withheld})
        named = {field: getattr(record, field) for field in kind.__struct_fields__ if field not in ("content", "salt")}
        return kind(**named, content=record.content) if kind is actions.RegisterGenerated else kind(**named)

    nobody, carol = asked(HIDDEN[0]), asked(*HIDDEN)
    given = [state.transaction("gen@studio", nobody), state.transaction("gen@studio", asked())]
    kept = [
        state.transaction("gen@studio", carol),
        state.transaction("gen@studio", nobody, asked()),
        state.transaction("gen@studio", nobody, memo="for carol"),
    ]

    assert [is_for_all(one.transaction) for one in (*given, *kept)] == [True, True, False, False, False]


def test_a_client_finds_out_a_node_that_says_another_prompt(written: WrittenChain) -> None:
    false = replace(openings(), prompt=Opening(salt="ab" * 16, value="a lighthouse by Turner"))

    OpenedSettings(disclosure=disclosure(written), openings=openings()).check()
    with pytest.raises(RemarqueError, match="OPENINGS_FALSE: what is said of prompt"):
        OpenedSettings(disclosure=disclosure(written), openings=false).check()


def everything_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_no_file_holds_what_was_erased(tmp_path: Path, written: WrittenChain) -> None:
    place = tmp_path / "place"
    store = OpeningStore(place / OPENINGS, AtRest(key_of("node1")))
    long = Openings(**{field: Opening(salt="ab" * 16, value="x" * 1_500) for field in ("prompt", "negative_prompt")})
    committed = {field: commit(field, one) for field, one in long.given().items()}
    held = replace(disclosure(written), commitments=replace(disclosure(written).commitments, **committed))
    for number in range(40):
        assert store.put(replace(held, request=a_digest(number)), long)
    database = sqlite3.connect(place / OPENINGS)
    sealed = [bytes(value) for (value,) in database.execute("SELECT value FROM openings")]
    database.close()
    pieces = [one[at : at + 48] for one in sealed for at in range(0, len(one) - 48, 48)]
    before = everything_in(place)
    assert sum(piece in before for piece in pieces) > 0.9 * len(pieces), "all but those that lie across two pages"

    for number in range(40):
        store.erase(a_digest(number), ("prompt", "negative_prompt"))

    left = everything_in(place)
    assert not any(piece in left for piece in pieces)
    store.close()


def test_a_generation_that_has_ended_keeps_nothing_of_what_was_asked(tmp_path: Path) -> None:
    jobs = JobStore(tmp_path / JOBS, AtRest(key_of("node1")))
    request = a_record(cast(Any, SimpleNamespace(genesis=GENESIS, time_ms=0))).request
    job = jobs.add(request, "00" * 64, openings())
    (sealed,) = Erasable(tmp_path / JOBS, "").rows("SELECT value FROM jobs")[0]
    assert jobs.unleased() == [job]

    jobs.change(job.id, lambda now: replace(now, state=DONE))

    found = jobs.get(job.id)
    assert found is not None
    assert (found.openings, found.state, jobs.waiting) == (Openings(), DONE, 0)
    assert bytes(sealed)[64:128] not in everything_in(tmp_path)
    assert b"lighthouse" not in everything_in(tmp_path)
    jobs.close()


def test_a_transaction_that_breaks_off_changes_nothing_and_a_broken_file_is_told(tmp_path: Path) -> None:
    database = Erasable(tmp_path / "x.sqlite", "CREATE TABLE IF NOT EXISTS x (a TEXT PRIMARY KEY)")

    def write(*values: str) -> None:
        with database.writing() as writing:
            writing.executemany("INSERT INTO x VALUES (?)", [(value,) for value in values])

    with pytest.raises(OSError, match="UNIQUE"):
        write("a", "a")
    assert database.rows("SELECT * FROM x") == []
    write("a")
    database.close()

    (tmp_path / "y.sqlite").write_bytes(b"no database" * 100)
    with pytest.raises(NodeError, match=r"DATA_CORRUPT.*not a database; move it away"):
        Erasable(tmp_path / "y.sqlite", "CREATE TABLE x (a TEXT)")


def test_a_full_disk_is_told_and_what_is_written_later_is_kept(tmp_path: Path) -> None:
    database = Erasable(tmp_path / "x.sqlite", "CREATE TABLE IF NOT EXISTS x (a BLOB)")
    database.rows("PRAGMA max_page_count = 8")

    def write(size: int) -> None:
        with database.writing() as writing:
            writing.execute("INSERT INTO x VALUES (?)", (bytes(size),))

    with pytest.raises(OSError, match="full"):
        write(1 << 20)
    write(10)
    assert database.rows("SELECT length(a) FROM x") == [(10,)]
    database.close()
