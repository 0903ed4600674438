"""Scopes: a policy of the org, of the collection and of the asset each have their say; nobody narrower undoes it."""

from __future__ import annotations

import tracemalloc
from typing import Any

import msgspec
import pytest
from consortium import (
    State,
    a_digest,
    a_genesis,
    done,
    happened,
    listing,
    minted,
    open_consortium,
    owner,
    registering,
    royalty,
    trading_terms,
)  # fmt: skip
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from ledger import actions, records
from ledger.actions import MintToken, SetPolicy
from ledger.encoding import decode, encode
from ledger.errors import Code
from ledger.events import TokenSold
from ledger.execution.holding import token_id
from ledger.execution.scope import COMPILED_MAX, compiled, governing, policy_names
from ledger.execution.view import Ledger
from ledger.governance import SetParameters

ALICE, BOB, CAROL, ROOT = "alice@studio", "bob@agency", "carol@club", "root@studio"
SPRING = "spring@studio"
CLOSED = "forbid transfer as closed when true;"


def publish(state: State, name: str, rules: str = "", *clauses: str) -> None:
    assert state.do(ALICE, trading_terms(name, *clauses, rules=rules)).code == "OK"


def put_in_force(scope: str, policy: str, version: int = 1, asset: str = "p") -> Any:
    by: dict[str, Any] = {
        "organisation": actions.SetOrgPolicy(policy=policy, version=version),
        "collection": actions.SetCollectionPolicy(collection=SPRING, policy=policy, version=version),
        "asset": SetPolicy(asset=a_digest(asset), policy=policy, version=version),
    }
    return by[scope]


def a_collected_token(state: State, name: str = "p") -> str:
    """A token of alice's whose asset is in her collection."""
    asset = a_digest(name)
    wanted: list[Any] = [registering(name), actions.AddToCollection(collection=SPRING, asset=asset)]
    if state.get(records.collection_key(SPRING)) is None:
        wanted.insert(0, actions.CreateCollection(collection=SPRING))
    assert state.do(ALICE, *wanted, MintToken(asset=asset)).code == "OK"
    return token_id(asset)


SCOPES = ["organisation", "collection", "asset"]


@pytest.mark.parametrize("scope", SCOPES)
def test_a_forbid_of_any_scope_denies_and_the_denial_names_the_scope(state: State, scope: str) -> None:
    token = a_collected_token(state)
    publish(state, "closed", CLOSED)
    assert state.do(ALICE, put_in_force(scope, "closed")).code == "OK"

    result = state.run(state.transaction(ALICE, actions.TransferToken(token=token, to=BOB)))

    (outcome,), (detail,), ((explanation,),) = result.outcomes, result.details, result.explanations
    assert (outcome.code, outcome.decisions[0].policy) == (Code.POLICY_DENIED.name, "closed@1")
    assert f"rule closed of closed@1 ({scope})" in detail
    assert explanation["scopes"] == [
        {"scope": "consortium", "policy": "asset_default@1"},
        {"scope": scope, "policy": "closed@1"},
    ]


@pytest.mark.parametrize("scope", SCOPES)
def test_a_require_of_any_scope_binds(state: State, scope: str) -> None:
    token = a_collected_token(state)
    publish(state, "club_only", f'require transfer as to_carol when has(tx.to) && tx.to == "{CAROL}";')
    state.do(ALICE, put_in_force(scope, "club_only"))

    assert state.do(ALICE, actions.TransferToken(token=token, to=BOB)).code == Code.POLICY_DENIED.name
    assert state.do(ALICE, actions.TransferToken(token=token, to=CAROL)).code == "OK"


def test_a_narrower_scope_permits_what_no_other_does_but_lifts_no_forbid(state: State) -> None:
    state.do(ALICE, registering("p", confidential=True))
    publish(state, "open_house", f'permit grant as anybody when requester.id == "{BOB}";')
    publish(state, "strict", f'forbid grant as not_carol when requester.id == "{CAROL}";')
    publish(state, "lax", "permit grant as all when true;")
    granting = actions.GrantAccess(asset=a_digest("p"), account=ROOT, until_ms=state.time_ms + 10**6)

    before = state.do(BOB, granting).code
    state.do(ALICE, put_in_force("organisation", "open_house"))
    permitted = state.do(BOB, granting).code
    state.do(ALICE, put_in_force("organisation", "strict"), put_in_force("asset", "lax"))

    assert (before, permitted) == (Code.POLICY_DENIED.name, "OK")
    assert state.do(CAROL, granting).code == Code.POLICY_DENIED.name


def test_policies_as_dear_as_they_may_be_decide_together_in_all_scopes(state: State) -> None:
    token = a_collected_token(state)
    items = ", ".join(str(number) for number in range(36))
    loop = f"[{items}].exists(a, [{items}].exists(b, a + b == 1000))"
    for name, scope in zip("xyz", SCOPES, strict=True):
        publish(state, name, f"forbid transfer as never when {loop};")
        assert state.do(ALICE, put_in_force(scope, name)).code == "OK"
    costs = [decode(state.get(records.policy_key(name, 1)) or b"", records.PolicyRecord).fuel for name in "xyz"]

    assert 9_000 < min(costs) <= 10_000
    assert state.do(ALICE, actions.TransferToken(token=token, to=BOB)).code == "OK"


def test_policies_are_named_broadest_first_and_one_in_two_scopes_once(state: State) -> None:
    token = a_collected_token(state)
    for name in ("a", "b", "c"):
        publish(state, name)
    for scope, policy in zip(SCOPES, "abc", strict=True):
        state.do(ALICE, put_in_force(scope, policy))
    ledger = Ledger(state)

    found = [(one.scope, one.policy) for one in governing(ledger, ledger.asset(a_digest("p")))]
    assert found == [("consortium", "asset_default@1"), *zip(SCOPES, ("a@1", "b@1", "c@1"), strict=True)]
    state.do(ALICE, put_in_force("collection", "a"), listing(state, token, 100))
    terms = "asset_default@1 a@1 c@1"
    assert state.do(BOB, actions.BuyToken(token=token, price=100, currency="EUR", terms=terms)).code == "OK"
    ledger = Ledger(state)
    assert [one.scope for one in governing(ledger, ledger.asset(a_digest("p")))] == [
        "consortium",
        "organisation",
        "asset",
    ]


ON_FIRST_SALE = "first on primary_sale {{ base tx.price; pay {} to asset.creators by weight; payer buyer; }}"


def royalties_of_a_sale(state: State, name: str, policies: dict[str, str]) -> list[int]:
    """What a first sale at 1,000 pays, with policies put in force by scope before the asset is minted."""
    asset, token = a_digest(name), token_id(a_digest(name))
    joining = [actions.AddToCollection(collection=SPRING, asset=asset)] if "collection" in policies else []
    in_force = [put_in_force(scope, policy, asset=name) for scope, policy in policies.items()]
    made = state.do(ALICE, registering(name), *joining, *in_force, MintToken(asset=asset), listing(state, token, 1_000))
    ledger = Ledger(state)
    terms = " ".join(policy_names(ledger, ledger.asset(asset)))
    sold = state.do(BOB, actions.BuyToken(token=token, price=1_000, currency="EUR", terms=terms))
    assert (made.code, sold.code) == ("OK", "OK")
    return [one.amount for one in happened(sold, TokenSold).payments if one.reason == "royalty"]


def test_the_broadest_scope_that_has_a_clause_says_the_royalty(state: State) -> None:
    for name, rate in (("wide", "20%"), ("narrow", "30%")):
        publish(state, name, "", ON_FIRST_SALE.format(rate))
    publish(state, "silent")
    state.do(ALICE, actions.CreateCollection(collection=SPRING))

    assert royalties_of_a_sale(state, "x", {"collection": "wide", "asset": "narrow"}) == [200]
    assert royalties_of_a_sale(state, "y", {"collection": "silent", "asset": "narrow"}) == [300]
    assert royalties_of_a_sale(state, "z", {"organisation": "narrow", "asset": "wide"}) == [300]


def test_an_orgs_policy_is_about_what_its_accounts_created_whoever_owns_it(state: State) -> None:
    token, other = minted(state, "p"), minted(state, "q", BOB)
    publish(state, "closed", "forbid transfer as closed when requester.id != asset.creator;")
    state.do(ALICE, put_in_force("organisation", "closed"))
    state.do(ALICE, actions.TransferToken(token=token, to=BOB))

    assert state.do(BOB, actions.TransferToken(token=token, to=CAROL)).code == Code.POLICY_DENIED.name
    assert state.do(BOB, actions.TransferToken(token=other, to=CAROL)).code == "OK"
    org = decode(state.get(records.org_key("studio")) or b"", records.Org)
    assert org.policy == "closed@1"


def test_the_owner_of_another_collection_signs_too(state: State) -> None:
    state.do(ALICE, actions.CreateCollection(collection=SPRING))
    state.do(BOB, registering("b"))
    joining = actions.AddToCollection(collection=SPRING, asset=a_digest("b"))

    assert state.do(BOB, joining).code == Code.SIGNER_MISSING.name
    assert state.do(ALICE, joining).code == Code.NOT_OWNER.name
    assert done(state, [BOB, ALICE], joining).code == "OK"
    assert list(state.keys(records.collection_asset_key(SPRING, ""))) == [
        records.collection_asset_key(SPRING, a_digest("b"))
    ]


def test_a_buyer_sheds_no_policy_and_its_creator_changes_none_alone(state: State) -> None:
    token = minted(state, "p")
    publish(state, "closed", CLOSED)
    publish(state, "open_again")
    state.do(ALICE, put_in_force("asset", "closed"), listing(state, token, 100))
    state.do(BOB, actions.BuyToken(token=token, price=100, currency="EUR"))
    shedding = put_in_force("asset", "open_again")

    assert state.do(BOB, shedding).code == Code.CREATOR_MISSING.name
    assert state.do(ALICE, shedding).code == Code.NOT_OWNER.name
    assert state.do(BOB, actions.TransferToken(token=token, to=CAROL)).code == Code.POLICY_DENIED.name
    assert done(state, [BOB, ALICE], shedding).code == "OK"
    giving = actions.TransferToken(token=token, to=CAROL, terms="asset_default@1 open_again@1")
    assert state.do(BOB, giving).code == "OK"


RESALE = "resale on secondary_sale { base tx.price; pay 10% to asset.creators by weight; }"


def test_a_buyer_drops_the_creators_royalty_on_no_path(state: State) -> None:
    account = decode(state.get(records.account_key(CAROL)) or b"", records.Account)
    state.values[records.account_key(CAROL)] = encode(replace(account, roles=("rights-manager",)))
    open_consortium(state)
    token = token_id(a_digest("p"))
    publish(state, "house", "", RESALE)
    publish(state, "free")
    house = put_in_force("asset", "house")
    state.do(ALICE, registering("p"), house, MintToken(asset=a_digest("p")), listing(state, token, 100))
    state.do(CAROL, actions.BuyToken(token=token, price=100, currency="EUR"))
    mine = "mine@club"
    shedding: list[tuple[Any, str]] = [
        (put_in_force("asset", "free"), Code.CREATOR_MISSING.name),
        (put_in_force("organisation", "free"), "OK"),
        (actions.CreateCollection(collection=mine), "OK"),
        (actions.AddToCollection(collection=mine, asset=a_digest("p")), Code.COLLECTION_FIXED.name),
        (actions.SetCollectionPolicy(collection=mine, policy="free", version=1), "OK"),
        (listing(state, token, 1_000), "OK"),
    ]

    assert [state.do(CAROL, ask).code for ask, _ in shedding] == [code for _, code in shedding]
    sold = state.do(BOB, actions.BuyToken(token=token, price=1_000, currency="EUR"))
    assert [one.amount for one in happened(sold, TokenSold).payments] == [100, 900]


def test_the_creator_of_numbered_tokens_changes_no_policy_for_those_who_bought_them(state: State) -> None:
    asset = a_digest("p")
    state.do(ALICE, registering("p"), MintToken(asset=asset, editions=3))
    publish(state, "open_still")
    publish(state, "closed", CLOSED)
    assert state.do(ALICE, put_in_force("asset", "open_still")).code == "OK", "all of them are the creator's"
    for number, to in ((1, BOB), (2, CAROL)):
        state.do(ALICE, actions.TransferToken(token=token_id(asset, number), to=to))
    closing = put_in_force("asset", "closed")

    alone, with_one = state.do(ALICE, closing), done(state, [ALICE, BOB], closing)

    assert alone.code == with_one.code == Code.HOLDER_MISSING.name
    giving = actions.TransferToken(token=token_id(asset, 1), to=CAROL, terms="asset_default@1 open_still@1")
    assert state.do(BOB, giving).code == "OK"
    assert done(state, [ALICE, CAROL], closing).code == "OK", "all who hold one have signed"


@pytest.mark.parametrize("editions", [None, 2])
def test_no_policy_of_the_asset_changes_while_it_is_auctioned(state: State, editions: int | None) -> None:
    asset, number = a_digest("p"), editions
    token = token_id(asset, number)
    mint = MintToken(asset=asset) if editions is None else MintToken(asset=asset, editions=editions)
    opening = actions.OpenAuction(token=token, reserve=1, increment=1, currency="EUR", until_ms=state.time_ms + 10_000)
    publish(state, "closed", CLOSED)
    assert state.do(ALICE, registering("p"), mint, opening).code == "OK"

    assert state.do(ALICE, put_in_force("asset", "closed")).code == Code.TOKEN_AUCTIONED.name
    state.do(ALICE, actions.CancelAuction(token=token))
    assert state.do(ALICE, put_in_force("asset", "closed")).code == "OK"


def never(items: int) -> str:
    listed = ", ".join(str(number) for number in range(items))
    return f"[{listed}].exists(a, [{listed}].exists(b, a + b == 1000))"


def dear_policies(state: State, rules: str, condition: str) -> str:
    """A token of alice's that is minted under such a policy in each narrower scope, and is for sale."""
    open_consortium(state)
    asset = a_digest("p")
    joining = actions.AddToCollection(collection=SPRING, asset=asset)
    assert state.do(ALICE, registering("p"), actions.CreateCollection(collection=SPRING), joining).code == "OK"
    for name, scope in zip("xyz", SCOPES, strict=True):
        clause = f"{name} on primary_sale when {condition} {{ base tx.price; pay 1% to asset.creators by weight; }}"
        publish(state, name, rules, clause)
        state.do(ALICE, put_in_force(scope, name))
    token = token_id(asset)
    assert state.do(ALICE, MintToken(asset=asset), listing(state, token, 100)).code == "OK"
    return token


def test_conditions_that_hold_in_no_scope_have_their_price_all_the_same(state: State) -> None:
    token = dear_policies(state, "", never(36))
    state.values[records.parameters_key()] = encode(records.Parameters(transaction_fuel_max=25_000))

    assert state.do(BOB, actions.BuyToken(token=token, price=100, currency="EUR")).code == Code.FUEL_EXHAUSTED.name


def test_no_vote_leaves_too_little_fuel_for_a_sale_under_policies_as_dear_as_they_may_be(state: State) -> None:
    token = dear_policies(state, f"forbid sale as dear when {never(4)};", never(35))
    for name, scope in zip("uvw", SCOPES, strict=True):
        publish(state, name, f"forbid sale as dear when {never(36)};")
        assert state.do(ALICE, put_in_force(scope, name)).code == "OK"
    costs = [decode(state.get(records.policy_key(name, 1)) or b"", records.PolicyRecord).fuel for name in "xuvw"]
    least = msgspec.json.schema(SetParameters)["$defs"]["SetParameters"]["properties"]["transaction_fuel_max"][
        "minimum"
    ]
    assert min(costs) > 9_000
    state.values[records.parameters_key()] = encode(records.Parameters(transaction_fuel_max=least))

    assert state.do(BOB, actions.BuyToken(token=token, price=100, currency="EUR")).code == "OK"


CUT = f"{RESALE[:-1]} cap 10%; }}".replace("10%", "0.1%")


@pytest.mark.parametrize("own", [True, False], ids=["its own terms", "the policy's"])
@pytest.mark.parametrize("scope", ["organisation", "collection"])
def test_no_orgs_or_collections_policy_cuts_the_royalty_of_what_is_minted_but_a_vote_does(
    state: State, scope: str, own: bool
) -> None:
    open_consortium(state)
    asset, token = a_digest("p"), token_id(a_digest("p"))
    publish(state, "house", "", RESALE)
    publish(state, "cut", "", CUT)
    mint = MintToken(asset=asset, royalty=royalty(100_000, alice=1_000_000)) if own else MintToken(asset=asset)
    joining = actions.AddToCollection(collection=SPRING, asset=asset)
    made = state.do(ALICE, registering("p"), actions.CreateCollection(collection=SPRING), joining,
                    put_in_force("asset", "house"), mint, actions.TransferToken(token=token, to=BOB))  # fmt: skip
    assert made.code == "OK"

    def paid(seller: str, buyer: str) -> int:
        assert state.do(seller, listing(state, token, 1_000)).code == "OK"
        sold = state.do(buyer, actions.BuyToken(token=token, price=1_000, currency="EUR"))
        return sum(one.amount for one in happened(sold, TokenSold).payments if one.reason == "royalty")

    assert state.do(ALICE, put_in_force(scope, "cut")).code == "OK"
    before = paid(BOB, CAROL)
    rules = "permit * as all_may when true;"
    assert state.do(ALICE, trading_terms("asset_default", CUT, version=3, rules=rules)).code == "OK"
    state.values[records.CONSORTIUM_POLICY] = encode("asset_default@3")

    assert (before, paid(CAROL, BOB)) == (100, 1)


def on_resale(rate: str, more: str = "") -> str:
    return f"resale on secondary_sale {{ base tx.price; pay {rate} to asset.creators by weight; {more} }}"


LATER: dict[str, tuple[str, ...]] = {
    "silent": (),
    "cut": (CUT,),
    "rise": (on_resale("30%"),),
    "foreign": (on_resale("1%", "floor 2.00 USD;"),),
    "on_top": (on_resale("5%", "payer buyer;"),),
}
HISTORY = st.lists(st.tuples(st.sampled_from([*SCOPES, "consortium"]), st.sampled_from([*LATER])), max_size=12)


@settings(max_examples=60, deadline=None)
@given(HISTORY)
def test_no_history_of_policies_moves_a_minted_royalty_but_by_a_vote_or_signed_by_creator_and_holder(
    history: list[tuple[str, str]],
) -> None:
    """A token with its own royalty, and one with its policy's, are sold after every change; both are minted at 10 %."""
    state = State(a_genesis())
    assert state.do(ROOT, actions.CreateCurrency(currency="USD", decimals=2)).code == "OK"
    for name, clauses in {"house": (RESALE,), **LATER}.items():
        publish(state, name, "permit * as all_may when true;", *clauses)
    state.values[records.CONSORTIUM_POLICY] = encode("silent@1")
    assert state.do(ALICE, actions.CreateCollection(collection=SPRING)).code == "OK"
    own = royalty(100_000, alice=1_000_000)
    for name, terms in (("p", UNSET), ("q", own)):
        asset = a_digest(name)
        joining = actions.AddToCollection(collection=SPRING, asset=asset)
        giving = actions.TransferToken(token=token_id(asset), to=BOB)
        mint = MintToken(asset=asset, royalty=terms)
        made = state.do(ALICE, registering(name), joining, put_in_force("asset", "house", asset=name), mint, giving)
        assert made.code == "OK"
    voted, signed = "silent", "house"
    for scope, policy in history:
        holder, buyer = (BOB, CAROL) if owner(state, token_id(a_digest("p"))) == BOB else (CAROL, BOB)
        if scope == "consortium":
            voted = policy
            state.values[records.CONSORTIUM_POLICY] = encode(f"{policy}@1")
        else:
            signed = policy if scope == "asset" else signed
            putting = [put_in_force(scope, policy, asset=name) for name in "pq"]
            assert done(state, [ALICE, holder], *putting[: 2 if scope == "asset" else 1]).code == "OK"
        paid = []
        for name in "pq":
            seen = " ".join(policy_names(Ledger(state), Ledger(state).asset(a_digest(name))))
            deal = actions.SellToken(token=token_id(a_digest(name)), to=buyer, price=1_000, currency="EUR", terms=seen)
            sold = done(state, [holder, buyer], deal)
            assert sold.code == "OK"
            paid.append(sum(one.amount for one in happened(sold, TokenSold).payments if one.reason == "royalty"))

        assert max(paid) <= 100
        if voted in ("silent", "rise", "foreign"):
            assert paid[1] == 100
            assert paid[0] == 100 or signed in ("silent", "cut", "on_top"), (voted, signed)


def test_a_policy_of_the_asset_alone_leaves_a_tokens_own_royalty_and_every_creator_signs_it(state: State) -> None:
    open_consortium(state)
    publish(state, "cut", "", CUT)
    shares = (actions.Share(account=ALICE, weight_ppm=500_000), actions.Share(account=CAROL, weight_ppm=500_000))
    asset, token = a_digest("p"), token_id(a_digest("p"))
    mint = MintToken(asset=asset, royalty=royalty(100_000, alice=1_000_000))
    registered = done(state, [ALICE, CAROL], registering("p", creators=shares))
    assert (registered.code, state.do(ALICE, mint, actions.TransferToken(token=token, to=BOB)).code) == ("OK", "OK")
    cutting = put_in_force("asset", "cut")

    assert done(state, [ALICE, BOB], cutting).code == Code.CREATOR_MISSING.name, "carol is a creator too"
    assert done(state, [ALICE, BOB, CAROL], cutting).code == "OK"
    sold = done(state, [BOB, CAROL], actions.SellToken(token=token, to=CAROL, price=1_000, currency="EUR"))
    assert [one.amount for one in happened(sold, TokenSold).payments] == [100, 900]


def test_who_asks_to_see_much_pays_for_what_is_explained(state: State) -> None:
    asset = a_digest("secret")
    rules = " ".join(f"permit view as r{at} when asset.id == '{at}' || asset.id == 'x{at}';" for at in range(80))
    publish(state, "long", rules + " permit view as all_may when true;")
    state.do(ALICE, registering("secret", confidential=True), put_in_force("asset", "long", asset="secret"))
    asking = actions.RequestAccess(asset=asset, reader_key="ab" * 32, purpose="")

    alone = state.run(state.transaction(BOB, asking))
    many = state.run(state.transaction(BOB, *[asking] * 16))

    assert (alone.outcomes[0].code, many.outcomes[0].code) == ("OK", Code.FUEL_EXHAUSTED.name)
    assert alone.explanations[0][0]["left_out"]["rules"] > 0
    assert len(encode(alone.explanations[0][0])) < 40_000


def test_the_policies_that_are_kept_compiled_take_no_more_memory_than_a_node_has_to_spare() -> None:
    terms = " || ".join(["asset.depth == 1"] * 480)
    tracemalloc.start()
    try:
        compiled(f"policy p version 1 schema remarque@1 {{ permit view when {terms}; }}")
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert 0 < taken * COMPILED_MAX < 192 * 2**20
    assert compiled.cache_info().maxsize == COMPILED_MAX


def test_an_account_without_the_role_or_of_another_org_puts_nothing_in_force(state: State) -> None:
    account = decode(state.get(records.account_key(CAROL)) or b"", records.Account)
    state.values[records.account_key(CAROL)] = encode(replace(account, roles=("rights-manager",)))
    publish(state, "closed", CLOSED)
    token = minted(state, "p")

    assert state.do(CAROL, put_in_force("organisation", "closed")).code == "OK"
    assert state.do(ALICE, actions.TransferToken(token=token, to=BOB)).code == "OK", "it is about carol's org alone"
    assert state.do(ROOT, put_in_force("organisation", "closed")).code == Code.ROLE_MISSING.name
