"""The auditor finds nothing in an honest chain, whatever was done on it; and every action there is was done."""

from __future__ import annotations

import random
from typing import get_args

import pytest
from consortium import State, a_digest, a_genesis, done, registering
from histories import ALICE, BOB, CAROL, KINDS, OTHERS, ROOT, a_market, others_of, wanted_of
from hypothesis import given, settings
from hypothesis import strategies as st
from keeping import AGENCY, CLUB, KEEPERS, SPARE, STUDIO, Keepers
from msgspec.structs import replace
from tampering import Keeper

from ledger import actions
from ledger.archive import parse_line
from ledger.audit import AuditFailed, Auditor, Fault
from ledger.encoding import decode, encode
from ledger.execution.block import BlockResult
from ledger.execution.holding import token_id
from ledger.genesis import Genesis
from ledger.records import Asset, Token, asset_key, token_key
from ledger.transaction import SignedTransaction

BOUNDS = (KINDS + OTHERS - 1, 3, 3, 4, 3_000)
Step = tuple[int, ...]
STEPS = st.lists(st.tuples(*(st.integers(0, most) for most in BOUNDS)), max_size=50)


class Remembered(State):
    """A state that remembers its blocks, so that a keeper can write them down."""

    def __init__(self, genesis: Genesis | None = None) -> None:
        super().__init__(genesis or a_genesis())
        self.ran: list[tuple[int, tuple[SignedTransaction, ...], BlockResult]] = []

    def run(self, *transactions: SignedTransaction, advance_ms: int = 1_000) -> BlockResult:
        result = super().run(*transactions, advance_ms=advance_ms)
        self.ran.append((advance_ms, transactions, result))
        return result


def a_history(steps: list[Step]) -> Remembered:
    state = Remembered()
    _, tokens = a_market(state)
    for kind, *rest, amount in steps:
        step = (kind if kind < KINDS else kind - KINDS, *rest, amount + 1)
        wanted = wanted_of(state, tokens, [ALICE, BOB, CAROL, ROOT], step) if kind < KINDS else others_of(state, step)
        done(state, wanted[0], *wanted[1])
    return state


def a_history_of_keys() -> Remembered:
    """A key that is made beside a dealer who lies, then shared anew, a picture's key that moves over to it, and a
    ceremony that comes to nothing.
    """
    keepers = Keepers(Remembered)
    assert keepers.state.do(ALICE, registering("secret", confidential=True)).code == "OK"
    keepers.begin()
    keepers.deal(STUDIO, keepers.lie(STUDIO, 2))
    for dealer in (AGENCY, CLUB):
        keepers.deal(dealer)
    assert keepers.complain(AGENCY, 1).code == "OK"
    assert {keepers.confirm(one).code for one in KEEPERS} == {"OK"}
    assert {one.code for one in keepers.make(STUDIO, AGENCY, SPARE)} == {"OK"}
    moving = actions.RekeyAsset(asset=a_digest("secret"), content=keepers.content("secret"))
    assert keepers.state.do(STUDIO, moving).code == "OK"
    keepers.begin(dealing_ms=1_000, complaining_ms=1_000)
    keepers.wait(10_000)
    assert keepers.end().code == "OK"
    assert isinstance(keepers.state, Remembered)
    return keepers.state


def audited(keeper: Keeper) -> Auditor:
    auditor = Auditor(keeper.genesis)
    for line in keeper.lines(whole=True):
        auditor.take(parse_line(line))
    auditor.finish()
    return auditor


def kept(state: Remembered) -> Keeper:
    keeper = Keeper(state.genesis)
    for advance_ms, transactions, _ in state.ran:
        keeper.block(*transactions, advance_ms=advance_ms)
    assert keeper.state.values == state.values, "run again it comes out the same"
    return keeper


@settings(max_examples=40, deadline=None)
@given(STEPS)
def test_an_audit_denounces_no_honest_history(steps: list[Step]) -> None:
    state = a_history(steps)

    assert audited(kept(state)).transactions == sum(len(transactions) for _, transactions, _ in state.ran)


@pytest.mark.soak
@settings(max_examples=5_000, deadline=None)
@given(STEPS)
def test_an_audit_denounces_no_honest_history_of_many(steps: list[Step]) -> None:
    audited(kept(a_history(steps)))


def test_an_audit_denounces_no_honest_history_of_keys() -> None:
    assert audited(kept(a_history_of_keys())).transactions == 31


def test_the_histories_hold_every_action_that_there_is() -> None:
    chance, reached = random.Random(2), set()
    steps = [[tuple(chance.randint(0, most) for most in BOUNDS) for _ in range(60)] for _ in range(80)]
    for history in (a_history_of_keys(), *map(a_history, steps)):
        for _, transactions, result in history.ran:
            for signed, outcome in zip(transactions, result.outcomes, strict=True):
                if outcome.code == "OK":
                    reached |= {type(ask) for ask in signed.transaction.actions}

    assert set(get_args(actions.AnyAction)) - reached == set()


@pytest.mark.parametrize("fault", ["more editions", "fewer editions", "a token too many", "a token of another", "both"])
def test_tokens_and_assets_that_do_not_name_each_other_are_found(fault: str) -> None:
    state, asset = Remembered(), a_digest("p")
    assert state.do(ALICE, registering("p"), actions.MintToken(asset=asset, editions=2)).code == "OK"
    held, first = asset_key(asset), token_key(token_id(asset, 1))
    record, token = decode(state.values[held], Asset), decode(state.values[first], Token)
    other = token_key(token_id(a_digest("other"), 1))
    forged: dict[str, dict[str, bytes]] = {
        "more editions": {held: encode(replace(record, editions=3))},
        "fewer editions": {held: encode(replace(record, editions=1))},
        "a token too many": {other: encode(replace(token, id=token_id(a_digest("other"), 1)))},
        "a token of another": {first: encode(replace(token, asset=a_digest("other")))},
        "both": {held: encode(replace(record, token=token_id(asset)))},
    }
    auditor = Auditor(state.genesis)
    auditor._state.values.update(state.values | forged[fault])

    with pytest.raises(AuditFailed) as found:
        auditor._check_tokens()

    assert found.value.finding.fault == Fault.TOKEN_DIFFERS.name
