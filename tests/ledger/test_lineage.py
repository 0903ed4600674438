"""Derivatives: what is recorded of where a picture comes from, and that every sale of it pays those it came from."""

from __future__ import annotations

from typing import Any

import pytest
from consortium import (
    PAID,
    State,
    a_digest,
    balance,
    done,
    for_sale,
    happened,
    listing,
    minted,
    open_consortium,
    registering,
    royalty,
    trading_terms,
)  # fmt: skip

from ledger import actions, records
from ledger.actions import Price
from ledger.encoding import decode
from ledger.errors import Code
from ledger.events import AssetDerived, TokenSold
from ledger.execution.holding import token_id
from ledger.execution.lineage import ANCESTORS_MAX, DEPTH_MAX
from ledger.records import Lineage

ALICE, BOB, CAROL, ROOT = "alice@studio", "bob@agency", "carol@club", "root@studio"


def deriving(name: object, *parents: object, value: Any = None, **more: Any) -> actions.DeriveAsset:
    more |= {} if value is None else {"value": Price(amount=value, currency="EUR")}
    return actions.DeriveAsset(asset=a_digest(name), parents=tuple(a_digest(one) for one in parents), **more)


def derived(state: State, name: object, *parents: object, by: str = ALICE, signers: tuple[str, ...] = ()) -> None:
    outcome = done(state, [by, *signers], registering(name), deriving(name, *parents))
    assert outcome.code == "OK"


def lineage(state: State, name: object) -> Lineage:
    return decode(state.get(records.lineage_key(a_digest(name))) or b"", Lineage)


def owed(state: State, name: object) -> dict[str, tuple[int, int, int]]:
    return {one.asset: (one.depth, one.direct_ppm, one.stacked_ppm) for one in lineage(state, name).ancestors}


def test_a_sale_of_a_derivative_pays_all_that_it_was_made_from_in_one_split(state: State) -> None:
    minted(state, "sea", royalty=royalty(100_000, bob=1_000_000))
    derived(state, "sea at night", "sea")
    state.do(ALICE, actions.MintToken(asset=a_digest("sea at night")))
    derived(state, "stars", "sea at night")

    assert owed(state, "stars") == {a_digest("sea at night"): (1, 75_000, 75_000), a_digest("sea"): (2, 0, 100_000)}

    token = token_id(a_digest("stars"))
    state.do(ALICE, actions.MintToken(asset=a_digest("stars")), listing(state, token, 1_001))
    sold = happened(state.do(BOB, actions.BuyToken(token=token, price=1_001, currency="EUR")), TokenSold)
    state.do(BOB, listing(state, token, 1_001))
    resold = happened(state.do(CAROL, actions.BuyToken(token=token, price=1_001, currency="EUR")), TokenSold)

    # First sale: 17.5 % of 1,001 is 175; a resale owes its own 7.5 % besides, and the cap leaves the 25 %.
    assert [(one.to, one.amount, one.reason) for one in sold.payments] == [
        (ALICE, 175, "royalty"), (ALICE, 826, "price"),
    ]  # fmt: skip
    assert [(one.to, one.amount) for one in resold.payments] == [(ALICE, 250), (BOB, 751)]


def test_two_creators_of_two_generations_share_by_their_rates(state: State) -> None:
    state.do(BOB, registering("sea"))
    state.do(BOB, actions.MintToken(asset=a_digest("sea"), royalty=royalty(100_000, bob=1_000_000)))
    derived(state, "stars", "sea", signers=(BOB,))
    token = token_id(a_digest("stars"))
    state.do(ALICE, actions.MintToken(asset=a_digest("stars")), listing(state, token, 1_000))

    sold = happened(state.do(CAROL, actions.BuyToken(token=token, price=1_000, currency="EUR")), TokenSold)

    assert [(one.to, one.amount) for one in sold.payments] == [(BOB, 100), (ALICE, 900)]


def test_a_diamond_pays_the_shared_grandparent_once_for_each_way(state: State) -> None:
    minted(state, "root", royalty=royalty(10_000, alice=1_000_000))
    for side in ("left", "right"):
        derived(state, side, "root")
    derived(state, "joined", "left", "right")

    assert owed(state, "joined")[a_digest("root")] == (2, 0, 20_000)


def test_what_is_derived_is_pinned_to_the_terms_that_were_seen_of_each_parent(state: State) -> None:
    state.do(ALICE, registering("a"), registering("b"), trading_terms("house"))
    state.do(ALICE, actions.SetPolicy(asset=a_digest("b"), policy="house", version=1))
    plain, housed = "asset_default@1", "asset_default@1 house@1"

    def derive(*terms: str) -> str:
        ask = actions.DeriveAsset(asset=a_digest("c"), parents=(a_digest("b"), a_digest("a")), terms=terms)
        return state.do(ALICE, registering("c"), ask).code

    assert derive(plain, plain) == derive(plain, housed) == derive(housed) == Code.TERMS_CHANGED.name
    assert derive(housed, plain) == "OK"


def test_direct_parents_only_with_lrp_and_max_depth_bounds_lap(state: State) -> None:
    open_consortium(state)
    state.do(ROOT, registering("first"))
    state.do(ROOT, actions.MintToken(asset=a_digest("first"), royalty=royalty(200_000, root=1_000_000)))
    derived(state, "second", "first", signers=(ROOT,))
    derived(state, "third", "second")
    amounts = []
    for version, mode in enumerate(("lap max_depth 32", "lrp max_depth 32", "lap max_depth 1"), 1):
        terms = trading_terms(
            "house", f"rent on rental {{ {PAID.format(rate='0%')} upstream {mode}; }}", version=version
        )
        state.do(ALICE, terms, actions.SetPolicy(asset=a_digest("third"), policy="house", version=version))
        name = token_id(a_digest("third"))
        if version == 1:
            state.do(ALICE, actions.MintToken(asset=a_digest("third")))
        rent = actions.RentToken(
            token=name, to=BOB, until_ms=state.time_ms + 2_000, price=Price(amount=1_000, currency="EUR")
        )
        before = balance(state, ROOT)
        assert done(state, [ALICE, BOB], rent).code == "OK"
        amounts.append(balance(state, ROOT) - before)

    assert amounts == [200, 0, 0]


@pytest.mark.parametrize(
    ("condition", "owed_ppm"),
    [
        ("has(tx.price) && tx.price > 10", 100_000),
        ("block.height > 1000", 100_000),
        ("asset.owner != asset.creator", 100_000),
        ("asset.depth == 0", 100_000),
        ("asset.depth > 0", 0),
        ("asset.depth > 0 && has(tx.price) && tx.price > 10", 0),
    ],
)
def test_what_parents_are_owed_does_not_hang_on_a_trade_that_has_not_happened(
    state: State, condition: str, owed_ppm: int
) -> None:
    open_consortium(state)
    clause = f"resale on secondary_sale when {condition} {{ {PAID.format(rate='10%')} }}"
    state.do(ALICE, trading_terms("house", clause))
    state.do(ALICE, registering("sea"), actions.SetPolicy(asset=a_digest("sea"), policy="house", version=1))
    derived(state, "night", "sea")

    assert owed(state, "night")[a_digest("sea")] == (1, owed_ppm, owed_ppm)


def test_a_minted_parent_is_owed_no_more_than_its_own_resales_are(state: State) -> None:
    open_consortium(state)
    state.do(ALICE, registering("sea"))
    rates = []
    for version, rate in enumerate(("5%", "20%", "2%"), 1):
        clause = f"resale on secondary_sale {{ {PAID.format(rate=rate)} }}"
        state.do(ALICE, trading_terms("house", clause, version=version))
        ask = actions.SetPolicy(asset=a_digest("sea"), policy="house", version=version)
        mint = [actions.MintToken(asset=a_digest("sea"))] if version == 1 else []
        assert state.do(ALICE, ask, *mint).code == "OK"
        derived(state, version, "sea")
        rates.append(owed(state, version)[a_digest("sea")][1])

    assert rates == [50_000, 50_000, 20_000]


def test_the_parents_policy_decides_and_its_owner_may_sign_beside(state: State) -> None:
    minted(state, "sea")
    state.do(BOB, registering("copy"))

    assert state.do(BOB, deriving("copy", "sea")).code == "POLICY_DENIED"
    assert done(state, [BOB, ALICE], deriving("copy", "sea")).code == "OK"


def test_a_policy_opens_derivation_for_a_fee(state: State) -> None:
    clause = "licence on derivative_mint { base tx.price; pay 10% to asset.creators by weight; fallback 2.50 EUR; }"
    state.do(ALICE, trading_terms("open_house", clause, rules="permit derive as all_may when true;"))
    state.do(ALICE, registering("sea"), actions.SetPolicy(asset=a_digest("sea"), policy="open_house", version=1))

    seen = ("asset_default@1 open_house@1",)
    free = state.do(BOB, registering("a"), deriving("a", "sea", terms=seen))
    priced = state.do(BOB, registering("b"), deriving("b", "sea", value=1_005))

    assert [(one.to, one.amount, one.reason) for one in happened(free, AssetDerived).payments] == [
        (ALICE, 250, "royalty")
    ]
    assert [(one.to, one.amount, one.reason) for one in happened(priced, AssetDerived).payments] == [
        (ALICE, 100, "royalty"),
        (ALICE, 905, "price"),
    ]


def test_a_cycle_is_refused(state: State) -> None:
    state.do(ALICE, registering("a"), registering("b"))
    assert state.do(ALICE, deriving("b", "a")).code == "OK"

    assert state.do(ALICE, deriving("a", "a")).code == Code.LINEAGE_CYCLE.name
    assert state.do(ALICE, deriving("a", "b")).code == Code.LINEAGE_CYCLE.name


@pytest.mark.parametrize("closed", ["derived", "minted", "numbered", "parent"])
def test_lineage_is_said_once_and_before_minting_and_deriving(state: State, closed: str) -> None:
    state.do(ALICE, registering("a"), registering("b"), registering("c"))
    ready = {
        "derived": deriving("a", "b"),
        "minted": actions.MintToken(asset=a_digest("a")),
        "numbered": actions.MintToken(asset=a_digest("a"), editions=2),
        "parent": deriving("c", "a"),
    }
    assert state.do(ALICE, ready[closed]).code == "OK"

    assert state.do(ALICE, deriving("a", "b")).code == Code.LINEAGE_FIXED.name


def test_lineage_is_bounded_in_depth(state: State) -> None:
    cheap = {"royalty": royalty(0, alice=1_000_000)}
    minted(state, 0, **cheap)
    for number in range(1, DEPTH_MAX + 1):
        derived(state, number, number - 1)
        state.do(ALICE, actions.MintToken(asset=a_digest(number), **cheap))

    refused = state.do(ALICE, registering("deep"), deriving("deep", DEPTH_MAX))

    assert len(owed(state, DEPTH_MAX)) == DEPTH_MAX
    assert refused.code == Code.LINEAGE_TOO_LARGE.name


def test_lineage_is_bounded_in_ancestors(state: State) -> None:
    cheap = {"royalty": royalty(0, alice=1_000_000)}
    name, level = 0, []
    for _ in range(33):
        group = []
        for _ in range(7):
            minted(state, f"leaf {(name := name + 1)}", **cheap)
            group.append(f"leaf {name}")
        derived(state, f"knot {name}", *group)
        state.do(ALICE, actions.MintToken(asset=a_digest(f"knot {name}"), **cheap))
        level.append(f"knot {name}")
    knots = []
    for start in range(0, 33, 8):
        knots.append(f"top {start}")
        derived(state, knots[-1], *level[start : start + 8])
        state.do(ALICE, actions.MintToken(asset=a_digest(knots[-1]), **cheap))

    assert ANCESTORS_MAX < 33 * 8 + 5
    refused = state.do(ALICE, registering("all"), deriving("all", *knots))

    assert refused.code == Code.LINEAGE_TOO_LARGE.name


def test_more_than_everything_cannot_be_owed(state: State) -> None:
    for name in "ab":
        minted(state, name, royalty=royalty(250_000, alice=1_000_000))
    derived(state, "c", "a", "b")
    state.do(ALICE, actions.MintToken(asset=a_digest("c"), royalty=royalty(250_000, alice=1_000_000)))
    derived(state, "d", "c", "a")

    refused = state.do(ALICE, registering("e"), deriving("e", "d", "c"))

    assert sum(stacked for _, _, stacked in owed(state, "d").values()) == 1_000_000
    assert refused.code == Code.LINEAGE_TOO_LARGE.name


def test_a_rate_that_rises_later_leaves_minted_tokens_alone_and_a_fall_counts_at_once(state: State) -> None:
    def put(version: int, name: str, rate: str, by: str = ALICE) -> None:
        state.do(ALICE, trading_terms("house", f"use on rental {{ {PAID.format(rate=rate)} }}", version=version))
        ask = actions.SetPolicy(asset=a_digest(name), policy="house", version=version)
        assert done(state, sorted({by, ALICE}), ask).code == "OK"

    def paid(name: str) -> int:
        before = balance(state, ALICE)
        price = Price(amount=1_000, currency="EUR")
        rent = actions.RentToken(token=token_id(a_digest(name)), to=CAROL, until_ms=state.time_ms + 1_500, price=price)
        assert done(state, [BOB, CAROL], rent).code == "OK"
        return balance(state, ALICE) - before

    open_consortium(state)
    state.do(ALICE, registering("early"))
    put(1, "early", "10%")
    token = token_id(a_digest("early"))
    state.do(ALICE, actions.MintToken(asset=a_digest("early")), actions.TransferToken(token=token, to=BOB))
    first = paid("early")
    put(2, "early", "20%", by=BOB)
    risen = paid("early")
    state.do(ALICE, registering("late"), actions.SetPolicy(asset=a_digest("late"), policy="house", version=2))
    late = token_id(a_digest("late"))
    state.do(ALICE, actions.MintToken(asset=a_digest("late")), actions.TransferToken(token=late, to=BOB))
    later = paid("late")
    put(3, "early", "5%", by=BOB)

    assert (first, risen, later, paid("early")) == (100, 100, 200, 50)


def test_a_price_whose_royalty_rounds_to_nothing_is_refused_with_the_least_price(state: State) -> None:
    token = for_sale(state, "p", 10)
    state.do(BOB, actions.BuyToken(token=token, price=10, currency="EUR"))
    state.do(BOB, listing(state, token, 13))

    result = state.run(state.transaction(CAROL, actions.BuyToken(token=token, price=13, currency="EUR")))

    assert result.outcomes[0].code == Code.PRICE_TOO_LOW.name
    assert "0.14 EUR is the least price" in result.details[0]
