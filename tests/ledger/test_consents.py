"""Consents end with the key that gave them, and with time: nothing that a thief said outlives the recovery."""

from __future__ import annotations

from typing import Any

import pytest
from consortium import State, a_digest, balance, done, escrowed, key_of, listing, minted, owner, registering
from governed import a_governed_state, proposal_in, propose, vote

from ledger import actions
from ledger.actions import Price
from ledger.errors import Code
from ledger.execution.holding import user_of
from ledger.execution.view import Ledger
from ledger.governance import SetParameters
from ledger.transaction import Signer

ALICE, BOB, CAROL, ROOT = "alice@studio", "bob@agency", "carol@club", "root@studio"
NEW, STOLEN = key_of("the key after"), key_of("a second key")
DEAL: dict[str, Any] = {"price": 100, "currency": "EUR"}


def recover(state: State, account: str = ALICE, by: str = ROOT) -> None:
    assert state.do(by, actions.RecoverAccount(account=account, key=NEW.public)).code == "OK"


def revoke_own(state: State) -> None:
    """Have alice revoke the key that she has given everything with."""
    assert state.do(ALICE, actions.AddKey(key=NEW.public)).code == "OK"
    old = actions.RevokeKey(account=ALICE, key=key_of(ALICE).public)
    assert with_new(state, old).code == "OK"


def rotate(state: State) -> None:
    assert state.do(ALICE, actions.RotateKey(old=key_of(ALICE).public, new=NEW.public)).code == "OK"


def revoke_by_another(state: State) -> None:
    assert state.do(ALICE, actions.AddKey(key=NEW.public)).code == "OK"
    assert state.do(ROOT, actions.RevokeKey(account=ALICE, key=key_of(ALICE).public)).code == "OK"


def with_new(state: State, *asks: Any, account: str = ALICE) -> Any:
    """Outcome of what an account signs with its new key."""
    return state.do(account, *asks, key=NEW, signers=(Signer(account=account, key=NEW.public),))


ENDINGS = {"recovered": recover, "revoked": revoke_own, "rotated": rotate, "by another": revoke_by_another}
LOST = {"recovered", "by another"}


@pytest.mark.parametrize("how", sorted(ENDINGS))
def test_a_listing_ends_with_its_key_and_is_confirmed_by_giving_it_again(state: State, how: str) -> None:
    token = minted(state, "p")
    state.do(ALICE, listing(state, token, 100))
    ENDINGS[how](state)

    assert state.do(BOB, actions.BuyToken(token=token, **DEAL)).code == Code.CONSENT_ENDED.name
    assert with_new(state, listing(state, token, 100)).code == "OK"
    assert state.do(BOB, actions.BuyToken(token=token, **DEAL)).code == "OK"


@pytest.mark.parametrize("how", sorted(ENDINGS))
def test_an_offer_ends_with_its_key_and_anybody_returns_its_money(state: State, how: str) -> None:
    state.do(BOB, actions.Pay(to=ALICE, currency="EUR", amount=1_000))
    token = minted(state, "b", BOB)
    state.do(ALICE, actions.MakeOffer(token=token, **DEAL, until_ms=state.time_ms + 10**6))
    withdrawing = actions.WithdrawOffer(token=token, buyer=ALICE)
    assert state.do(CAROL, withdrawing).code == Code.OFFER_OPEN.name
    ENDINGS[how](state)

    assert state.do(BOB, actions.AcceptOffer(token=token, buyer=ALICE, **DEAL)).code == Code.CONSENT_ENDED.name
    assert state.do(CAROL, withdrawing).code == "OK"
    assert (balance(state, ALICE), escrowed(state)) == (1_000, {})


def test_a_suspended_accounts_listing_and_offer_wait_until_it_is_resumed(state: State) -> None:
    state.do(BOB, actions.Pay(to=ALICE, currency="EUR", amount=1_000))
    token, bobs = minted(state, "p"), minted(state, "b", BOB)
    offer = actions.MakeOffer(token=bobs, **DEAL, until_ms=state.time_ms + 10**6)
    state.do(ALICE, listing(state, token, 100), offer)
    deals = actions.BuyToken(token=token, **DEAL), actions.AcceptOffer(token=bobs, buyer=ALICE, **DEAL)
    state.do(ROOT, actions.SuspendAccount(account=ALICE))

    assert [state.do(BOB, deal).code for deal in deals] == [Code.CONSENT_ENDED.name] * 2
    state.do(ROOT, actions.ResumeAccount(account=ALICE))
    assert [state.do(BOB, deal).code for deal in deals] == ["OK", "OK"]


def auctioned(state: State) -> str:
    """A token of alice's that bob has bid for."""
    token = minted(state, "p")
    until = state.time_ms + 10_000
    opening = actions.OpenAuction(token=token, reserve=1, increment=1, currency="EUR", until_ms=until)
    assert state.do(ALICE, opening).code == state.do(BOB, actions.PlaceBid(token=token, **DEAL)).code == "OK"
    return token


@pytest.mark.parametrize("how", sorted(ENDINGS))
def test_an_auction_ends_with_a_lost_key_and_no_seller_gets_out_of_it_by_changing_its_own(
    state: State, how: str
) -> None:
    token = auctioned(state)
    ENDINGS[how](state)

    assert state.do(CAROL, actions.PlaceBid(token=token, price=200, currency="EUR")).code == (
        Code.CONSENT_ENDED.name if how in LOST else "OK"
    )
    at_once = state.do(CAROL, actions.SettleAuction(token=token)).code
    state.run(advance_ms=20_000)
    state.do(CAROL, actions.SettleAuction(token=token))

    assert at_once == ("OK" if how in LOST else Code.AUCTION_OPEN.name)
    assert owner(state, token) == (ALICE if how in LOST else CAROL)
    assert (balance(state, BOB), escrowed(state)) == (10_000, {})


def test_a_thief_who_changes_keys_before_the_recovery_has_bound_nobody(state: State) -> None:
    token = minted(state, "p")
    assert state.do(ALICE, actions.AddKey(key=STOLEN.public)).code == "OK"
    signers = (Signer(account=ALICE, key=STOLEN.public),)
    opening = actions.OpenAuction(token=token, reserve=1, increment=1, currency="EUR", until_ms=state.time_ms + 10_000)
    rotating = actions.RotateKey(old=STOLEN.public, new=key_of("a third key").public)
    assert state.do(ALICE, opening, rotating, key=STOLEN, signers=signers).code == "OK"
    state.do(BOB, actions.PlaceBid(token=token, price=1, currency="EUR"))
    recover(state)
    state.run(advance_ms=20_000)

    assert state.do(BOB, actions.SettleAuction(token=token)).code == "OK"
    assert owner(state, token) == ALICE


@pytest.mark.parametrize("before_the_end", [True, False])
def test_a_bid_of_a_lost_key_gives_way_and_its_money_goes_back(state: State, before_the_end: bool) -> None:
    state.do(BOB, actions.Pay(to=ALICE, currency="EUR", amount=1_000))
    token = minted(state, "b", BOB)
    opening = actions.OpenAuction(token=token, reserve=1, increment=1, currency="EUR", until_ms=state.time_ms + 10_000)
    state.do(BOB, opening)
    state.do(ALICE, actions.PlaceBid(token=token, price=900, currency="EUR"))
    recover(state)
    if before_the_end:
        assert state.do(CAROL, actions.PlaceBid(token=token, price=1, currency="EUR")).code == "OK"
    state.run(advance_ms=20_000)

    assert state.do(ROOT, actions.SettleAuction(token=token)).code == "OK"
    assert owner(state, token) == (CAROL if before_the_end else BOB)
    assert (balance(state, ALICE), escrowed(state)) == (1_000, {})


@pytest.mark.parametrize("paid", [True, False])
@pytest.mark.parametrize("how", sorted(ENDINGS))
def test_grants_and_rentals_that_cost_nothing_end_with_a_lost_key_and_those_that_were_paid_for_stay(
    state: State, how: str, paid: bool
) -> None:
    token, until = minted(state, "p"), state.time_ms + 10**6
    more: dict[str, Any] = {"price": Price(amount=100, currency="EUR")} if paid else {}
    secret = a_digest("secret")
    granting = actions.GrantAccess(asset=secret, account=BOB, until_ms=until, **more)
    given = done(state, [ALICE, BOB], registering("secret", confidential=True), granting,
                 actions.RentToken(token=token, to=BOB, until_ms=until, **more))  # fmt: skip
    assert given.code == "OK"
    ENDINGS[how](state)

    seen = state.do(BOB, actions.RequestAccess(asset=secret, reader_key="00" * 32, purpose="")).code
    rental = user_of(Ledger(state), token, state.time_ms)

    stays = paid or how not in LOST
    assert (seen == "OK", rental is not None) == (stays, stays)


def test_an_orgs_vote_with_a_lost_key_does_not_count_and_is_cast_again() -> None:
    state = a_governed_state()
    roles = actions.SetRoles(account=CAROL, roles=("administrator",))
    assert state.do("root@club", roles).code == "OK"
    proposal, outcome = propose(state, SetParameters(open_reads=True), by="club")
    assert outcome.code == "OK"
    recover(state, "root@club", CAROL)

    assert vote(state, proposal, "agency").code == "OK"
    assert proposal_in(state, proposal).status == "open", "one of three"
    assert state.do(CAROL, actions.CastVote(proposal=proposal, approve=False)).code == "OK"
    assert [(one.org, one.approve) for one in proposal_in(state, proposal).votes] == [("agency", True), ("club", False)]


@pytest.mark.parametrize("parameter", ["consent_ms_max", "grant_ms_max"])
def test_every_consent_has_a_greatest_duration(state: State, parameter: str) -> None:
    token = minted(state, "p")
    until = state.time_ms + 10_000 + getattr(Ledger(state).parameters(), parameter)
    state.do(ALICE, registering("secret", confidential=True))
    consents: dict[str, list[tuple[str, Any]]] = {
        "consent_ms_max": [
            (ALICE, listing(state, token, 100, until_ms=until)),
            (ALICE, actions.OpenAuction(token=token, reserve=1, increment=1, currency="EUR", until_ms=until)),
            (BOB, actions.MakeOffer(token=token, **DEAL, until_ms=until)),
        ],
        "grant_ms_max": [(ALICE, actions.GrantAccess(asset=a_digest("secret"), account=BOB, until_ms=until))],
    }

    assert {state.do(by, ask).code for by, ask in consents[parameter]} == {Code.END_INVALID.name}
