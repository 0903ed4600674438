"""Accounts and keys: who looks after whom, what a key's record tells, and that no org loses all administrators."""

from __future__ import annotations

from typing import Any

import pytest
from attested import MODEL, a_record
from consortium import State, a_digest, for_sale, key_of, registering
from governed import ADMINISTRATORS, a_governed_state
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger import actions, records
from ledger.encoding import decode
from ledger.errors import Code
from ledger.execution.keys import KEYS_MAX
from ledger.names import org_of
from ledger.records import Account, AccountKey

ALICE, BOB, ROOT = "alice@studio", "bob@agency", "root@studio"
NEW, OTHER = key_of("new"), key_of("other")


@pytest.fixture
def governed() -> State:
    return a_governed_state()


def account(state: State, name: str) -> Account:
    return decode(state.get(records.account_key(name)) or b"", Account)


def test_a_rotation_takes_the_old_key_out_as_it_puts_the_new_one_in(governed: State) -> None:
    rotate = actions.RotateKey(old=key_of(ALICE).public, new=NEW.public)
    outcome = governed.do(ALICE, rotate)

    assert outcome.code == "OK"
    height = governed.height
    assert account(governed, ALICE).keys == (
        AccountKey(public=key_of(ALICE).public, revoked=True, revoked_height=height),
        AccountKey(public=NEW.public, added_height=height),
    )
    assert governed.do(ALICE, registering("old")).code == "KEY_REVOKED"
    assert governed.do(ALICE, registering("new"), key=NEW).code == "OK"


def test_an_account_that_lost_all_keys_is_recovered_and_whoever_found_them_is_out(governed: State) -> None:
    governed.do(ALICE, actions.AddKey(key=OTHER.public))

    assert governed.do(ROOT, actions.RecoverAccount(account=ALICE, key=NEW.public)).code == "OK"

    assert account(governed, ALICE).keys_in_force == (NEW.public,)
    assert {key.revoked_height for key in account(governed, ALICE).keys[:2]} == {governed.height}
    for lost in (key_of(ALICE), OTHER):
        assert governed.do(ALICE, registering("p"), key=lost).code == "KEY_REVOKED"
    assert governed.do(ALICE, registering("p"), key=NEW).code == "OK"


def test_a_suspended_account_signs_nothing_and_asks_for_nothing_until_it_is_resumed(governed: State) -> None:
    suspend = governed.transaction(ROOT, actions.SuspendAccount(account=ALICE))
    late = governed.transaction(ALICE, registering("late"))

    assert [one.code for one in governed.run(suspend, late).outcomes] == ["OK", "ACCOUNT_SUSPENDED"]
    assert governed.do(ROOT, actions.ResumeAccount(account=ALICE)).code == "OK"
    assert governed.do(ALICE, registering("p")).code == "OK"


def test_a_suspended_sellers_listing_is_not_served(governed: State) -> None:
    token = for_sale(governed, "p", 10)
    governed.do(ROOT, actions.SuspendAccount(account=ALICE))

    refused = governed.do("carol@club", actions.BuyToken(token=token, price=10, currency="EUR"))

    assert refused.code == "CONSENT_ENDED"


def test_an_administrator_gives_what_an_org_may_give_and_what_was_voted_stays(governed: State) -> None:
    generator = actions.SetRoles(account=BOB, roles=("generator", "fact-checker", "generator"))
    assert governed.do("root@agency", generator).code == "OK"
    assert account(governed, BOB).roles == ("fact-checker", "generator")
    second = actions.EnrolAccount(account="second@studio", key=NEW.public, roles=("administrator",))
    governed.do(ROOT, second)

    assert governed.do("second@studio", actions.SetRoles(account=ROOT, roles=()), key=NEW).code == "OK"

    assert account(governed, ROOT).roles == ("issuer",), "given by vote, or with the genesis"
    assert governed.do(ROOT, actions.SuspendAccount(account=ALICE)).code == "ROLE_MISSING"


REFUSED: list[tuple[Code, str, Any]] = [
    (Code.KEY_UNKNOWN, ALICE, actions.RotateKey(old=NEW.public, new=OTHER.public)),
    (Code.KEY_EXISTS, ALICE, actions.RotateKey(old=key_of(ALICE).public, new=key_of(ALICE).public)),
    (Code.KEY_WEAK, ALICE, actions.RotateKey(old=key_of(ALICE).public, new="00" * 32)),
    (Code.ROLE_MISSING, ALICE, actions.RecoverAccount(account=ROOT, key=NEW.public)),
    (Code.ORG_MISMATCH, ROOT, actions.RecoverAccount(account=BOB, key=NEW.public)),
    (Code.LOCKOUT, ROOT, actions.RecoverAccount(account=ROOT, key=NEW.public)),
    (Code.ACCOUNT_UNKNOWN, ROOT, actions.RecoverAccount(account="eve@studio", key=NEW.public)),
    (Code.KEY_EXISTS, ROOT, actions.RecoverAccount(account=ALICE, key=key_of(ALICE).public)),
    (Code.KEY_WEAK, ROOT, actions.RecoverAccount(account=ALICE, key="00" * 32)),
    (Code.ROLE_MISSING, ALICE, actions.SetRoles(account=ALICE, roles=("administrator",))),
    (Code.ORG_MISMATCH, ROOT, actions.SetRoles(account=BOB, roles=())),
    (Code.ACCOUNT_UNKNOWN, ROOT, actions.SetRoles(account="eve@studio", roles=())),
    (Code.ROLE_RESERVED, ROOT, actions.SetRoles(account=ALICE, roles=("issuer",))),
    (Code.ROLE_RESERVED, ROOT, actions.EnrolAccount(account="eve@studio", key=NEW.public, roles=("issuer",))),
    (Code.LOCKOUT, ROOT, actions.SetRoles(account=ROOT, roles=("issuer",))),
    (Code.ROLE_MISSING, ALICE, actions.SuspendAccount(account=ROOT)),
    (Code.ORG_MISMATCH, ROOT, actions.SuspendAccount(account=BOB)),
    (Code.LOCKOUT, ROOT, actions.SuspendAccount(account=ROOT)),
    (Code.ROLE_MISSING, ALICE, actions.ResumeAccount(account=ROOT)),
    (Code.ORG_MISMATCH, ROOT, actions.ResumeAccount(account=BOB)),
    (Code.NOTHING_TO_CHANGE, ROOT, actions.ResumeAccount(account=ALICE)),
]


@pytest.mark.parametrize(
    ("code", "signer", "ask"), REFUSED, ids=[f"{row[0].name}-{place}" for place, row in enumerate(REFUSED)]
)
def test_refused_without_a_trace(governed: State, code: Code, signer: str, ask: Any) -> None:
    before = {key: value for key, value in governed.values.items() if not key.startswith(records.SEEN_PREFIX)}

    assert governed.do(signer, ask).code == code.name

    after = {key: value for key, value in governed.values.items() if not key.startswith(records.SEEN_PREFIX)}
    assert after == before


def test_suspending_twice_says_that_there_is_nothing_to_do(governed: State) -> None:
    asks = [governed.do(ROOT, actions.SuspendAccount(account=ALICE)).code for _ in range(2)]

    assert asks == ["OK", "NOTHING_TO_CHANGE"]


def test_keys_are_kept_for_ever_so_an_account_has_a_bounded_number(governed: State) -> None:
    current = key_of(ALICE)
    for number in range(KEYS_MAX - 1):
        following = key_of(f"key {number}")
        ask = actions.RotateKey(old=current.public, new=following.public)
        assert governed.do(ALICE, ask, key=current).code == "OK"
        current = following

    assert governed.do(ALICE, actions.AddKey(key=NEW.public), key=current).code == "KEYS_FULL"
    assert len(account(governed, ALICE).keys) == KEYS_MAX


ACCOUNTS = ["root@studio", "alice@studio", "gen@studio"]
STEPS = st.lists(
    st.tuples(st.integers(0, 6), st.sampled_from(ACCOUNTS), st.sampled_from(ACCOUNTS), st.booleans()), max_size=40
)


@settings(max_examples=100, deadline=None)
@given(STEPS)
def test_whatever_administrators_do_to_each_other_one_of_them_can_act(
    steps: list[tuple[int, str, str, bool]],
) -> None:
    state = a_governed_state()
    held = {name: key_of(name) for name in ACCOUNTS}
    for number, (kind, by, name, appoint) in enumerate(steps):
        fresh = key_of(f"fresh {number}")
        roles = ("administrator",) if appoint else ()
        asks: list[Any] = [
            actions.SetRoles(account=name, roles=roles),
            actions.SuspendAccount(account=name),
            actions.ResumeAccount(account=name),
            actions.RecoverAccount(account=name, key=fresh.public),
            actions.RevokeKey(account=name, key=held[name].public),
            actions.RotateKey(old=held[by].public, new=fresh.public),
            actions.SetRoles(account=name, roles=("administrator", "generator")),
        ]
        if state.do(by, asks[kind], key=held[by]).code == "OK" and kind in (3, 5):
            held[name if kind == 3 else by] = fresh

        able = [
            one
            for one in (account(state, name) for name in ACCOUNTS)
            if "administrator" in one.roles and not one.suspended and held[one.name].public in one.keys_in_force
        ]
        assert able, steps[: number + 1]


def test_accounts_of_other_orgs_are_out_of_reach(governed: State) -> None:
    for administrator in ADMINISTRATORS.values():
        for other in (ALICE, BOB, "carol@club"):
            outcome = governed.do(administrator, actions.SuspendAccount(account=other))
            assert outcome.code == ("OK" if org_of(administrator) == org_of(other) else "ORG_MISMATCH")


def test_a_request_of_a_suspended_creator_is_not_recorded(governed: State) -> None:
    governed.do(ALICE, actions.RegisterModel(model=MODEL, name="m", version="1", licence=""))
    governed.do("root@agency", actions.SuspendAccount(account=BOB))

    assert governed.do("gen@studio", a_record(governed)).code == "REQUEST_INVALID"
    assert governed.get(records.asset_key(a_digest("pixels"))) is None
