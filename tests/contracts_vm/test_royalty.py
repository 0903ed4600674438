"""Royalty clauses, and that settling them neither loses nor makes a unit."""

from contextlib import nullcontext
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts_vm import RoyaltyError, divide, parse, portion, settle
from contracts_vm.errors import ROYALTY_CODES, InvariantBroken, ensure
from contracts_vm.syntax import Money, Upstream

AMOUNT = st.integers(0, 2**53 - 1)
WEIGHT = st.integers(1, 2**53 - 1)
PAYEES = st.dictionaries(st.text(max_size=3), WEIGHT, min_size=1, max_size=64).map(lambda d: list(d.items()))


A = [("a", 1_000_000)]
B = [("b", 400_000), ("c", 600_000)]


def a_royalty(clauses: str, condition: str = "") -> str:
    return f"policy p version 1 schema s@1 {{ royalty r on swap {condition} {{ {clauses} }} }}"


@pytest.mark.parametrize(
    ("rate", "ppm"),
    [
        ("7.5%", 75_000),
        ("0.0001%", 1),
        ("7.50000%", 75_000),
        ("100%", 1_000_000),
        ("12 %", 120_000),
        ("0%", 0),
        ("75000 ppm", 75_000),
        ("1000000 ppm", 1_000_000),
    ],
)
def test_a_rate_is_read_exactly(rate: str, ppm: int) -> None:
    policy = parse(a_royalty(f"payer buyer; pay {rate} to a.c by weight; base t.p;"))
    due = policy.royalty_for("swap", {}, [0])

    assert due is not None
    assert (due.rate_ppm, due.payer, due.cap_ppm, due.base, due.payees) == (ppm, "buyer", None, "t.p", "a.c")


@pytest.mark.parametrize(
    ("condition", "due", "error"),
    [
        ("when x.a == 1", True, ""),
        ("when x.a == 2", False, ""),
        ("when x.b == 1", True, "FIELD_MISSING"),
        ("when x.a", True, "NOT_BOOL"),
        ("when x.a in [1, 2, 3, 4, 5, 6, 7, 8, 9]", True, "BUDGET"),
    ],
)
def test_a_condition_that_fails_never_waives_a_royalty(condition: str, due: bool, error: str) -> None:
    meter = [20]
    policy = parse(a_royalty("base t.p; pay 1% to a.c by weight;", condition))
    found = policy.royalty_for("swap", {"x": {"a": 1}}, meter)

    assert (found is not None) is due
    assert found is None or found.error == error
    assert meter[0] < 20, "also what is not due has cost something"


@pytest.mark.parametrize(
    ("amount", "weights", "parts"),
    [
        (100, [("a", 1), ("b", 1), ("c", 1)], [34, 33, 33]),
        (100, [("c", 1), ("b", 1), ("a", 1)], [33, 33, 34]),
        (0, [("a", 1), ("b", 2)], [0, 0]),
        (1, [("a", 1), ("b", 2)], [0, 1]),
        (999, [("major", 900_000), ("minor", 100_000)], [899, 100]),
        (2**53 - 1, [("a", 2**53 - 1), ("b", 1)], [2**53 - 2, 1]),
        (7, [("only", 3)], [7]),
    ],
)
def test_an_amount_divides_like_this(amount: int, weights: list[tuple[str, int]], parts: list[int]) -> None:
    assert [part for _, part in divide(amount, weights)] == parts


def test_minorities_are_not_rounded_away() -> None:
    weights = [("major", 900_000), *((f"minor{i:04d}", 100) for i in range(1_000))]

    parts = dict(divide(999, weights))

    assert parts["major"] == 900
    assert sum(part for payee, part in parts.items() if payee != "major") == 99


@pytest.mark.parametrize(
    ("price", "payer", "expected"),
    [
        (1_000, "seller", (75, 925, 1_000)),
        (1_000, "buyer", (75, 1_000, 1_075)),
        (13, "seller", (0, 13, 13)),
        (0, "seller", (0, 0, 0)),
    ],
)
def test_a_sale_settles_like_this(price: int, payer: str, expected: tuple[int, int, int]) -> None:
    result = settle(price, 75_000, [("a", 1), ("b", 3)], payer)

    assert (result.royalty, result.seller_receives, result.buyer_pays) == expected


@pytest.mark.parametrize(
    ("price", "terms", "payments", "seller"),
    [
        # own payees and ancestors in one split: 5 % and 10 % of 1,001 are 150 in all, not 50 and 100 rounded apart
        (1_001, {"others": [(100_000, B)]}, (("a", 50), ("b", 40), ("c", 60)), 851),
        # somebody who is both is paid once, for both
        (1_000, {"others": [(100_000, A)]}, (("a", 150),), 850),
        # a cap on all together leaves the proportions
        (1_000, {"others": [(100_000, B)], "cap_ppm": 60_000}, (("a", 20), ("b", 16), ("c", 24)), 940),
        (10, {"floor": 4}, (("a", 4),), 6),
        (10, {"floor": 40}, (("a", 10),), 0),
        (10, {"floor": 40, "payer": "buyer"}, (("a", 40),), 10),
        (10, {"floor": 4, "cap_ppm": 100_000}, (("a", 4),), 6),
        (0, {"fallback": 7, "floor": 3}, (("a", 7),), 0),
        (0, {"floor": 3}, (), 0),
        (
            10**12,
            {"others": [(1_000_000, B)]},
            (("a", 47_619_047_619), ("b", 380_952_380_952), ("c", 571_428_571_429)),
            0,
        ),
    ],
)
def test_ancestors_floor_cap_and_fallback_settle_like_this(
    price: int, terms: dict[str, Any], payments: tuple[tuple[str, int], ...], seller: int
) -> None:
    result = settle(price, 50_000, A, **terms)

    assert (result.payments, result.seller_receives) == (payments, seller)
    assert result.buyer_pays == seller + sum(amount for _, amount in payments)


def test_a_floor_is_split_among_the_own_payees_where_no_rate_is_due() -> None:
    assert settle(100, 0, B, floor=10).payments == (("b", 4), ("c", 6))
    assert settle(100, 0, A, floor=10, others=[(1, B)]).payments == (("b", 4), ("c", 6))


@pytest.mark.parametrize(
    ("clause", "money"),
    [
        ("1.00 EUR", (1, 0, "EUR")),
        ("0.05 EUR", (5, 2, "EUR")),
        ("12.50 GOLD", (125, 1, "GOLD")),
        ("0 EUR", (0, 0, "EUR")),
    ],
)
def test_money_is_read_exactly(clause: str, money: tuple[int, int, str]) -> None:
    due = parse(a_royalty(f"base t.p; pay 1% to a.c by weight; floor {clause}; fallback {clause};")).royalty_for(
        "swap", {}, [0]
    )

    assert due is not None
    assert due.floor == due.fallback == Money(*money)


@pytest.mark.parametrize(
    ("money", "decimals", "units"),
    [(Money(5, 2, "EUR"), 2, 5), (Money(5, 0, "EUR"), 2, 500), (Money(5, 2, "EUR"), 1, None), (Money(0, 0, "X"), 0, 0)],
)
def test_money_in_minor_units(money: Money, decimals: int, units: int | None) -> None:
    assert money.units(decimals) == units


def test_upstream_and_refund_are_read() -> None:
    clauses = "base t.p; pay 1% to a.c by weight; upstream lrp max_depth 16; refund reverse;"
    due = parse(a_royalty(clauses)).royalty_for("swap", {}, [0])

    assert due is not None
    assert (due.upstream, due.refund) == (Upstream("lrp", 16), "reverse")


def test_nobody_is_paid_nothing() -> None:
    assert settle(100, 10_000, [("a", 1), ("b", 999)]).payments == (("b", 1),)


REFUSED = [
    (lambda: divide(-1, [("a", 1)]), "AMOUNT_OUT_OF_RANGE"),
    (lambda: divide(2**53, [("a", 1)]), "AMOUNT_OUT_OF_RANGE"),
    (lambda: divide(True, [("a", 1)]), "AMOUNT_OUT_OF_RANGE"),
    (lambda: divide(1, []), "PAYEES_INVALID"),
    (lambda: divide(1, [("a", 1), ("a", 1)]), "PAYEES_INVALID"),
    (lambda: divide(1, [("a", 1), (1, 1)]), "PAYEES_INVALID"),  # type: ignore[list-item]
    (lambda: divide(1, [("a", 0)]), "WEIGHT_INVALID"),
    (lambda: divide(1, [("a", -1)]), "WEIGHT_INVALID"),
    (lambda: divide(1, [("a", 2**53)]), "WEIGHT_INVALID"),
    (lambda: portion(1, 1_000_001), "RATE_OUT_OF_RANGE"),
    (lambda: settle(14, 75_000, [("a", 1)], worth=100_000), "ROYALTY_OVER_PRICE"),
    (lambda: portion(1, -1), "RATE_OUT_OF_RANGE"),
    (lambda: portion(-1, 1), "AMOUNT_OUT_OF_RANGE"),
    (lambda: settle(100, 1, [(f"p{i}", 1) for i in range(1_033)]), "PAYEES_INVALID"),
    (
        lambda: settle(100, 1, A, others=[(1, [(f"p{i}", 1_000) for i in range(n, n + 1_000)]) for n in (0, 1_000)]),
        "PAYEES_INVALID",
    ),
    (lambda: settle(100, 1, A, others=[(1, [("b", 1)])]), "WEIGHT_INVALID"),
    (lambda: settle(100, 1, A, cap_ppm=1_000_001), "RATE_OUT_OF_RANGE"),
    (lambda: settle(100, 1, A, floor=-1), "AMOUNT_OUT_OF_RANGE"),
    (lambda: settle(0, 1, A, fallback=2**53), "AMOUNT_OUT_OF_RANGE"),
    (lambda: settle(2**53 - 1, 1_000_000, [("a", 1)], "buyer"), "AMOUNT_OUT_OF_RANGE"),
    (lambda: settle(1, 1, [("a", 1)], "nobody"), "PAYER_UNKNOWN"),
]


@pytest.mark.parametrize(("attempt", "code"), REFUSED)
def test_what_cannot_be_settled_is_refused(attempt: object, code: str) -> None:
    assert callable(attempt)
    with pytest.raises(RoyaltyError) as caught:
        attempt()

    assert caught.value.code == code


def test_every_code_of_a_royalty_is_reached() -> None:
    assert {code for _, code in REFUSED} == set(ROYALTY_CODES)


@pytest.mark.parametrize(("payer", "pays", "receives"), [("seller", 40_000, 32_500), ("buyer", 47_500, 40_000)])
def test_what_is_sold_together_owes_its_royalty_of_the_whole(payer: str, pays: int, receives: int) -> None:
    found = settle(40_000, 75_000, [("a", 1)], payer, worth=100_000)

    assert (found.royalty, found.buyer_pays, found.seller_receives) == (7_500, pays, receives)


@given(AMOUNT, PAYEES)
def test_a_division_conserves_and_does_not_depend_on_order(amount: int, payees: list[tuple[str, int]]) -> None:
    parts = divide(amount, payees)
    total = sum(weight for _, weight in payees)

    assert sum(part for _, part in parts) == amount
    assert [payee for payee, _ in parts] == [payee for payee, _ in payees]
    for (_, weight), (_, part) in zip(payees, parts, strict=True):
        assert amount * weight // total <= part <= amount * weight // total + 1
    assert dict(divide(amount, sorted(payees, reverse=True))) == dict(parts)


@given(AMOUNT, st.integers(0, 1_000_000), PAYEES, st.sampled_from(("buyer", "seller")))
def test_a_settlement_conserves(price: int, rate: int, payees: list[tuple[str, int]], payer: str) -> None:
    too_much = payer == "buyer" and price + portion(price, rate) > 2**53 - 1
    with pytest.raises(RoyaltyError, match="AMOUNT_OUT_OF_RANGE") if too_much else nullcontext():
        result = settle(price, rate, payees, payer)
    if too_much:
        return

    assert result.buyer_pays == result.seller_receives + sum(amount for _, amount in result.payments)
    assert sum(amount for _, amount in result.payments) == result.royalty == price * rate // 1_000_000
    assert (result.seller_receives if payer == "buyer" else result.buyer_pays) == price


GROUPS = st.lists(
    st.tuples(
        st.integers(0, 1_000_000),
        st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=5, unique=True).map(
            lambda ids: [(payee, 1 if place else 101 - len(ids)) for place, payee in enumerate(ids)]
        ),
    ),
    min_size=1,
    max_size=6,
)


@given(
    st.integers(0, 10**12),
    GROUPS,
    st.sampled_from(("buyer", "seller")),
    st.integers(0, 10**6),
    st.integers(0, 1_000_000),
    st.integers(0, 10**6),
)
def test_ancestors_floors_caps_and_fallbacks_conserve(
    price: int, groups: list[Any], payer: str, floor: int, cap: int, fallback: int
) -> None:
    (rate, payees), *ancestors = groups
    result = settle(price, rate, payees, payer, others=ancestors, floor=floor, cap_ppm=cap, fallback=fallback)
    shuffled = settle(price, rate, payees, payer, others=ancestors[::-1], floor=floor, cap_ppm=cap, fallback=fallback)

    assert result.buyer_pays == result.seller_receives + sum(amount for _, amount in result.payments)
    assert len(dict(result.payments)) == len(result.payments)
    assert dict(shuffled.payments) == dict(result.payments)
    assert result.royalty <= max(price * cap // 1_000_000, floor, 0 if price else fallback)


def test_a_broken_invariant_stops() -> None:
    with pytest.raises(InvariantBroken, match="lost"):
        ensure(False, "money was lost")
