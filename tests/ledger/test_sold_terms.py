"""What was sold is its holder's: its creator's side neither opens nor freezes it, and no dispute holds it for ever."""

from __future__ import annotations

from typing import Any

import pytest
from consortium import (
    State,
    a_digest,
    a_genesis,
    done,
    listing,
    minted,
    owner,
    registering,
    trading_terms,
)  # fmt: skip
from governed import a_governed_state, decided
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import actions
from ledger.actions import Price
from ledger.block import Outcome
from ledger.errors import Code
from ledger.execution.holding import token_id
from ledger.execution.policy import may
from ledger.execution.view import Ledger
from ledger.governance import SetConsortiumPolicy

ALICE, BOB, CAROL, NADIA, DESK = "alice@studio", "bob@agency", "carol@club", "gen@studio", "desk@agency"
SPRING = "spring@studio"
ASSET = a_digest("p")
TOKEN = token_id(ASSET)
OPENING, FREEZING = (
    "permit view as all_see when true;",
    "forbid view, sale, transfer, list, rent, grant as ransom when true;",
)
SCOPES: dict[str, Any] = {
    "organisation": lambda policy: actions.SetOrgPolicy(policy=policy, version=1),
    "collection": lambda policy: actions.SetCollectionPolicy(collection=SPRING, policy=policy, version=1),
}
WAYS = ("sale", "gift", "swap", "offer", "auction")


def a_secret(state: State, editions: bool = False) -> None:
    """A confidential picture of alice's in a collection, minted; and policies that open and freeze."""
    numbered: dict[str, Any] = {"editions": 2} if editions else {}
    made = state.do(
        ALICE,
        *(trading_terms("opening", rules=OPENING), trading_terms("freezing", rules=FREEZING), trading_terms("mild")),
        *(registering("p", confidential=True), actions.CreateCollection(collection=SPRING)),
        *(actions.AddToCollection(collection=SPRING, asset=ASSET), actions.MintToken(asset=ASSET, **numbered)),
    )
    assert made.code == "OK"


def bought(state: State, way: str = "sale") -> None:
    """Have bob get alice's token."""
    deal: dict[str, Any] = {"token": TOKEN, "price": 1_000, "currency": "EUR"}
    until = state.time_ms + 10_000
    bobs = minted(state, "bobs", BOB)
    ways: dict[str, list[tuple[str, Any]]] = {
        "sale": [(ALICE, listing(state, TOKEN, 1_000)), (BOB, actions.BuyToken(**deal))],
        "gift": [(ALICE, actions.TransferToken(token=TOKEN, to=BOB))],
        "swap": [(ALICE, actions.SwapTokens(token=TOKEN, for_token=bobs))],
        "offer": [(BOB, actions.MakeOffer(**deal, until_ms=until)),
                  (ALICE, actions.AcceptOffer(**deal, buyer=BOB))],
        "auction": [(ALICE, actions.OpenAuction(token=TOKEN, reserve=1, increment=1, currency="EUR", until_ms=until)),
                    (BOB, actions.PlaceBid(**deal))],
    }  # fmt: skip
    for signer, ask in ways[way]:
        assert done(state, [signer, *({ALICE, BOB} - {signer} if way == "swap" else ())], ask).code == "OK"
    if way == "auction":
        state.run(advance_ms=20_000)
        assert state.do(CAROL, actions.SettleAuction(token=TOKEN)).code == "OK"
    assert owner(state, TOKEN) == BOB


def seeing(state: State, who: str) -> str:
    return state.do(who, actions.RequestAccess(asset=ASSET, reader_key="00" * 32, purpose="")).code


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("scope", sorted(SCOPES))
def test_the_creators_side_neither_opens_nor_freezes_what_it_has_sold(state: State, scope: str, way: str) -> None:
    a_secret(state)
    bought(state, way)

    assert state.do(ALICE, SCOPES[scope]("opening")).code == "OK"
    assert seeing(state, NADIA) == Code.POLICY_DENIED.name
    assert state.do(ALICE, SCOPES[scope]("freezing")).code == "OK"
    assert (seeing(state, BOB), state.do(BOB, listing(state, TOKEN, 10)).code) == ("OK", "OK")


@pytest.mark.parametrize("scope", sorted(SCOPES))
def test_what_was_in_force_at_the_sale_stays(state: State, scope: str) -> None:
    a_secret(state)
    assert state.do(ALICE, SCOPES[scope]("opening")).code == "OK"
    bought(state)
    assert state.do(ALICE, SCOPES[scope]("mild")).code == "OK"

    assert seeing(state, NADIA) == "OK", "bob saw that it is open"


def test_an_auction_is_won_under_what_it_was_opened_under(state: State) -> None:
    a_secret(state)
    until = state.time_ms + 10_000
    state.do(ALICE, actions.OpenAuction(token=TOKEN, reserve=1, increment=1, currency="EUR", until_ms=until))
    state.do(BOB, actions.PlaceBid(token=TOKEN, price=5, currency="EUR"))
    state.do(ALICE, SCOPES["organisation"]("freezing"))
    state.run(advance_ms=20_000)

    assert state.do(CAROL, actions.SettleAuction(token=TOKEN)).code == "OK"
    assert (owner(state, TOKEN), seeing(state, BOB)) == (BOB, "OK")


def test_of_numbered_tokens_the_first_that_is_sold_settles_it_for_all(state: State) -> None:
    a_secret(state, editions=True)
    first, second = (token_id(ASSET, number) for number in (1, 2))
    assert state.do(ALICE, actions.TransferToken(token=first, to=BOB)).code == "OK"
    state.do(ALICE, SCOPES["organisation"]("freezing"))

    codes = [state.do(by, listing(state, token, 10)).code for by, token in ((BOB, first), (ALICE, second))]

    assert codes == ["OK", "OK"]


def test_a_vote_takes_down_what_was_sold_and_the_holder_agrees_to_other_terms() -> None:
    state = a_governed_state()
    a_secret(state)
    bought(state)
    assert done(state, [BOB, ALICE], actions.SetPolicy(asset=ASSET, policy="opening", version=1)).code == "OK"
    assert seeing(state, NADIA) == "OK"

    assert decided(state, SetConsortiumPolicy(policy="freezing", version=1)).code == "OK"

    assert (seeing(state, NADIA), seeing(state, BOB)) == (Code.POLICY_DENIED.name,) * 2


def granting(state: State, price: int | None = 100, ms: int = 1_000_000) -> Outcome:
    paid: dict[str, Any] = {} if price is None else {"price": Price(amount=price, currency="EUR")}
    ask = actions.GrantAccess(asset=ASSET, account=BOB, until_ms=state.time_ms + ms, **paid)
    return done(state, [ALICE] if price is None else [ALICE, BOB], ask)


@pytest.mark.parametrize("scope", sorted(SCOPES))
def test_who_paid_to_see_a_picture_sees_it_whatever_its_owner_does_until_the_end(state: State, scope: str) -> None:
    a_secret(state)
    assert granting(state).code == "OK"
    revoking = actions.RevokeAccess(asset=ASSET, account=BOB)

    assert state.do(ALICE, SCOPES[scope]("freezing")).code == "OK"
    assert seeing(state, BOB) == "OK"
    assert may(Ledger(state), Ledger(state).asset(ASSET), "view", BOB, state.height, state.time_ms, 40_000)
    assert state.do(ALICE, SCOPES[scope]("mild")).code == "OK"
    assert state.do(ALICE, revoking).code == granting(state, None, 1_500).code == Code.GRANT_PAID.name
    assert done(state, [ALICE, BOB], revoking).code == "OK", "with its signature"
    assert seeing(state, BOB) == Code.POLICY_DENIED.name


def test_what_was_paid_for_ends_and_what_was_not_is_ended_by_the_owner(state: State) -> None:
    a_secret(state)
    assert (granting(state, 100, 5_000).code, seeing(state, BOB)) == ("OK", "OK")
    state.run(advance_ms=5_000)
    assert seeing(state, BOB) == Code.POLICY_DENIED.name
    assert granting(state, None).code == "OK"
    assert state.do(ALICE, actions.RevokeAccess(asset=ASSET, account=BOB)).code == "OK"


def test_a_dispute_holds_a_picture_for_its_time_once_for_each_org_and_is_shown_until_it_is_settled() -> None:
    state = a_governed_state()
    held = trading_terms("held", rules='forbid transfer as disputed when asset.evidence == "disputed";')
    state.do(ALICE, held, SCOPES["organisation"]("held"))
    token = minted(state, "p")
    hold = Ledger(state).parameters().dispute_hold_ms
    giving = actions.TransferToken(token=token, to=BOB)
    disputing = actions.DisputeAsset(asset=ASSET, reason="altered", evidence="ab" * 32)

    assert state.do(DESK, disputing).code == "OK"
    assert state.do(ALICE, giving).code == Code.POLICY_DENIED.name
    state.run(advance_ms=hold)
    assert Ledger(state).asset(ASSET).evidence_level == "disputed"
    assert state.do(DESK, actions.WithdrawDispute(asset=ASSET)).code == state.do(DESK, disputing).code == "OK"

    assert state.do(ALICE, giving).code == "OK", "the same org holds it once"


MOVES = st.lists(
    st.tuples(st.sampled_from([*sorted(SCOPES), "resale"]), st.sampled_from(["opening", "freezing", "mild"]))
)


@settings(max_examples=40, deadline=None)
@given(MOVES)
def test_whatever_the_creators_side_does_the_holder_sees_and_others_do_not(moves: list[tuple[str, str]]) -> None:
    state = State(a_genesis())
    a_secret(state)
    bought(state)
    for scope, policy in moves:
        held = owner(state, TOKEN)
        if scope == "resale":
            deal = actions.SellToken(token=TOKEN, to=CAROL if held == BOB else BOB, price=100, currency="EUR")
            assert done(state, [BOB, CAROL] if held == BOB else [CAROL, BOB], deal).code == "OK"
        else:
            assert state.do(ALICE, SCOPES[scope](policy)).code == "OK"
        assert seeing(state, owner(state, TOKEN)) == "OK"
        assert seeing(state, NADIA) == Code.POLICY_DENIED.name
