"""Offers and auctions: whose money waits where, every way out of an escrow, and that no history strands any."""

from __future__ import annotations

import random
from typing import Any

import pytest
from consortium import (
    START_MS,
    State,
    a_digest,
    balance,
    done,
    escrowed,
    for_sale,
    happened,
    listing,
    minted,
    owner,
    trading_terms,
)  # fmt: skip
from histories import (
    DEAR,
    KINDS,
    SHARED,
    STEPS,
    a_market,
    accepting,
    auctioning,
    bidding,
    offering,
    wanted_of,
)
from hypothesis import given, settings

from ledger import actions, records
from ledger.encoding import encode
from ledger.errors import Code
from ledger.events import AuctionClosed, BidPlaced, EscrowReturned, TokenSold
from ledger.execution.auction import SETTLE_MS

ALICE, BOB, CAROL, ROOT = "alice@studio", "bob@agency", "carol@club", "root@studio"
HOUR = 3_600_000
FAR = START_MS + 2 * records.Parameters().consent_ms_max


def take_down(state: State) -> None:
    """Put the consortium under a policy that lets nothing be sold."""
    state.do(ALICE, trading_terms("closed", rules='forbid sale as takedown when true reason "taken down";'))
    state.values[records.CONSORTIUM_POLICY] = encode("closed@1")


def in_force_for_org(state: State, name: str, rules: str = "", *clauses: str) -> str:
    """Put all assets of alice's org under a policy; the terms that are in force then."""
    in_force = actions.SetOrgPolicy(policy=name, version=1)
    assert state.do(ALICE, trading_terms(name, *clauses, rules=rules), in_force).code == "OK"
    return f"asset_default@1 {name}@1"


# Offers


def test_an_offers_money_waits_and_pays_when_accepted(state: State) -> None:
    token = minted(state, "p")
    state.do(BOB, offering(state, token, 1_000))
    waiting = (balance(state, BOB), sum(escrowed(state).values()))

    outcome = state.do(ALICE, accepting(token, 1_000))

    assert waiting == (9_000, 1_000)
    assert (outcome.code, owner(state, token)) == ("OK", BOB)
    assert (balance(state, ALICE), balance(state, BOB), escrowed(state)) == (1_000, 9_000, {})


def test_a_second_offer_replaces_the_first_and_returns_its_money(state: State) -> None:
    token = minted(state, "p")
    state.do(BOB, offering(state, token, 9_000))

    outcome = state.do(BOB, offering(state, token, 8_000))

    assert happened(outcome, EscrowReturned).amount == 9_000
    assert balance(state, BOB) == 2_000


def test_an_offer_is_withdrawn_by_its_buyer_or_by_anybody_once_it_has_ended(state: State) -> None:
    token = minted(state, "p")
    withdraw = actions.WithdrawOffer(token=token, buyer=BOB)
    state.do(BOB, offering(state, token, 1_000))

    assert state.do(CAROL, withdraw).code == Code.OFFER_OPEN.name
    assert (state.do(BOB, withdraw).code, balance(state, BOB)) == ("OK", 10_000)
    state.do(BOB, offering(state, token, 1_000))
    state.run(advance_ms=HOUR)
    assert state.do(ALICE, accepting(token, 1_000)).code == Code.OFFER_ENDED.name
    assert (state.do(CAROL, withdraw).code, balance(state, BOB)) == ("OK", 10_000)


def test_an_offer_is_not_accepted_under_other_terms_than_the_buyer_saw(state: State) -> None:
    token = minted(state, "p")
    state.do(BOB, offering(state, token, 1_000, terms="asset_default@1"))
    state.do(ALICE, trading_terms("house"), actions.SetPolicy(asset=a_digest("p"), policy="house", version=1))

    assert state.do(ALICE, accepting(token, 1_000)).code == Code.TERMS_CHANGED.name


def test_what_the_buyer_pays_on_top_is_in_escrow_too_and_no_later_clause_takes_more(state: State) -> None:
    token = minted(state, "p")
    for version, rate in ((1, "10%"), (2, "20%"), (3, "5%")):
        state.do(ALICE, trading_terms("dear", DEAR.format(rate), version=version))
    state.do(ALICE, actions.SetPolicy(asset=a_digest("p"), policy="dear", version=1))
    state.do(BOB, offering(state, token, 1_000))
    held = sum(escrowed(state).values())
    state.do(ALICE, actions.SetPolicy(asset=a_digest("p"), policy="dear", version=2))

    outcome = state.do(ALICE, accepting(token, 1_000))

    # The token was minted without such a clause, so it owes nothing on top, before and after.
    assert (held, outcome.code, balance(state, BOB)) == (1_000, "OK", 9_000)


@pytest.mark.parametrize(
    ("code", "signer", "ask"),
    [
        (Code.SELF_SALE, ALICE, lambda state, token: offering(state, token, 5)),
        (Code.TOKEN_UNKNOWN, BOB, lambda state, token: offering(state, a_digest("none"), 5)),
        (Code.CURRENCY_UNKNOWN, BOB, lambda state, token: offering(state, token, 5, currency="XYZ")),
        (Code.END_INVALID, BOB, lambda state, token: offering(state, token, 5, until_ms=state.time_ms)),
        (Code.END_INVALID, BOB, lambda state, token: offering(state, token, 5, until_ms=FAR)),
        (Code.INSUFFICIENT_FUNDS, BOB, lambda state, token: offering(state, token, 10_001)),
        (Code.TERMS_CHANGED, BOB, lambda state, token: offering(state, token, 5, terms="other@1")),
        (Code.OFFER_UNKNOWN, ALICE, lambda state, token: accepting(token, 5, CAROL)),
        (Code.OFFER_UNKNOWN, CAROL, lambda state, token: actions.WithdrawOffer(token=token, buyer=CAROL)),
        (Code.NOT_OWNER, BOB, lambda state, token: accepting(token, 1_000)),
        (Code.PRICE_CHANGED, ALICE, lambda state, token: accepting(token, 999)),
        (Code.CURRENCY_MISMATCH, ALICE, lambda state, token: accepting(token, 1_000, currency="USD")),
    ],
)  # fmt: skip
def test_an_offer_is_refused(state: State, code: Code, signer: str, ask: Any) -> None:
    token = minted(state, "p")
    state.do(BOB, offering(state, token, 1_000))
    before = escrowed(state)

    assert state.do(signer, ask(state, token)).code == code.name
    assert escrowed(state) == before


# Auctions


def test_the_highest_bidder_has_the_token_and_everybody_else_their_money(state: State) -> None:
    token = minted(state, "p")
    state.do(ALICE, auctioning(state, token))
    state.do(BOB, bidding(token, 100))
    outbid = state.do(CAROL, bidding(token, 110))
    between = (balance(state, BOB), balance(state, CAROL))
    state.do(BOB, bidding(token, 200))
    state.run(advance_ms=HOUR)

    outcome = state.do("notary@studio", actions.SettleAuction(token=token))

    assert happened(outbid, EscrowReturned).to == BOB
    assert between == (10_000, 19_890)
    assert (happened(outcome, TokenSold).price, happened(outcome, AuctionClosed).sold) == (200, True)
    assert (owner(state, token), balance(state, ALICE), balance(state, CAROL)) == (BOB, 200, 20_000)
    assert escrowed(state) == {}


def test_a_late_bid_moves_the_end(state: State) -> None:
    token = minted(state, "p")
    state.do(ALICE, auctioning(state, token, extension_ms=60_000))
    state.run(advance_ms=HOUR - 10_000)

    placed = happened(state.do(BOB, bidding(token, 100)), BidPlaced)

    assert placed.until_ms == state.time_ms + 60_000


def test_an_auction_without_bids_is_cancelled_or_closed_by_anybody(state: State) -> None:
    token = minted(state, "p")
    state.do(ALICE, auctioning(state, token))
    assert state.do(ALICE, actions.CancelAuction(token=token)).code == "OK"
    state.do(ALICE, auctioning(state, token))
    state.run(advance_ms=HOUR)

    closed = happened(state.do(CAROL, actions.SettleAuction(token=token)), AuctionClosed)

    assert (closed.sold, closed.why, owner(state, token)) == (False, "NO_BIDS", ALICE)


def test_a_takedown_ends_an_auction_with_the_money_back(state: State) -> None:
    token = minted(state, "p")
    state.do(ALICE, auctioning(state, token))
    state.do(BOB, bidding(token, 100))
    take_down(state)
    state.run(advance_ms=HOUR)

    result = state.run(state.transaction(CAROL, actions.SettleAuction(token=token)))

    closed = happened(result.outcomes[0], AuctionClosed)
    assert (closed.sold, closed.why) == (False, "POLICY_DENIED")
    assert "taken down" in str(result.explanations)
    assert (balance(state, BOB), escrowed(state), owner(state, token)) == (10_000, {}, ALICE)


def test_a_suspended_seller_strands_no_money(state: State) -> None:
    token = minted(state, "p")
    state.do(ALICE, auctioning(state, token))
    state.do(BOB, bidding(token, 100))
    assert state.do(ROOT, actions.SuspendAccount(account=ALICE)).code == "OK"
    state.run(advance_ms=HOUR)

    assert state.do(CAROL, actions.SettleAuction(token=token)).code == "OK"
    assert (balance(state, BOB), escrowed(state)) == (10_000, {})


def an_auction_whose_terms_changed(state: State) -> tuple[str, str]:
    """A token that bob has bid 100 for, the auction over, and the terms in force now."""
    token = minted(state, "p")
    state.do(ALICE, auctioning(state, token))
    state.do(BOB, bidding(token, 100, terms="asset_default@1"))
    terms = in_force_for_org(state, "house")
    state.run(advance_ms=HOUR)
    return token, terms


def test_where_terms_have_changed_the_bidder_alone_says_whether_it_buys(state: State) -> None:
    token, terms = an_auction_whose_terms_changed(state)
    settling = actions.SettleAuction(token=token)
    others = [state.do(one, settling).code for one in (ALICE, CAROL)]
    pretended = state.do(ALICE, actions.SettleAuction(token=token, terms=terms)).code

    outcome = state.do(BOB, actions.SettleAuction(token=token, terms=terms))

    assert others == [Code.TERMS_CHANGED.name] * 2
    assert pretended == Code.SIGNER_MISSING.name
    assert (happened(outcome, TokenSold).price, owner(state, token), escrowed(state)) == (100, BOB, {})


def test_where_terms_have_changed_the_bidder_has_its_money_if_it_will_not_buy(state: State) -> None:
    token, _ = an_auction_whose_terms_changed(state)

    assert happened(state.do(BOB, actions.SettleAuction(token=token)), AuctionClosed).why == "TERMS_CHANGED"
    assert (balance(state, BOB), owner(state, token), escrowed(state)) == (10_000, ALICE, {})


def test_where_terms_have_changed_and_the_bidder_says_nothing_anybody_returns_its_money_after_a_week(
    state: State,
) -> None:
    token, _ = an_auction_whose_terms_changed(state)
    state.run(advance_ms=SETTLE_MS)

    assert happened(state.do(CAROL, actions.SettleAuction(token=token)), AuctionClosed).why == "AUCTION_ENDED"
    assert (balance(state, BOB), escrowed(state)) == (10_000, {})


TRICKS = {
    "forbid": ("forbid sale as regret when true;",),
    "payer": ("", f"first on primary_sale {{ {SHARED} payer buyer; floor 9 EUR; }}"),
    "currency": ("", f"first on primary_sale {{ {SHARED} floor 9 USD; }}"),
}


@pytest.mark.parametrize("trick", sorted(TRICKS))
def test_no_policy_that_the_sellers_side_puts_in_force_gets_it_out_of_a_bid(state: State, trick: str) -> None:
    state.do(ROOT, actions.CreateCurrency(currency="USD", decimals=2))
    token = minted(state, "p")
    state.do(ALICE, auctioning(state, token))
    state.do(BOB, bidding(token, 100))
    in_force_for_org(state, trick, *TRICKS[trick])
    assert state.do(CAROL, bidding(token, 200)).code == "OK", "nor does it keep others from bidding"
    state.run(advance_ms=HOUR)

    assert happened(state.do(BOB, actions.SettleAuction(token=token)), AuctionClosed).sold
    assert (owner(state, token), balance(state, ALICE), balance(state, CAROL)) == (CAROL, 200, 19_800)


def test_an_auction_nobody_ends_only_gives_the_money_back_after_a_week(state: State) -> None:
    token = minted(state, "p")
    state.do(ALICE, auctioning(state, token))
    state.do(BOB, bidding(token, 100))
    state.run(advance_ms=HOUR + SETTLE_MS)

    assert happened(state.do(CAROL, actions.SettleAuction(token=token)), AuctionClosed).why == "AUCTION_ENDED"
    assert (balance(state, BOB), owner(state, token)) == (10_000, ALICE)


def test_nobody_spoils_an_auction_by_settling_it_without_the_fuel_to_decide(state: State) -> None:
    token = minted(state, "p")
    state.do(ALICE, auctioning(state, token))
    state.do(BOB, bidding(token, 100))
    state.run(advance_ms=HOUR)
    burn = [trading_terms("burner", version=version, rules=f"// {'x' * 15_000}\n") for version in range(1, 13)]
    roles = actions.SetRoles(account="carol@club", roles=("rights-manager",))
    assert state.do("root@club", roles).code == "OK"

    spoiled = state.do(CAROL, *burn, actions.SettleAuction(token=token))

    assert spoiled.code == Code.FUEL_EXHAUSTED.name
    assert happened(state.do(CAROL, actions.SettleAuction(token=token)), AuctionClosed).sold


@pytest.mark.parametrize(
    ("code", "signer", "ask"),
    [
        (Code.SELF_SALE, ALICE, lambda state, token: bidding(token, 500)),
        (Code.AUCTION_UNKNOWN, BOB, lambda state, token: bidding(a_digest("none"), 500)),
        (Code.CURRENCY_MISMATCH, CAROL, lambda state, token: bidding(token, 500, currency="USD")),
        (Code.BID_TOO_LOW, CAROL, lambda state, token: bidding(token, 109)),
        (Code.INSUFFICIENT_FUNDS, CAROL, lambda state, token: bidding(token, 20_001)),
        (Code.TERMS_CHANGED, CAROL, lambda state, token: bidding(token, 500, terms="other@1")),
        (Code.AUCTION_OPEN, BOB, lambda state, token: actions.SettleAuction(token=token)),
        (Code.AUCTION_OPEN, ALICE, lambda state, token: actions.CancelAuction(token=token)),
        (Code.NOT_OWNER, BOB, lambda state, token: actions.CancelAuction(token=token)),
        (Code.TOKEN_AUCTIONED, ALICE, lambda state, token: auctioning(state, token)),
        (Code.TOKEN_AUCTIONED, ALICE, lambda state, token: listing(state, token, 5)),
        (Code.TOKEN_AUCTIONED, ALICE, lambda state, token: actions.TransferToken(token=token, to=BOB)),
        (Code.TOKEN_AUCTIONED, ALICE, lambda state, token: accepting(token, 700, CAROL)),
    ],
)
def test_at_an_auction_is_refused(state: State, code: Code, signer: str, ask: Any) -> None:
    token = minted(state, "p")
    state.do(CAROL, offering(state, token, 700))
    state.do(ALICE, auctioning(state, token))
    state.do(BOB, bidding(token, 100))
    before = escrowed(state)

    assert state.do(signer, ask(state, token)).code == code.name
    assert escrowed(state) == before


def test_what_is_for_sale_is_not_auctioned_and_an_auction_has_an_end(state: State) -> None:
    token = for_sale(state, "p", 10)

    assert state.do(ALICE, auctioning(state, token)).code == Code.TOKEN_LISTED.name
    state.do(ALICE, actions.UnlistToken(token=token))
    assert state.do(ALICE, auctioning(state, token, until_ms=state.time_ms)).code == Code.END_INVALID.name
    assert state.do(ALICE, auctioning(state, token)).code == "OK"
    state.run(advance_ms=HOUR)
    assert state.do(BOB, bidding(token, 100)).code == Code.AUCTION_ENDED.name


# Nothing strands money


@settings(max_examples=60, deadline=None)
@given(STEPS)
def test_no_history_makes_loses_or_strands_money(steps: list[tuple[int, int, int, int, int]]) -> None:
    """After all ends have passed and anybody has closed what is open, no escrow holds a unit, whatever went before."""
    (state, tokens), accounts = a_market(), [ALICE, BOB, CAROL, ROOT]
    for step in steps:
        signers, asks = wanted_of(state, tokens, accounts, step)
        done(state, signers, *asks)
        assert sum(balance(state, account) for account in accounts) + sum(escrowed(state).values()) == 30_000

    state.run(advance_ms=HOUR + SETTLE_MS)
    for token in tokens:
        state.do("notary@studio", actions.SettleAuction(token=token))
        for buyer in accounts:
            state.do("notary@studio", actions.WithdrawOffer(token=token, buyer=buyer))

    assert escrowed(state) == {}
    assert list(state.keys(records.auction_key(""))) == list(state.keys("offer/")) == []
    assert sum(balance(state, account) for account in accounts) == 30_000


def test_the_histories_reach_every_step_but_the_sale_that_pretends_to_be_a_gift() -> None:
    chance, reached = random.Random(1), set()
    for _ in range(60):
        state, tokens = a_market()
        for _ in range(40):
            kind = chance.randrange(KINDS)
            who, other, which, amount = (chance.randrange(most) for most in (4, 4, 5, 3_000))
            step = (kind, who, other, which, amount + 1)
            signers, asks = wanted_of(state, tokens, [ALICE, BOB, CAROL, ROOT], step)
            if done(state, signers, *asks).code == "OK":
                reached.add(kind)

    assert reached == set(range(KINDS - 1))
