"""Submitting transactions: two routes in raw ASGI, because a validating framework costs more than the ledger does.

`POST /v1/transactions` takes one and answers with its receipt once it is committed, or at once with `wait=false`.
`POST /v1/transactions/batch` takes up to 1,000 as a JSON array and answers with what became of each, with receipts if
`receipts=true`. The same transaction twice gives the same receipt.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import msgspec

from ledger.encoding import NOT_DECODED, encode
from ledger.errors import Code, LedgerError
from ledger.receipt import Receipt, encode_receipt
from ledger.transaction import TRANSACTION_BYTES_MAX, SignedTransaction, parse_envelope
from node.api.bodies import ARRIVING, BODY_SECONDS_MAX, GONE, encoded, joined
from node.api.levels import HEIGHT_HEADER, TIME_HEADER
from node.api.operations import Operation, note_refusal
from node.api.problem import LOGGED, UNCACHED, other_method, refusal
from node.api.submissions import BATCH, BATCH_TRANSACTIONS_MAX, ONE, choices
from node.chain.chain import Chain
from node.chain.finals import Final
from node.chain.reading import Reading
from node.ground.logs import logger
from node.ordering.submitter import Submitter
from remarque.api.transactions import BatchOutcome, BatchOutcomes, BatchReceipts, BatchTaken, Taken
from remarque.errors import NodeCode, NodeError

BATCH_BYTES_MAX = 16 * 1024 * 1024
PARSE_BYTES = 256 * 1024
"""Bytes of a batch that are parsed between two turns of the event loop."""

_batch_decoder = msgspec.json.Decoder(list[msgspec.Raw])


class SubmitRoutes:
    """ASGI middleware: handles the two submit routes itself, and passes everything else on."""

    def __init__(self, app: Any, submitter: Submitter, chain: Chain, reading: Reading) -> None:
        self._app = app
        self._submitter = submitter
        self._chain = chain
        self._reading = reading

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
        try:
            with ARRIVING.counted(scope.get("client")) as take:
                async with asyncio.timeout(BODY_SECONDS_MAX):
                    body = await read_body(receive, bytes_max, take)
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
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(answer)).encode()),
            (b"cache-control", UNCACHED.encode()),
            (HEIGHT_HEADER.lower().encode(), str(self._chain.committed.height).encode()),
            (TIME_HEADER.lower().encode(), str(self._chain.committed.time_ms).encode()),
        ]
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


def split_batch(body: bytes) -> list[msgspec.Raw]:
    """The parts of a batch's JSON array, not yet looked into."""
    try:
        parts = _batch_decoder.decode(body)
    except NOT_DECODED as error:
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


async def read_body(receive: Any, bytes_max: int, take: Callable[[int], None]) -> bytes:
    """A request's whole body, refused as soon as it is too long. `take` counts what comes."""
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise NodeError(NodeCode.REQUEST_MALFORMED, GONE)
        part = message.get("body", b"")
        size += len(part)
        if size > bytes_max:
            raise LedgerError(Code.TOO_LARGE, f"the body has more than {bytes_max} bytes")
        take(len(part))
        parts.append(part)
        if not message.get("more_body", False):
            return await joined(parts, size)
