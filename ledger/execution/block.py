"""Running a block: every transaction in order, each all or nothing, and what they did as writes and outcomes.

What makes a *block* invalid (a leader never proposes it, a follower refuses it) is checked before anything runs:
another chain, a signature too few, an expired or repeated id, too many bytes. Whatever else is wrong with a
transaction is its *outcome*. Ids are remembered in the state until they have expired, sorted by minute, and forgotten
a few at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any

import msgspec

from ledger import records
from ledger.block import OK, Outcome
from ledger.errors import Code, InvalidBlock, LedgerError, ensure
from ledger.execution import view
from ledger.execution.context import ACTION_FUEL, HANDLERS, Context
from ledger.execution.view import Ledger, StateReader
from ledger.times import moment, span
from ledger.transaction import SignedTransaction, check_shape
from ledger.version import ProtocolVersion


class BlockResult(msgspec.Struct, frozen=True):
    """What a block would change."""

    writes: tuple[tuple[str, bytes | None], ...]
    """Keys with their new values, None for removal, sorted."""
    created: frozenset[str]
    """Those of the keys that are known to have had no value before."""
    outcomes: tuple[Outcome, ...]
    """One per transaction."""
    details: tuple[str, ...]
    """One per transaction: a refusal's text; empty if OK. Beside the chain."""
    explanations: tuple[tuple[dict[str, Any], ...], ...]
    """One tuple per transaction. Beside the chain."""
    fuel: tuple[int, ...]
    """What each transaction used. Beside the chain."""


class Ran(msgspec.Struct, frozen=True):
    """What running one transaction came to."""

    outcome: Outcome
    detail: str
    explanations: tuple[dict[str, Any], ...]
    fuel: int


def execute_block(
    state: StateReader,
    chain: str,
    height: int,
    time_ms: int,
    transactions: tuple[SignedTransaction, ...],
    version: ProtocolVersion,
    fuel_max: int | None = None,
) -> BlockResult:
    """Run the block's transactions in order and say what would change. InvalidBlock if it may not be run at all.

    With `fuel_max` it runs no further transaction once those before have used so much, as a leader does that cuts a
    block: the result tells of as many as ran.
    """
    ledger = Ledger(state)
    _check_block(ledger, chain, height, time_ms, transactions, ledger.parameters())
    ran: list[Ran] = []
    spent = 0
    for one in run_transactions(ledger, height, time_ms, transactions, version):
        ran.append(one)
        spent += one.fuel
        if fuel_max is not None and spent >= fuel_max:
            break
    _forget_expired(ledger, time_ms, len(ran), version)
    ledger.keep_transaction()
    for currency, units in view.money_created(ledger).items():
        ensure(units == 0, f"block {height} makes {units} {currency} out of nothing")
    return BlockResult(
        writes=ledger.writes(),
        created=ledger.created(),
        outcomes=tuple(one.outcome for one in ran),
        details=tuple(one.detail for one in ran),
        explanations=tuple(one.explanations for one in ran),
        fuel=tuple(one.fuel for one in ran),
    )


def run_transactions(
    ledger: Ledger, height: int, time_ms: int, transactions: tuple[SignedTransaction, ...], version: ProtocolVersion
) -> Iterator[Ran]:
    """Run the transactions of a block that may be run, one at a time; whoever takes them may pause in between."""
    fuel_max = ledger.parameters().transaction_fuel_max
    for signed in transactions:
        run = Context(signed, height, time_ms, version, fuel_max)
        outcome, detail = _execute_transaction(ledger, run)
        yield Ran(outcome, detail, tuple(run.explanations), fuel_max - max(run.fuel_left, 0))


def _execute_transaction(ledger: Ledger, run: Context) -> tuple[Outcome, str]:
    """Carry out all actions, or none; remember the id in either case."""
    code, failed, detail = OK, None, ""
    try:
        run.check_signers(ledger)
        for failed, ask in enumerate(run.transaction.actions):
            run.action_index = failed
            run.spend(ACTION_FUEL)
            HANDLERS[type(ask)](ledger, run, ask)
        failed = None
    except LedgerError as refusal:
        ledger.drop_transaction()
        run.events.clear()
        code, detail = refusal.code.name, refusal.detail
    ledger.put(records.seen_key(run.transaction.valid_until_ms, run.transaction_id), run.height)
    ledger.keep_transaction()
    return (
        Outcome(
            code=code,
            action=msgspec.UNSET if failed is None else failed,
            decisions=tuple(run.decisions),
            events=tuple(run.events),  # type: ignore[arg-type]
        ),
        detail,
    )


def check_admissible(
    ledger: Ledger, chain: str, signed: SignedTransaction, time_ms: int, parameters: records.Parameters
) -> None:
    """Refuse what a block at this time may not carry."""
    check_shape(signed, chain)
    until = signed.transaction.valid_until_ms
    if until < time_ms:
        raise LedgerError(
            Code.EXPIRED, f"it was valid until {moment(until)}, block time is {moment(time_ms)}; sign it again"
        )
    if until > time_ms + parameters.valid_ms_max:
        raise LedgerError(
            Code.VALID_TOO_LONG,
            f"it is valid for another {span(until - time_ms)}, at most {span(parameters.valid_ms_max)}; "
            "choose an earlier time",
        )
    if ledger.holds(records.seen_key(until, signed.id)):
        raise LedgerError(Code.DUPLICATE, f"{signed.id[:16]}… is on the chain; ask for its receipt")


def _check_block(
    ledger: Ledger,
    chain: str,
    height: int,
    time_ms: int,
    transactions: tuple[SignedTransaction, ...],
    parameters: records.Parameters,
) -> None:
    if len(transactions) > parameters.block_transactions_max:
        raise InvalidBlock(height, f"{len(transactions)} transactions, at most {parameters.block_transactions_max}")
    if sum(len(signed.body) for signed in transactions) > parameters.block_bytes_max:
        raise InvalidBlock(height, f"its transactions have more than {parameters.block_bytes_max} bytes")
    if len({signed.id for signed in transactions}) != len(transactions):
        raise InvalidBlock(height, "it holds a transaction twice")
    for signed in transactions:
        try:
            check_admissible(ledger, chain, signed, time_ms, parameters)
        except LedgerError as refusal:
            raise InvalidBlock(height, f"transaction {signed.id[:16]}…: {refusal}") from None


def _forget_expired(ledger: Ledger, time_ms: int, count: int, version: ProtocolVersion) -> None:
    """Drop ids that can no longer come back: some more than a block adds, so that the window stays bounded."""
    end = records.seen_key(time_ms - 60_000, "") if time_ms >= 60_000 else records.SEEN_PREFIX
    for key in islice(ledger.keys_below(records.SEEN_PREFIX), version.expired_ids_per_block + 2 * count):
        if key >= end:
            break
        ledger.remove(key)
