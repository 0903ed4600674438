"""A chain as Parquet, for analysts' own engines: a file for transactions, one for events and one for payments.

    transactions.parquet    one row a transaction: where, when, who, what was asked, what came of it, memo
    events.parquet          one row an event: where, its type, and all of it as canonical JSON
    payments.parquet        one row a payment: who paid whom how much, and for what (`price`, `royalty`, `payment`,
                            `refund`, `issue`, `redeem`); money is not paid while it waits in escrow

`pyarrow` writes it: `pip install remarque[parquet]`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from msgspec import UnsetType

from ledger.actions import action_name
from ledger.archive import ArchivedBlock, parse_line
from ledger.encoding import encode
from ledger.events import (
    AccessGranted,
    AssetDerived,
    CurrencyIssued,
    CurrencyRedeemed,
    Event,
    Paid,
    Payment,
    PaymentIn,
    SaleRefunded,
    TokenRented,
    TokenSold,
    TokenTransferred,
)
from remarque.errors import NodeCode, NodeError

ROWS_TOGETHER = 20_000
Row = dict[str, Any]


def write_parquet(lines: Iterator[bytes], place: Path) -> dict[str, int]:
    """Write the tables of an archive's lines into a directory; rows of each."""
    tables = {name: _Table(place / f"{name}.parquet", schema) for name, schema in _schemas().items()}
    place.mkdir(parents=True, exist_ok=True)
    for line in lines:
        block = parse_line(line).block
        if not isinstance(block, UnsetType):
            for name, row in _rows(block):
                tables[name].add(row)
    return {name: table.close() for name, table in tables.items()}


class _Table:
    def __init__(self, file: Path, schema: Any) -> None:
        self._file, self._schema = file, schema
        self._writer: Any = None
        self._rows: list[Row] = []
        self._count = 0

    def add(self, row: Row) -> None:
        self._rows.append(row)
        if len(self._rows) >= ROWS_TOGETHER:
            self._write()

    def close(self) -> int:
        self._write()
        self._writer.close()
        return self._count

    def _write(self) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        if self._writer is None:
            self._writer = pq.ParquetWriter(self._file, self._schema, compression="zstd")
        self._writer.write_table(pa.Table.from_pylist(self._rows, schema=self._schema))
        self._count += len(self._rows)
        self._rows = []


def _schemas() -> dict[str, Any]:
    try:
        import pyarrow as pa
    except ImportError:
        detail = "Parquet is written by pyarrow, which is not installed; `pip install remarque[parquet]`"
        raise NodeError(NodeCode.CONFIG_INVALID, detail) from None
    text, number = pa.string(), pa.int64()
    place = [
        ("height", number),
        ("position", pa.int32()),
        ("time", pa.timestamp("ms", tz="UTC")),
        ("transaction", text),
    ]
    names = pa.list_(text)
    return {
        "transactions": pa.schema([*place, ("signers", names), ("actions", names), ("code", text), ("memo", text)]),
        "events": pa.schema([*place, ("number", pa.int32()), ("type", text), ("event", text)]),
        "payments": pa.schema(
            [*place, ("payer", text), ("payee", text), ("amount", number), ("currency", text), ("reason", text)]
        ),
    }


def _rows(block: ArchivedBlock) -> Iterator[tuple[str, Row]]:
    transactions = zip(block.block().transactions, block.outcomes, strict=True)
    for position, (signed, outcome) in enumerate(transactions):
        place = {
            "height": block.header.height,
            "position": position,
            "time": block.header.time_ms,
            "transaction": signed.id,
        }
        asked, memo = signed.transaction, signed.transaction.memo
        yield (
            "transactions",
            {
                **place,
                "signers": [signer.account for signer in asked.signers],
                "actions": [action_name(ask) for ask in asked.actions],
                "code": outcome.code,
                "memo": None if isinstance(memo, UnsetType) else memo,
            },
        )
        for number, event in enumerate(outcome.events):
            kind = str(event.__struct_config__.tag)
            yield "events", {**place, "number": number, "type": kind, "event": encode(event).decode()}
            for payment in payments_of(event):
                yield "payments", {**place, **payment}


def payments_of(event: Event) -> Iterator[Row]:
    """The payments that an event states: added up, they make every balance but for what waits in escrow."""
    match event:
        case TokenSold():
            yield from _parts(event.buyer, event.payments, event.currency)
        case SaleRefunded():
            for part in event.payments:
                yield _payment(part.to, event.buyer, part.amount, event.currency, "refund")
        case TokenTransferred() | AssetDerived():
            yield from _parts(event.payer, event.payments)
        case TokenRented():
            yield from _parts(event.to, event.payments)
        case AccessGranted():
            yield from _parts(event.account, event.payments)
        case Paid():
            yield _payment(event.sender, event.to, event.amount, event.currency, "payment")
        case CurrencyIssued():
            yield _payment(None, event.to, event.amount, event.currency, "issue")
        case CurrencyRedeemed():
            yield _payment(event.holder, None, event.amount, event.currency, "redeem")


def _parts(payer: str | UnsetType, parts: Iterable[Payment], currency: str = "") -> Iterator[Row]:
    for part in parts:
        unit = part.currency if isinstance(part, PaymentIn) else currency
        yield _payment(payer, part.to, part.amount, unit, part.reason)


def _payment(payer: str | UnsetType | None, payee: str | None, amount: int, currency: str, reason: str) -> Row:
    return {"payer": payer, "payee": payee, "amount": amount, "currency": currency, "reason": reason}
