"""The group: what is read as an element or a scalar, and what libsodium computes, against plain integers."""

from __future__ import annotations

import plain_edwards as plain
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from threshold import Element, Scalar, ThresholdCode, ThresholdError
from threshold.group import G_BAR, IDENTITY, ORDER, ZERO, G, digest

NUMBERS = st.integers(0, ORDER - 1)
TORSION = plain.torsion()


def scalar(number: int) -> Scalar:
    return Scalar(number.to_bytes(32, "little"))


def test_the_second_generator_comes_from_a_hash_and_so_has_no_known_logarithm() -> None:
    assert G_BAR.encoded == plain.second_generator().bytes()
    assert Element.read(G_BAR.encoded) != G


def test_the_generator_is_that_of_the_standard() -> None:
    assert G.encoded == plain.G.bytes()
    assert plain.G * plain.L == plain.ZERO


@pytest.mark.parametrize("order", range(8))
def test_points_of_small_order_are_no_elements(order: int) -> None:
    refused(TORSION[order].bytes())


@pytest.mark.parametrize("order", range(1, 8))
def test_points_of_mixed_order_are_no_elements(order: int) -> None:
    """One of them, that with the point of order 2, was an element for libsodium before 2026 (CVE-2025-69277)."""
    refused((plain.G * 5 + TORSION[order]).bytes())


def test_other_spellings_of_points_are_no_elements() -> None:
    above = [(y + plain.P).to_bytes(32, "little") for y in range(19)]
    signed_zero = [(number | 1 << 255).to_bytes(32, "little") for number in (1, plain.P - 1)]
    for encoded in (*above, *signed_zero, G.encoded[:31], G.encoded + b"\x00", b""):
        refused(encoded)


def test_bytes_beside_the_curve_are_no_elements() -> None:
    refused((2).to_bytes(32, "little"))


def refused(encoded: bytes) -> None:
    with pytest.raises(ThresholdError) as error:
        Element.read(encoded)
    assert error.value.code is ThresholdCode.MESSAGE_MALFORMED


@pytest.mark.parametrize("number", [ORDER, ORDER + 1, 2**255, 2**256 - 1])
def test_a_scalar_has_one_spelling(number: int) -> None:
    with pytest.raises(ThresholdError):
        Scalar.read(number.to_bytes(32, "little"))


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_scalar_has_32_bytes(size: int) -> None:
    with pytest.raises(ThresholdError):
        Scalar.read(bytes(size))


def test_a_secret_is_not_shown() -> None:
    assert repr(Scalar.of(7)) == "Scalar()"


@given(NUMBERS, NUMBERS)
def test_scalars_compute_as_integers_do(a: int, b: int) -> None:
    assert scalar(a) + scalar(b) == Scalar.of(a + b)
    assert scalar(a) - scalar(b) == Scalar.of(a - b)
    assert scalar(a) * scalar(b) == Scalar.of(a * b)
    assert Scalar.read(scalar(a).encoded) == scalar(a)


@settings(max_examples=15, deadline=None)
@given(NUMBERS, NUMBERS)
def test_elements_compute_as_plain_integers_do(a: int, b: int) -> None:
    left, right = G * scalar(a), G * scalar(b)
    plain_left, plain_right = plain.G * a, plain.G * b

    assert left.encoded == plain_left.bytes()
    assert (left + right).encoded == (plain_left + plain_right).bytes()
    assert (left - right).encoded == (plain_left + -plain_right).bytes()
    assert (left * scalar(b)).encoded == (plain_left * b).bytes()


def test_the_identity_may_come_out_of_a_product_and_go_into_one() -> None:
    assert G * ZERO == IDENTITY == G_BAR * ZERO == IDENTITY * Scalar.of(5) == G - G
    assert IDENTITY + G == G


@given(st.lists(st.binary(max_size=20), max_size=4), st.lists(st.binary(max_size=20), max_size=4))
def test_two_lists_of_parts_never_have_one_digest(left: list[bytes], right: list[bytes]) -> None:
    assert (digest("test", *left) == digest("test", *right)) == (left == right)
    assert digest("test", *left) != digest("tes", b"t", *left)
    assert digest("test", *left) == plain.digest("test", *left)
