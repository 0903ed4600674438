"""What a leader puts into its next block: waiting transactions that a block may carry, and none that break it."""

from __future__ import annotations

from collections.abc import Callable

from ledger.errors import Code, InvariantBroken, LedgerError, ensure
from ledger.execution.block import check_admissible, execute_block
from ledger.execution.view import Ledger
from ledger.transaction import SignedTransaction
from node import metrics
from node.chain import Chain
from node.logs import log
from node.mempool import Mempool

CUT_TRANSACTIONS_MAX = 256
"""Transactions the leader puts in a block: enough to share its costs, few enough not to stall the event loop."""

Transactions = tuple[SignedTransaction, ...]


class Proposer:
    """Cuts transactions from the mempool and builds blocks above the chain's tip."""

    def __init__(self, chain: Chain, mempool: Mempool, clock: Callable[[], int]) -> None:
        self._chain = chain
        self._mempool = mempool
        self.clock = clock
        """Milliseconds since 1970."""

    def next_block(self, term: int) -> bytes | None:
        """Frame of a block of waiting transactions; None if none of those cut may be carried."""
        parameters = Ledger(self._chain.tip_reader()).parameters()
        limit = min(CUT_TRANSACTIONS_MAX, parameters.block_transactions_max)
        clock_ms = self.clock()
        transactions = self._admissible(self._mempool.cut(limit, parameters.block_bytes_max), clock_ms)
        return self._build(transactions, term, clock_ms) if transactions else None

    def opening_block(self, term: int) -> bytes:
        """Frame of the empty block with which a term begins: it makes what older terms left final."""
        return self._build((), term, self.clock())

    def _admissible(self, transactions: Transactions, clock_ms: int) -> Transactions:
        """Leave out what has expired, or was committed by way of another node, since it was admitted."""
        ledger = Ledger(self._chain.tip_reader())
        parameters = ledger.parameters()
        time_ms = max(clock_ms, self._chain.tip.time_ms + 1)
        kept = []
        for signed in transactions:
            try:
                check_admissible(ledger, self._chain.name, signed, time_ms, parameters)
                kept.append(signed)
            except LedgerError as error:
                if error.code is not Code.DUPLICATE:
                    self._mempool.refuse(signed.id, error)
        return tuple(kept)

    def _build(self, transactions: Transactions, term: int, clock_ms: int) -> bytes:
        """Build a block. Whatever breaks execution is found and kept out, never the node."""
        self._chain.version(self._chain.tip.height + 1)
        try:
            return self._chain.build(transactions, term, clock_ms)
        except (InvariantBroken, Exception) as bug:
            log.critical("execution_broken", reason=repr(bug), transactions=len(transactions))
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
                log.critical("transaction_quarantined", transaction=signed.id, reason=repr(bug))
                metrics.QUARANTINED.inc()
                self._mempool.refuse(signed.id, LedgerError(Code.EXECUTION_QUARANTINED, "report it to the operators"))
        ensure(len(kept) < len(transactions), "a block that breaks has a transaction that breaks")
        return tuple(kept)
