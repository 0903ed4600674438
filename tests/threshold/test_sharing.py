"""Polynomials, commitments to them, and what comes of their values at some indices."""

from __future__ import annotations

from itertools import combinations

import pytest
from ceremonies import chance
from hypothesis import given, settings
from hypothesis import strategies as st

from threshold import Scalar, threshold_of
from threshold.group import ZERO, G
from threshold.sharing import commit, draw_polynomial, lagrange, value_at, weighted


@pytest.mark.parametrize(
    ("holders", "threshold"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (6, 3), (7, 5), (9, 5), (10, 7)]
)
def test_so_many_of_so_many_open(holders: int, threshold: int) -> None:
    assert threshold_of(holders) == threshold


@pytest.mark.parametrize("holders", range(4, 100))
def test_as_many_as_can_neither_open_nor_prevent_it(holders: int) -> None:
    faulty = (holders - 1) // 3
    assert faulty < threshold_of(holders) <= holders - faulty


@pytest.mark.parametrize("threshold", [1, 2, 3])
def test_any_so_many_shares_give_the_secret_and_one_less_gives_another(threshold: int) -> None:
    secret = Scalar.of(41)
    polynomial = draw_polynomial(secret, threshold, chance("polynomial"))
    shares = {index: value_at(polynomial, index) for index in range(1, 6)}

    for some in combinations(shares, threshold):
        assert weighted([shares[one] for one in some], lagrange(some)) == secret
    for few in combinations(shares, threshold - 1):
        assert not few or weighted([shares[one] for one in few], lagrange(few)) != secret


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 6), st.integers(1, 255), st.text(max_size=3))
def test_commitments_say_what_each_share_fits(threshold: int, index: int, seed: str) -> None:
    polynomial = draw_polynomial(Scalar.draw(chance(seed)), threshold, chance(seed))

    assert value_at(commit(polynomial), index) == G * value_at(polynomial, index)


def test_a_share_may_be_nought() -> None:
    polynomial = (Scalar.of(-6), Scalar.of(2))

    assert value_at(polynomial, 3) == ZERO
    assert value_at(commit(polynomial), 3) == G * ZERO
