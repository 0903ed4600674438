"""Transactions that wait for a block, and the clients that wait for them.

Bounded in number, bytes and per account. A transaction leaves when it is committed or has expired, never merely
because it was proposed: a block may still be truncated, and then its transactions are proposed again.
"""

from __future__ import annotations

import asyncio
from collections import Counter

from ledger.errors import Code, LedgerError
from ledger.transaction import SignedTransaction
from node.chain.reading import Place
from remarque.errors import NodeCode, NodeError

TRANSACTIONS_MAX = 20_000
BYTES_MAX = 64 * 1024 * 1024
ACCOUNT_TRANSACTIONS_MAX = 5_000


class Mempool:
    """Waiting transactions in order of arrival."""

    def __init__(self) -> None:
        self._waiting: dict[str, SignedTransaction] = {}
        self._unproposed: dict[str, SignedTransaction] = {}
        self._own: dict[str, SignedTransaction] = {}
        self._waiters: dict[str, list[asyncio.Future[Place]]] = {}
        self._per_account: Counter[str] = Counter()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, transaction: str) -> bool:
        return transaction in self._waiting

    @property
    def own(self) -> list[SignedTransaction]:
        """Waiting transactions that clients gave to this node."""
        return list(self._own.values())

    def check_room(self, transactions: list[SignedTransaction]) -> None:
        """Refuse what there is no room for."""
        size = sum(len(signed.body) for signed in transactions)
        if len(self._waiting) + len(transactions) > TRANSACTIONS_MAX or self._bytes + size > BYTES_MAX:
            raise NodeError(
                NodeCode.MEMPOOL_FULL, f"{len(self._waiting)} transactions wait here; send it again a little later", 1
            )
        for account, count in Counter(signed.transaction.signers[0].account for signed in transactions).items():
            if self._per_account[account] + count > ACCOUNT_TRANSACTIONS_MAX:
                raise NodeError(
                    NodeCode.ACCOUNT_BUSY,
                    f"{self._per_account[account]} transactions of {account} wait, at most "
                    f"{ACCOUNT_TRANSACTIONS_MAX} may; wait for their receipts",
                    1,
                )

    def add(self, signed: SignedTransaction, *, own: bool) -> None:
        """Take a transaction whose admission has been checked. Taking it twice changes nothing."""
        if own:
            self._own[signed.id] = signed
        if signed.id in self._waiting:
            return
        self._waiting[signed.id] = self._unproposed[signed.id] = signed
        self._per_account[signed.transaction.signers[0].account] += 1
        self._bytes += len(signed.body)

    def wait(self, transaction: str) -> asyncio.Future[Place]:
        """A future: the place of the transaction once it is committed, or the reason why it was dropped."""
        future: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(transaction, []).append(future)
        return future

    def cut(self, transactions_max: int, bytes_max: int) -> tuple[SignedTransaction, ...]:
        """Take the next transactions for a block; they stay here until committed."""
        found: list[SignedTransaction] = []
        size = 0
        for signed in self._unproposed.values():
            size += len(signed.body)
            if len(found) == transactions_max or (found and size > bytes_max):
                break
            found.append(signed)
        for signed in found:
            del self._unproposed[signed.id]
        return tuple(found)

    @property
    def unproposed(self) -> int:
        """How many wait for a block."""
        return len(self._unproposed)

    def put_back(self, transactions: list[SignedTransaction]) -> None:
        """A block was dropped: propose its transactions again, before all others."""
        returned = {signed.id: signed for signed in transactions if signed.id in self._waiting}
        self._unproposed = returned | self._unproposed

    def committed(self, transaction: str, place: Place) -> None:
        """It is final: wake who waits for it."""
        self._remove(transaction)
        for future in self._waiters.pop(transaction, ()):
            if not future.done():
                future.set_result(place)

    def refuse(self, transaction: str, error: Exception) -> None:
        """It cannot be committed: tell who waits for it."""
        self._remove(transaction)
        for future in self._waiters.pop(transaction, ()):
            if not future.done():
                future.set_exception(error)

    def refuse_all(self, error: Exception) -> None:
        """The node stops: tell everybody who waits."""
        for transaction in list(self._waiters):
            self.refuse(transaction, error)

    def drop_expired(self, time_ms: int) -> None:
        """Let go of transactions that no block may carry any more, for a block of this time is final."""
        for signed in [one for one in self._waiting.values() if one.transaction.valid_until_ms < time_ms]:
            until = signed.transaction.valid_until_ms
            detail = f"it was valid until {until}, a block of {time_ms} is final without it; sign it again"
            self.refuse(signed.id, LedgerError(Code.EXPIRED, detail))

    def _remove(self, transaction: str) -> None:
        signed = self._waiting.pop(transaction, None)
        self._unproposed.pop(transaction, None)
        self._own.pop(transaction, None)
        if signed is None:
            return
        self._bytes -= len(signed.body)
        account = signed.transaction.signers[0].account
        self._per_account[account] -= 1
        if not self._per_account[account]:
            del self._per_account[account]
