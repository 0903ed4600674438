"""Where archives come from (`ledger/archive.py`): a stopped node's files, a running node, or a file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import plyvel

from ledger import archive
from ledger.audit import AuditFailed, Fault
from ledger.block import decode_block
from ledger.errors import LedgerError
from ledger.genesis import Genesis
from node.chain import Chain, Final
from node.client import Client
from node.errors import NodeCode, NodeError
from node.reading import Reading
from node.storage.log_store import LogStore
from node.storage.state_store import StateStore

BLOCKS_AT_ONCE = 64
"""Blocks in one answer of a node, so that a cut connection costs little."""


async def from_chain(chain: Chain, reading: Reading, after: int) -> AsyncIterator[bytes]:
    """Lines of a few final blocks above a height; around them the first and the last line where they are due."""
    newest = chain.committed.height

    def line(final: Final) -> bytes:
        return archive.block_line(
            final.block, final.results.outcomes, chain.state.certificate(final.block.header.height)
        )

    if after == 0:
        yield archive.opening_line(chain.genesis)
    for height in range(after + 1, min(after + BLOCKS_AT_ONCE, newest) + 1):
        yield await reading.final(height, line)
    if after + BLOCKS_AT_ONCE >= newest:
        yield archive.closing_line(chain.header(newest))


def from_node(client: Client) -> Iterator[bytes]:
    """Lines of a running node's chain, a few blocks a request."""
    height, ended = 0, False
    while not ended:
        data: bytes = client.request("GET", "/v1/archive", params={"after": str(height)})
        for line in data.splitlines(keepends=True):
            ended = line.startswith(b'{"end":')
            height += line.startswith(b'{"block":')
            yield line


def from_directory(data: Path, genesis: Genesis) -> Iterator[bytes]:
    """Lines of what a stopped node's data directory holds: its chain, then its state and its index."""
    if not (data / "log").is_dir() or not (data / "state").is_dir():
        raise NodeError(NodeCode.DATA_DIRECTORY_MISSING, f"{data} holds no chain; name a node's data directory")
    try:
        with closing(LogStore(data / "log")) as log, closing(StateStore(data / "state")) as state:
            yield from _stored_lines(log, state, genesis)
    except NodeError as error:
        if error.code is not NodeCode.DATA_CORRUPT:
            raise
        raise AuditFailed(0, Fault.UNREADABLE, error.detail) from None


def _stored_lines(log: LogStore, state: StateStore, genesis: Genesis) -> Iterator[bytes]:
    yield archive.opening_line(genesis)
    for height in range(1, state.applied + 1):
        yield _stored_block(log, state, height)
    for key, value in state.items():
        yield archive.state_line(key, value)
    for transaction, height, position in state.places():
        yield archive.place_line(transaction, height, position)
    yield archive.closing_line(decode_block(log.entry(state.applied).data, trusted=True).header)


def _stored_block(log: LogStore, state: StateStore, height: int) -> bytes:
    try:
        results = state.results(height)
        if results is None:
            raise AuditFailed(height, Fault.UNREADABLE, "what it did is missing from the state store")
        block = decode_block(log.entry(height).data, trusted=True)
        return archive.block_line(block, results.outcomes, state.certificate(height))
    except (LedgerError, msgspec.MsgspecError, plyvel.Error, NodeError, UnicodeDecodeError) as error:
        raise AuditFailed(height, Fault.UNREADABLE, str(error)) from None


def from_file(path: Path) -> Iterator[bytes]:
    """Lines of an archive file."""
    with path.open("rb") as file:
        while line := file.readline(archive.LINE_BYTES_MAX):
            yield line
