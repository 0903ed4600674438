"""Statements on the chain: recorded once, by a registrar, and entries of the log before the block's transactions."""

from __future__ import annotations

from typing import Any

import pytest
from consortium import State, a_digest, key_of, registering
from governed import a_governed_state, decided
from receipts import GENESIS, certificate

from ledger import actions
from ledger.block import Outcome
from ledger.encoding import decode
from ledger.errors import LedgerError
from ledger.genesis import genesis_header
from ledger.governance import SetReservedRoles
from ledger.merkle_log import MerkleLog, leaf_hash, previous_entry, root_from_path, transaction_entry
from ledger.receipt import build_receipt, encode_receipt, verify_receipt
from ledger.records import StatementRecord, statement_key
from ledger.state_tree import EMPTY, apply_changes
from ledger.succession import block_entries, block_leaves, next_header
from ledger.transaction import SignedTransaction, parse_signed

NOTARY, BOB = "notary@studio", "bob@agency"


def registration(name: object, **changes: Any) -> actions.RegisterStatement:
    parts = {"digest": a_digest(name), "issuer": "alice@studio", "subject": f"picture {name}"}
    return actions.RegisterStatement(**(parts | changes))


def test_a_statement_is_recorded_with_who_registered_it_and_where(state: State) -> None:
    outcome = state.do(NOTARY, registration(1))

    assert outcome.code == "OK"
    record = decode(state.get(statement_key(a_digest(1))) or b"", StatementRecord)
    assert record == StatementRecord(
        digest=a_digest(1), issuer="alice@studio", subject="picture 1", registrant=NOTARY, height=state.height
    )


def test_a_statement_is_registered_once_also_within_a_block_or_a_transaction(state: State) -> None:
    first, second = state.transaction(NOTARY, registration(1)), state.transaction(NOTARY, registration(1))
    twice = state.transaction(NOTARY, registration(2), registration(2))
    other_claims = state.transaction(NOTARY, registration(1, issuer="bob@agency"))

    codes = [outcome.code for outcome in state.run(first, second, twice, other_claims).outcomes]

    assert codes == ["OK", "STATEMENT_EXISTS", "STATEMENT_EXISTS", "STATEMENT_EXISTS"]
    assert state.get(statement_key(a_digest(2))) is None
    assert state.do(NOTARY, registration(1)).code == "STATEMENT_EXISTS"


def test_only_a_registrar_registers_and_no_org_makes_itself_one(state: State) -> None:
    """Who registers a statement first takes its place for good, also with another subject: all have to trust it."""
    enrol = actions.EnrolAccount(account="reg@club", key=key_of("reg@club").public, roles=("registrar",))

    assert state.do(BOB, registration(1)).code == "ROLE_MISSING"
    assert state.do("root@club", enrol).code == "ROLE_RESERVED"
    assert state.do("root@club", actions.SetRoles(account="carol@club", roles=("registrar",))).code == "ROLE_RESERVED"


def test_a_vote_makes_a_registrar_of_any_org() -> None:
    state = a_governed_state()
    assert decided(state, SetReservedRoles(account="carol@club", roles=("registrar",))).code == "OK"

    assert state.do("carol@club", registration(1)).code == "OK"


@pytest.mark.parametrize("text", ["", "x" * 257, "line\n", "ümlaut", "\x7f"])
def test_claims_are_printable_and_bounded(state: State, text: str) -> None:
    for field in ("issuer", "subject"):
        signed = state.transaction(NOTARY, registration(1, **{field: text}))
        with pytest.raises(LedgerError, match="MALFORMED"):
            parse_signed(signed.body, signed.signatures)


def a_block(state: State) -> tuple[tuple[SignedTransaction, ...], tuple[Outcome, ...]]:
    """A block with three statements, of which one twice, among other transactions."""
    signed = (
        state.transaction("alice@studio", registering("a picture")),
        state.transaction(NOTARY, registration(1), registration(2)),
        state.transaction(NOTARY, registration(1)),
        state.transaction(BOB, actions.Pay(to="carol@club", currency="EUR", amount=1)),
        state.transaction(NOTARY, registration(3)),
    )
    return signed, state.run(*signed).outcomes


def test_a_block_appends_the_header_below_then_statements_then_transactions(state: State) -> None:
    signed, outcomes = a_block(state)
    below = a_digest("header below")

    entries = block_entries(below, state.height, signed, outcomes)

    assert [outcome.code for outcome in outcomes] == ["OK", "OK", "STATEMENT_EXISTS", "OK", "OK"]
    assert entries == [
        previous_entry(below),
        *(bytes.fromhex(a_digest(name)) for name in (1, 2, 3)),
        *(
            transaction_entry(state.height, one.id, one.signatures_digest, outcome.digest)
            for one, outcome in zip(signed, outcomes, strict=True)
        ),
    ]
    assert block_leaves(below, state.height, signed, outcomes) == [leaf_hash(entry) for entry in entries]
    assert {len(entry) for entry in entries} == {52, 32, 120}


def test_receipts_of_a_blocks_transactions_hold_beside_its_statements(state: State) -> None:
    signed, outcomes = a_block(state)
    below = genesis_header(GENESIS)
    log = MerkleLog()
    for leaf in block_leaves(below.hash, 1, signed, outcomes):
        log.append(leaf)
    tree = apply_changes(EMPTY, state.values.items())
    time_ms, voters = state.time_ms, GENESIS.voters
    header = next_header(
        below,
        below.hash,
        term=1,
        time_ms=time_ms,
        proposer="node1",
        log=log,
        tree=tree,
        voters=voters,
        next_voters=voters,
    )

    for position, (one, outcome) in enumerate(zip(signed, outcomes, strict=True)):
        index = header.log_size - len(signed) + position
        receipt = build_receipt(one, outcome, index, header, header, certificate(header), log)
        assert verify_receipt(encode_receipt(receipt), GENESIS).outcome == outcome
    statement = leaf_hash(bytes.fromhex(a_digest(2)))
    assert root_from_path(statement, 2, log.size, log.inclusion_path(2, log.size)) == log.root()
