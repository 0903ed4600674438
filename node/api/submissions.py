"""What the two submit routes take, answer and refuse with; `node.api.submit` answers them."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import parse_qs

import msgspec
from fastapi import APIRouter

from ledger.errors import Code, ensure
from ledger.receipt import Receipt
from ledger.transaction import Envelope
from node.api.meanings import Form, check_query
from node.api.operations import Given, Sent, operation
from node.api.routing import router as make_router
from remarque.api.transactions import BatchOutcomes, BatchReceipts, BatchTaken, Taken
from remarque.errors import NodeCode

BATCH_TRANSACTIONS_MAX = 1_000
OF_SUBMISSIONS = (
    Code.WRONG_CHAIN,
    Code.SIGNATURE_MISSING,
    Code.SIGNATURE_EXTRA,
    Code.SIGNATURE_INVALID,
    Code.EXPIRED,
    Code.VALID_TOO_LONG,
    Code.DUPLICATE,
    Code.ACCOUNT_UNKNOWN,
    Code.KEY_UNKNOWN,
    Code.KEY_REVOKED,
    Code.ACCOUNT_SUSPENDED,
    Code.ORG_UNKNOWN,
    Code.ORG_SUSPENDED,
    Code.EXECUTION_QUARANTINED,
    NodeCode.PROTOCOL_UNKNOWN,
    NodeCode.ACCOUNT_BUSY,
    NodeCode.OVERLOADED,
    NodeCode.MEMPOOL_FULL,
    NodeCode.NO_LEADER,
    NodeCode.COMMIT_TIMEOUT,
    NodeCode.DISK_FULL,
    NodeCode.SHUTTING_DOWN,
)
"""What a transaction may be refused with before any block: afterwards its outcome says it, and the answer is 200."""
OF_BYTES = (Code.TOO_LARGE, Code.MALFORMED, Code.NOT_CANONICAL)
ONE = operation(
    Receipt,
    Given(Taken, 202, meaning="With `wait=false`: it was taken, and nothing more is promised."),
    sent=Sent(Envelope, "A signed transaction, in canonical JSON.", digest=False),
    refuses=(*OF_BYTES, *OF_SUBMISSIONS, NodeCode.VOTERS_NOT_READY, NodeCode.BLOCK_PRUNED),
)
BATCH = operation(
    Given((BatchOutcomes, BatchReceipts), meaning="What became of each, in order; receipts with `receipts=true`."),
    Given(BatchTaken, 202, meaning="With `wait=false`: all were taken, and nothing more is promised."),
    sent=Sent(
        Annotated[list[Envelope], msgspec.Meta(min_length=1, max_length=BATCH_TRANSACTIONS_MAX)],
        "Signed transactions, each in canonical JSON. One that is refused refuses all.",
        digest=False,
    ),
    refuses=(*OF_BYTES, *OF_SUBMISSIONS, NodeCode.VOTERS_NOT_READY, NodeCode.BLOCK_PRUNED),
)
CHOICES = {"wait": True, "receipts": False}
"""Parameters of the two routes, with what holds if they are left out; the first has only `wait`."""


def described() -> APIRouter:
    """The two routes as the API's description shows them; `SubmitRoutes` answers before they are reached."""
    router = make_router("/v1", "transactions")

    @router.post("/transactions", summary="Commit a signed transaction; its receipt, or with wait=false its id at once")
    @ONE
    async def one(wait: bool = CHOICES["wait"]) -> None:
        """Answers once it is final, whatever its outcome: the receipt says which. The same transaction again gives the
        same receipt, and may be sent to any node; so after 503 or 504 send it again."""
        ensure(False, "answered by SubmitRoutes")

    @router.post("/transactions/batch", summary="Commit up to 1,000 signed transactions, given as a JSON array")
    @BATCH
    async def batch(wait: bool = CHOICES["wait"], receipts: bool = CHOICES["receipts"]) -> None:
        """Answers once all are final, each with its own outcome. They may come into different blocks."""
        ensure(False, "answered by SubmitRoutes")

    return router


def choices(query: bytes, *names: str) -> tuple[bool, ...]:
    """What is chosen by a query's parameters, each `true` or `false`; or a refusal."""
    chosen = frozenset(names)
    check_query(query, Form(chosen, flags=chosen))
    given = parse_qs(query.decode("latin-1"))
    return tuple(given[name] == ["true"] if name in given else CHOICES[name] for name in names)
