"""Submitting transactions: two routes in raw ASGI, because a validating framework costs more than the ledger does.

`POST /v1/transactions` takes one and answers with its receipt once it is committed, or at once with `wait=false`.
`POST /v1/transactions/batch` takes up to 1,000 as a JSON array and answers with what became of each, with receipts if
`receipts=true`. The same transaction twice gives the same receipt.
"""

from __future__ import annotations

import asyncio
from typing import Annotated, Any
from urllib.parse import parse_qs

import msgspec
from fastapi import APIRouter

from ledger.encoding import encode
from ledger.errors import Code, LedgerError, ensure
from ledger.receipt import Receipt, encode_receipt
from ledger.transaction import TRANSACTION_BYTES_MAX, Envelope, SignedTransaction, parse_envelope
from node.api.bodies import BODY_SECONDS_MAX, encoded, joined
from node.api.operations import Given, Operation, Sent, note_refusal, operation
from node.api.problem import LOGGED, other_method, refusal
from node.api.routing import check_names
from node.api.routing import router as make_router
from node.chain.chain import Chain
from node.chain.finals import Final
from node.chain.reading import Reading
from node.ground.logs import logger
from node.ordering.submitter import Submitter
from remarque.api.transactions import BatchOutcome, BatchOutcomes, BatchReceipts, BatchTaken, Taken
from remarque.errors import NodeCode, NodeError

BATCH_TRANSACTIONS_MAX = 1_000
BATCH_BYTES_MAX = 16 * 1024 * 1024
PARSE_BYTES = 256 * 1024
"""Bytes of a batch that are parsed between two turns of the event loop."""
BYTES_OPEN_MAX = 256 * 1024 * 1024
"""Bytes of bodies under way at once; above this, requests are refused before they are read."""

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
    refuses=(*OF_BYTES, *OF_SUBMISSIONS, NodeCode.BLOCK_PRUNED),
)
BATCH = operation(
    Given((BatchOutcomes, BatchReceipts), meaning="What became of each, in order; receipts with `receipts=true`."),
    Given(BatchTaken, 202, meaning="With `wait=false`: all were taken, and nothing more is promised."),
    sent=Sent(
        Annotated[list[Envelope], msgspec.Meta(min_length=1, max_length=BATCH_TRANSACTIONS_MAX)],
        "Signed transactions, each in canonical JSON. One that is refused refuses all.",
        digest=False,
    ),
    refuses=(*OF_BYTES, *OF_SUBMISSIONS, NodeCode.BLOCK_PRUNED),
)
CHOICES = {"wait": True, "receipts": False}
"""Parameters of the two routes, with what holds if they are left out; the first has only `wait`."""

_batch_decoder = msgspec.json.Decoder(list[msgspec.Raw])


class SubmitRoutes:
    """ASGI middleware: handles the two submit routes itself, and passes everything else on."""

    def __init__(self, app: Any, submitter: Submitter, chain: Chain, reading: Reading) -> None:
        self._app = app
        self._submitter = submitter
        self._chain = chain
        self._reading = reading
        self._bytes_open = 0

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["path"] not in ("/v1/transactions", "/v1/transactions/batch"):
            await self._app(scope, receive, send)
        elif scope["method"] != "POST":
            await other_method(scope["method"], scope["path"], {"POST"})(scope, receive, send)
        elif scope["path"] == "/v1/transactions":
            await self._answer(self._one, ONE, TRANSACTION_BYTES_MAX, scope, receive, send)
        else:
            await self._answer(self._batch, BATCH, BATCH_BYTES_MAX, scope, receive, send)

    async def _answer(
        self, route: Any, declared: Operation, bytes_max: int, scope: Any, receive: Any, send: Any
    ) -> None:
        expected = _content_length(scope, bytes_max)
        self._bytes_open += expected
        try:
            if self._bytes_open > BYTES_OPEN_MAX:
                raise NodeError(NodeCode.OVERLOADED, f"{self._bytes_open} bytes of requests are under way", 1)
            async with asyncio.timeout(BODY_SECONDS_MAX):
                body = await read_body(receive, bytes_max)
            status, answer = await route(body, scope["query_string"])
        except (LedgerError, NodeError) as error:
            note_refusal(error.code, declared.codes(members=False), scope["path"])
            await refusal(error)(scope, receive, send)
            return
        except TimeoutError:
            late = NodeError(NodeCode.REQUEST_MALFORMED, f"the body did not come within {BODY_SECONDS_MAX:.0f} s")
            await refusal(late)(scope, receive, send)
            return
        except Exception:
            logger.exception("request_failed", path=scope["path"])
            await refusal(NodeError(NodeCode.INTERNAL, LOGGED))(scope, receive, send)
            return
        finally:
            self._bytes_open -= expected
        headers = [(b"content-type", b"application/json"), (b"content-length", str(len(answer)).encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": answer})

    async def _one(self, body: bytes, query: bytes) -> tuple[int, bytes]:
        (wait,) = choices(query, "wait")
        signed = parse_envelope(body)
        if not wait:
            await self._submitter.take([signed])
            return 202, encode(Taken(transaction=signed.id))
        place = await self._submitter.commit(signed)
        return 200, encode_receipt(await self._reading.receipt(*place))

    async def _batch(self, body: bytes, query: bytes) -> tuple[int, bytes]:
        wait, receipts = choices(query, "wait", "receipts")
        parts = split_batch(body)
        transactions: list[SignedTransaction] = []
        while len(transactions) < len(parts):
            transactions += await self._reading.piece(parse_some, parts, len(transactions))
        if not wait:
            await self._submitter.take(transactions)
            return 202, encode(BatchTaken(transactions=tuple(signed.id for signed in transactions)))
        places = await self._submitter.commit_all(transactions)
        if receipts:
            return 200, encode(BatchReceipts(results=tuple(await self._reading.each(places, self._receipt))))
        return 200, encode(BatchOutcomes(results=tuple(await self._reading.each(places, outcome_at))))

    def _receipt(self, final: Final, position: int) -> Receipt:
        return encoded(self._chain.finals.receipt(final, position))


def outcome_at(final: Final, position: int) -> BatchOutcome:
    """What became of a transaction of a batch, encoded."""
    return encoded(
        BatchOutcome(
            transaction=final.block.transactions[position].id,
            code=final.results.outcomes[position].code,
            detail=final.results.details[position],
            height=final.block.header.height,
            position=position,
        )
    )


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
    if not query:
        return tuple(CHOICES[name] for name in names)
    check_names(query, frozenset(names))
    given = parse_qs(query.decode("latin-1"), keep_blank_values=True)
    for name, values in given.items():
        if values not in (["true"], ["false"]):
            detail = f"{name}={values[-1][:80]!r}; it is true or false, and stands there once"
            raise NodeError(NodeCode.REQUEST_MALFORMED, detail)
    return tuple(given[name] == ["true"] if name in given else CHOICES[name] for name in names)


def split_batch(body: bytes) -> list[msgspec.Raw]:
    """The parts of a batch's JSON array, not yet looked into."""
    try:
        parts = _batch_decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise LedgerError(Code.MALFORMED, f"{error}; a batch is a JSON array of signed transactions") from None
    if not parts:
        raise LedgerError(Code.MALFORMED, f"a batch has 1 to {BATCH_TRANSACTIONS_MAX} transactions, this one has none")
    if len(parts) > BATCH_TRANSACTIONS_MAX:
        raise LedgerError(Code.TOO_LARGE, f"{len(parts)} transactions, a batch has at most {BATCH_TRANSACTIONS_MAX}")
    return parts


def parse_some(parts: list[msgspec.Raw], start: int) -> list[SignedTransaction]:
    """The next transactions of a batch, as many as may be parsed without a pause; a malformed one is named."""
    found: list[SignedTransaction] = []
    size = 0
    for place in range(start, len(parts)):
        if size >= PARSE_BYTES:
            break
        try:
            found.append(parse_envelope(bytes(parts[place])))
        except LedgerError as error:
            raise LedgerError(error.code, f"transaction {place} of the batch: {error.detail}") from None
        size += len(found[-1].body)
    return found


def _content_length(scope: Any, bytes_max: int) -> int:
    """Bytes that a request says it has, or as many as it may have."""
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            return min(int(value), bytes_max)
    return bytes_max


async def read_body(receive: Any, bytes_max: int) -> bytes:
    """A request's whole body, refused as soon as it is too long."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise NodeError(NodeCode.REQUEST_MALFORMED, "the client went away")
        part = message.get("body", b"")
        size += len(part)
        if size > bytes_max:
            raise LedgerError(Code.TOO_LARGE, f"the body has more than {bytes_max} bytes")
        parts.append(part)
        if not message.get("more_body", False):
            return await joined(parts, size)
