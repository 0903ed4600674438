"""Where archives come from (`ledger/archive.py`): a stopped node's files, a running node, or a file."""

from __future__ import annotations

import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import plyvel

from ledger import archive
from ledger.audit import AuditFailed, Fault
from ledger.block import decode_block
from ledger.errors import LedgerError
from ledger.genesis import Genesis, genesis_header
from ledger.snapshot import Manifest
from node.chain.chain import Chain
from node.chain.finals import Final
from node.chain.reading import Reading
from node.snapshots import snapshots
from node.snapshots.recovering import load_recoveries, require_chain
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore
from remarque.client import Client
from remarque.errors import NodeCode, NodeError

BLOCKS_AT_ONCE = 64
"""Blocks in one answer of a node, so that a cut connection costs little."""
ANSWER_BYTES = 16 * 1024 * 1024
"""No further block is added to an answer that has so many."""
UNREADABLE = (LedgerError, NodeError, msgspec.MsgspecError, plyvel.Error, UnicodeDecodeError, struct.error)
"""What reading a damaged store ends in."""


def check_kept(chain: Chain, after: int) -> None:
    """BLOCK_PRUNED if a chain no longer has the block above a height."""
    oldest = chain.finals.oldest
    if after < oldest:
        detail = f"this node keeps blocks above {oldest}; ask one that keeps all, or read its data directory"
        raise NodeError(NodeCode.BLOCK_PRUNED, detail)


async def from_chain(chain: Chain, reading: Reading, after: int) -> AsyncIterator[bytes]:
    """Lines of a few final blocks above a height; around them the first and the last line where they are due."""
    newest = chain.committed.height

    def line(final: Final) -> bytes:
        return archive.block_line(
            final.block, final.results.outcomes, chain.state.certificate(final.block.header.height)
        )

    if after == 0:
        yield archive.opening_line(chain.genesis)
    size, height = 0, after
    while height < min(after + BLOCKS_AT_ONCE, newest) and size < ANSWER_BYTES:
        height += 1
        data = await reading.final(height, line)
        size += len(data)
        yield data
    if height >= newest:
        yield archive.closing_line(chain.header(newest))


def from_node(client: Client) -> Iterator[bytes]:
    """Lines of a running node's chain, a few blocks a request."""
    height, ended = 0, False
    while not ended:
        data: bytes = client.request("GET", "/v1/archive", params={"after": str(height)})
        lines = data.splitlines(keepends=True)
        if not any(line.startswith((b'{"block":', b'{"end":')) for line in lines):
            raise AuditFailed(height, Fault.UNREADABLE, "the node's answer holds no block and no end")
        for line in lines:
            ended = line.startswith(b'{"end":')
            height += line.startswith(b'{"block":')
            yield line


def from_directory(data: Path, genesis: Genesis) -> Iterator[bytes]:
    """Lines of what a stopped node's data directory holds: its chain, then its state and its index."""
    require_chain(data)
    try:
        with closing(RaftLogStore(data / "log")) as raft_log, closing(StateStore(data / "state")) as state:
            yield from _stored_lines(raft_log, state, genesis, data)
    except UNREADABLE as error:
        if isinstance(error, NodeError) and error.code is not NodeCode.DATA_CORRUPT:
            raise
        raise AuditFailed(0, Fault.UNREADABLE, f"{type(error).__name__}: {error}") from None


def start_of(manifest: Manifest) -> archive.ArchivedStart:
    """Where an archive starts that begins with a snapshot."""
    return archive.ArchivedStart(
        header=manifest.header, certificate=manifest.certificate, epochs=manifest.epochs, peaks=manifest.peaks
    )


def _stored_lines(raft_log: RaftLogStore, state: StateStore, genesis: Genesis, data: Path) -> Iterator[bytes]:
    if state.applied < 0:
        raise AuditFailed(0, Fault.UNREADABLE, "the state store is empty")
    first = 0
    if raft_log.base == 0:
        yield archive.opening_line(genesis, whole=True)
    else:
        kept, recoveries = data / snapshots.SNAPSHOTS, load_recoveries(data, genesis)
        place, manifest = snapshots.oldest_above(kept, raft_log.base, genesis, recoveries)
        first = manifest.header.height
        yield archive.opening_line(genesis, whole=True, start=start_of(manifest))
        for key, value in snapshots.read_entries(place, manifest):
            yield archive.state_line(key, value)
    for height in range(first + 1, state.applied + 1):
        yield _stored_block(raft_log, state, height)
    for key, value in state.items():
        yield archive.state_line(key, value)
    for transaction, height, position in state.places():
        yield archive.place_line(transaction, height, position)
    newest = state.applied
    if state.base is not None and state.base.header.height == newest:
        header = state.base.header
    else:
        header = decode_block(raft_log.entry(newest).data, trusted=True).header if newest else genesis_header(genesis)
    yield archive.closing_line(header)


def _stored_block(raft_log: RaftLogStore, state: StateStore, height: int) -> bytes:
    try:
        results = state.results(height)
        if results is None:
            raise AuditFailed(height, Fault.UNREADABLE, "what it did is missing from the state store")
        block = decode_block(raft_log.entry(height).data, trusted=True)
        return archive.block_line(block, results.outcomes, state.certificate(height))
    except UNREADABLE as error:
        raise AuditFailed(height, Fault.UNREADABLE, str(error)) from None


def from_file(path: Path) -> Iterator[bytes]:
    """Lines of an archive file."""
    with path.open("rb") as file:
        while line := file.readline(archive.LINE_BYTES_MAX):
            yield line
