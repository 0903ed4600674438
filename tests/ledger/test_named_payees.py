"""A policy pays somebody by name: exactly, on what it says and nothing else, whatever the minter states."""

from __future__ import annotations

from typing import Any

import pytest
from consortium import State, a_digest, done, happened, listing, open_consortium, registering, royalty, trading_terms
from msgspec import UNSET

from ledger import actions, records
from ledger.actions import Share
from ledger.encoding import encode
from ledger.errors import Code
from ledger.events import TokenSold, TokenTransferred
from ledger.execution.holding import token_id
from ledger.execution.view import Ledger

ALICE, BOB, ROOT = "alice@studio", "bob@agency", "root@studio"
SOCIETY = "carol@club"
PAID = 'base tx.price; pay 10% to asset.creators by weight; pay 2% to "carol@club";'
RESALE = f"resale on secondary_sale {{ {PAID} }}"
TEAM = (Share(account=ALICE, weight_ppm=700_000), Share(account=BOB, weight_ppm=200_000))
WITH_ROOT = (*TEAM, Share(account=ROOT, weight_ppm=100_000))


@pytest.fixture
def state(state: State) -> State:
    open_consortium(state)
    for name, clauses in (("society", (RESALE,)), ("free", ())):
        assert state.do(ALICE, trading_terms(name, *clauses)).code == "OK"
    for account in (BOB, ROOT):
        assert state.do(ROOT, actions.IssueCurrency(currency="EUR", to=account, amount=100_000)).code == "OK"
    return state


def put(policy: str, scope: str = "asset") -> Any:
    if scope == "organisation":
        return actions.SetOrgPolicy(policy=policy, version=1)
    return actions.SetPolicy(asset=a_digest("p"), policy=policy, version=1)


def minted_under(state: State, scope: str = "asset", **mint: Any) -> str:
    """A token of alice's, minted under the society's policy and then given to bob."""
    team = registering("p", creators=WITH_ROOT)
    steps = [team, put("society", scope), actions.MintToken(asset=a_digest("p"), **mint)]
    assert state.do(ALICE, *steps).code == "OK"
    given = state.do(ALICE, actions.TransferToken(token=token_id(a_digest("p")), to=BOB))
    assert (given.code, happened(given, TokenTransferred).payments) == ("OK", ())
    return token_id(a_digest("p"))


def resold(state: State, token: str, price: int, seller: str = BOB, buyer: str = ROOT) -> dict[str, int]:
    """What royalties a resale pays."""
    assert state.do(seller, listing(state, token, price)).code == "OK"
    sold = state.do(buyer, actions.BuyToken(token=token, price=price, currency="EUR"))
    assert sold.code == "OK"
    return {one.to: one.amount for one in happened(sold, TokenSold).payments if one.reason == "royalty"}


def vote(state: State, policy: str) -> None:
    state.values[records.CONSORTIUM_POLICY] = encode(f"{policy}@1")


def test_creators_share_their_part_and_whom_the_policy_names_has_theirs_on_resales_and_not_on_gifts(
    state: State,
) -> None:
    token = minted_under(state)

    assert resold(state, token, 1_000) == {ALICE: 70, BOB: 20, ROOT: 10, SOCIETY: 20}


def test_what_the_minter_states_is_in_place_of_the_creators_part_alone(state: State) -> None:
    token = minted_under(state, royalty=royalty(50_000, alice=1_000_000))

    assert resold(state, token, 1_000) == {ALICE: 50, SOCIETY: 20}


def test_the_cap_bounds_what_the_minter_states_with_what_the_policy_pays_by_name(state: State) -> None:
    capped = trading_terms("capped", f"resale on secondary_sale {{ {PAID} cap 12%; }}")
    assert state.do(ALICE, capped).code == "OK"

    def minting(rate: int) -> str:
        name = f"p{rate}"
        asset = a_digest(name)
        setting = actions.SetPolicy(asset=asset, policy="capped", version=1)
        mint = actions.MintToken(asset=asset, royalty=royalty(rate, alice=1_000_000))
        return state.do(ALICE, registering(name), setting, mint).code

    assert [minting(rate) for rate in (100_000, 100_001)] == ["OK", Code.ROYALTY_OVER_CAP.name]


def test_without_a_cap_all_rates_together_stay_within_the_price(state: State) -> None:
    mint = actions.MintToken(asset=a_digest("p"), royalty=royalty(980_001, alice=1_000_000))

    assert state.do(ALICE, registering("p"), put("society"), mint).code == Code.ROYALTY_OVER_CAP.name


@pytest.mark.parametrize("scope", ["asset", "organisation"])
@pytest.mark.parametrize("own", [UNSET, royalty(50_000, alice=1_000_000)])
def test_creators_and_holders_together_do_not_shed_whom_the_policy_names(state: State, scope: str, own: Any) -> None:
    token = minted_under(state, scope, royalty=own)

    assert done(state, [BOB, ALICE, ROOT], put("free")).code == "OK"

    assert resold(state, token, 1_000)[SOCIETY] == 20


def test_creators_and_holders_do_waive_what_is_their_own(state: State) -> None:
    assert state.do(ALICE, trading_terms("own", RESALE.replace('pay 2% to "carol@club";', ""))).code == "OK"
    team = [registering("p", creators=WITH_ROOT), put("own"), actions.MintToken(asset=a_digest("p"))]
    assert state.do(ALICE, *team, actions.TransferToken(token=token_id(a_digest("p")), to=BOB)).code == "OK"

    assert done(state, [BOB, ALICE, ROOT], put("free")).code == "OK"

    assert resold(state, token_id(a_digest("p")), 1_000) == {}


def test_a_vote_pays_them_less_and_not_more(state: State) -> None:
    token = minted_under(state)
    lower = "resale on secondary_sale { base tx.price; pay 5% to asset.creators by weight; pay 1% to 'carol@club'; }"
    for name, clause in (("lower", lower), ("higher", RESALE.replace("pay 2%", "pay 30%"))):
        rules = "permit * as all_may when true;"
        assert state.do(ALICE, trading_terms(name, clause, rules=rules)).code == "OK"

    vote(state, "higher")
    assert resold(state, token, 1_000)[SOCIETY] == 20
    vote(state, "lower")
    assert resold(state, token, 1_000, ROOT, BOB) == {ALICE: 35, BOB: 10, ROOT: 5, SOCIETY: 10}


def test_no_unit_is_lost_however_the_parts_fall(state: State) -> None:
    token = minted_under(state)
    holders = [BOB, ROOT]

    for number, price in enumerate((9, 10, 11, 99, 101, 333, 1_001, 9_999)):
        seller, buyer = holders[number % 2], holders[1 - number % 2]
        assert sum(resold(state, token, price, seller, buyer).values()) == price * 12 // 100


@pytest.mark.parametrize("payee", ["nobody@club", "carol", "Carol@club", "carol@club "])
def test_whom_a_policy_names_is_an_account_that_there_is(state: State, payee: str) -> None:
    clause = RESALE.replace("carol@club", payee)

    assert state.do(ALICE, trading_terms("wrong", clause)).code == Code.POLICY_INVALID.name


def test_a_derivative_owes_its_ancestors_creators_rate_alone(state: State) -> None:
    deriving = actions.DeriveAsset(asset=a_digest("night"), parents=(a_digest("p"),))
    assert state.do(ALICE, registering("p"), put("society"), registering("night"), deriving).code == "OK"

    (ancestor,) = Ledger(state).lineage(a_digest("night")).ancestors
    assert (ancestor.stacked_ppm, ancestor.direct_ppm) == (100_000, 100_000)
