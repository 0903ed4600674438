"""Royalty clauses, and that settling them neither loses nor makes a unit."""

from contextlib import nullcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts_vm import RoyaltyError, divide, parse, portion, settle
from contracts_vm.errors import ROYALTY_CODES, InvariantBroken, ensure

AMOUNT = st.integers(0, 2**53 - 1)
WEIGHT = st.integers(1, 2**53 - 1)
PAYEES = st.dictionaries(st.text(max_size=3), WEIGHT, min_size=1, max_size=64).map(lambda d: list(d.items()))


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
    due = policy.royalty_for("swap", {}, 0)

    assert due is not None
    assert (due.rate_ppm, due.payer, due.cap_ppm, due.base, due.payees) == (ppm, "buyer", None, "t.p", "a.c")


@pytest.mark.parametrize(
    ("condition", "due", "fault"),
    [
        ("when x.a == 1", True, ""),
        ("when x.a == 2", False, ""),
        ("when x.b == 1", True, "FIELD_MISSING"),
        ("when x.a", True, "NOT_BOOL"),
        ("when x.a in [1, 2, 3, 4, 5, 6, 7, 8, 9]", True, "BUDGET"),
    ],
)
def test_a_condition_that_fails_never_waives_a_royalty(condition: str, due: bool, fault: str) -> None:
    found = parse(a_royalty("base t.p; pay 1% to a.c by weight;", condition)).royalty_for("swap", {"x": {"a": 1}}, 20)

    assert (found is not None) is due
    assert found is None or found.fault == fault
    assert found is None or 0 < found.fuel <= 20


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
    (lambda: portion(1, -1), "RATE_OUT_OF_RANGE"),
    (lambda: portion(-1, 1), "AMOUNT_OUT_OF_RANGE"),
    (lambda: settle(100, 1, [(f"p{i}", 1) for i in range(65)]), "PAYEES_INVALID"),
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


def test_a_broken_invariant_stops() -> None:
    with pytest.raises(InvariantBroken, match="lost"):
        ensure(False, "money was lost")
