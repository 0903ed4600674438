"""What a leader puts into its next block: waiting transactions that a block may carry, and none that break it."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from ledger.block import Voters
from ledger.errors import Code, InvariantBroken, LedgerError, ensure
from ledger.events import VoterAdded, VoterRemoved
from ledger.execution.block import check_admissible, execute_block
from ledger.execution.view import Ledger
from ledger.succession import changes_voters
from ledger.transaction import SignedTransaction
from node.chain.chain import Chain
from node.chain.layers import Layer
from node.ground import metrics
from node.ground.logs import logger
from node.ordering.mempool import Mempool


class Cut(NamedTuple):
    """What a leader puts into its blocks at most."""

    transactions: int
    bytes: int
    fuel: int
    """That those before the last one of a block may use."""
    uncommitted: int
    """Blocks above which it waits before it cuts another."""


SHARED = Cut(transactions=32, bytes=512 * 1024, fuel=20_000, uncommitted=2)
"""While several accounts send: short blocks, for whoever comes waits for those under way."""
ALONE = Cut(transactions=256, bytes=512 * 1024, fuel=60_000, uncommitted=3)
"""While one account does: enough to share a block's costs, and few enough not to stall the event loop."""
CLOCK_BEHIND_MS = 5_000

Transactions = tuple[SignedTransaction, ...]


class Proposer:
    """Cuts transactions from the mempool and builds blocks above the chain's tip."""

    def __init__(
        self,
        chain: Chain,
        mempool: Mempool,
        clock: Callable[[], int],
        may_change: Callable[[SignedTransaction, Voters], bool],
    ) -> None:
        """`may_change`: whether a transaction may be proposed now that leaves other voters, which are given."""
        self._may_change = may_change
        self._chain = chain
        self._mempool = mempool
        self.clock = clock
        """Milliseconds since 1970."""
        self._behind = False

    @property
    def most(self) -> Cut:
        """What goes into a block now."""
        return SHARED if self._mempool.shared else ALONE

    def time_for(self, signed: SignedTransaction) -> int:
        """The time at which to admit a transaction, by this node's clock and the chain, in milliseconds since 1970.

        A clock may be wrong, and what a client takes for expired it signs again: so that it has expired is for the time
        of a final block to say.
        """
        now = max(self.clock(), self._chain.tip.time_ms)
        return min(now, max(signed.transaction.valid_until_ms, self._chain.committed.time_ms))

    def next_block(self, term: int) -> bytes | None:
        """Frame of a block of waiting transactions; None if none of those cut may be carried.

        It is empty if by this node's clock they have expired: the others agree by endorsing it, or postpone it.
        """
        parameters = Ledger(self._chain.tip_reader()).parameters()
        limit = min(self.most.transactions, parameters.block_transactions_max)
        clock_ms = self.clock()
        self._tell_if_behind(clock_ms)
        cut = self._mempool.cut(limit, min(self.most.bytes, parameters.block_bytes_max))
        kept, late = self._admissible(cut, clock_ms)
        self._mempool.put_back(late)
        if not kept and not late:
            return None
        frame = self._build(tuple(kept), term, clock_ms)
        built = self._chain.layers[-1]
        taken = {signed.id for signed in built.block.transactions}
        self._mempool.put_back([signed for signed in kept if signed.id not in taken])
        if changes_voters(built.block.header) and not self._may(built):
            return None
        for signed, fuel in zip(built.block.transactions, built.result.fuel, strict=True):
            self._mempool.charge(signed, fuel)
        return frame

    def _may(self, built: Layer) -> bool:
        """Whether a block that changes the voters may be proposed. If not it is dropped, and all that does not change
        them waits for the next one."""
        after = self._chain.sets.of_digest(built.block.header.next_voters_digest)
        changing = next(
            signed
            for signed, outcome in zip(built.block.transactions, built.result.outcomes, strict=True)
            if any(isinstance(event, VoterAdded | VoterRemoved) for event in outcome.events)
        )
        if self._may_change(changing, after):
            return True
        dropped = self._chain.truncate(built.block.header.height)
        self._mempool.put_back([signed for signed in dropped if signed.id != changing.id])
        return False

    def opening_block(self, term: int) -> bytes:
        """Frame of the empty block with which a term begins: it makes what older terms left final."""
        return self._build((), term, self.clock())

    def _tell_if_behind(self, clock_ms: int) -> None:
        """Say, once, that the time of blocks stands still because this node's clock has fallen behind it."""
        behind_ms = self._chain.tip.time_ms - clock_ms
        if behind_ms > CLOCK_BEHIND_MS and not self._behind:
            logger.error(
                "clock_behind", ms=behind_ms, fix="correct this machine's clock: blocks take their time from it"
            )
        self._behind = behind_ms > CLOCK_BEHIND_MS

    def _admissible(
        self, transactions: Transactions, clock_ms: int
    ) -> tuple[list[SignedTransaction], list[SignedTransaction]]:
        """Those that a block may carry now, and those that have expired unless this node's clock is wrong.

        Others are refused, or left out if they were committed by way of another node.
        """
        ledger = Ledger(self._chain.tip_reader())
        parameters = ledger.parameters()
        time_ms = max(clock_ms, self._chain.tip.time_ms + 1)
        kept, late = [], []
        for signed in transactions:
            try:
                check_admissible(ledger, self._chain.name, signed, time_ms, parameters)
                kept.append(signed)
            except LedgerError as error:
                until = signed.transaction.valid_until_ms
                if error.code is Code.EXPIRED and until >= self._chain.committed.time_ms:
                    late.append(signed)
                elif error.code is not Code.DUPLICATE:
                    self._mempool.refuse(signed.id, error)
        return kept, late

    def _build(self, transactions: Transactions, term: int, clock_ms: int) -> bytes:
        """Build a block. Whatever breaks execution is found and kept out, never the node."""
        self._chain.version(self._chain.tip.height + 1)
        try:
            return self._chain.build(transactions, term, clock_ms, self.most.fuel)
        except (InvariantBroken, Exception) as bug:
            logger.critical("execution_broken", reason=repr(bug), transactions=len(transactions))
            return self._chain.build(self._without_poison(transactions, clock_ms), term, clock_ms)

    def _without_poison(self, transactions: Transactions, clock_ms: int) -> Transactions:
        """The transactions without those that break execution: one poisonous transaction must not kill every leader."""
        kept: list[SignedTransaction] = []
        tip = self._chain.tip
        height, time_ms = tip.height + 1, max(clock_ms, tip.time_ms + 1)
        version = self._chain.version(height)
        for signed in transactions:
            try:
                trial = (*kept, signed)
                execute_block(self._chain.tip_reader(), self._chain.name, height, time_ms, trial, version)
                kept.append(signed)
            except (InvariantBroken, Exception) as bug:
                logger.critical("transaction_quarantined", transaction=signed.id, reason=repr(bug))
                metrics.QUARANTINED.inc()
                self._mempool.refuse(signed.id, LedgerError(Code.EXECUTION_QUARANTINED, "report it to the operators"))
        ensure(len(kept) < len(transactions), "a block that breaks has a transaction that breaks")
        return tuple(kept)
