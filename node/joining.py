"""Joining: a node that does not vote begins at a snapshot of another, fetched, checked and installed by itself.

Every chunk is checked against the manifest as it comes, and kept, so that a fetch goes on where it was cut off; whoever
gives a wrong one is asked no more. The snapshot is installed into a store of its own, whose root must be that of a
certified header, and takes the place of the old one by a rename: killed at any moment, the node joins again or has
joined.
"""

from __future__ import annotations

import asyncio
import os
import shutil
from contextlib import closing
from pathlib import Path

from ledger.crypto import sha256
from ledger.genesis import Genesis
from ledger.recovery import Recoveries
from ledger.snapshot import (
    MANIFEST_BYTES_MAX,
    Chunk,
    Manifest,
    SnapshotRefused,
    chunk_holds,
    parse_manifest,
)
from ledger.state_tree import root_hash
from node.chain import Chain
from node.config import Config, load_genesis
from node.errors import NodeCode, NodeError
from node.keys import load_key
from node.logs import log, progress
from node.peers.asking import Asking
from node.peers.stretch import STRETCH_BYTES_MAX
from node.peers.tls import make_certificate
from node.recovering import load_recoveries
from node.snapshots import MANIFEST, chunk_file, read_entries
from node.storage import directory
from node.storage.directory import write_durably
from node.storage.log_store import LogStore
from node.storage.state_store import Base, StateStore

CHUNK_FILE_BYTES_MAX = 64 * 1024 * 1024
CHUNK_SECONDS = 60.0
ASK_SECONDS = 3.0
RETRY_SECONDS = 1.0
WATCH_SECONDS = 10.0
GONE = 410
AT_ONCE = 4
"""Chunks fetched at the same time."""


class Fetching:
    """One snapshot on its way into a directory, from whichever nodes have it."""

    def __init__(self, asking: Asking, place: Path, data: bytes, manifest: Manifest, peers: list[str]) -> None:
        self._asking = asking
        self._place = place
        self._digest = sha256(data).hex()
        self._manifest = manifest
        self._peers = peers
        self._numbers = iter(progress("chunks_fetched", range(len(manifest.chunks))))
        place.mkdir(parents=True, exist_ok=True)
        write_durably(place / MANIFEST, data)

    async def run(self) -> None:
        """Fetch what is not here yet. SnapshotRefused if no node has it any more."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._some())

    async def _some(self) -> None:
        for number in self._numbers:
            chunk, file = self._manifest.chunks[number], chunk_file(self._place, number)
            if not file.exists() or not chunk_holds(await asyncio.to_thread(file.read_bytes), chunk):
                data = await self._fetch(number, chunk)
                await asyncio.to_thread(file.write_bytes, data)

    async def _fetch(self, number: int, chunk: Chunk) -> bytes:
        path = f"/v1/snapshots/{self._digest}/{number}"
        for peer in list(self._peers):
            data = await self._asking.ask(peer, path, CHUNK_FILE_BYTES_MAX, CHUNK_SECONDS)
            if data is not None and chunk_holds(data, chunk):
                return data
            if data is not None:
                log.error("chunk_refused", node=peer, number=number)
            if peer in self._peers:
                self._peers.remove(peer)
        height = self._manifest.header.height
        raise SnapshotRefused(f"no node gives chunk {number} of the snapshot at {height} any more")


async def join_if_behind(config: Config, home: Path) -> None:
    """Before a node starts: let it join if it has no chain yet, or less of it than the others keep."""
    genesis, key = load_genesis(home / config.node.genesis), load_key(home / config.node.key)
    data, name = home / config.node.data, config.node.name
    certificates = {one.name: bytes.fromhex(one.certificate) for one in genesis.nodes}
    others = {peer: address for peer, address in config.peers.addresses.items() if peer != name}
    lock = directory.open_locked(data, genesis.chain, genesis.digest, name)
    asking = Asking(key, certificates.get(name) or make_certificate(key), others, certificates)
    try:
        finish_install(data)
        height = await asyncio.to_thread(_held, data)
        while asking.addresses and await _is_behind(asking, height, votes=name in certificates):
            if await _join(asking, genesis, data, height):
                return
            await asyncio.sleep(RETRY_SECONDS)
    finally:
        await asking.close()
        os.close(lock)


def _held(data: Path) -> int:
    """Height up to which a data directory holds blocks; -1 if it never held any."""
    if not (data / "state").exists():
        return -1
    with closing(LogStore(data / "log")) as log_store:
        return log_store.last_index()


async def _is_behind(asking: Asking, height: int, *, votes: bool) -> bool:
    """Whether the others no longer keep what comes next, or this node does not vote and is new.

    A node that does not vote waits here for the others; one that votes may be the first to start.
    """
    while True:
        reached = await _answers(asking, max(height, 0))
        if reached or votes:
            return bool(reached) and (all(status == GONE for status in reached) or (height < 0 and not votes))
        log.warning("join_waits", reason="no node is reached, or none lets this one in: see `remarque node add`")
        await asyncio.sleep(RETRY_SECONDS)


async def _answers(asking: Asking, height: int) -> list[int]:
    """HTTP status of each reachable node's answer to whether it gives the blocks above a height."""
    path = f"/v1/stretch/{height}?wait_s=0"
    asked = [asking.ask_status(peer, path, STRETCH_BYTES_MAX, ASK_SECONDS) for peer in asking.addresses]
    return [status for status, _ in await asyncio.gather(*asked) if status]


async def end_if_left_behind(chain: Chain, asking: Asking) -> None:
    """Watch over a node that votes, for ever. NodeError once no other keeps the blocks that it lacks."""
    while True:
        height = chain.committed.height
        await asyncio.sleep(WATCH_SECONDS)
        if chain.committed.height == height:
            reached = await _answers(asking, height)
            if reached and chain.committed.height == height and all(status == GONE for status in reached):
                raise behind(height)


async def _join(asking: Asking, genesis: Genesis, data: Path, height: int) -> bool:
    """Install the newest snapshot that a reachable node has. False if that did not succeed; nothing changed then.

    A snapshot below what this node holds is not taken: the node may have endorsed what it would forget.
    """
    place = data / "join"
    offers = [
        offer
        for offer in await _offers(asking, genesis, load_recoveries(data, genesis))
        if offer[1].header.height >= height
    ]
    if not offers:
        return height < 0 and not await _is_behind(asking, 0, votes=True)
    manifest_data, manifest, peers = max(offers, key=lambda offer: offer[1].header.height)
    if not _same(place, manifest_data):
        shutil.rmtree(place, ignore_errors=True)
    log.info("joining", height=manifest.header.height, bytes=manifest.size, nodes=peers)
    refused = ""
    try:
        await Fetching(asking, place, manifest_data, manifest, peers).run()
        await asyncio.to_thread(install, place, manifest, data)
    except* SnapshotRefused as group:
        refused = str(group.exceptions[0])
    if refused:
        log.error("snapshot_refused", reason=refused)
        return False
    kept = data / "snapshots" / str(manifest.header.height)
    shutil.rmtree(kept, ignore_errors=True)
    kept.parent.mkdir(exist_ok=True)
    place.rename(kept)  # what is run again from here on, by an audit for one, starts with it
    log.info("joined", height=manifest.header.height, entries=manifest.entries)
    return True


async def _offers(asking: Asking, genesis: Genesis, recoveries: Recoveries) -> list[tuple[bytes, Manifest, list[str]]]:
    """Manifests that hold, each with the nodes that have it."""
    found: dict[bytes, list[str]] = {}
    for peer in asking.addresses:
        data = await asking.ask(peer, "/v1/snapshots/newest", MANIFEST_BYTES_MAX)
        if data is not None:
            found.setdefault(data, []).append(peer)
    offers = []
    for data, peers in found.items():
        try:
            offers.append((data, parse_manifest(data, genesis, recoveries), peers))
        except SnapshotRefused as refused:
            log.error("snapshot_refused", nodes=peers, reason=str(refused))
    return offers


def _same(place: Path, manifest: bytes) -> bool:
    return (place / MANIFEST).exists() and (place / MANIFEST).read_bytes() == manifest


def install(place: Path, manifest: Manifest, data: Path) -> None:
    """Make a snapshot the state of a data directory that holds no chain. SnapshotRefused leaves it as it was."""
    new, header = data / "state.new", manifest.header
    shutil.rmtree(new, ignore_errors=True)
    with closing(StateStore(new)) as state:
        tree = state.fill(read_entries(place, manifest))
        if root_hash(tree).hex() != header.state_root:
            raise SnapshotRefused("its entries do not make the state root of its header")
        state.begin(Base(header, tuple(bytes.fromhex(peak) for peak in manifest.peaks)), manifest.certificate)
    finish_install(data)


def finish_install(data: Path) -> None:
    """Put a store that was filled in its place, if there is one; what was cut off before that is thrown away."""
    new = data / "state.new"
    if not new.exists():
        return
    with closing(StateStore(new)) as state:
        base = state.base
    if base is None:
        shutil.rmtree(new)
        return
    fresh = data / "log.new"
    with closing(LogStore(fresh)) as log_store:
        if log_store.base != base.header.height:
            with closing(LogStore(data / "log")) as old:
                log_store.begin(base.header.height, base.header.term, old.hard_term, old.hard_vote)
    _replace(fresh, data / "log")
    _replace(new, data / "state")


def _replace(new: Path, old: Path) -> None:
    """Put a directory in another's place. Cut off in between, the new one is still there to be put."""
    shutil.rmtree(old, ignore_errors=True)
    new.rename(old)


def behind(height: int) -> NodeError:
    """What a node is told that fell behind what the others keep."""
    return NodeError(
        NodeCode.BLOCK_PRUNED,
        f"no reachable node keeps blocks above {height} any more; start this node again, and it joins from a snapshot",
    )
