"""Transactions that wait for a block, and the clients that wait for them.

Bounded in number and bytes: of all, of an account at whichever nodes it hands them in, and of a member that forwards. A
transaction leaves when it is committed or has expired, never merely because it was proposed: a block may still be
truncated, and then its transactions are proposed again.

Accounts are queued fairly: the next in a block is of the account that has used least, by what running its transactions
took. However many transactions of one account wait, and however much they cost, the first one of another is in the next
block. Who comes new has used as much as whoever had used least.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import Callable
from heapq import heapify, heappop, heapreplace

from ledger.errors import Code, LedgerError
from ledger.times import moment
from ledger.transaction import SignedTransaction
from node.chain.reading import Place
from remarque.errors import NodeCode, NodeError

TRANSACTIONS_MAX = 20_000
BYTES_MAX = 64 * 1024 * 1024
ACCOUNT_TRANSACTIONS_MAX = 5_000
ACCOUNT_BYTES_MAX = 8 * 1024 * 1024
MEMBER_TRANSACTIONS_MAX = TRANSACTIONS_MAX // 2
MEMBER_BYTES_MAX = BYTES_MAX // 2
"""What one member may have forwarded: whatever it forwards, the other half is for the others."""
SHARED_SECONDS = 2.0
USED_KEPT = 1_000
"""Accounts without waiting transactions of which it is remembered what they used, before those are looked through."""
BASE_FUEL, FUEL_BYTES = 200, 16
"""What a transaction weighs before it has run: so much, and one more for so many bytes."""


class Usage:
    """How much of the mempool somebody has taken, in transactions and in bytes."""

    __slots__ = ("size", "transactions")

    def __init__(self) -> None:
        self.transactions = 0
        self.size = 0


class Mempool:
    """Waiting transactions, those of each account in order of arrival."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._waiting: dict[str, SignedTransaction] = {}
        self._queues: dict[str, dict[str, SignedTransaction]] = {}
        """Those that wait for a block, by account."""
        self._own: dict[str, SignedTransaction] = {}
        self._waiters: dict[str, list[asyncio.Future[Place]]] = {}
        self._sources: dict[str, str] = {}
        """The member that forwarded a transaction; those of this node's clients are not named."""
        self._used: dict[str, int] = {}
        """Fuel that the transactions of an account have used, also of one that has none waiting: it is remembered until
        whoever had used least has used as much, so that nobody begins anew by sending one after the other."""
        self._least = 0
        """What that is of who had used least, when a block was cut last."""
        self._accounts: defaultdict[str, Usage] = defaultdict(Usage)
        self._members: defaultdict[str, Usage] = defaultdict(Usage)
        self._all = Usage()
        self._last = ""
        """The account that sent last."""
        self._changed = monotonic()
        """When another than the one before it did, by the monotonic clock."""

    @property
    def shared(self) -> bool:
        """Whether more than one account has sent transactions a moment ago."""
        return self._monotonic() - self._changed < SHARED_SECONDS

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, transaction: str) -> bool:
        return transaction in self._waiting

    @property
    def own(self) -> list[SignedTransaction]:
        """Waiting transactions that clients gave to this node."""
        return list(self._own.values())

    def check_room(self, transactions: list[SignedTransaction], member: str = "") -> None:
        """Refuse what there is no room for: at all, for an account, or for the member that forwards it."""
        count, size = len(transactions), sum(len(signed.body) for signed in transactions)
        if _exceeds(self._all, count, size, TRANSACTIONS_MAX, BYTES_MAX):
            raise NodeError(
                NodeCode.MEMPOOL_FULL, f"{len(self._waiting)} transactions wait here; send it again a little later", 1
            )
        used = self._members.get(member)
        if used is not None and _exceeds(used, count, size, MEMBER_TRANSACTIONS_MAX, MEMBER_BYTES_MAX):
            detail = f"{used.transactions} transactions that {member} forwarded wait; send it a little later"
            raise NodeError(NodeCode.MEMPOOL_FULL, detail, 1)
        for account, wanted in _by_account(transactions).items():
            used = self._accounts.get(account, Usage())
            if _exceeds(used, wanted.transactions, wanted.size, ACCOUNT_TRANSACTIONS_MAX, ACCOUNT_BYTES_MAX):
                raise NodeError(
                    NodeCode.ACCOUNT_BUSY,
                    f"{used.transactions} transactions of {account} wait, with {used.size} bytes; at most "
                    f"{ACCOUNT_TRANSACTIONS_MAX} may, with {ACCOUNT_BYTES_MAX} bytes; wait for their receipts",
                    1,
                )

    def add(self, signed: SignedTransaction, member: str = "") -> None:
        """Take a transaction whose admission has been checked, of a client of this node or of the member's.

        Taking it twice changes nothing, but that a client of this node waits for it too.
        """
        if not member:
            self._own[signed.id] = signed
        if signed.id in self._waiting:
            return
        self._waiting[signed.id] = signed
        account = _account(signed)
        self._queues.setdefault(account, {})[signed.id] = signed
        self._used[account] = max(self._used.get(account, 0), self._least)
        if account != self._last:
            self._last, self._changed = account, self._monotonic()
        if member:
            self._sources[signed.id] = member
        for used in self._usages(signed):
            used.transactions += 1
            used.size += len(signed.body)

    def _usages(self, signed: SignedTransaction) -> list[Usage]:
        """What a transaction is counted in."""
        found = [self._all, self._accounts[_account(signed)]]
        member = self._sources.get(signed.id)
        return found if member is None else [*found, self._members[member]]

    def wait(self, transaction: str) -> asyncio.Future[Place]:
        """A future: the place of the transaction once it is committed, or the reason why it was dropped."""
        future: asyncio.Future[Place] = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(transaction, []).append(future)
        return future

    def cut(self, transactions_max: int, bytes_max: int) -> tuple[SignedTransaction, ...]:
        """Take the next transactions for a block, of one account after the other; they stay here until committed."""
        found: list[SignedTransaction] = []
        size = 0
        turns = [(self._used[account], place, account) for place, account in enumerate(self._queues)]
        heapify(turns)
        self._least = max(self._least, turns[0][0]) if turns else self._least
        if len(self._used) > 2 * len(self._accounts) + USED_KEPT:
            self._used = {one: used for one, used in self._used.items() if one in self._accounts or used > self._least}
        while turns and len(found) < transactions_max:
            used, place, account = turns[0]
            queue = self._queues[account]
            signed = next(iter(queue.values()))
            size += len(signed.body)
            if found and size > bytes_max:
                break
            found.append(signed)
            del queue[signed.id]
            if queue:
                heapreplace(turns, (used + weight(signed), place, account))
            else:
                heappop(turns)
                del self._queues[account]
        return tuple(found)

    def charge(self, signed: SignedTransaction, fuel: int) -> None:
        """Running a transaction that was cut has used this much."""
        self._used[_account(signed)] += weight(signed) + fuel

    @property
    def unproposed(self) -> int:
        """How many wait for a block."""
        return sum(len(queue) for queue in self._queues.values())

    def put_back(self, transactions: list[SignedTransaction]) -> None:
        """A block was dropped: propose its transactions again, before the others of their accounts."""
        returned: dict[str, dict[str, SignedTransaction]] = {}
        for signed in transactions:
            if signed.id in self._waiting:
                returned.setdefault(_account(signed), {})[signed.id] = signed
        for account, queue in returned.items():
            queue |= self._queues.pop(account, {})
        self._queues = returned | self._queues

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
            detail = (
                f"it was valid until {moment(until)}, a block of {moment(time_ms)} is final without it; sign it again"
            )
            self.refuse(signed.id, LedgerError(Code.EXPIRED, detail))

    def _remove(self, transaction: str) -> None:
        signed = self._waiting.pop(transaction, None)
        self._own.pop(transaction, None)
        if signed is None:
            return
        account = _account(signed)
        queue = self._queues.get(account, {})
        queue.pop(transaction, None)
        if not queue:
            self._queues.pop(account, None)
        for used in self._usages(signed):
            used.transactions -= 1
            used.size -= len(signed.body)
        member = self._sources.pop(transaction, "")
        for held, name in ((self._accounts, account), (self._members, member)):
            if name in held and not held[name].transactions:
                del held[name]


def weight(signed: SignedTransaction) -> int:
    """What a transaction costs before it runs, as fuel: to verify it, to send it, to keep it."""
    return BASE_FUEL + len(signed.body) // FUEL_BYTES


def _account(signed: SignedTransaction) -> str:
    """Whom a transaction is counted for: the account that acts in it."""
    return signed.transaction.signers[0].account


def _by_account(transactions: list[SignedTransaction]) -> dict[str, Usage]:
    found: dict[str, Usage] = {}
    for signed in transactions:
        used = found.setdefault(_account(signed), Usage())
        used.transactions += 1
        used.size += len(signed.body)
    return found


def _exceeds(used: Usage, transactions: int, size: int, transactions_max: int, bytes_max: int) -> bool:
    return used.transactions + transactions > transactions_max or used.size + size > bytes_max
