"""Who gets how many minor units when something is sold: exact integers, and what goes in comes out.

Own payees and the payees of all ancestors share in one split by largest remainder (Hamilton's method), with ties by
payee id, so that neither the order of claims nor rounding share by share can lose, make or shift a unit. Floor and cap
change how much is split, never how. Conservation is checked on every result and the check stays on.
"""

from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple, NoReturn

import msgspec

from contracts_vm.errors import RoyaltyError, ensure
from contracts_vm.syntax import Money, NamedPayee, Upstream
from contracts_vm.types import PPM_WHOLE, SAFE_MAX

PAYEES_MAX: Final = 1_032

Payees = Sequence[tuple[str, int]]
"""Payee ids and their weights."""
Group = tuple[int, Payees]
"""A rate in ppm of the price, and who shares it: the own payees, one that is named, or those of one ancestor."""


class DueRoyalty(msgspec.Struct, frozen=True):
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
    named: tuple[NamedPayee, ...] = ()
    """Who is paid beside them, each at a rate of its own."""
    error: str = ""
    """Why its condition could not be evaluated, or "". If not empty, the royalty is due; refuse the sale."""
    upstream: Upstream | None = None
    floor: Money | None = None
    fallback: Money | None = None
    refund: str = "keep"


class Settlement(msgspec.Struct, frozen=True):
    """How the money of one sale moves: buyer_pays == seller_receives + the sum of payments."""

    royalty: int
    payments: tuple[tuple[str, int], ...]
    """Payee and amount, in the order of the payees; nobody is paid nothing."""
    seller_receives: int
    buyer_pays: int
    """Where there is no price this is the fallback alone, and the caller says who pays it."""


def settle(
    price: int,
    rate_ppm: int,
    payees: Payees,
    payer: str = "seller",
    *,
    others: Sequence[Group] = (),
    floor: int = 0,
    cap_ppm: int = PPM_WHOLE,
    fallback: int = 0,
    worth: int = 0,
) -> Settlement:
    """Split a price between the seller, the payees and others: named ones, ancestors'. At most 1,032; RoyaltyError.

    What is due is the portion of all rates together, at most the cap and at least the floor; taken out of the price, it
    is never more than the price. Without a price the fallback is due. What is sold with other things has a `worth`
    above its price, of which the rates are parts; where the price does not cover that, it is refused.
    """
    if payer not in ("buyer", "seller"):
        raise RoyaltyError("PAYER_UNKNOWN", "the payer is the buyer or the seller")
    groups = ((rate_ppm, payees), *others)
    if price == 0:
        royalty, on_top = _amount(fallback), True
    else:
        on_top = payer == "buyer"
        stack = sum(_rate(rate) for rate, _ in groups)
        part = _amount(max(price, worth)) * min(stack, _rate(cap_ppm)) // PPM_WHOLE
        if part > price and not on_top:
            raise RoyaltyError("ROYALTY_OVER_PRICE", f"a royalty of {part} is due out of a price of {price}")
        royalty = max(part, _amount(floor))
        royalty = royalty if on_top else min(royalty, price)
    payments = tuple([part for part in _split(royalty, _claims(groups)) if part[1]])
    buyer_pays = _amount(price + royalty if on_top else price)
    seller_receives = buyer_pays - royalty
    ensure(seller_receives >= 0, "a seller received less than nothing")
    paid = sum([amount for _, amount in payments])
    ensure(buyer_pays == seller_receives + paid, "a settlement lost or made money")
    return Settlement(royalty, payments, seller_receives, buyer_pays)


def portion(amount: int, ppm: int) -> int:
    """The part of an amount that a rate gives, rounded down."""
    return _amount(amount) * _rate(ppm) // PPM_WHOLE


def divide(amount: int, weights: Payees) -> tuple[tuple[str, int], ...]:
    """Split an amount by weight without remainder, in the order given; no payee's part depends on that order.

    Everybody gets their exact share rounded down; the units left over go one each to the largest remainders, ties to
    the smaller payee id by code point. Weights are positive integers of any sum.
    """
    return tuple(_split(_amount(amount), _claim(weights)))


class _Claim(NamedTuple):
    """Payees and their weights, column by column, which is what makes a split of many fast."""

    ids: Sequence[str]
    weights: Sequence[int]
    whole: int


def _claims(groups: Sequence[Group]) -> _Claim:
    """What each payee may claim, as one weight: rate times weight, added up where somebody is in several groups.

    The weights of every group make the same whole. Where all rates are zero the first group alone has a claim.
    """
    found = [(rate, _claim(payees)) for rate, payees in groups]
    if len({claim.whole for _, claim in found}) != 1:
        raise RoyaltyError("WEIGHT_INVALID", "the weights of all groups must make the same whole")
    owed = [one for one in found if one[0]]
    if len(owed) < 2:
        return owed[0][1] if owed else found[0][1]
    merged: dict[str, int] = {}
    for rate, claim in owed:
        for payee, weight in zip(claim.ids, claim.weights, strict=True):
            merged[payee] = merged.get(payee, 0) + rate * weight
    if len(merged) > PAYEES_MAX:
        _too_many(len(merged))
    return _Claim(tuple(merged), tuple(merged.values()), sum(merged.values()))


def _claim(payees: Payees) -> _Claim:
    """Payees each named once, each weight positive; else RoyaltyError."""
    if len(payees) > PAYEES_MAX:
        _too_many(len(payees))
    ids, weights = [payee for payee, _ in payees], [weight for _, weight in payees]
    if not ids or len(set(ids)) != len(ids) or set(map(type, ids)) != {str}:
        raise RoyaltyError("PAYEES_INVALID", "there must be a payee, each a name, and no payee twice")
    if set(map(type, weights)) != {int} or min(weights) < 1 or max(weights) > SAFE_MAX:
        raise RoyaltyError("WEIGHT_INVALID", "a weight is an integer from 1 to 2^53-1")
    return _Claim(ids, weights, sum(weights))


def _split(amount: int, claim: _Claim) -> Iterable[tuple[str, int]]:
    ids, weights, whole = claim
    parts = [amount * weight for weight in weights]
    shares = [part // whole for part in parts]
    left = amount - sum(shares)
    if left:
        remainders = [part % whole for part in parts]
        least = sorted(remainders, reverse=True)[left - 1]
        tied = sorted([(ids[place], place) for place, remainder in enumerate(remainders) if remainder == least])
        shares = [share + (remainder > least) for share, remainder in zip(shares, remainders, strict=True)]
        for _, place in tied[: amount - sum(shares)]:
            shares[place] += 1
    ensure(sum(shares) == amount, "a division lost or made money")
    return zip(ids, shares, strict=True)


def _amount(amount: int) -> int:
    if type(amount) is not int or not 0 <= amount <= SAFE_MAX:
        raise RoyaltyError("AMOUNT_OUT_OF_RANGE", "an amount is an integer from 0 to 2^53-1 minor units")
    return amount


def _rate(ppm: int) -> int:
    if type(ppm) is not int or not 0 <= ppm <= PPM_WHOLE:
        raise RoyaltyError("RATE_OUT_OF_RANGE", "a rate is an integer from 0 to 1,000,000 ppm")
    return ppm


def _too_many(count: int) -> NoReturn:
    raise RoyaltyError("PAYEES_INVALID", f"{count} payees; at most {PAYEES_MAX} are allowed")
