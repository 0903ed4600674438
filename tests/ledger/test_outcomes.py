"""Every refusal that is an outcome, one row each: who asks for what, and the code for ever in the block.

A refused transaction changes nothing but that its id is used; each row checks that too.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from consortium import State, a_digest, for_sale, key_of, listing, minted, registering, royalty
from msgspec.structs import replace

from ledger import actions, records
from ledger.actions import Share
from ledger.encoding import encode
from ledger.errors import Code
from ledger.governance import Replayed, SetConsortiumPolicy, SetParameters
from ledger.names import INTEGER_MAX

ALICE, BOB, CAROL, ROOT = "alice@studio", "bob@agency", "carol@club", "root@studio"
UNKNOWN = a_digest("unknown")
NEW_KEY = key_of("new").public

Case = Callable[[State], tuple[str, list[Any]]]


def case(signer: str, *asks: Any) -> Case:
    """A transaction that needs nothing prepared."""
    return lambda state: (signer, list(asks))


def on(signer: str, prepare: Callable[[State], Any], *asks: Callable[[State, Any], Any]) -> Case:
    """A transaction about something that is made first."""

    def build(state: State) -> tuple[str, list[Any]]:
        made = prepare(state)
        return signer, [ask(state, made) for ask in asks]

    return build


def a_token(state: State) -> str:
    return minted(state, "picture")


def a_listed_token(state: State) -> str:
    return for_sale(state, "picture", 1_000)


def an_asset(state: State) -> str:
    assert state.do(ALICE, registering("picture")).code == "OK"
    return a_digest("picture")


def a_statement(state: State) -> str:
    assert state.do("notary@studio", actions.RegisterStatement(digest=UNKNOWN, issuer=BOB, subject="x")).code == "OK"
    return UNKNOWN


def a_confidential_asset(state: State) -> str:
    assert state.do(ALICE, registering("secret", confidential=True)).code == "OK"
    return a_digest("secret")


def a_proposal_of_two_policies(state: State) -> actions.Propose:
    changes = tuple(SetConsortiumPolicy(policy="asset_default", version=version) for version in (1, 2))
    return actions.Propose(changes=changes, until_ms=state.time_ms + 10**6)


def a_proposal_with_a_replay_of_nothing(state: State) -> actions.Propose:
    counts = {"first": 1, "last": 1, "requests": 0, "decisions": 0, "different": 0}
    return actions.Propose(
        changes=(SetParameters(open_reads=True),),
        until_ms=state.time_ms + 10**6,
        replay=Replayed(policy="calm@1", digest=UNKNOWN, **counts),
    )


def a_given_asset(state: State) -> str:
    """An asset that alice created and bob owns."""
    assert state.do(ALICE, actions.TransferToken(token=a_token(state), to=BOB)).code == "OK"
    return a_digest("picture")


def a_collection(state: State) -> str:
    assert state.do(ALICE, actions.CreateCollection(collection="spring@studio")).code == "OK"
    return "spring@studio"


def in_force_for(collection: str, policy: str = "asset_default") -> actions.SetCollectionPolicy:
    return actions.SetCollectionPolicy(collection=collection, policy=policy, version=1)


def a_collected_asset(state: State) -> actions.AddToCollection:
    """An asset put in a collection; the same again."""
    joining = actions.AddToCollection(collection=a_collection(state), asset=an_asset(state))
    assert state.do(ALICE, joining).code == "OK"
    return joining


def a_token_and_a_collection(state: State) -> actions.AddToCollection:
    a_token(state)
    return actions.AddToCollection(collection=a_collection(state), asset=a_digest("picture"))


def a_second_key(state: State) -> str:
    assert state.do(ALICE, actions.AddKey(key=NEW_KEY)).code == "OK"
    return NEW_KEY


def share(account: str, weight: int) -> Share:
    return Share(account=account, weight_ppm=weight)


TABLE: list[tuple[Code, Case]] = [
    # accounts
    (Code.ROLE_MISSING, case(ALICE, actions.EnrolAccount(account="eve@studio", key=NEW_KEY))),
    (Code.ORG_UNKNOWN, case(ROOT, actions.EnrolAccount(account="eve@nowhere", key=NEW_KEY))),
    (Code.ORG_MISMATCH, case(ROOT, actions.EnrolAccount(account="eve@club", key=NEW_KEY))),
    (Code.ACCOUNT_EXISTS, case(ROOT, actions.EnrolAccount(account=ALICE, key=NEW_KEY))),
    (Code.KEY_WEAK, case(ROOT, actions.EnrolAccount(account="eve@studio", key="00" * 32))),
    (Code.KEY_WEAK, case(ALICE, actions.AddKey(key="01" + "00" * 31))),
    (Code.KEY_EXISTS, case(ALICE, actions.AddKey(key=key_of(ALICE).public))),
    (Code.KEY_UNKNOWN, case(ALICE, actions.RevokeKey(account=ALICE, key=NEW_KEY))),
    (Code.LAST_KEY, case(ALICE, actions.RevokeKey(account=ALICE, key=key_of(ALICE).public))),
    (Code.ROLE_MISSING, case(BOB, actions.RevokeKey(account=ALICE, key=key_of(ALICE).public))),
    (Code.ORG_MISMATCH, case(ROOT, actions.RevokeKey(account=BOB, key=key_of(BOB).public))),
    (Code.ACCOUNT_UNKNOWN, case(ROOT, actions.RevokeKey(account="eve@studio", key=NEW_KEY))),
    # models and assets
    (Code.ROLE_MISSING, case(BOB, actions.RegisterModel(model=UNKNOWN, name="m", version="1", licence=""))),
    (
        Code.MODEL_EXISTS,
        case(ALICE, *[actions.RegisterModel(model=UNKNOWN, name="m", version="1", licence="")] * 2),
    ),
    (Code.ASSET_EXISTS, on(BOB, an_asset, lambda state, asset: registering("picture"))),
    (Code.CONTENT_INVALID, case(ALICE, replace(registering("p"), confidential=True))),
    (
        Code.CONTENT_INVALID,
        case(ALICE, replace(registering("p", confidential=True), image_code="ISCC:EED4SNLUJFVUH5DG")),
    ),
    (Code.CONTENT_INVALID, case(ALICE, replace(registering("p", confidential=True), confidential=False))),
    (Code.CREATORS_INVALID, case(ALICE, registering("p", creators=(share(ALICE, 999_999),)))),
    (Code.CREATORS_INVALID, case(ALICE, registering("p", creators=(share(ALICE, 500_000), share(ALICE, 500_000))))),
    (Code.ACCOUNT_UNKNOWN, case(ALICE, registering("p", creators=(share("eve@club", 1_000_000),)))),
    # tokens
    (Code.ASSET_UNKNOWN, case(ALICE, actions.MintToken(asset=UNKNOWN))),
    (Code.NOT_OWNER, on(BOB, an_asset, lambda state, asset: actions.MintToken(asset=asset))),
    (Code.TOKEN_EXISTS, on(ALICE, a_token, lambda state, token: actions.MintToken(asset=a_digest("picture")))),
    (
        Code.ROYALTY_INVALID,
        on(ALICE, an_asset, lambda state, asset: actions.MintToken(asset=asset, royalty=royalty(1_000, alice=10))),
    ),
    (
        Code.ROYALTY_OVER_CAP,
        on(
            ALICE,
            an_asset,
            lambda state, asset: actions.MintToken(asset=asset, royalty=royalty(250_001, alice=1_000_000)),
        ),
    ),
    (Code.TOKEN_UNKNOWN, case(ALICE, actions.TransferToken(token=UNKNOWN, to=BOB))),
    (Code.NOT_OWNER, on(BOB, a_token, lambda state, token: actions.TransferToken(token=token, to=BOB))),
    (Code.ACCOUNT_UNKNOWN, on(ALICE, a_token, lambda state, token: actions.TransferToken(token=token, to="eve@club"))),
    (Code.SELF_SALE, on(ALICE, a_token, lambda state, token: actions.TransferToken(token=token, to=ALICE))),
    (Code.TOKEN_LISTED, on(ALICE, a_listed_token, lambda state, token: actions.TransferToken(token=token, to=BOB))),
    # the market
    (Code.NOT_OWNER, on(BOB, a_token, lambda state, token: listing(state, token, 5))),
    (Code.CURRENCY_UNKNOWN, on(ALICE, a_token, lambda state, token: listing(state, token, 5, "XYZ"))),
    (Code.LISTING_EXPIRED, on(ALICE, a_token, lambda state, token: listing(state, token, 5, until_ms=1))),
    (Code.LISTING_UNKNOWN, on(ALICE, a_token, lambda state, token: actions.UnlistToken(token=token))),
    (Code.NOT_OWNER, on(BOB, a_listed_token, lambda state, token: actions.UnlistToken(token=token))),
    (Code.TOKEN_UNKNOWN, case(BOB, actions.BuyToken(token=UNKNOWN, price=5, currency="EUR"))),
    (
        Code.LISTING_UNKNOWN,
        on(BOB, a_token, lambda state, token: actions.BuyToken(token=token, price=5, currency="EUR")),
    ),
    (
        Code.PRICE_CHANGED,
        on(BOB, a_listed_token, lambda state, token: actions.BuyToken(token=token, price=999, currency="EUR")),
    ),
    (
        Code.CURRENCY_MISMATCH,
        on(BOB, a_listed_token, lambda state, token: actions.BuyToken(token=token, price=1_000, currency="USD")),
    ),
    (
        Code.SELF_SALE,
        on(ALICE, a_listed_token, lambda state, token: actions.BuyToken(token=token, price=1_000, currency="EUR")),
    ),
    (
        Code.INSUFFICIENT_FUNDS,
        on(
            BOB,
            lambda state: for_sale(state, "dear", 10_001),
            lambda state, token: actions.BuyToken(token=token, price=10_001, currency="EUR"),
        ),
    ),
    # money
    (Code.ROLE_MISSING, case(BOB, actions.CreateCurrency(currency="USD", decimals=2))),
    (Code.CURRENCY_EXISTS, case(ROOT, actions.CreateCurrency(currency="EUR", decimals=2))),
    (Code.CURRENCY_UNKNOWN, case(ROOT, actions.IssueCurrency(currency="USD", to=BOB, amount=1))),
    (Code.SIGNER_MISSING, case(BOB, actions.IssueCurrency(currency="EUR", to=BOB, amount=1))),
    (Code.ACCOUNT_UNKNOWN, case(ROOT, actions.IssueCurrency(currency="EUR", to="eve@club", amount=1))),
    (Code.AMOUNT_OVERFLOW, case(ROOT, actions.IssueCurrency(currency="EUR", to=BOB, amount=INTEGER_MAX))),
    (Code.INSUFFICIENT_FUNDS, case(ALICE, actions.RedeemCurrency(currency="EUR", amount=1))),
    (Code.CURRENCY_UNKNOWN, case(BOB, actions.Pay(to=ALICE, currency="USD", amount=1))),
    (Code.ACCOUNT_UNKNOWN, case(BOB, actions.Pay(to="eve@club", currency="EUR", amount=1))),
    (Code.SELF_PAYMENT, case(BOB, actions.Pay(to=BOB, currency="EUR", amount=1))),
    (Code.INSUFFICIENT_FUNDS, case(BOB, actions.Pay(to=ALICE, currency="EUR", amount=10_001))),
    # rules
    (Code.ROLE_MISSING, case(BOB, actions.PublishPolicy(source="policy p version 1 schema remarque@1 { }"))),
    (Code.POLICY_INVALID, case(ALICE, actions.PublishPolicy(source="policy p version 1 schema remarque@1 {"))),
    (
        Code.POLICY_INVALID,
        case(
            ALICE,
            actions.PublishPolicy(source="policy p version 1 schema remarque@1 { permit view when asset.nothing; }"),
        ),
    ),
    (
        Code.POLICY_INVALID,
        case(
            ALICE,
            actions.PublishPolicy(
                source="policy p version 1 schema remarque@1 { royalty r on secondary_sale "
                "{ base block.height; pay 1% to asset.creators by weight; } }"
            ),
        ),
    ),
    (
        Code.POLICY_EXISTS,
        case(
            ALICE,
            *[actions.PublishPolicy(source="policy p version 1 schema remarque@1 { permit view when true; }")] * 2,
        ),
    ),
    (
        Code.POLICY_UNKNOWN,
        on(ALICE, an_asset, lambda state, asset: actions.SetPolicy(asset=asset, policy="p", version=9)),
    ),
    (
        Code.NOT_OWNER,
        on(BOB, an_asset, lambda state, asset: actions.SetPolicy(asset=asset, policy="asset_default", version=1)),
    ),
    # access
    (
        Code.NOT_CONFIDENTIAL,
        on(ALICE, an_asset, lambda state, asset: actions.RequestAccess(asset=asset, reader_key=NEW_KEY, purpose="")),
    ),
    (
        Code.POLICY_DENIED,
        on(
            BOB,
            a_confidential_asset,
            lambda state, asset: actions.RequestAccess(asset=asset, reader_key=NEW_KEY, purpose=""),
        ),
    ),
    (
        Code.POLICY_DENIED,
        on(
            BOB,
            a_confidential_asset,
            lambda state, asset: actions.GrantAccess(asset=asset, account=BOB, until_ms=state.time_ms + 10**6),
        ),
    ),
    (
        Code.CREATOR_MISSING,
        on(
            BOB,
            a_given_asset,
            lambda state, asset: actions.SetPolicy(asset=asset, policy="asset_default", version=1),
        ),
    ),
    (Code.POLICY_PROPOSED_TWICE, lambda state: (ROOT, [a_proposal_of_two_policies(state)])),
    (Code.REPLAY_INVALID, lambda state: (ROOT, [a_proposal_with_a_replay_of_nothing(state)])),
    (Code.ROLE_MISSING, case(BOB, actions.SetOrgPolicy(policy="asset_default", version=1))),
    (Code.POLICY_UNKNOWN, case(ALICE, actions.SetOrgPolicy(policy="none", version=1))),
    (Code.ORG_MISMATCH, case(ALICE, actions.CreateCollection(collection="spring@agency"))),
    (Code.COLLECTION_EXISTS, on(ALICE, a_collection, lambda state, name: actions.CreateCollection(collection=name))),
    (
        Code.COLLECTION_UNKNOWN,
        on(ALICE, an_asset, lambda state, asset: actions.AddToCollection(collection="none@studio", asset=asset)),
    ),
    (
        Code.COLLECTION_UNKNOWN,
        case(ALICE, actions.SetCollectionPolicy(collection="none@studio", policy="asset_default", version=1)),
    ),
    (Code.NOT_OWNER, on(BOB, a_collection, lambda state, name: in_force_for(name))),
    (Code.POLICY_UNKNOWN, on(ALICE, a_collection, lambda state, name: in_force_for(name, "none"))),
    (
        Code.ASSET_UNKNOWN,
        on(ALICE, a_collection, lambda state, name: actions.AddToCollection(collection=name, asset=UNKNOWN)),
    ),
    (Code.COLLECTION_FIXED, on(ALICE, a_collected_asset, lambda state, ask: ask)),
    (Code.COLLECTION_FIXED, on(ALICE, a_token_and_a_collection, lambda state, ask: ask)),
    (
        Code.GRANT_ENDED,
        on(ALICE, a_confidential_asset, lambda state, asset: actions.GrantAccess(asset=asset, account=BOB, until_ms=1)),
    ),
    (
        Code.GRANT_UNKNOWN,
        on(ALICE, a_confidential_asset, lambda state, asset: actions.RevokeAccess(asset=asset, account=BOB)),
    ),
    (Code.ROLE_MISSING, case(BOB, actions.RegisterStatement(digest=UNKNOWN, issuer=BOB, subject="x"))),
    (
        Code.STATEMENT_EXISTS,
        on(
            "notary@studio",
            a_statement,
            lambda state, digest: actions.RegisterStatement(digest=digest, issuer=BOB, subject="y"),
        ),
    ),
]


@pytest.mark.parametrize(
    ("code", "build"), TABLE, ids=[f"{code.name}-{place}" for place, (code, _) in enumerate(TABLE)]
)
def test_a_refused_transaction_leaves_its_code_and_nothing_else(state: State, code: Code, build: Case) -> None:
    signer, asks = build(state)
    before = {key: value for key, value in state.values.items() if not key.startswith(records.SEEN_PREFIX)}

    result = state.run(state.transaction(signer, *asks))

    after = {key: value for key, value in state.values.items() if not key.startswith(records.SEEN_PREFIX)}
    assert result.outcomes[0].code == code.name, result.details
    assert result.outcomes[0].action == len(asks) - 1
    assert result.outcomes[0].events == ()
    assert after == before


def test_all_actions_of_a_transaction_are_carried_out_or_none(state: State) -> None:
    outcome = state.do(
        BOB, actions.Pay(to=ALICE, currency="EUR", amount=1), actions.Pay(to=ALICE, currency="EUR", amount=10_000)
    )

    assert (outcome.code, outcome.action) == ("INSUFFICIENT_FUNDS", 1)
    assert state.get(records.balance_key(ALICE, "EUR")) is None


@pytest.mark.parametrize("signer", ["eve@studio", ALICE])
def test_signers_who_are_not_enrolled_or_use_another_key_are_outcomes(state: State, signer: str) -> None:
    outcome = state.do(signer, actions.Pay(to=BOB, currency="EUR", amount=1), key=key_of("a key nobody enrolled"))

    assert outcome.code == ("ACCOUNT_UNKNOWN" if signer == "eve@studio" else "KEY_UNKNOWN")


def test_a_revoked_key_is_refused_from_the_next_transaction_of_the_same_block_on(state: State) -> None:
    a_second_key(state)
    revoke = state.transaction(ALICE, actions.RevokeKey(account=ALICE, key=key_of(ALICE).public))
    after = state.transaction(ALICE, registering("late"))

    assert [outcome.code for outcome in state.run(revoke, after).outcomes] == ["OK", "KEY_REVOKED"]


def test_fuel_runs_out_without_a_trace(state: State) -> None:
    state.values[records.parameters_key()] = encode(records.Parameters(transaction_fuel_max=150))
    outcome = state.do(ALICE, registering("one"), registering("two"))

    assert outcome.code == "FUEL_EXHAUSTED"
    assert state.get(records.asset_key(a_digest("one"))) is None
