"""The entries of the log: what a leaf is the hash of, found by what it is about or by where it stands."""

from __future__ import annotations

import msgspec

from ledger import records
from ledger.merkle_log import transaction_entry
from ledger.succession import block_entries, statement_entries
from node.chain.chain import Chain
from node.chain.finals import Final
from node.chain.reading import Reading
from remarque.errors import NodeCode, NodeError


class LogEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An entry with its place."""

    data: bytes
    index: int
    height: int
    """The height of its block."""
    subject: str
    """What it is about: a transaction's id, or a statement's subject."""


class Entries:
    """Finds entries."""

    def __init__(self, chain: Chain, reading: Reading) -> None:
        self._chain = chain
        self._reading = reading

    async def of_transaction(self, transaction: str) -> LogEntry:
        """Entry of a committed transaction. NOT_FOUND if there is none."""
        height, position = self._reading.place(transaction)
        return await self._reading.final(height, lambda final: _transaction(final, position))

    async def of_statement(self, digest: str) -> LogEntry:
        """Entry of a registered statement. NOT_FOUND if there is none."""
        record = self.statement(digest)
        if record is None:
            raise NodeError(NodeCode.NOT_FOUND, f"no statement {digest[:80]} is registered; register it first")
        return await self._reading.final(record.height, lambda final: _statement(final, record))

    def statement(self, digest: str) -> records.StatementRecord | None:
        """What is recorded of a statement."""
        return self._chain.ledger().find(records.statement_key(digest), records.StatementRecord)

    async def between(self, start: int, end: int) -> list[bytes]:
        """Entries from index `start` to before `end`, all of final blocks; each block in a turn of its own."""
        height = await self._block_of(start)
        found: list[bytes] = []
        while len(found) < end - start:
            size, entries = await self._reading.final(height, _all)
            first = size - len(entries)
            found += entries[max(start - first, 0) : end - first]
            height += 1
        return found

    async def _block_of(self, index: int) -> int:
        """Height of the block that appended an entry, by bisection over the headers."""
        low, high = 1, self._chain.committed.height
        while low < high:
            middle = (low + high) // 2
            header = await self._reading.piece(self._chain.header, middle)
            if header.log_size > index:
                high = middle
            else:
                low = middle + 1
        return low


def _transaction(final: Final, position: int) -> LogEntry:
    signed, outcome = final.block.transactions[position], final.results.outcomes[position]
    header = final.block.header
    return LogEntry(
        data=transaction_entry(header.height, signed.id, signed.signatures_digest, outcome.digest),
        index=header.log_size - len(final.block.transactions) + position,
        height=header.height,
        subject=signed.id,
    )


def _statement(final: Final, record: records.StatementRecord) -> LogEntry:
    entries, data = statement_entries(final.results.outcomes), bytes.fromhex(record.digest)
    first = final.block.header.log_size - len(final.block.transactions) - len(entries)
    return LogEntry(data=data, index=first + entries.index(data), height=record.height, subject=record.subject)


def _all(final: Final) -> tuple[int, list[bytes]]:
    """Size of the log after a block, and the entries it appended."""
    header = final.block.header
    entries = block_entries(header.previous, header.height, final.block.transactions, final.results.outcomes)
    return header.log_size, entries
