"""This node's own COSE receipts, and those of the other members for the same entry.

A node signs only roots of certified headers that it holds. Of what others send, only what verifies is passed on.
"""

from __future__ import annotations

from ledger.block import Header
from ledger.cose import Claims, CoseRefused
from ledger.cose_receipt import (
    COSE_RECEIPT_BYTES_MAX,
    issuer_of,
    member_keys,
    sign_consistency,
    sign_inclusion,
    verify_member_inclusion,
)
from ledger.crypto import SigningKey
from node.chain.chain import Chain
from node.chain.entries import Entries, LogEntry
from node.chain.proving import Proving
from node.ground.logs import logger
from node.peers.members import Members


class CoseReceipts:
    """Signs receipts, and gathers those of others."""

    def __init__(self, chain: Chain, entries: Entries, proving: Proving, members: Members, key: SigningKey) -> None:
        self._chain = chain
        self._entries = entries
        self._proving = proving
        self._members = members
        self._key = key

    async def of_transaction(self, transaction: str, anchor: int | None = None) -> bytes:
        """This node's receipt of a committed transaction, anchored where asked."""
        return await self._sign(await self._entries.of_transaction(transaction), anchor)

    async def of_statement(self, digest: str, anchor: int | None = None) -> bytes:
        """This node's receipt of a registered statement, anchored where asked."""
        return await self._sign(await self._entries.of_statement(digest), anchor)

    async def all_of_transaction(self, transaction: str) -> list[bytes]:
        """Receipts of a committed transaction by all nodes that answer in time, this one's first."""
        entry = await self._entries.of_transaction(transaction)
        return await self._gather(entry, f"/v1/receipts/transactions/{transaction}")

    async def all_of_statement(self, digest: str) -> list[bytes]:
        """Receipts of a registered statement by all nodes that answer in time, this one's first."""
        return await self._gather(await self._entries.of_statement(digest), f"/v1/receipts/statements/{digest}")

    async def consistency(self, first: int, second: int) -> bytes:
        """This node's receipt that the log at a certified height begins with that at a lower one."""
        below, above = await self._proving.headers(first, second)
        path = self._chain.log.consistency_path(below.log_size, above.log_size)
        proof = (below.log_size, above.log_size, path)
        roots = bytes.fromhex(below.log_root), bytes.fromhex(above.log_root)
        return sign_consistency(self._key, self._claims(self._chain.name, above), roots[0], proof, roots[1])

    async def _sign(self, entry: LogEntry, anchor: int | None) -> bytes:
        header = await self._proving.anchor_header(entry.height, anchor)
        path = self._chain.log.inclusion_path(entry.index, header.log_size)
        proof = (header.log_size, entry.index, path)
        root = bytes.fromhex(header.log_root)
        return sign_inclusion(self._key, self._claims(entry.subject, header), entry.data, proof, root)

    def _claims(self, subject: str, header: Header) -> Claims:
        """The time is the header's, so that a receipt at the same anchor is the same whenever it is asked for."""
        return Claims(
            issuer=issuer_of(self._chain.name, self._chain.node), subject=subject, issued_at=header.time_ms // 1_000
        )

    async def _gather(self, entry: LogEntry, path: str) -> list[bytes]:
        receipts = [await self._sign(entry, None)]
        keys = self._members.keys()
        for node, receipt in (await self._members.ask(path, COSE_RECEIPT_BYTES_MAX)).items():
            try:
                verify_member_inclusion(receipt, entry.data, member_keys(self._chain.name, {node: keys[node]}))
            except CoseRefused as error:
                logger.error("receipt_refused", node=node, reason=str(error))
                continue
            receipts.append(receipt)
        return receipts
