"""Who gets how many minor units when something is sold: exact integers, and what goes in comes out.

The split is by largest remainder (Hamilton's method) in one step, with ties by payee id, so that no order of claims
and no rounding of each share for itself can lose, make or shift a unit. Conservation is checked on every result and
the check stays on.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from contracts_vm.errors import RoyaltyError, ensure
from contracts_vm.types import SAFE_MAX

PPM_WHOLE: Final = 1_000_000
PAYEES_MAX: Final = 64


class Royalty(msgspec.Struct, frozen=True):
    """A royalty that is due, as its clause states it."""

    id: str
    trigger: str
    base: str
    """The field that holds the amount it is a part of: `tx.price`."""
    rate_ppm: int
    payees: str
    """The field that holds the payees and their weights: `asset.creators`."""
    cap_ppm: int | None
    payer: str
    """`buyer`, on top of the price, or `seller`, out of it."""
    fault: str = ""
    """Why its condition could not be evaluated; not empty means: due, but refuse what it is due on."""
    fuel: int = 0
    """What evaluating its condition cost."""


class Settlement(msgspec.Struct, frozen=True):
    """How the money of one sale moves: buyer_pays == seller_receives + the sum of payments."""

    royalty: int
    payments: tuple[tuple[str, int], ...]
    """Payee and amount, in the order of the payees; nobody is paid nothing."""
    seller_receives: int
    buyer_pays: int


def settle(price: int, rate_ppm: int, payees: Sequence[tuple[str, int]], payer: str = "seller") -> Settlement:
    """Split a price between seller and payees, which are (id, weight), at most 64, each once; else RoyaltyError."""
    if payer not in ("buyer", "seller"):
        raise RoyaltyError("PAYER_UNKNOWN", "the payer is the buyer or the seller")
    if len(payees) > PAYEES_MAX:
        raise RoyaltyError("PAYEES_INVALID", f"{len(payees)} payees; at most {PAYEES_MAX} are allowed")
    royalty = portion(price, rate_ppm)
    payments = tuple((payee, amount) for payee, amount in divide(royalty, payees) if amount)
    on_top = royalty if payer == "buyer" else 0
    buyer_pays = _amount(price + on_top)
    seller_receives = buyer_pays - royalty
    ensure(seller_receives >= 0, "a seller received less than nothing")
    ensure(buyer_pays == seller_receives + sum(amount for _, amount in payments), "a settlement lost or made money")
    return Settlement(royalty, payments, seller_receives, buyer_pays)


def portion(amount: int, ppm: int) -> int:
    """The part of an amount that a rate gives, rounded down."""
    if type(ppm) is not int or not 0 <= ppm <= PPM_WHOLE:
        raise RoyaltyError("RATE_OUT_OF_RANGE", "a rate is an integer from 0 to 1,000,000 ppm")
    return _amount(amount) * ppm // PPM_WHOLE


def divide(amount: int, weights: Sequence[tuple[str, int]]) -> tuple[tuple[str, int], ...]:
    """Split an amount by weight without remainder, in the order given; no payee's part depends on that order.

    Everybody gets their exact share rounded down; the units left over go one each to the largest remainders, ties to
    the smaller payee id by code point. Weights are positive integers of any sum.
    """
    _checked(weights)
    total = sum(weight for _, weight in weights)
    shares = [divmod(_amount(amount) * weight, total) for _, weight in weights]
    left = amount - sum(share for share, _ in shares)
    order = sorted(range(len(weights)), key=lambda i: (-shares[i][1], weights[i][0]))
    lucky = frozenset(order[:left])
    result = tuple((payee, shares[i][0] + (i in lucky)) for i, (payee, _) in enumerate(weights))
    ensure(sum(part for _, part in result) == amount, "a division lost or made money")
    return result


def _amount(amount: int) -> int:
    if type(amount) is not int or not 0 <= amount <= SAFE_MAX:
        raise RoyaltyError("AMOUNT_OUT_OF_RANGE", "an amount is an integer from 0 to 2^53-1 minor units")
    return amount


def _checked(weights: Sequence[tuple[str, int]]) -> None:
    payees = {payee for payee, _ in weights}
    if not weights or len(payees) != len(weights) or not all(type(payee) is str for payee in payees):
        raise RoyaltyError("PAYEES_INVALID", "there must be a payee, each a name, and no payee twice")
    if not all(type(weight) is int and 1 <= weight <= SAFE_MAX for _, weight in weights):
        raise RoyaltyError("WEIGHT_INVALID", "a weight is an integer from 1 to 2^53-1")
