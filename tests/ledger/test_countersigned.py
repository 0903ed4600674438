"""A sale without a listing: buyer and seller sign one transaction, and it settles as any other sale does."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from consortium import State, a_digest, done, for_sale, listing, minted, owner, registering, royalty, together

from ledger import actions
from ledger.block import Outcome
from ledger.errors import Code, LedgerError
from ledger.events import TokenSold
from ledger.execution.holding import token_id
from ledger.transaction import SignedTransaction, check_shape, check_signatures

ALICE, BOB, CAROL, ROOT = "alice@studio", "bob@agency", "carol@club", "root@studio"


def selling(token: str, to: str, price: int = 1_000, currency: str = "EUR") -> actions.SellToken:
    return actions.SellToken(token=token, to=to, price=price, currency=currency)


def sold(outcome: Outcome) -> TokenSold:
    return next(event for event in outcome.events if isinstance(event, TokenSold))


@pytest.mark.parametrize("signers", [[ALICE, BOB], [BOB, ALICE], [ROOT, BOB, ALICE]])
def test_whoever_stands_first_the_sale_is_the_same(state: State, signers: list[str]) -> None:
    token = minted(state, "p")

    outcome = done(state, signers, selling(token, BOB))

    assert outcome.code == "OK"
    assert (owner(state, token), sold(outcome).seller, sold(outcome).buyer) == (BOB, ALICE, BOB)


def test_it_pays_what_a_sale_by_listing_pays(state: State) -> None:
    terms = royalty(75_000, alice=700_000, root=300_000)
    by_listing, by_hand = for_sale(state, "a", 1_000, royalty=terms), for_sale(state, "b", 1_000, royalty=terms)
    for token in (by_listing, by_hand):
        state.do(BOB, actions.BuyToken(token=token, price=1_000, currency="EUR"))
    state.do(BOB, listing(state, by_listing, 2_503))

    listed = state.do(CAROL, actions.BuyToken(token=by_listing, price=2_503, currency="EUR"))
    signed = done(state, [BOB, CAROL], selling(by_hand, CAROL, 2_503))

    assert (listed.code, signed.code) == ("OK", "OK")
    assert sold(listed).payments == sold(signed).payments
    assert sold(listed).kind == sold(signed).kind == "secondary_sale"
    assert [(one.kind, one.rule, one.code) for one in listed.decisions] == [
        (one.kind, one.rule, one.code) for one in signed.decisions
    ]


def test_an_open_listing_ends_with_it(state: State) -> None:
    token = for_sale(state, "p", 5_000)
    done(state, [ALICE, BOB], selling(token, BOB, 10))

    assert state.do(CAROL, actions.BuyToken(token=token, price=5_000, currency="EUR")).code == "LISTING_UNKNOWN"


def test_a_token_can_be_minted_and_sold_in_one_transaction(state: State) -> None:
    state.do(ALICE, registering("p"))
    mint = actions.MintToken(asset=a_digest("p"))

    assert done(state, [ALICE, BOB], mint, selling(token_id(a_digest("p")), BOB)).code == "OK"


REFUSED: list[tuple[Code, list[str], Callable[[str], actions.SellToken]]] = [
    (Code.TOKEN_UNKNOWN, [ALICE, BOB], lambda token: selling(a_digest("none"), BOB)),
    (Code.NOT_OWNER, [BOB, CAROL], lambda token: selling(token, BOB)),
    (Code.ACCOUNT_UNKNOWN, [ALICE, BOB], lambda token: selling(token, "eve@club")),
    (Code.SELF_SALE, [ALICE], lambda token: selling(token, ALICE)),
    (Code.SIGNER_MISSING, [ALICE, CAROL], lambda token: selling(token, BOB)),
    (Code.SIGNER_MISSING, [ALICE], lambda token: selling(token, BOB)),
    (Code.CURRENCY_UNKNOWN, [ALICE, BOB], lambda token: selling(token, BOB, 5, "XYZ")),
    (Code.INSUFFICIENT_FUNDS, [ALICE, BOB], lambda token: selling(token, BOB, 10_001)),
]


@pytest.mark.parametrize(
    ("code", "signers", "ask"), REFUSED, ids=[f"{row[0].name}-{place}" for place, row in enumerate(REFUSED)]
)
def test_refused(state: State, code: Code, signers: list[str], ask: Callable[[str], Any]) -> None:
    token = minted(state, "p")

    assert done(state, signers, ask(token)).code == code.name
    assert owner(state, token) == ALICE


def test_the_policy_has_the_last_word(state: State) -> None:
    source = 'policy calm version 1 schema remarque@1 { forbid sale as quiet when true reason "not now"; }'
    state.do(ALICE, actions.PublishPolicy(source=source))
    token = minted(state, "p")
    state.do(ALICE, actions.SetPolicy(asset=a_digest("p"), policy="calm", version=1))

    assert done(state, [ALICE, BOB], selling(token, BOB)).code == "POLICY_DENIED"


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("SIGNATURE_MISSING", lambda signatures: signatures[:1]),
        ("SIGNATURE_EXTRA", lambda signatures: (*signatures, signatures[0])),
        ("SIGNATURE_INVALID", lambda signatures: signatures[::-1]),
        ("SIGNATURE_INVALID", lambda signatures: (signatures[0], signatures[0])),
    ],
)
def test_signatures_missing_extra_or_in_another_order_are_refused(state: State, code: str, change: Any) -> None:
    signed = together(state, [ALICE, BOB], selling(minted(state, "p"), BOB))
    wrong = SignedTransaction(signed.body, change(signed.signatures), signed.transaction)

    with pytest.raises(LedgerError, match=code):
        _check(wrong, state.genesis.chain)


def _check(signed: SignedTransaction, chain: str) -> None:
    check_shape(signed, chain)
    check_signatures(signed)
