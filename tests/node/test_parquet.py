"""The table of payments carries every kind, so that an analyst who adds it up finds the balances of the chain."""

from __future__ import annotations

from collections import Counter
from typing import Any

from consortium import (
    PAID,
    State,
    a_digest,
    a_genesis,
    balance,
    done,
    escrowed,
    listing,
    minted,
    registering,
    trading_terms,
)

from ledger import actions
from ledger.actions import Price
from node.keeping.parquet import payments_of

ALICE, BOB, CAROL, ROOT = "alice@studio", "bob@agency", "carol@club", "root@studio"
OPENING = {BOB: 10_000, CAROL: 20_000}
HOUSE = "asset_default@1 house@1"
ON = ("primary_sale", "secondary_sale", "rental", "licence", "derivative_mint", "gift", "swap")


def test_payments_added_up_are_the_balances() -> None:
    state = State(a_genesis())
    paid = f"{PAID.format(rate='10%')} payer buyer; fallback 1.00 EUR;"
    clauses = [f"on_{on} on {on} {{ {paid} }}" for on in ON]
    eur = Price(amount=500, currency="EUR")
    until = state.time_ms + 10**7
    state.do(ALICE, trading_terms("house", *clauses), actions.SetOrgPolicy(policy="house", version=1))
    state.do(ALICE, registering("secret", confidential=True))
    first, second = minted(state, "a"), minted(state, "b")
    story: list[tuple[list[str], list[Any]]] = [
        ([ROOT], [actions.IssueCurrency(currency="EUR", to=BOB, amount=700)]),
        ([BOB], [actions.RedeemCurrency(currency="EUR", amount=300), actions.Pay(to=ROOT, currency="EUR", amount=50)]),
        ([ALICE], [listing(state, first, 1_000)]),
        ([BOB], [actions.BuyToken(token=first, price=1_000, currency="EUR", terms=HOUSE)]),
        ([BOB, ALICE], [actions.RefundSale(token=first)]),
        ([CAROL], [actions.MakeOffer(token=first, price=2_000, currency="EUR", until_ms=until, terms=HOUSE)]),
        ([ALICE], [actions.AcceptOffer(token=first, buyer=CAROL, price=2_000, currency="EUR")]),
        ([ALICE, CAROL], [actions.SwapTokens(token=second, for_token=first, value=eur, terms=HOUSE, for_terms=HOUSE)]),
        ([ALICE, BOB], [actions.TransferToken(token=first, to=BOB, terms=HOUSE)]),
        ([CAROL, BOB], [actions.RentToken(token=second, to=BOB, until_ms=until, price=eur, terms=HOUSE)]),
        (
            [ALICE, BOB],
            [actions.GrantAccess(asset=a_digest("secret"), account=BOB, until_ms=until, price=eur, terms=HOUSE)],
        ),
        (
            [CAROL, ALICE],
            [
                registering("new"),
                actions.DeriveAsset(asset=a_digest("new"), parents=(a_digest("secret"),), value=eur, terms=(HOUSE,)),
            ],
        ),
    ]
    held = Counter(OPENING)
    reasons = set()
    for signers, asks in story:
        outcome = done(state, signers, *asks)
        assert outcome.code == "OK", (outcome, asks)
        for payment in (row for event in outcome.events for row in payments_of(event)):
            held[payment["payee"]] += payment["amount"]
            held[payment["payer"]] -= payment["amount"]
            reasons.add(payment["reason"])

    assert escrowed(state) == {}
    assert {name: held[name] for name in (ALICE, BOB, CAROL, ROOT)} == {
        name: balance(state, name) for name in (ALICE, BOB, CAROL, ROOT)
    }
    assert reasons == {"price", "royalty", "payment", "refund", "issue", "redeem"}
