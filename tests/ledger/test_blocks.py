from __future__ import annotations

from typing import Any

import pytest
from consortium import State, a_digest, key_of, registering
from msgspec.structs import replace

from ledger import actions, records
from ledger.encoding import encode
from ledger.errors import Code, InvalidBlock, InvariantBroken, LedgerError
from ledger.execution import context
from ledger.execution.context import Context
from ledger.execution.view import Ledger
from ledger.transaction import SignedTransaction, Signer, check_signatures, parse_envelope, sign

BOB, ALICE = "bob@agency", "alice@studio"
PAY = actions.Pay(to=ALICE, currency="EUR", amount=1)


def test_a_transaction_is_carried_out_once(state: State) -> None:
    signed = state.transaction(BOB, PAY)
    state.run(signed)

    with pytest.raises(InvalidBlock, match="DUPLICATE"):
        state.run(signed)


def test_a_refused_transaction_uses_its_id_too(state: State) -> None:
    signed = state.transaction(BOB, replace(PAY, amount=99_999))
    assert state.run(signed).outcomes[0].code == "INSUFFICIENT_FUNDS"

    with pytest.raises(InvalidBlock, match="DUPLICATE"):
        state.run(signed)


def test_a_block_with_a_transaction_twice_is_invalid(state: State) -> None:
    signed = state.transaction(BOB, PAY)

    with pytest.raises(InvalidBlock, match="twice"):
        state.run(signed, signed)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"chain": "other-00000000"}, "WRONG_CHAIN"),
        ({"valid_until_ms": 1}, "EXPIRED"),
        ({"valid_until_ms": 2**53 - 1}, "VALID_TOO_LONG"),
        ({"signers": (Signer(account=BOB, key=key_of(BOB).public),) * 2}, "SIGNATURE_MISSING"),
    ],
)
def test_what_no_block_may_carry_makes_the_block_invalid(state: State, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(InvalidBlock, match=code):
        state.run(state.transaction(BOB, PAY, **changes))


def test_signed_by_too_many_is_refused(state: State) -> None:
    signed = state.transaction(BOB, PAY)
    doubled = SignedTransaction(signed.body, signed.signatures * 2, signed.transaction)

    with pytest.raises(InvalidBlock, match="SIGNATURE_EXTRA"):
        state.run(doubled)


def test_the_same_digits_split_into_other_signatures_are_refused(state: State) -> None:
    """Joined they have the digest of the true ones, so neither leaf nor header tells them apart."""
    signers = (Signer(account=BOB, key=key_of(BOB).public), Signer(account=ALICE, key=key_of(ALICE).public))
    honest = sign(state.transaction(BOB, PAY, signers=signers).transaction, [key_of(BOB), key_of(ALICE)])
    digits = "".join(honest.signatures)
    split = SignedTransaction(honest.body, (digits[:2], digits[2:]), honest.transaction)
    assert split.signatures_digest == honest.signatures_digest

    with pytest.raises(InvalidBlock, match="SIGNATURE_INVALID"):
        state.run(split)
    assert state.run(honest).outcomes[0].code == "OK"


def test_a_block_over_the_limits_is_invalid(state: State) -> None:
    parameters = records.Parameters(block_transactions_max=2, block_bytes_max=1_200)
    state.values[records.parameters_key()] = encode(parameters)

    with pytest.raises(InvalidBlock, match="at most 2"):
        state.run(*[state.transaction(BOB, PAY) for _ in range(3)])
    with pytest.raises(InvalidBlock, match="bytes"):
        state.run(*[state.transaction(ALICE, registering(name), registering(f"{name}'")) for name in ("a", "b")])


def test_ids_are_forgotten_once_they_have_expired_and_not_before(state: State) -> None:
    for number in range(5):
        state.run(state.transaction(BOB, PAY, valid_until_ms=state.time_ms + 60_000 + number))
    kept = len(list(state.keys(records.SEEN_PREFIX)))
    state.run(advance_ms=1_000)
    assert len(list(state.keys(records.SEEN_PREFIX))) == kept == 5

    state.run(advance_ms=300_000)
    assert len(list(state.keys(records.SEEN_PREFIX))) == kept - state.versions[1].expired_ids_per_block
    state.run()

    assert list(state.keys(records.SEEN_PREFIX)) == []


def test_the_window_of_ids_stays_bounded_under_load(state: State) -> None:
    sizes = []
    for _ in range(60):
        short = [state.transaction(BOB, PAY, valid_until_ms=state.time_ms + 60_000) for _ in range(30)]
        state.run(*short, advance_ms=10_000)
        sizes.append(len(list(state.keys(records.SEEN_PREFIX))))

    assert max(sizes[30:]) <= max(sizes[:30])


def test_execution_does_not_depend_on_what_came_before_it(state: State) -> None:
    asks = [state.transaction(ALICE, registering(number)) for number in range(20)]
    values, height, time_ms = dict(state.values), state.height, state.time_ms
    first = state.run(*asks)
    state.values, state.height, state.time_ms = values, height, time_ms

    assert state.run(*asks) == first


def test_money_out_of_nothing_stops_the_node(state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    def pay_twice(ledger: Ledger, tx: Context, ask: actions.Pay) -> None:
        ledger.credit(ask.to, ask.currency, ask.amount)

    monkeypatch.setitem(context.HANDLERS, actions.Pay, pay_twice)

    with pytest.raises(InvariantBroken, match="out of nothing"):
        state.run(state.transaction(BOB, PAY))


def test_every_action_has_one_function(state: State) -> None:
    assert set(context.HANDLERS) == set(actions.AnyAction.__args__)


def test_a_changed_byte_of_an_envelope_is_refused_or_is_another_transaction(state: State) -> None:
    envelope = state.transaction(BOB, PAY).envelope()
    original = parse_envelope(envelope)
    for place in range(len(envelope)):
        changed = envelope[:place] + bytes([envelope[place] ^ 1]) + envelope[place + 1 :]
        try:
            parsed = parse_envelope(changed)
            check_signatures(parsed)
        except LedgerError:
            continue
        pytest.fail(f"byte {place} may be changed: {changed!r} is taken for {original.id}")


def test_an_envelope_over_the_limit_is_refused_unparsed() -> None:
    with pytest.raises(LedgerError) as refused:
        parse_envelope(b"[" * 70_000)

    assert refused.value.code is Code.TOO_LARGE


def test_a_digest_of_nothing_is_no_asset(state: State) -> None:
    assert state.do(ALICE, actions.MintToken(asset=a_digest("nothing"))).code == "ASSET_UNKNOWN"
