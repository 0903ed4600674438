"""Traders who look for the least royalty: whatever they sign together, one transaction gives the creator their part.

Carol made the picture, alice holds it and bob wants it. Alice, her accomplice and bob sign anything at all but carol's
name. What reaches alice's side in the transaction that brings bob the picture is what it was sold for.
"""

from __future__ import annotations

from typing import Any, get_args

import pytest
from consortium import (
    State,
    a_digest,
    a_genesis,
    balance,
    done,
    escrowed,
    listing,
    minted,
    owner,
    registering,
    trading_terms,
)  # fmt: skip
from hypothesis import given, settings, target
from hypothesis import strategies as st

from ledger import actions
from ledger.actions import Price
from ledger.encoding import decode
from ledger.errors import Code
from ledger.execution.beside import PAYING, SALES
from ledger.execution.holding import token_id
from ledger.execution.scope import policy_names
from ledger.execution.view import Ledger
from ledger.records import LicenceOffer

ALICE, BOB, CAROL, ROOT = "alice@studio", "bob@agency", "carol@club", "root@studio"
ART, JUNK, SCRAP, BOBS = (token_id(a_digest(name)) for name in ("art", "junk", "scrap", "bobs"))
RATE_PPM, FALLBACK = 75_000, 100
ON_TOP = "base tx.price; pay 10% to asset.creators by weight; payer buyer; floor {0} EUR; fallback {0} EUR;"
TRIGGERS = ("primary_sale", "gift", "swap", "rental", "licence", "derivative_mint")


def a_market() -> State:
    """Carol's picture at alice's; her accomplice's scrap; junk, and something of bob's, that pay alice a lot on top."""
    state = State(a_genesis())
    minted(state, "art", CAROL)
    minted(state, "scrap", ROOT)
    clauses = [f"on_{on} on {on} {{ {ON_TOP.format('20')} }}" for on in TRIGGERS]
    to_alice = (actions.Share(account=ALICE, weight_ppm=1_000_000),)
    for signer, asks in (
        (CAROL, [actions.TransferToken(token=ART, to=ALICE)]),
        (ALICE, [registering("secret", confidential=True), trading_terms("dear", *clauses)]),
        (ALICE, [registering("junk"), *dear_token("junk")]),
        (BOB, [registering("bobs", creators=to_alice), *dear_token("bobs")]),
        (BOB, [actions.Pay(to=ALICE, currency="EUR", amount=1_000), registering("made")]),
    ):
        assert state.do(signer, *asks).code == "OK"
    for price in (14, 1_000, 6_000):
        eur, until = Price(amount=price, currency="EUR"), state.time_ms + 600_000
        wanted = actions.OfferLicence(asset=a_digest("junk"), uses=("publish",), price=eur, until_ms=until)
        assert state.do(ALICE, wanted).code == "OK"
    return state


def offered_at(state: State, price: int) -> str:
    """Alice's offer of licences of the junk at a price."""
    offers = [decode(state.get(key) or b"", LicenceOffer) for key in state.keys("licence_offer/")]
    return next((one.id for one in offers if one.price == price), a_digest("none"))


def dear_token(name: str) -> list[Any]:
    return [actions.SetPolicy(asset=a_digest(name), policy="dear", version=1), actions.MintToken(asset=a_digest(name))]


def terms_of(state: State, name: str) -> str:
    ledger = Ledger(state)
    return " ".join(policy_names(ledger, ledger.asset(a_digest(name))))


def deals(state: State, price: int) -> list[Any]:
    """Everything that may move the picture or money, at a price."""
    art, junk, secret = (terms_of(state, name) for name in ("art", "junk", "secret"))
    until, eur = state.time_ms + 60_000, Price(amount=price, currency="EUR")
    deal: dict[str, Any] = {"price": price, "currency": "EUR"}
    tokens = ((ART, art), (JUNK, junk), (SCRAP, terms_of(state, "scrap")))
    return [
        *(actions.SellToken(token=token, to=BOB, **deal, terms=terms) for token, terms in tokens),
        *(listing(state, token, price) for token, _ in tokens),
        *(actions.BuyToken(token=token, **deal, terms=terms) for token, terms in tokens),
        *(actions.MakeOffer(token=token, **deal, until_ms=until, terms=terms) for token, terms in tokens),
        *(actions.AcceptOffer(token=token, buyer=BOB, **deal) for token, _ in tokens),
        *(actions.TransferToken(token=token, to=to, terms=terms) for token, terms in tokens for to in (ALICE, BOB)),
        *(
            actions.SwapTokens(token=ART, for_token=token, **values, terms=art, for_terms=junk)
            for token in (JUNK, BOBS)
            for values in ({}, {"value": eur, "for_value": eur})
        ),
        actions.TransferToken(token=BOBS, to=ALICE, terms=junk),
        actions.RentToken(token=JUNK, to=BOB, until_ms=until, price=eur, terms=junk),
        actions.RentToken(token=ART, to=BOB, until_ms=until, price=eur, terms=art),
        actions.GrantAccess(asset=a_digest("secret"), account=BOB, until_ms=until, price=eur, terms=secret),
        actions.GrantLicence(asset=a_digest("junk"), to=BOB, uses=("publish",), price=eur, terms=junk),
        actions.BuyLicence(asset=a_digest("junk"), offer=offered_at(state, price), price=eur, terms=junk),
        actions.DeriveAsset(asset=a_digest("made"), parents=(a_digest("junk"),), value=eur, terms=(junk,)),
        actions.DeriveAsset(asset=a_digest("made"), parents=(a_digest("junk"),), terms=(junk,)),
        actions.OpenAuction(token=JUNK, reserve=1, increment=1, currency="EUR", until_ms=state.time_ms + 2_500),
        actions.PlaceBid(token=JUNK, **deal, terms=junk),
        actions.SettleAuction(token=JUNK),
        actions.RefundSale(token=JUNK),
        actions.Pay(to=ALICE, currency="EUR", amount=price),
        actions.Pay(to=ROOT, currency="EUR", amount=price),
        actions.IssueCurrency(currency="EUR", to=ALICE, amount=price),
    ]


DEALS = len(deals(a_market(), 1))
STEP = st.tuples(st.integers(0, DEALS - 1), st.sampled_from([14, 1_000, 6_000]))
Steps = list[tuple[int, int]]
PLANS = st.tuples(st.lists(STEP, max_size=4), st.lists(STEP, min_size=1, max_size=4))
SIDES = ([BOB, ALICE, ROOT], [ALICE, BOB, ROOT], [ROOT, BOB, ALICE])
"""Whoever signs first acts, so one deal after another may need another order."""


def taken(state: State, steps: Steps) -> bool:
    """Whether a transaction of these steps goes through, whoever of them acts."""
    return any(
        done(state, signers, *(deals(state, price)[kind] for kind, price in steps)).code == "OK" for signers in SIDES
    )


def traded(before: Steps, last: Steps) -> tuple[int, int] | None:
    """What alice's side and the creator had of the last transaction together, and the creator's part.

    None if it did not bring bob the picture.
    """
    state = a_market()
    for step in before:
        taken(state, [step])
    if owner(state, ART) != ALICE:
        return None
    held = [balance(state, one) for one in (ALICE, ROOT, CAROL)]
    waiting = sum(escrowed(state).values())
    if not taken(state, last) or owner(state, ART) != BOB:
        return None
    gained = [balance(state, one) - had for one, had in zip((ALICE, ROOT, CAROL), held, strict=True)]
    return sum(gained) + max(0, sum(escrowed(state).values()) - waiting), gained[2]


def check(plan: tuple[Steps, Steps]) -> None:
    found = traded(*plan)
    if found is not None:
        paid, royalty = found
        target(float(paid - 13 * royalty))
        assert royalty >= max(1, paid * RATE_PPM // 1_000_000)


@settings(max_examples=400, deadline=None)
@given(PLANS)
def test_no_transaction_gives_the_creator_less_than_their_part(plan: tuple[Steps, Steps]) -> None:
    check(plan)


@pytest.mark.soak
@settings(max_examples=50_000, deadline=None)
@given(PLANS)
def test_no_transaction_gives_the_creator_less_than_their_part_whoever_looks_for_long(
    plan: tuple[Steps, Steps],
) -> None:
    check(plan)


# What strangers found, and what lies beside it


def place_of(kind: type, token: str = "") -> int:
    """Place of the first deal of a kind, about a token if one is named."""
    asks = enumerate(deals(a_market(), 1))
    return next(place for place, ask in asks if isinstance(ask, kind) and token in (getattr(ask, "token", ""), ""))


MUCH, HALF, LITTLE = 6_000, 4_000, 14
SALE, BUY, LIST, OFFER, ACCEPT = (
    {token: place_of(kind, token) for token in (ART, JUNK, SCRAP)}
    for kind in (actions.SellToken, actions.BuyToken, actions.ListToken, actions.MakeOffer, actions.AcceptOffer)
)
PAY, AUCTION, BID, SETTLE, RENT, GRANT, LICENCE, DERIVE, ISSUE, REFUND = map(
    place_of,
    (actions.Pay, actions.OpenAuction, actions.PlaceBid, actions.SettleAuction, actions.RentToken,
     actions.GrantAccess, actions.GrantLicence, actions.DeriveAsset, actions.IssueCurrency, actions.RefundSale),
)  # fmt: skip
FREE_DERIVATION = DERIVE + 1
SOLD = (SALE[ART], LITTLE)
DODGES: dict[str, tuple[Steps, Steps]] = {
    "a sale of junk": ([], [SOLD, (SALE[JUNK], MUCH)]),
    "an accomplice's sale": ([], [SOLD, (SALE[SCRAP], MUCH)]),
    "a sale that costs on top": ([], [SOLD, (SALE[JUNK], LITTLE)]),
    "a payment": ([], [(PAY, MUCH), SOLD]),
    "money made for it": ([], [SOLD, (ISSUE, MUCH)]),
    "a payment beside a listing": ([(LIST[ART], LITTLE)], [(BUY[ART], LITTLE), (PAY, MUCH)]),
    "a listing of scrap": ([(LIST[SCRAP], MUCH)], [SOLD, (BUY[SCRAP], MUCH)]),
    "two offers": ([(OFFER[ART], LITTLE), (OFFER[SCRAP], HALF)], [(ACCEPT[ART], LITTLE), (ACCEPT[SCRAP], HALF)]),
    "a bid that binds": ([(AUCTION, 1)], [SOLD, (BID, 50)]),
    "an auction that pays": ([(AUCTION, 1), (BID, 50)], [(SETTLE, 1), SOLD]),
    "a sale undone": ([(SALE[JUNK], 50)], [(REFUND, 1), SOLD]),
    "a rental": ([], [SOLD, (RENT, MUCH)]),
    "a licence": ([], [SOLD, (GRANT, MUCH)]),
    "another licence": ([], [SOLD, (LICENCE, MUCH)]),
    "an offered licence": ([], [SOLD, (LICENCE + 1, MUCH)]),
    "a derivation": ([], [SOLD, (DERIVE, MUCH)]),
    "a derivation's fallback": ([], [SOLD, (FREE_DERIVATION, 1)]),
    "a gift and a derivation's fallback": ([], [(place_of(actions.TransferToken, ART) + 1, 1), (FREE_DERIVATION, 1)]),
}


@pytest.mark.parametrize("dodge", sorted(DODGES))
def test_a_known_way_around_a_royalty_is_refused(dodge: str) -> None:
    assert traded(*DODGES[dodge]) is None


def test_each_known_way_is_one_because_of_what_stands_beside_the_sale() -> None:
    """So that none of them is refused for a reason of its own, each of its actions goes through alone."""
    for before, last in DODGES.values():
        for step in last:
            state = a_market()
            assert all(taken(state, [one]) for one in before)
            assert step[0] == SETTLE or taken(state, [step]), step


def test_a_swap_or_a_gift_costs_the_fallback_though_nothing_is_paid() -> None:
    for kind in (actions.SwapTokens, actions.TransferToken):
        state = a_market()
        swaps = [ask for ask in deals(state, LITTLE) if isinstance(ask, kind) and BOBS not in (ask.token, "")]
        (ask,) = [ask for ask in swaps if ask.token == ART and getattr(ask, "to", BOB) == BOB][-1:]
        assert done(state, [ALICE, BOB], ask).code == "OK"
        assert balance(state, CAROL) == 20_000 + FALLBACK


def test_what_is_sold_together_owes_its_royalty_of_the_whole_and_needs_the_sellers_word() -> None:
    state = a_market()
    even = [actions.SellToken(token=token, to=BOB, price=2_000, currency="EUR") for token in (ART, SCRAP)]
    assert done(state, [ALICE, BOB, ROOT], *even).code == "OK"
    assert balance(state, CAROL) == 20_000 + 4_000 * RATE_PPM // 1_000_000

    state = a_market()
    for seller, token in ((ALICE, ART), (ROOT, SCRAP)):
        done(state, [seller], listing(state, token, 2_000))
    cart = [actions.BuyToken(token=token, price=2_000, currency="EUR") for token in (ART, SCRAP)]
    assert done(state, [BOB], *cart).code == Code.SOLD_TOGETHER.name, "no buyer makes a seller owe more"
    assert [done(state, [BOB], one).code for one in cart] == ["OK", "OK"]


def test_nobody_spoils_an_auction_by_paying_beside_its_settlement() -> None:
    state = a_market()
    assert done(state, [ALICE], deals(state, 1)[AUCTION]).code == "OK"
    assert done(state, [BOB], deals(state, 50)[BID]).code == "OK"
    state.run(advance_ms=2_000)
    settle, pay = actions.SettleAuction(token=JUNK), actions.Pay(to=BOB, currency="EUR", amount=1)

    assert state.do(CAROL, settle, pay).code == Code.NOT_ALONE.name
    assert (state.do(CAROL, settle).code, owner(state, JUNK)) == ("OK", BOB)


QUIET = {
    actions.EnrolAccount, actions.AddKey, actions.RevokeKey, actions.RotateKey, actions.RecoverAccount,
    actions.SetRoles, actions.SuspendAccount, actions.ResumeAccount, actions.Propose, actions.CastVote,
    actions.AddNode, actions.RemoveNode, actions.SetNodeAddress, actions.RegisterModel, actions.CommitAsset,
    actions.RegisterAsset, actions.AttestAsset, actions.DisputeAsset, actions.WithdrawDispute,
    actions.DiscloseSettings, actions.EraseSettings,
    actions.MintToken, actions.ListToken, actions.UnlistToken, actions.WithdrawOffer, actions.OpenAuction,
    actions.CancelAuction, actions.CreateCurrency, actions.RedeemCurrency, actions.PublishPolicy,
    actions.SetOrgPolicy, actions.CreateCollection, actions.SetCollectionPolicy, actions.AddToCollection,
    actions.SetPolicy, actions.RevokeAccess, actions.RequestAccess, actions.ResealAsset, actions.RekeyAsset,
    actions.RegisterStatement, actions.ArchiveContent, actions.RevokeLicence, actions.UseLicence,
    actions.OfferLicence, actions.WithdrawLicenceOffer,
    actions.EnrolKeeper, actions.DealShares, actions.ComplainOfShare, actions.ConfirmShares, actions.EndCeremony,
}  # fmt: skip
"""Actions by which nobody is paid and nobody promises to pay."""
PRICED = {
    actions.RentToken, actions.GrantAccess, actions.GrantLicence, actions.BuyLicence, actions.DeriveAsset,
    actions.RegisterGenerated, actions.TransferToken, actions.SwapTokens,
}  # fmt: skip


def test_of_every_action_it_is_said_whether_it_pays() -> None:
    """A new action is put among those that pay, or among those that do not."""
    assert set(get_args(actions.AnyAction)) == {*QUIET, *PRICED, *SALES, *PAYING}
