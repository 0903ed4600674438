"""A snapshot is installed whole and true, or not at all, whoever gives it and whenever the node is killed."""

from __future__ import annotations

import asyncio
import shutil
import zlib
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace

import pytest
from consortium import a_genesis, key_of, registering
from levels_said import level_at
from msgspec.structs import replace
from voting_chain import NEW, VotingChain
from written_chain import GENESIS, WrittenChain

from ledger import snapshot
from ledger.block import decode_block
from ledger.crypto import sha256
from ledger.encoding import encode
from ledger.snapshot import Chunk, Manifest, SnapshotRefused, decode_chunk, encode_chunk, parse_manifest
from node.chain.chain import Chain
from node.chain.level import Level
from node.chain.stretch import Stretch, encode_stretch
from node.snapshots import installing, joining, snapshots
from node.snapshots.installing import finish_install, install
from node.snapshots.joining import Fetching, Joining
from node.snapshots.snapshots import MANIFEST, chunk_file, take, write
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore
from remarque.errors import NodeCode, NodeError
from simulator.consortium import key_of as simulated_key


@pytest.fixture
def taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[WrittenChain, Path, Manifest]:
    """A chain, its snapshot in a directory, in several chunks."""
    monkeypatch.setattr(snapshot, "CHUNK_BYTES", 4_000)
    written = WrittenChain(tmp_path / "giver")
    for number in range(12):
        written.block(*(written.ask(registering(3 * number + one)) for one in range(3)))
    found = take(written.chain)
    assert found is not None
    manifest = write(found, tmp_path / "snapshot")
    assert len(manifest.chunks) > 3
    return written, tmp_path / "snapshot", manifest


def opened(data: Path) -> Chain:
    return Chain(GENESIS, key_of("watcher"), "watcher", RaftLogStore(data / "log"), StateStore(data / "state"))


def test_a_node_begins_at_the_snapshot_and_goes_on_as_the_others_do(
    taken: tuple[WrittenChain, Path, Manifest], tmp_path: Path
) -> None:
    written, place, manifest = taken
    data = tmp_path / "data"
    install(place, manifest, data)
    chain = opened(data)

    assert chain.committed == written.chain.committed
    written.block(written.ask(registering(900)))
    frames, certificate = written.chain.finals.stretch(chain.committed.height)
    for frame in frames:
        chain.accept(decode_block(frame), None)
    assert certificate is not None
    assert chain.certificate_holds(certificate)
    chain.commit(certificate.height, certificate)

    assert chain.committed == written.chain.committed
    theirs, ours = written.chain, chain
    assert ours.finals.receipt(ours.finals.at(13), 0) == theirs.finals.receipt(theirs.finals.at(13), 0)


@pytest.mark.parametrize("cut", ["log", "log_removed", "state", "state_removed"])
def test_killed_between_any_two_steps_of_installing_it_has_joined_at_the_next_start(
    cut: str, taken: tuple[WrittenChain, Path, Manifest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    written, place, manifest = taken
    data = tmp_path / "data"
    with closing(RaftLogStore(data / "log")) as old:
        old.persist(7, "node2", None, ())
    with closing(StateStore(data / "state")):
        pass
    plain = installing._replace

    def killed(new: Path, old: Path) -> None:
        if old.name == cut.removesuffix("_removed"):
            if cut.endswith("_removed"):
                shutil.rmtree(old)
            raise KeyboardInterrupt
        plain(new, old)

    monkeypatch.setattr(installing, "_replace", killed)
    with pytest.raises(KeyboardInterrupt):
        install(place, manifest, data)
    monkeypatch.setattr(installing, "_replace", plain)

    finish_install(data)

    raft_log = RaftLogStore(data / "log")
    assert (raft_log.hard_term, raft_log.hard_vote) == (7, "node2")
    raft_log.close()
    assert opened(data).committed == written.chain.committed
    assert not (data / "state.new").exists()


def test_a_store_that_was_not_filled_to_the_end_is_thrown_away(
    taken: tuple[WrittenChain, Path, Manifest], tmp_path: Path
) -> None:
    _, place, manifest = taken
    data = tmp_path / "data"
    with closing(StateStore(data / "state.new")) as state:
        state.fill(iter(decode_chunk(chunk_file(place, 0).read_bytes(), manifest.chunks[0])))

    finish_install(data)

    assert list(data.iterdir()) == []


def rewritten(place: Path, manifest: Manifest, chunks: list[bytes]) -> Manifest:
    """A manifest that its giver has made to fit other chunks."""
    for number, data in enumerate(chunks):
        chunk_file(place, number).write_bytes(data)
    return replace(manifest, chunks=tuple(Chunk(digest=sha256(data).hex(), size=len(data)) for data in chunks))


def changed_value(chunks: list[bytes], manifest: Manifest) -> list[bytes]:
    entries = decode_chunk(chunks[0], manifest.chunks[0])
    return [encode_chunk([(entries[0][0], b'"forged"'), *entries[1:]]), *chunks[1:]]


LIES: dict[str, Callable[[list[bytes], Manifest], list[bytes]]] = {
    "a value is another": changed_value,
    "a chunk is missing": lambda chunks, manifest: chunks[:-1],
    "chunks are in another order": lambda chunks, manifest: [chunks[1], chunks[0], *chunks[2:]],
    "a chunk comes twice": lambda chunks, manifest: [chunks[0], *chunks],
    "a chunk is no MessagePack": lambda chunks, manifest: [snapshot.zlib.compress(b"\xc1"), *chunks[1:]],
    "a chunk is not compressed": lambda chunks, manifest: [b"plain", *chunks[1:]],
    "a chunk goes on after its end": lambda chunks, manifest: [chunks[0] + b"more", *chunks[1:]],
    "a chunk is cut": lambda chunks, manifest: [chunks[0][:-5], *chunks[1:]],
    "a key is not text": lambda chunks, manifest: [snapshot.zlib.compress(b"\x91\x92\xa1\xff\xc4\x01x"), *chunks[1:]],
}


@pytest.mark.parametrize("lie", LIES)
def test_a_giver_that_lies_about_the_entries_leaves_nothing_behind(
    lie: str, taken: tuple[WrittenChain, Path, Manifest], tmp_path: Path
) -> None:
    _, place, manifest = taken
    chunks = [chunk_file(place, number).read_bytes() for number in range(len(manifest.chunks))]
    data = tmp_path / "data"
    data.mkdir()

    with pytest.raises(SnapshotRefused):
        install(place, rewritten(place, manifest, LIES[lie](chunks, manifest)), data)

    finish_install(data)
    assert list(data.iterdir()) == []


def test_a_chunk_that_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(snapshot, "CHUNK_BYTES_MAX", 100_000)
    data = encode_chunk([("key", bytes(1_000_000))])

    with pytest.raises(SnapshotRefused):
        decode_chunk(data, Chunk(digest=sha256(data).hex(), size=len(data)))


def test_every_manifest_that_is_not_of_a_final_block_of_this_chain_is_refused(
    taken: tuple[WrittenChain, Path, Manifest],
) -> None:
    _, place, manifest = taken
    whole = (place / MANIFEST).read_bytes()
    assert parse_manifest(whole, GENESIS) == manifest
    header, certificate = manifest.header, manifest.certificate
    others = [
        replace(manifest, version=2),
        replace(manifest, protocol=99),
        replace(manifest, peaks=manifest.peaks[1:]),
        replace(manifest, peaks=(*manifest.peaks, "00" * 32)),
        replace(manifest, peaks=("00" * 32, *manifest.peaks[1:])),
        replace(manifest, header=replace(header, state_root="00" * 32)),
        replace(manifest, header=replace(header, log_size=header.log_size - 1)),
        replace(manifest, certificate=replace(certificate, endorsements=certificate.endorsements[:1])),
    ]
    for data in [
        *map(encode, others),
        whole[:-1],
        whole + b" ",
        b"",
        b"null",
        b"[]",
        whole.replace(b"test-", b"tess-"),
    ]:
        with pytest.raises(SnapshotRefused):
            parse_manifest(data, GENESIS)
    with pytest.raises(SnapshotRefused):
        parse_manifest(whole, a_genesis(name="another"))


class Givers:
    """Stands for the nodes asked: each has the snapshot, or a way of not giving it."""

    def __init__(self, place: Path, **ways: Callable[[bytes], bytes | None]) -> None:
        self._place = place
        self._ways = ways
        self.asked: list[str] = []

    async def ask(self, peer: str, path: str, bytes_max: int, seconds: float) -> bytes | None:
        self.asked.append(peer)
        return self._ways[peer](chunk_file(self._place, int(path.rpartition("/")[2])).read_bytes())


def fetch(taken: tuple[WrittenChain, Path, Manifest], place: Path, givers: Givers, *peers: str) -> None:
    _, source, manifest = taken
    fetching = Fetching(givers, place, (source / MANIFEST).read_bytes(), manifest, list(peers))  # type: ignore[arg-type]
    asyncio.run(fetching.run())


def test_whoever_gives_a_wrong_chunk_or_none_is_not_asked_again(
    taken: tuple[WrittenChain, Path, Manifest], tmp_path: Path
) -> None:
    givers = Givers(taken[1], liar=lambda data: data[:-1] + b"x", gone=lambda data: None, honest=lambda data: data)

    fetch(taken, tmp_path / "join", givers, "liar", "gone", "honest")

    assert givers.asked.count("liar") <= joining.AT_ONCE
    assert givers.asked.count("gone") <= joining.AT_ONCE
    install(tmp_path / "join", taken[2], tmp_path / "data")


def test_a_fetch_goes_on_where_it_was_cut_off(taken: tuple[WrittenChain, Path, Manifest], tmp_path: Path) -> None:
    given = iter(range(3))
    tired = Givers(taken[1], one=lambda data: data if next(given, None) is not None else None)
    with pytest.raises(ExceptionGroup) as cut:
        fetch(taken, tmp_path / "join", tired, "one")
    assert cut.group_contains(SnapshotRefused)
    chunk_file(tmp_path / "join", 0).write_bytes(b"torn")

    rested = Givers(taken[1], one=lambda data: data)
    fetch(taken, tmp_path / "join", rested, "one")

    assert len(rested.asked) < len(taken[2].chunks)
    install(tmp_path / "join", taken[2], tmp_path / "data")


class Answering:
    """Stands for the nodes asked for a stretch: what each answers, 0 if it is not reached, and what comes with it."""

    def __init__(self, *statuses: int, body: bytes = b"") -> None:
        self.addresses = {f"node{number}": "" for number in range(len(statuses))}
        self._statuses = dict(zip(self.addresses, statuses, strict=True))
        self._body = body

    async def ask_status(self, peer: str, path: str, bytes_max: int, seconds: float = 0) -> tuple[int, bytes]:
        return self._statuses[peer], self._body


@pytest.mark.parametrize(
    ("leader", "statuses", "ends"),
    [
        ("node0", (410, 200), True),
        ("node1", (410, 200), False),
        ("node0", (0, 410), False),
        ("", (410, 410), True),
        ("", (410, 0), True),
        ("", (410, 200), False),
        ("", (0, 0), False),
    ],
)
def test_a_voter_ends_once_its_leader_no_longer_keeps_what_it_lacks(
    leader: str, statuses: tuple[int, ...], ends: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "WATCH_SECONDS", 0)
    replica = SimpleNamespace(leader=leader, votes_here=True)
    driver = SimpleNamespace(chain=WrittenChain(tmp_path).chain, replica=replica)

    async def story() -> None:
        async with asyncio.timeout(0.2):
            await joining.end_if_left_behind(driver, Answering(*statuses))  # type: ignore[arg-type]

    with pytest.raises(NodeError if ends else TimeoutError):
        asyncio.run(story())


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """Stretches by what is to be thought of them."""
    with closing(WrittenChain(tmp_path_factory.mktemp("giver"))) as giver:
        giver.block()
        giver.block(giver.ask(registering(1)))
        blocks, certificate = giver.chain.finals.stretch(0)
    assert certificate is not None
    forged = replace(certificate, endorsements=certificate.endorsements[:1])
    found = {
        "full": Stretch(blocks, encode(certificate), 1, ""),
        "empty": Stretch((), b"", 1, ""),
        "another's": Stretch(blocks[:1], encode(certificate), 1, ""),
        "uncertified": Stretch(blocks, b"", 1, ""),
        "by too few": Stretch(blocks, encode(forged), 1, ""),
        "no block": Stretch((b"block",), encode(certificate), 1, ""),
    }
    return {name: encode_stretch(stretch) for name, stretch in found.items()} | {"none": b"\xff"}


@pytest.mark.parametrize(
    ("leader", "votes", "status", "body", "ends"),
    [
        ("", True, 200, "full", True),
        *(
            ("", True, 200, body, False)
            for body in ("empty", "none", "another's", "uncertified", "by too few", "no block")
        ),
        ("", True, 503, "full", False),
        ("", False, 200, "full", False),
        ("node0", True, 200, "full", False),
        ("nobody reached", True, 200, "full", False),
    ],
)
def test_a_voter_that_hears_no_leader_ends_once_others_have_gone_on(
    leader: str,
    votes: bool,
    status: int,
    body: str,
    ends: bool,
    said: dict[str, bytes],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Perhaps it votes no more, and nobody tells it: started again it takes the blocks that say so."""
    monkeypatch.setattr(joining, "WATCH_SECONDS", 0)
    replica = SimpleNamespace(leader=leader, votes_here=votes)
    driver = SimpleNamespace(chain=WrittenChain(tmp_path).chain, replica=replica)

    async def story() -> None:
        async with asyncio.timeout(0.1):
            await joining.end_if_left_behind(driver, Answering(status, body=said[body]))  # type: ignore[arg-type]

    with pytest.raises(NodeError if ends else TimeoutError) as ended:
        asyncio.run(story())

    if isinstance(ended.value, NodeError):
        assert ended.value.code is NodeCode.NO_LEADER
        assert "node0 has final blocks above 0" in str(ended.value)


@pytest.mark.parametrize("leader", ["", "node0"])
def test_a_voter_that_has_gone_on_meanwhile_does_not_end(
    leader: str, said: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "WATCH_SECONDS", 0)
    written = WrittenChain(tmp_path)
    replica = SimpleNamespace(leader=leader, votes_here=True)
    driver = SimpleNamespace(chain=written.chain, replica=replica)

    class Late(Answering):
        async def ask_status(self, *asked: object) -> tuple[int, bytes]:  # type: ignore[override]
            written.block()
            return 410 if leader else 200, said["full"]

    async def story() -> None:
        async with asyncio.timeout(0.1):
            await joining.end_if_left_behind(driver, Late(200))  # type: ignore[arg-type]

    with pytest.raises(TimeoutError):
        asyncio.run(story())


class Offering:
    """Stands for nodes that have pruned, and give snapshots: a place each, or None if a node is not reached."""

    def __init__(self, **places: Path | None) -> None:
        self.addresses = dict.fromkeys(places, "")
        self._places = places

    async def ask_status(self, peer: str, path: str, bytes_max: int, seconds: float = 0) -> tuple[int, bytes]:
        return (joining.GONE if self._places[peer] else joining.NOT_REACHED), b""

    async def ask(self, peer: str, path: str, bytes_max: int, seconds: float = 0) -> bytes | None:
        place, (_, _, _, *rest) = self._places[peer], path.split("/")
        if place is None:
            return None
        manifest = (place / MANIFEST).read_bytes()
        if rest == ["newest"]:
            return manifest
        digest, number = rest
        return chunk_file(place, int(number)).read_bytes() if sha256(manifest).hex() == digest else None


def join(tmp_path: Path, name: str, **places: Path | None) -> Path:
    """The data directory of a node after it has joined."""
    data = tmp_path / "data"
    data.mkdir()
    asking = Offering(**places)
    asyncio.run(joining.Joining(asking, GENESIS, data, key_of(name), name).run())  # type: ignore[arg-type]
    return data


def lying(taken: tuple[WrittenChain, Path, Manifest], place: Path) -> Path:
    """A snapshot with a header that is final and newer, over entries that are not its state."""
    written, source, manifest = taken
    shutil.copytree(source, place)
    written.block(written.ask(registering(990)))
    newer = take(written.chain)
    assert newer is not None
    changed = replace(manifest, header=newer.header, certificate=newer.certificate, peaks=newer.peaks)
    (place / MANIFEST).write_bytes(encode(changed))
    return place


def test_who_offers_a_snapshot_that_is_not_what_it_says_is_passed_over(
    taken: tuple[WrittenChain, Path, Manifest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "RETRY_SECONDS", 0)
    liar = lying(taken, tmp_path / "liar")

    data = join(tmp_path, "watcher", liar=liar, honest=taken[1], away=None)

    assert opened(data).committed == taken[2].header
    assert (data / "snapshots" / str(taken[2].header.height) / MANIFEST).exists()


def test_a_snapshot_that_the_disk_has_no_room_for_is_not_fetched(
    taken: tuple[WrittenChain, Path, Manifest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(joining, "RETRY_SECONDS", 0)
    chunk = Chunk(digest="00" * 32, size=snapshot.CHUNK_BYTES_MAX)
    huge = shutil.copytree(taken[1], tmp_path / "huge")
    header = encode(replace(taken[2], chunks=(chunk,) * 100_000))
    (huge / MANIFEST).write_bytes(header)

    data = join(tmp_path, "watcher", huge=huge, honest=taken[1])

    assert opened(data).committed == taken[2].header


def test_a_voter_without_a_chain_does_not_join_a_chain_whose_first_blocks_are_gone(
    taken: tuple[WrittenChain, Path, Manifest], tmp_path: Path
) -> None:
    with pytest.raises(NodeError, match="may not vote again") as refused:
        join(tmp_path, "node1", honest=taken[1])

    assert refused.value.code is NodeCode.LOG_LOST


def snapshot_of(written: VotingChain, place: Path) -> Path:
    """A snapshot at the newest final block, in a directory."""
    found = take(written.chain)
    assert found is not None
    write(found, place)
    return place


@pytest.mark.parametrize(
    ("name", "refused"), [(NEW, True), ("node1", True), ("node2", True), ("node3", True), ("watcher", False)]
)
def test_without_a_chain_nobody_joins_who_votes_by_the_genesis_or_by_what_the_snapshot_says(
    name: str, refused: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Node3 votes no more, and may have endorsed before what it does not know now."""
    monkeypatch.setattr(joining, "RETRY_SECONDS", 0)
    written = VotingChain(path=tmp_path / "giver")
    written.changed()
    written.changed("node3", votes=False)
    place, data = snapshot_of(written, tmp_path / "snapshot"), tmp_path / "data"
    data.mkdir()
    given = joining.Joining(
        Offering(honest=place),  # type: ignore[arg-type]
        written.genesis,
        data,
        simulated_key(name),
        name,
    )

    if refused:
        with pytest.raises(NodeError) as ended:
            asyncio.run(given.run())
        assert ended.value.code is NodeCode.LOG_LOST
        assert not (data / "state").exists()
    else:
        asyncio.run(given.run())
        raft_log = RaftLogStore(data / "log")
        assert tuple(raft_log.epochs) == written.chain.sets.epochs
        chain = Chain(written.genesis, simulated_key(name), name, raft_log, StateStore(data / "state"))
        assert (chain.voters, chain.committed) == (written.chain.voters, written.chain.committed)


@pytest.mark.parametrize("height", [3, 4])
def test_a_snapshot_at_the_end_of_an_epoch_says_who_votes_next(height: int, tmp_path: Path) -> None:
    """At the block that makes a change, and at an opening block that continues the epoch."""
    written = VotingChain(path=tmp_path / "giver")
    written.block()
    written.change()
    if height == 4:
        written.block(term=2)
    written.final()
    place, data = snapshot_of(written, tmp_path / "snapshot"), tmp_path / "data"
    data.mkdir()
    manifest = parse_manifest((place / MANIFEST).read_bytes(), written.genesis)
    assert manifest.header.height == height
    install(place, manifest, data)
    chain = Chain(
        written.genesis, simulated_key("watcher"), "watcher", RaftLogStore(data / "log"), StateStore(data / "state")
    )

    assert chain.voters == written.chain.voters
    first = written.block(term=3)
    written.final()
    chain.accept(first, None)
    assert chain.certificate_holds(written.certificate())


def test_a_store_that_is_torn_while_it_is_filled_is_thrown_away(
    taken: tuple[WrittenChain, Path, Manifest], tmp_path: Path
) -> None:
    _, place, manifest = taken
    data = tmp_path / "data"
    install(place, manifest, data)
    shutil.copytree(data / "state", data / "state.new")
    (newest,) = (data / "state.new").glob("MANIFEST-*")
    newest.write_bytes(newest.read_bytes()[:-7] + b"\xff" * 7)

    finish_install(data)

    assert opened(data).committed == manifest.header
    assert not (data / "state.new").exists()


def test_killed_before_the_snapshot_is_put_by_it_is_put_by_at_the_next_start(
    taken: tuple[WrittenChain, Path, Manifest], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, place, manifest = taken
    data = tmp_path / "data"
    shutil.copytree(place, data / installing.JOIN)
    with monkeypatch.context() as patched:
        patched.setattr(installing, "_keep_snapshot", lambda data: None)
        install(data / installing.JOIN, manifest, data)

    finish_install(data)

    assert (data / "snapshots" / str(manifest.header.height) / MANIFEST).exists()
    assert not (data / installing.JOIN).exists()


def test_a_chunk_of_too_many_entries_is_refused_before_room_is_made_for_them() -> None:
    many = snapshot.CHUNK_ENTRIES_MAX + 1
    data = zlib.compress(b"\xdd" + many.to_bytes(4) + b"\x92\xa0\xc4\x00" * many)

    with pytest.raises(SnapshotRefused, match="entries"):
        decode_chunk(data, Chunk(digest=sha256(data).hex(), size=len(data)))


def test_a_manifest_that_counts_wrongly_is_refused(taken: tuple[WrittenChain, Path, Manifest], tmp_path: Path) -> None:
    _, place, manifest = taken

    with pytest.raises(SnapshotRefused, match="entries"):
        install(place, replace(manifest, entries=manifest.entries + 1), tmp_path / "data")


def test_a_snapshot_taken_while_blocks_go_on_is_of_its_own_height(tmp_path: Path) -> None:
    written = WrittenChain(tmp_path / "giver")
    written.block(*(written.ask(registering(number)) for number in range(20)))
    found = take(written.chain)
    assert found is not None
    written.block(*(written.ask(registering(number)) for number in range(20, 40)))

    manifest = write(found, tmp_path / "snapshot")

    assert manifest.header.height == 1
    install(tmp_path / "snapshot", manifest, tmp_path / "data")
    assert snapshots.MANIFEST in [file.name for file in (tmp_path / "snapshot").iterdir()]


class Standing:
    """Stands for nodes that keep all blocks: the blocks of one, and what each says of how far it is."""

    def __init__(self, giver: WrittenChain, *levels: Level | None) -> None:
        self.addresses = {f"peer{number}": "" for number in range(len(levels))}
        self._giver = giver
        self._levels = dict(zip(self.addresses, levels, strict=True))

    async def ask_status(self, peer: str, path: str, bytes_max: int, seconds: float = 0) -> tuple[int, bytes]:
        height = int(path.removeprefix("/v1/stretch/").partition("?")[0])
        blocks, certificate = self._giver.chain.finals.stretch(height)
        return 200, encode_stretch(Stretch(blocks, b"" if certificate is None else encode(certificate), 1, ""))

    async def ask(self, peer: str, path: str, bytes_max: int, seconds: float = 0) -> bytes | None:
        if path.startswith("/v1/stretch/"):
            return (await self.ask_status(peer, path, bytes_max))[1]
        level = self._levels[peer] if path == "/v1/level" else None
        return None if level is None else encode(level)


@pytest.mark.parametrize(
    ("said", "takes"), [([None], False), (["own"], False), (["other"], True), (["own", "other"], True)]
)
def test_a_voter_takes_blocks_before_it_starts_if_others_vote_by_somebodys_chain(
    said: list[str | None], takes: bool, tmp_path: Path
) -> None:
    """Whoever leads now may be one that it does not know, and then sends it nothing that it hears."""
    giver, held = WrittenChain(tmp_path / "giver"), WrittenChain(tmp_path / "data")
    for written in (giver, held):
        written.block()
    for _ in range(3):
        giver.block()
    held.close()
    own = GENESIS.voters.digest
    levels = [None if one is None else level_at(4, voters=own if one == "own" else "ab" * 32) for one in said]
    asking = Standing(giver, *levels)

    asyncio.run(Joining(asking, GENESIS, tmp_path / "data", key_of("node1"), "node1").run())  # type: ignore[arg-type]

    with closing(RaftLogStore(tmp_path / "data" / "log")) as raft_log:
        assert raft_log.last_index() == (4 if takes else 1)


@pytest.mark.parametrize(
    ("votes", "lost"),
    [([True], True), ([True, False], False), ([True, True, False], True), ([False], False), ([], False)],
)
def test_a_node_without_a_chain_is_refused_if_most_say_that_it_votes(
    votes: list[bool], lost: bool, tmp_path: Path
) -> None:
    """It had a chain, and what it endorsed then is lost; one that lies keeps nobody out."""
    giver = WrittenChain(tmp_path / "giver")
    giver.block()
    levels = [level_at(1, asker_votes=one) for one in votes] or [None]
    (tmp_path / "data").mkdir()
    joining_node = Joining(
        Standing(giver, *levels),
        GENESIS,
        tmp_path / "data",
        key_of("added"),
        "added",  # type: ignore[arg-type]
    )

    if lost:
        with pytest.raises(NodeError, match="LOG_LOST"):
            asyncio.run(joining_node.run())
    else:
        asyncio.run(joining_node.run())
