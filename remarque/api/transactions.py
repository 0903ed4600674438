"""What becomes of transactions that are submitted, and how a committed one is shown."""

from __future__ import annotations

from ledger.block import Outcome
from ledger.receipt import Receipt
from ledger.transaction import Transaction
from remarque.api.explanations import Explanation
from remarque.api.shapes import Answer


class Taken(Answer, frozen=True, kw_only=True):
    """A transaction that was taken, with `wait=false`. Whether it is committed, its receipt tells."""

    transaction: str
    """Its id."""


class BatchTaken(Answer, frozen=True, kw_only=True):
    """The transactions of a batch that was taken, with `wait=false`."""

    transactions: tuple[str, ...]
    """Their ids, in order."""


class BatchOutcome(Answer, frozen=True, kw_only=True):
    """What became of one transaction of a batch."""

    transaction: str
    """Its id."""
    code: str
    """`OK`, or the permanent code of the refusal."""
    detail: str
    """The refusal in words; empty where there is none."""
    height: int
    position: int
    """Its place in the block, from 0."""


class BatchOutcomes(Answer, frozen=True, kw_only=True):
    """What became of the transactions of a batch, in order."""

    results: tuple[BatchOutcome, ...]


class BatchReceipts(Answer, frozen=True, kw_only=True):
    """The receipts of the transactions of a batch, in order, with `receipts=true`."""

    results: tuple[Receipt, ...]


class TransactionView(Answer, frozen=True, kw_only=True):
    """A committed transaction, as the account that asks may see it."""

    id: str
    height: int
    position: int
    """Its place in the block, from 0."""
    time_ms: int
    transaction: Transaction
    """What was signed."""
    signatures: tuple[str, ...]
    """In the order of the signers, hex."""
    outcome: Outcome
    detail: str
    """The refusal in words; empty where there is none."""
    explanations: tuple[Explanation, ...]
    """Of its denials, and of what it asked to view; values that are not for the account are withheld."""
