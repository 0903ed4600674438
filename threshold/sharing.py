"""Sharing a secret by a polynomial (Shamir), and committing to the polynomial (Feldman).

The secret is the polynomial's value at zero, the share of holder i its value at i, from 1. A polynomial has as many
coefficients as shares are needed. The commitment to a coefficient is `G` times it, so the same arithmetic on
commitments gives `G` times the share: everybody knows what a share must fit, and nobody the share.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from operator import add
from typing import TypeVar

from threshold.group import ORDER, Element, G, Random, Scalar

HOLDERS_MAX = 255
"""An index is one byte, and never zero: there lies the secret."""

Term = TypeVar("Term", Scalar, Element)


def threshold_of(holders: int) -> int:
    """How many of so many holders open: 2f+1 of 3f+1 from four on, so that f can neither open nor prevent it.

    Of three, two: there f would be nought, and one could open alone.
    """
    return 2 * ((holders - 1) // 3) + 1 if holders > 3 else holders // 2 + 1


def draw_polynomial(secret: Scalar, threshold: int, random: Random) -> tuple[Scalar, ...]:
    """Coefficients from the constant one up, the others by chance."""
    return (secret, *(Scalar.draw(random) for _ in range(threshold - 1)))


def commit(polynomial: Sequence[Scalar]) -> tuple[Element, ...]:
    """Feldman's commitment to each coefficient."""
    return tuple(G * coefficient for coefficient in polynomial)


def value_at(coefficients: Sequence[Term], index: int) -> Term:
    """The value of a polynomial at a holder's index; of commitments, `G` times that."""
    return weighted(coefficients, [Scalar.of(pow(index, power, ORDER)) for power in range(len(coefficients))])


def lagrange(indices: Sequence[int]) -> list[Scalar]:
    """What the values at these indices, all different, are multiplied with so that their sum is the value at zero."""
    weights = []
    for own in indices:
        above = below = 1
        for other in indices:
            if other != own:
                above, below = above * other, below * (other - own)
        weights.append(Scalar.of(above * pow(below, -1, ORDER)))
    return weights


def weighted(terms: Sequence[Term], weights: Sequence[Scalar]) -> Term:
    """The sum of one or more terms, each times its weight."""
    return reduce(add, (term * weight for term, weight in zip(terms, weights, strict=True)))
