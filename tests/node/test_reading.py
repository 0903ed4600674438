"""Reading beside consensus: in pieces that share no turn of the event loop, and by seeking instead of skipping."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from consortium import a_digest, registering
from structlog.testing import capture_logs
from written_chain import WrittenChain

from ledger import actions, records
from ledger.errors import LedgerError
from ledger.execution.holding import token_id
from ledger.receipt import encode_receipt, verify_receipt
from ledger.state_tree import EMPTY, apply_changes, root_hash
from node.api import submit
from node.api.events import Feed
from node.api.history import history_page, places_about
from node.api.lists import grants_page, page_of
from node.chain.chain import Chain
from node.chain.finals import Final, FinalBlocks
from node.chain.reading import TOGETHER_MAX, Reading
from node.ground.logs import progress
from node.storage.state_store import StateStore

ASSET = a_digest("told")
TOKEN = token_id(ASSET)
BLOCKS = 40


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WrittenChain]:
    """A chain of 40 blocks. Each tells of one asset or its token twice, one of them of both at once; three hold 200."""
    found = WrittenChain(tmp_path_factory.mktemp("written"))
    found.block(found.ask(actions.BuyToken(token=TOKEN, price=1, currency="EUR")), found.ask(registering("told")))
    for number in range(1, BLOCKS):
        others = [found.ask(registering(f"{number}.{other}")) for other in range(200 if number % 13 == 0 else 3)]
        asset, token = actions.MintToken(asset=ASSET), actions.UnlistToken(token=TOKEN)
        about = [found.ask(asset, token)] if number == 7 else [found.ask(asset), found.ask(token)]
        found.block(*others[:2], about[0], *others[2:], *about[1:])
    yield found
    found.close()


class Turns:
    """Counts the turns of the event loop."""

    def __init__(self) -> None:
        self.count = 0
        self._next()

    def _next(self) -> None:
        self.count += 1
        asyncio.get_running_loop().call_soon(self._next)


def test_no_two_pieces_share_a_turn_however_many_read(written: WrittenChain) -> None:
    async def story() -> list[int]:
        turns, reading, done = Turns(), Reading(written.chain), []

        async def reader() -> None:
            for _ in range(4):
                done.append(await reading.piece(lambda: turns.count))

        await asyncio.gather(*(reader() for _ in range(10)))
        return done

    done = asyncio.run(story())

    assert len(set(done)) == len(done) == 40


def test_a_piece_that_fails_or_is_given_up_leaves_the_turn_to_others(written: WrittenChain) -> None:
    async def story() -> str:
        reading = Reading(written.chain)
        with pytest.raises(ZeroDivisionError):
            await reading.piece(lambda: 1 // 0)
        given_up = [asyncio.ensure_future(reading.piece(lambda: "given up")) for _ in range(3)]
        await asyncio.sleep(0)
        for task in given_up:
            task.cancel()
        return await reading.piece(lambda: "done")

    assert asyncio.run(story()) == "done"


def test_a_block_that_is_kept_decoded_is_read_at_once_and_an_older_one_in_its_turn(written: WrittenChain) -> None:
    async def story() -> list[int]:
        turns, reading, taken = Turns(), Reading(written.chain), []
        for height in (BLOCKS, BLOCKS, 2, 2, 0):
            before = turns.count
            await reading.final(height, lambda final: final.block.header.height)
            taken.append(turns.count - before)
        return taken

    newest, again, first, second, third = asyncio.run(story())

    assert (newest, again, first) == (0, 0, 0)
    assert min(second, third) > 0


def everything_about(chain: Chain) -> list[tuple[int, int]]:
    """Places of the transactions about the asset or its token, by looking at all."""
    found = []
    for height in range(1, chain.committed.height + 1):
        for position, signed in enumerate(chain.finals.at(height).block.transactions):
            about = {subject for ask in signed.transaction.actions for subject in actions.subjects(ask)}
            if about & {ASSET, TOKEN}:
                found.append((height, position))
    return found


async def read_history(chain: Chain, limit: int) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    after: str | msgspec.UnsetType = ""
    while isinstance(after, str):
        page = await history_page(chain, Reading(chain), ASSET, after, limit)
        after = page.next
        assert 0 < len(page.history) <= limit
        rows += [msgspec.json.decode(row) for row in page.history]
    return rows


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 79, 80, 100])
def test_pages_of_a_history_tell_all_of_it_once_and_in_order(written: WrittenChain, limit: int) -> None:
    rows = asyncio.run(read_history(written.chain, limit))

    assert [(row["height"], row["position"]) for row in rows] == everything_about(written.chain)
    final = written.chain.finals.at(rows[-1]["height"])
    assert rows[-1]["transaction"] == final.block.transactions[rows[-1]["position"]].id
    assert rows[-1]["code"] == final.results.outcomes[rows[-1]["position"]].code == "LISTING_UNKNOWN"


def test_what_was_read_of_a_history_stays_when_more_happens(tmp_path: Path) -> None:
    written = WrittenChain(tmp_path)
    written.block(written.ask(actions.BuyToken(token=TOKEN, price=1, currency="EUR")), written.ask(registering("told")))
    before = asyncio.run(read_history(written.chain, 10))
    written.block(written.ask(actions.MintToken(asset=ASSET)))

    after = asyncio.run(read_history(written.chain, 10))

    assert (after[:2], len(after)) == (before, 3)


def test_a_page_of_history_gives_way_between_blocks(written: WrittenChain) -> None:
    async def story() -> int:
        turns = Turns()
        await history_page(written.chain, Reading(written.chain), ASSET, "", 60)
        return turns.count

    assert asyncio.run(story()) >= 30


@pytest.fixture
def keys_read(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """The keys of the state's database that are gone over."""
    read: list[bytes] = []
    plain = StateStore._after

    def noted(store: StateStore, prefix: bytes, after: bytes) -> Iterator[tuple[bytes, bytes]]:
        for key, value in plain(store, prefix, after):
            read.append(key)
            yield key, value

    monkeypatch.setattr(StateStore, "_after", noted)
    return read


def test_a_page_of_history_reads_no_more_of_the_index_than_it_shows(
    written: WrittenChain, keys_read: list[bytes]
) -> None:
    places, _ = page_of(places_about(written.chain, ASSET, (BLOCKS // 2, 0)), 5)

    assert len(places) == 5
    assert len(keys_read) <= 8


@pytest.mark.parametrize("part", [0, 0.5, 0.99])
def test_a_page_of_a_list_costs_the_same_wherever_it_lies(
    written: WrittenChain, keys_read: list[bytes], part: float
) -> None:
    prefix = records.asset_key("")
    names = [key.removeprefix(prefix) for key in written.chain.state.keys(prefix)]
    place = int(part * len(names))

    found = list(zip(written.chain.state.items(prefix, names[place]), range(5), strict=False))

    assert [key.removeprefix(prefix) for (key, _), _ in found] == names[place + 1 : place + 6]
    assert len(keys_read) <= 6


def test_ended_grants_are_left_out_of_their_page(tmp_path: Path) -> None:
    written = WrittenChain(tmp_path)
    written.block(written.ask(registering("secret", confidential=True)))
    asset, now = a_digest("secret"), written.chain.committed.time_ms
    for account, hours in (("bob@agency", 2), ("carol@club", 1), ("gen@studio", 1), ("root@club", 2)):
        until_ms = now + hours * 3_600_000
        written.block(written.ask(actions.GrantAccess(asset=asset, account=account, until_ms=until_ms)))
    written.block(after_ms=3_600_000)

    first = grants_page(written.chain, asset, "", 3)
    second = grants_page(written.chain, asset, first.next, 3)

    assert [grant.account for grant in first.grants] == ["bob@agency"]
    assert [grant.account for grant in second.grants] == ["root@club"]
    assert second.next is msgspec.UNSET


def test_each_is_read_in_the_order_asked_for(written: WrittenChain) -> None:
    places = [(14, position) for position in range(200)] + [(2, 0), (14, 0), (2, 1)]
    read: list[tuple[int, int]] = []

    def told(final: Final, position: int) -> tuple[int, int]:
        read.append((final.block.header.height, position))
        return read[-1]

    async def story() -> tuple[list[tuple[int, int]], int]:
        turns = Turns()
        return await Reading(written.chain).each(places, told), turns.count

    found, turns = asyncio.run(story())

    assert found == places == read
    assert len(places) > TOGETHER_MAX
    assert turns >= 5


def test_receipts_of_any_block_hold(written: WrittenChain) -> None:
    for height, position in ((1, 1), (14, 150), (BLOCKS, 0)):
        receipt = asyncio.run(Reading(written.chain).receipt(height, position))

        assert verify_receipt(encode_receipt(receipt), written.chain.genesis).header.height == height


def test_reading_old_blocks_leaves_the_newest_decoded(written: WrittenChain) -> None:
    newest = written.chain.finals.kept(BLOCKS)

    asyncio.run(read_history(written.chain, 100))

    assert newest is not None
    assert written.chain.finals.kept(BLOCKS) is newest


def test_a_blocks_events_are_framed_once_for_all_who_follow_together(
    written: WrittenChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    framed: list[int] = []
    decoded = FinalBlocks.at
    monkeypatch.setattr(FinalBlocks, "at", lambda finals, height: (framed.append(height), decoded(finals, height))[1])

    async def story() -> list[bytes]:
        feed = Feed(written.chain, Reading(written.chain))
        follower = [feed.follow((BLOCKS - 2, -1, -1)) for _ in range(5)]
        return [b"".join([await anext(one) for _ in range(3)]) for one in follower]

    told = asyncio.run(story())

    assert len(set(told)) == 1
    assert told[0].count(b"\n\n") == told[0].count(b"id: ") > 6
    assert framed == [BLOCKS - 2, BLOCKS - 1, BLOCKS]


def test_a_feed_resumes_inside_a_block(written: WrittenChain) -> None:
    async def story(place: tuple[int, int, int]) -> bytes:
        return await anext(Feed(written.chain, Reading(written.chain)).follow(place))

    whole = asyncio.run(story((BLOCKS, -1, -1)))
    first = whole.partition(b"\n\n")[0] + b"\n\n"
    height, position, number = (int(part) for part in first[4:].split(b"\n")[0].split(b"."))

    assert asyncio.run(story((height, position, number))) == whole.removeprefix(first)


def test_a_large_batch_is_parsed_some_at_a_time_and_a_bad_part_is_named(
    written: WrittenChain, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(submit, "PARSE_BYTES", 2_000)
    asked = [written.ask(registering(f"batch {number}")) for number in range(12)]
    parts = submit.split_batch(b"[" + b",".join([*(one.envelope() for one in asked), b"{}"]) + b"]")

    first = submit.parse_some(parts, 0)
    second = submit.parse_some(parts, len(first))

    assert 1 < len(first) < 6
    assert [one.id for one in first + second] == [one.id for one in asked[: len(first) + len(second)]]
    with pytest.raises(LedgerError, match="transaction 12 of the batch"):
        submit.parse_some(parts, 11)


@pytest.mark.parametrize("most", [0, 1, 7, 100_000])
def test_a_state_is_read_back_the_same_however_many_page_hashes_were_written(most: int, tmp_path: Path) -> None:
    written = WrittenChain(tmp_path)
    for number in range(0, 300, 10):
        written.block(*(written.ask(registering(one)) for one in range(number, number + 10)))
        written.chain.write_pages(most)
    root = written.chain.committed.state_root
    written.close()

    again = WrittenChain(tmp_path)

    assert again.chain.tip_tree[0].hex() == root
    assert again.chain.state.pages.changed >= written.chain.state.pages.changed
    again.block(again.ask(registering(300)))
    assert again.chain.committed.state_root == root_hash(apply_changes(EMPTY, again.chain.state.items())).hex()
    again.close()


def test_a_long_start_tells_once_a_second_how_far_it_is() -> None:
    moments = iter([0.0, 0.4, 0.8, 1.2, 1.2, 1.9, 2.3, 2.3, 2.4])

    with capture_logs() as told:
        assert list(progress("state_read", "abcdef", lambda: next(moments))) == list("abcdef")

    assert [(line["event"], line["done"]) for line in told] == [("state_read", 2), ("state_read", 4)]
