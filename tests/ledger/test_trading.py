"""Gifts, swaps, rentals, editions, refunds, floors and pinned terms: what moves, who is paid, and what is refused."""

from __future__ import annotations

from typing import Any

import pytest
from consortium import (
    State,
    a_digest,
    balance,
    done,
    for_sale,
    happened,
    listing,
    minted,
    open_consortium,
    owner,
    registering,
    royalty,
    trading_terms,
)  # fmt: skip
from msgspec import UNSET
from msgspec.structs import replace

from ledger import actions, records
from ledger.actions import Price
from ledger.encoding import encode
from ledger.errors import Code
from ledger.events import AccessGranted, SaleRefunded, TokenMinted, TokenSold, TokenTransferred
from ledger.execution.holding import token_id, user_of
from ledger.execution.settlement import REFUND_MS
from ledger.execution.view import Ledger
from ledger.records import Parameters

ALICE, BOB, CAROL, ROOT = "alice@studio", "bob@agency", "carol@club", "root@studio"


def buying(token: str, price: int, **more: Any) -> actions.BuyToken:
    return actions.BuyToken(token=token, price=price, currency="EUR", **more)


def under(state: State, name: object, *clauses: str, policy: str = "house") -> str:
    """A token of alice's under a policy of its own with these royalties, given to bob."""
    token = token_id(a_digest(name))
    if state.get(records.policy_key(policy, 1)) is None:
        assert state.do(ALICE, trading_terms(policy, *clauses)).code == "OK"
    set_policy = actions.SetPolicy(asset=a_digest(name), policy=policy, version=1)
    assert state.do(ALICE, registering(name), set_policy, actions.MintToken(asset=a_digest(name))).code == "OK"
    return token


PAY = "base tx.price; pay 10% to asset.creators by weight;"
FOUNDING, OPEN_HOUSE = "asset_default@1", "asset_default@2 house@1"


def giving(token: str, to: str, terms: str = OPEN_HOUSE) -> actions.TransferToken:
    return actions.TransferToken(token=token, to=to, terms=terms)


def test_a_gift_pays_its_fallback_out_of_the_givers_pocket_and_a_creators_own_costs_nothing(state: State) -> None:
    open_consortium(state)
    token = under(state, "p", f"given on gift {{ {PAY} fallback 5.00 EUR; }}")
    first = state.do(ALICE, actions.TransferToken(token=token, to=BOB))

    outcome = state.do(BOB, giving(token, ROOT))
    poor = state.do(ROOT, giving(token, CAROL))

    assert (first.code, happened(first, TokenTransferred).payments) == ("OK", ())
    assert poor.code == Code.INSUFFICIENT_FUNDS.name
    assert [(one.to, one.amount, one.currency) for one in happened(outcome, TokenTransferred).payments] == [
        (ALICE, 500, "EUR")
    ]
    assert (balance(state, BOB), balance(state, ALICE)) == (9_500, 500)


def test_a_gift_that_the_receiver_pays_for_needs_the_receivers_signature(state: State) -> None:
    open_consortium(state)
    token = under(state, "p", f"given on gift {{ {PAY} fallback 5 EUR; payer buyer; }}")
    give = giving(token, BOB)

    assert state.do(ALICE, give).code == Code.SIGNER_MISSING.name
    assert done(state, [ALICE, BOB], give).code == "OK"
    assert (balance(state, BOB), balance(state, ALICE)) == (9_500, 500)


def test_a_swap_exchanges_two_tokens_and_each_pays_its_fallback(state: State) -> None:
    open_consortium(state)
    mine, yours = under(state, "a", f"swapped on swap {{ {PAY} fallback 1 EUR; }}"), under(state, "b")
    done(state, [ALICE], actions.TransferToken(token=yours, to=BOB))
    swap = actions.SwapTokens(token=mine, for_token=yours, for_terms=OPEN_HOUSE)

    assert state.do(ALICE, swap).code == Code.SIGNER_MISSING.name
    outcome = done(state, [ALICE, BOB], swap)

    assert outcome.code == "OK"
    assert (owner(state, mine), owner(state, yours)) == (BOB, ALICE)
    assert (balance(state, BOB), balance(state, ALICE)) == (9_900, 100)
    assert done(state, [BOB], actions.SwapTokens(token=mine, for_token=mine)).code == Code.SELF_SALE.name


def eur(amount: int) -> Price:
    return Price(amount=amount, currency="EUR")


@pytest.mark.parametrize(
    ("values", "each"),
    [
        ({}, 200),
        ({"value": eur(5_000)}, 500),
        ({"value": eur(10), "for_value": eur(5_000)}, 500),
        ({"value": eur(1), "for_value": eur(1)}, 200),
    ],
)
def test_a_swap_pays_of_the_greater_declared_value_and_never_less_than_the_fallback(
    state: State, values: dict[str, Price], each: int
) -> None:
    open_consortium(state)
    mine, yours = (under(state, name, f"swapped on swap {{ {PAY} fallback 2.00 EUR; }}") for name in ("a", "b"))
    for token, to in ((mine, BOB), (yours, CAROL)):
        state.do(ALICE, actions.TransferToken(token=token, to=to))
    before = balance(state, CAROL)

    swap = actions.SwapTokens(token=mine, for_token=yours, terms=OPEN_HOUSE, for_terms=OPEN_HOUSE, **values)
    outcome = done(state, [BOB, CAROL], swap)

    moved = [event for event in outcome.events if isinstance(event, TokenTransferred)]
    assert [[one.amount for one in event.payments] for event in moved] == [[each], [each]]
    assert balance(state, CAROL) == before - each, "no declared value is paid itself"
    assert (owner(state, mine), owner(state, yours)) == (CAROL, BOB)


def test_a_swap_declares_its_values_in_one_currency_that_the_policy_knows(state: State) -> None:
    mine, yours = under(state, "a", f"swapped on swap {{ {PAY} fallback 2.00 EUR; }}"), minted(state, "b", BOB)
    state.do(ROOT, actions.CreateCurrency(currency="USD", decimals=2))
    usd = Price(amount=100, currency="USD")

    def swapped(**values: Price) -> str:
        return done(state, [ALICE, BOB], actions.SwapTokens(token=mine, for_token=yours, **values)).code

    assert swapped(value=eur(100), for_value=usd) == Code.CURRENCY_MISMATCH.name
    assert swapped(value=usd) == Code.CURRENCY_MISMATCH.name
    assert swapped(value=Price(amount=1, currency="XYZ")) == Code.CURRENCY_UNKNOWN.name


def test_a_licence_to_see_is_paid_for_with_its_royalty(state: State) -> None:
    open_consortium(state)
    asset = a_digest("secret")
    shared = (actions.Share(account=ALICE, weight_ppm=600_000), actions.Share(account=ROOT, weight_ppm=400_000))
    state.do(ALICE, trading_terms("house", f"seen on licence {{ {PAY} payer buyer; }}"))
    state.do(
        ALICE,
        registering("secret", confidential=True, creators=shared),
        actions.SetPolicy(asset=asset, policy="house", version=1),
    )
    granting = actions.GrantAccess(
        asset=asset, account=BOB, until_ms=state.time_ms + 10**6, price=eur(1_000), terms=OPEN_HOUSE
    )

    alone = state.do(ALICE, granting).code
    outcome = done(state, [ALICE, BOB], granting)
    seen = state.do(BOB, actions.RequestAccess(asset=asset, reader_key="00" * 32, purpose=""))

    assert (alone, outcome.code, seen.code) == (Code.SIGNER_MISSING.name, "OK", "OK")
    paid = [(one.to, one.amount, one.reason) for one in happened(outcome, AccessGranted).payments]
    assert paid == [(ALICE, 60, "royalty"), (ROOT, 40, "royalty"), (ALICE, 1_000, "price")]
    assert balance(state, BOB) == 10_000 - 1_100
    own = actions.GrantAccess(asset=asset, account=ALICE, until_ms=state.time_ms + 10**6, price=eur(1))
    assert state.do(ALICE, own).code == Code.SELF_SALE.name


def opening(state: State, token: str, currency: str) -> actions.OpenAuction:
    until = state.time_ms + 10_000
    return actions.OpenAuction(token=token, reserve=300, increment=10, currency=currency, until_ms=until)


def offering(state: State, token: str, currency: str) -> actions.MakeOffer:
    return actions.MakeOffer(token=token, price=300, currency=currency, until_ms=state.time_ms + 10_000)


@pytest.mark.parametrize(
    "scope", [actions.SetOrgPolicy(policy="house", version=1),
              actions.SetPolicy(asset=a_digest("p"), policy="house", version=1)]
)  # fmt: skip
def test_a_floor_that_came_later_stops_no_sale_that_the_minted_terms_would_settle(state: State, scope: Any) -> None:
    token = minted(state, "p")
    state.do(ROOT, actions.CreateCurrency(currency="USD", decimals=2),
             actions.IssueCurrency(currency="USD", to=BOB, amount=1_000))  # fmt: skip
    state.do(ALICE, trading_terms("house", f"first on primary_sale {{ {PAY} floor 2.00 EUR; }}"))
    assert state.do(ALICE, scope).code == "OK"

    listed = state.do(ALICE, listing(state, token, 300, "USD")).code
    sold = state.do(BOB, actions.BuyToken(token=token, price=300, currency="USD"))

    assert listed == sold.code == "OK"
    assert [one.amount for one in happened(sold, TokenSold).payments] == [300]


@pytest.mark.parametrize("more", ["floor 2.00 USD;", ""], ids=["another currency", "rounds to nothing"])
def test_a_vote_whose_terms_could_not_settle_a_sale_leaves_those_of_the_mint(state: State, more: str) -> None:
    state.do(ROOT, actions.CreateCurrency(currency="USD", decimals=2))
    token = under(state, "p", f"first on primary_sale {{ {PAY} }}")
    voted = f"first on primary_sale {{ base tx.price; pay 0.1% to asset.creators by weight; {more} }}"
    state.do(ALICE, trading_terms("asset_default", voted, version=2, rules="permit * as all_may when true;"))
    state.values[records.CONSORTIUM_POLICY] = encode("asset_default@2")

    assert state.do(ALICE, listing(state, token, 300)).code == "OK"
    assert [one.amount for one in happened(state.do(BOB, buying(token, 300)), TokenSold).payments] == [30, 270]


def test_later_terms_that_have_the_buyer_pay_need_the_buyers_word(state: State) -> None:
    token = under(state, "p", f"first on primary_sale {{ {PAY} }}")
    voted = "first on primary_sale { base tx.price; pay 5% to asset.creators by weight; payer buyer; }"
    state.do(ALICE, trading_terms("asset_default", voted, version=2, rules="permit * as all_may when true;"))
    state.values[records.CONSORTIUM_POLICY] = encode("asset_default@2")
    state.do(ALICE, listing(state, token, 300))

    assert state.do(BOB, buying(token, 300)).code == Code.TERMS_MISSING.name
    assert state.do(BOB, buying(token, 300, terms=OPEN_HOUSE)).code == "OK"
    assert balance(state, BOB) == 10_000 - 315


def test_a_token_minted_under_a_floor_keeps_its_currency_when_the_floor_is_gone(state: State) -> None:
    state.do(ROOT, actions.CreateCurrency(currency="USD", decimals=2))
    open_consortium(state)
    token = under(state, "p", f"first on primary_sale {{ {PAY} floor 2.00 EUR; }}")
    state.do(ALICE, trading_terms("house", f"first on primary_sale {{ {PAY} }}", version=2))
    assert state.do(ALICE, actions.SetPolicy(asset=a_digest("p"), policy="house", version=2)).code == "OK"

    assert state.do(ALICE, listing(state, token, 300, "USD")).code == Code.CURRENCY_MISMATCH.name
    state.do(ALICE, listing(state, token, 300))
    assert [one.amount for one in state.do(BOB, buying(token, 300)).events[0].payments] == [30, 270]  # type: ignore


def test_a_floor_on_condition_of_the_buyer_is_seen_at_the_sale(state: State) -> None:
    state.do(ROOT, actions.CreateCurrency(currency="USD", decimals=2),
             actions.IssueCurrency(currency="USD", to=BOB, amount=1_000))  # fmt: skip
    to_bob = f'has(tx.to) && tx.to == "{BOB}"'
    token = under(state, "p", f"first on primary_sale when {to_bob} {{ {PAY} floor 2.00 EUR; }}")

    assert state.do(ALICE, listing(state, token, 300, "USD")).code == "OK"
    bought = state.do(BOB, actions.BuyToken(token=token, price=300, currency="USD"))
    assert bought.code == Code.CURRENCY_MISMATCH.name


def test_a_floor_is_due_on_a_small_price_and_never_in_another_currency(state: State) -> None:
    token = under(state, "p", f"first on primary_sale {{ {PAY} floor 2.00 EUR; }}")
    state.do(ROOT, actions.CreateCurrency(currency="USD", decimals=2),
             actions.IssueCurrency(currency="USD", to=BOB, amount=1_000))  # fmt: skip

    listed, auctioned, offered = (
        state.do(by, ask).code
        for by, ask in (
            (ALICE, listing(state, token, 300, "USD")),
            (ALICE, opening(state, token, "USD")),
            (BOB, offering(state, token, "USD")),
        )
    )
    state.do(ALICE, listing(state, token, 300))
    outcome = state.do(BOB, buying(token, 300))

    assert listed == auctioned == offered == Code.CURRENCY_MISMATCH.name
    assert [one.amount for one in outcome.events[0].payments] == [200, 100]  # type: ignore[union-attr]


@pytest.mark.parametrize("clause", ["floor 0.001 EUR", "fallback 90071992547409.93 EUR", "floor 1 XYZ"])
def test_money_that_its_currency_cannot_express_is_refused_when_published(state: State, clause: str) -> None:
    outcome = state.do(ALICE, trading_terms("house", f"given on gift {{ {PAY} {clause}; }}"))

    assert outcome.code in (Code.POLICY_INVALID.name, Code.CURRENCY_UNKNOWN.name)


def test_a_buyer_who_saw_other_terms_buys_nothing(state: State) -> None:
    token = for_sale(state, "p", 100)
    seen = "asset_default@1"
    state.do(ALICE, trading_terms("house"), actions.SetPolicy(asset=a_digest("p"), policy="house", version=1))

    assert state.do(BOB, buying(token, 100, terms=seen)).code == Code.TERMS_CHANGED.name
    assert state.do(BOB, buying(token, 100, terms=f"{seen} house@1")).code == "OK"


def test_numbered_editions_are_tokens_of_their_own(state: State) -> None:
    asset = a_digest("p")
    outcome = state.do(ALICE, registering("p"), actions.MintToken(asset=asset, editions=3))
    made = [event for event in outcome.events if isinstance(event, TokenMinted)]

    assert [(one.number, one.token) for one in made] == [(number, token_id(asset, number)) for number in (1, 2, 3)]
    for again in (actions.MintToken(asset=asset, editions=2), actions.MintToken(asset=asset)):
        assert state.do(ALICE, again).code == Code.TOKEN_EXISTS.name
    for number, buyer in ((1, BOB), (2, CAROL)):
        token = token_id(asset, number)
        state.do(ALICE, listing(state, token, 100))
        assert happened_sale(state.do(buyer, buying(token, 100))) == "primary_sale"
    assert [owner(state, token_id(asset, number)) for number in (1, 2, 3)] == [BOB, CAROL, ALICE]
    assert Ledger(state).owner(Ledger(state).asset(asset)) == ALICE


def happened_sale(outcome: Any) -> str:
    return next(event.kind for event in outcome.events if event.__class__.__name__ == "TokenSold")


def test_delivery_versus_payment_is_one_transaction_or_none(state: State) -> None:
    """A token against money and another token: if one leg fails, none has happened."""
    first, second = minted(state, "a"), minted(state, "b")
    legs: list[Any] = [
        actions.SellToken(token=first, to=BOB, price=5_000, currency="EUR"),
        actions.SellToken(token=second, to=BOB, price=5_001, currency="EUR"),
    ]

    failed = done(state, [ALICE, BOB], *legs)
    assert (failed.code, failed.action) == (Code.INSUFFICIENT_FUNDS.name, 1)
    assert (owner(state, first), balance(state, BOB), balance(state, ALICE)) == (ALICE, 10_000, 0)

    legs[1] = actions.SellToken(token=second, to=BOB, price=5_000, currency="EUR")
    assert done(state, [ALICE, BOB], *legs).code == "OK"
    assert (owner(state, first), owner(state, second), balance(state, ALICE)) == (BOB, BOB, 10_000)


def test_nothing_is_let_or_shown_free_of_charge_beside_a_payment_and_several_things_are_without(state: State) -> None:
    token, secret, until = minted(state, "p"), a_digest("secret"), state.time_ms + 10**6
    state.do(ALICE, registering("secret", confidential=True))
    paying = actions.Pay(to=ALICE, currency="EUR", amount=5_000)
    grants = [actions.GrantAccess(asset=secret, account=one, until_ms=until) for one in (BOB, CAROL)]
    priced = actions.GrantAccess(asset=secret, account=BOB, until_ms=until, price=eur(100))

    assert done(state, [ALICE], renting(state, token), *grants).code == "OK"
    assert done(state, [BOB, ALICE], paying, renting(state, token)).code == Code.POLICY_DENIED.name
    assert done(state, [ALICE, BOB], priced, grants[1]).code == Code.POLICY_DENIED.name
    assert done(state, [ALICE, BOB], priced, renting(state, token, price=100)).code == "OK"


def test_an_action_does_not_count_as_what_pays_for_it(state: State) -> None:
    token = minted(state, "p")
    state.do(ALICE, trading_terms("alone", rules="forbid rent as alone when tx.paid;"),
             actions.SetPolicy(asset=a_digest("p"), policy="alone", version=1))  # fmt: skip
    letting = renting(state, token, price=100)

    assert done(state, [ALICE, BOB], letting, replace(letting, price=eur(200))).code == Code.POLICY_DENIED.name
    assert done(state, [ALICE, BOB], letting).code == "OK"


# Nobody pays more than the action says, but under terms that it names

TRIGGERS = ("primary_sale", "secondary_sale", "rental", "licence", "derivative_mint", "gift", "swap")
A, LISTED, AUCTIONED, BOBS = (token_id(a_digest(name)) for name in ("a", "listed", "auctioned", "bobs"))
DEAL: dict[str, Any] = {"price": 100, "currency": "EUR"}
LATER = 1_700_001_000_000


def costly(state: State) -> None:
    """All of alice's org under a policy by which buyers pay on top, gifts too; one token listed, one auctioned."""
    open_consortium(state)
    clauses = [f"on_{on} on {on} {{ {PAY} payer buyer; fallback 1.00 EUR; }}" for on in TRIGGERS]
    state.do(ALICE, trading_terms("house", *clauses), actions.SetOrgPolicy(policy="house", version=1))
    for name in ("a", "listed", "auctioned"):
        minted(state, name)
    minted(state, "bobs", BOB)
    state.do(BOB, registering("made"))
    auction = actions.OpenAuction(token=AUCTIONED, reserve=10, increment=1, currency="EUR", until_ms=LATER)
    opened = state.do(ALICE, registering("secret", confidential=True), listing(state, LISTED, 100), auction)
    assert opened.code == "OK"


@pytest.mark.parametrize(
    ("signers", "ask"),
    [
        ([BOB], lambda terms: actions.BuyToken(token=LISTED, **DEAL, terms=terms)),
        ([ALICE, BOB], lambda terms: actions.SellToken(token=A, to=BOB, **DEAL, terms=terms)),
        ([BOB], lambda terms: actions.MakeOffer(token=A, **DEAL, until_ms=LATER, terms=terms)),
        ([BOB], lambda terms: actions.PlaceBid(token=AUCTIONED, **DEAL, terms=terms)),
        ([ALICE, BOB], lambda terms: actions.RentToken(token=A, to=BOB, until_ms=LATER, price=eur(100), terms=terms)),
        (
            [ALICE, BOB],
            lambda terms: actions.GrantAccess(
                asset=a_digest("secret"), account=BOB, until_ms=LATER, price=eur(100), terms=terms
            ),
        ),
        (
            [BOB],
            lambda terms: actions.DeriveAsset(
                asset=a_digest("made"), parents=(a_digest("a"),), terms=terms if terms is UNSET else (terms,)
            ),
        ),
        ([BOB, ALICE], lambda terms: actions.SwapTokens(token=BOBS, for_token=A, for_terms=terms)),
        ([ALICE, BOB], lambda terms: actions.TransferToken(token=A, to=BOB, terms=terms)),
    ],
)
def test_nobody_pays_more_than_an_action_says_but_under_terms_that_it_names(
    state: State, signers: list[str], ask: Any
) -> None:
    costly(state)

    codes = [done(state, signers, ask(terms)).code for terms in (UNSET, "asset_default@1 house@1", OPEN_HOUSE)]

    assert codes == [Code.TERMS_MISSING.name, Code.TERMS_CHANGED.name, "OK"]
    assert balance(state, BOB) < 10_000


# Rental, with the meaning of ERC-4907


def renting(state: State, token: str, to: str = BOB, ms: int = 10_000, price: int | None = None) -> actions.RentToken:
    more = {} if price is None else {"price": Price(amount=price, currency="EUR")}
    return actions.RentToken(token=token, to=to, until_ms=state.time_ms + ms, **more)


def user(state: State, token: str) -> str | None:
    rental = user_of(Ledger(state), token, state.time_ms)
    return None if rental is None else rental.user


def test_a_rental_lapses_without_a_transaction(state: State) -> None:
    token = minted(state, "p")
    state.do(ALICE, renting(state, token))
    during = user(state, token)
    state.run(advance_ms=9_000)

    assert (during, user(state, token), owner(state, token)) == (BOB, None, ALICE)


def test_a_rental_is_cleared_when_the_token_has_another_owner(state: State) -> None:
    token = minted(state, "p")
    state.do(ALICE, renting(state, token))
    state.do(ALICE, actions.TransferToken(token=token, to=CAROL))

    assert user(state, token) is None


def a_rented_token(state: State, ms: int = 10_000) -> str:
    """A token of alice's that bob has paid to use."""
    token = minted(state, "p")
    assert done(state, [ALICE, BOB], renting(state, token, ms=ms, price=1_000)).code == "OK"
    return token


@pytest.mark.parametrize(
    ("signers", "moving"),
    [
        ([ALICE], lambda token, other: actions.TransferToken(token=token, to=CAROL)),
        ([ALICE, CAROL], lambda token, other: actions.SellToken(token=token, to=CAROL, price=100, currency="EUR")),
        ([ALICE, CAROL], lambda token, other: actions.SwapTokens(token=token, for_token=other)),
        ([CAROL], lambda token, other: actions.BuyToken(token=token, price=100, currency="EUR")),
        ([ALICE], lambda token, other: actions.AcceptOffer(token=token, buyer=CAROL, price=70, currency="EUR")),
    ],
)
def test_who_has_paid_to_use_a_token_signs_that_it_has_another_owner(
    state: State, signers: list[str], moving: Any
) -> None:
    token, other = a_rented_token(state), minted(state, "q", CAROL)
    offering = actions.MakeOffer(token=token, price=70, currency="EUR", until_ms=state.time_ms + 10**6)
    assert state.do(CAROL, offering).code == "OK"
    if signers == [CAROL]:
        assert state.do(ALICE, listing(state, token, 100)).code == "OK"

    refused = done(state, signers, moving(token, other)).code

    assert (refused, user(state, token)) == (Code.TOKEN_RENTED.name, BOB)
    assert done(state, [*signers, BOB], moving(token, other)).code == "OK"
    assert (user(state, token), owner(state, token)) == (None, CAROL)


def test_a_paid_rental_that_has_lapsed_or_whose_user_buys_stands_in_nobodys_way(state: State) -> None:
    token = a_rented_token(state)
    offering = actions.MakeOffer(token=token, price=70, currency="EUR", until_ms=state.time_ms + 10**6)
    state.do(BOB, offering)
    accepting = actions.AcceptOffer(token=token, buyer=BOB, price=70, currency="EUR")
    assert state.do(ALICE, accepting).code == "OK"
    assert done(state, [BOB, CAROL], renting(state, token, CAROL, price=100)).code == "OK"
    state.run(advance_ms=10_000)

    assert state.do(BOB, giving(token, ALICE, FOUNDING)).code == "OK"


def test_an_auction_outlasts_what_somebody_has_paid_for_and_no_rental_begins_in_it(state: State) -> None:
    token = a_rented_token(state, ms=20_000)
    early = replace(opening(state, token, "EUR"), until_ms=state.time_ms + 5_000)

    assert state.do(ALICE, early).code == Code.TOKEN_RENTED.name
    assert state.do(ALICE, replace(early, until_ms=state.time_ms + 30_000)).code == "OK"
    assert done(state, [ALICE, BOB], renting(state, token, price=5)).code == Code.TOKEN_AUCTIONED.name


def test_a_rental_is_no_sale_for_ever(state: State) -> None:
    token, most = minted(state, "p"), Parameters().rental_ms_max

    refused = done(state, [ALICE, BOB], renting(state, token, ms=most + 10_000, price=5_000))

    assert refused.code == Code.END_INVALID.name
    assert done(state, [ALICE, BOB], renting(state, token, ms=most, price=5_000)).code == "OK"


def test_the_founding_policy_pays_the_creators_of_what_is_let_and_seen(state: State) -> None:
    token = minted(state, "p")
    state.do(ALICE, actions.TransferToken(token=token, to=CAROL))

    assert done(state, [CAROL, BOB], renting(state, token, price=1_000)).code == "OK"
    assert (balance(state, ALICE), balance(state, CAROL)) == (75, 20_925)


@pytest.mark.parametrize(
    "moving",
    [
        lambda token, other: actions.TransferToken(token=token, to=BOB),
        lambda token, other: actions.SwapTokens(token=token, for_token=other),
    ],
)
def test_what_is_paid_for_in_the_same_transaction_is_no_gift_under_the_founding_policy(
    state: State, moving: Any
) -> None:
    token, other = minted(state, "p"), minted(state, "q", BOB)
    paying = actions.Pay(to=ALICE, currency="EUR", amount=5_000)

    assert done(state, [BOB, ALICE], paying, moving(token, other)).code == Code.POLICY_DENIED.name
    assert (owner(state, token), balance(state, BOB)) == (ALICE, 10_000)
    assert done(state, [BOB, ALICE], moving(token, other)).code == "OK"


def test_a_rental_for_a_price_is_signed_by_both_and_pays_its_royalty(state: State) -> None:
    open_consortium(state)
    token = under(state, "p", f"use on rental {{ {PAY} }}")
    state.do(ALICE, actions.TransferToken(token=token, to=CAROL))

    assert state.do(CAROL, renting(state, token, price=1_000)).code == Code.SIGNER_MISSING.name
    assert done(state, [CAROL, BOB], renting(state, token, price=1_000)).code == "OK"
    assert (balance(state, ALICE), balance(state, CAROL), balance(state, BOB)) == (100, 20_900, 9_000)


def test_a_user_is_not_displaced_but_by_consent(state: State) -> None:
    token = minted(state, "p")
    state.do(ALICE, renting(state, token))

    assert state.do(ALICE, renting(state, token, CAROL)).code == Code.TOKEN_RENTED.name
    assert done(state, [ALICE, BOB], renting(state, token, CAROL)).code == "OK"


@pytest.mark.parametrize(
    ("code", "signer", "change"),
    [
        (Code.NOT_OWNER, BOB, {}),
        (Code.SELF_SALE, ALICE, {"to": ALICE}),
        (Code.ACCOUNT_UNKNOWN, ALICE, {"to": "eve@club"}),
        (Code.END_INVALID, ALICE, {"ms": 0}),
    ],
)
def test_a_rental_is_refused(state: State, code: Code, signer: str, change: Any) -> None:
    token = minted(state, "p")

    assert state.do(signer, renting(state, token, **change)).code == code.name


# Refunds


def test_a_refund_reverses_the_recorded_split_to_the_unit(state: State) -> None:
    clause = f"resale on secondary_sale {{ {PAY} refund reverse; }}"
    state.do(ALICE, trading_terms("asset_default", clause, version=2, rules="permit * as all_may when true;"))
    state.values[records.CONSORTIUM_POLICY] = b'"asset_default@2"'
    token = for_sale(state, "p", 1_000, royalty=royalty(99_999, alice=333_333, root=666_667))
    state.do(BOB, buying(token, 1_000), listing(state, token, 3_333))
    before = [balance(state, account) for account in (ALICE, BOB, CAROL, ROOT)]
    assert state.do(CAROL, buying(token, 3_333)).code == "OK"

    alone = state.do(CAROL, actions.RefundSale(token=token))
    outcome = done(state, [CAROL, BOB], actions.RefundSale(token=token))

    assert alone.code == Code.SIGNER_MISSING.name
    assert sum(one.amount for one in happened(outcome, SaleRefunded).payments) == 3_333
    assert [balance(state, account) for account in (ALICE, BOB, CAROL, ROOT)] == before
    assert owner(state, token) == BOB
    assert done(state, [CAROL, BOB], actions.RefundSale(token=token)).code == Code.REFUND_UNKNOWN.name


def test_without_the_clause_a_royalty_stays_with_its_payees(state: State) -> None:
    token = for_sale(state, "p", 1_000)
    state.do(BOB, buying(token, 1_000), listing(state, token, 1_000))
    state.do(CAROL, buying(token, 1_000))

    assert done(state, [CAROL, BOB], actions.RefundSale(token=token)).code == "OK"
    assert (balance(state, ALICE), balance(state, CAROL)) == (1_075, 19_925)


def test_a_refund_of_a_first_sale_makes_the_next_one_the_first_again(state: State) -> None:
    token = for_sale(state, "p", 1_000)
    state.do(BOB, buying(token, 1_000))
    done(state, [BOB, ALICE], actions.RefundSale(token=token))
    state.do(ALICE, listing(state, token, 1_000))

    assert happened_sale(state.do(BOB, buying(token, 1_000))) == "primary_sale"


def test_a_sale_is_undone_within_its_time_by_the_owner_it_made_and_with_the_money_there(state: State) -> None:
    token = for_sale(state, "p", 1_000)
    state.do(BOB, buying(token, 1_000))
    refund = actions.RefundSale(token=token)
    state.do(ALICE, actions.Pay(to=CAROL, currency="EUR", amount=1))
    assert done(state, [BOB, ALICE], refund).code == Code.INSUFFICIENT_FUNDS.name
    state.do(CAROL, actions.Pay(to=ALICE, currency="EUR", amount=1))
    state.run(advance_ms=REFUND_MS)
    assert done(state, [BOB, ALICE], refund).code == Code.REFUND_ENDED.name
    state.do(BOB, giving(token, CAROL, FOUNDING))

    assert done(state, [BOB, ALICE], refund).code == Code.REFUND_UNKNOWN.name
