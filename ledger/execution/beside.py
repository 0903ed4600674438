"""What else a transaction pays, so that no price hides in another of its actions.

A royalty is a part of a price, so a sale for a cent is worth a cent to the creators however much is paid beside it.
What is priced in one transaction is therefore valued together: each part owes its royalty of the whole, out of its own
price and nothing on top of it. What pays without a price of its own, rules see as `tx.paid_apart` and may forbid. What
an action pays on top of its price it pays only under terms that it names, so all this is known before anything runs.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import UNSET, UnsetType

from ledger.actions import (
    AcceptOffer,
    Action,
    BuyLicence,
    BuyToken,
    DeriveAsset,
    GrantAccess,
    GrantLicence,
    IssueCurrency,
    MakeOffer,
    Pay,
    PlaceBid,
    Price,
    RefundSale,
    RegisterGenerated,
    RentToken,
    SellToken,
    SettleAuction,
    SwapTokens,
    TransferToken,
)
from ledger.execution.context import Context

SALES = (BuyToken, SellToken, AcceptOffer)
PAYING = (Pay, IssueCurrency, RefundSale, MakeOffer, PlaceBid, SettleAuction)
"""Actions by which money reaches somebody, or is promised to, for nothing that has a price in this transaction."""


def paid_beside(tx: Context) -> bool:
    """Whether another action of the transaction may pay."""
    return paid_apart(tx) or any(True for _ in priced_beside(tx))


def paid_apart(tx: Context) -> bool:
    """Whether another action may pay in a way that no price of the transaction tells."""
    return any(_pays_apart(ask) for ask in _others(tx))


def priced_beside(tx: Context) -> Iterator[Price]:
    """What the other actions ask for what they sell, let, show or allow."""
    for ask in _others(tx):
        yield from _prices(ask)


def _others(tx: Context) -> Iterator[Action]:
    return (ask for place, ask in enumerate(tx.transaction.actions) if place != tx.action_index)


def _pays_apart(ask: Action) -> bool:
    """Also what has no price pays, under terms that it names: the fallback of a gift, a swap or a derivation."""
    if isinstance(ask, SwapTokens):
        return ask.terms is not UNSET or ask.for_terms is not UNSET
    if isinstance(ask, DeriveAsset):
        return ask.terms is not UNSET and ask.value is UNSET
    if isinstance(ask, RegisterGenerated) and not isinstance(ask.request.source, UnsetType):
        return ask.request.source.terms is not UNSET and ask.request.source.value is UNSET
    return isinstance(ask, PAYING) or (isinstance(ask, TransferToken) and ask.terms is not UNSET)


def _prices(ask: Action) -> Iterator[Price]:
    if isinstance(ask, SALES):
        yield Price(amount=ask.price, currency=ask.currency)
    elif isinstance(ask, BuyLicence | GrantLicence | GrantAccess | RentToken):
        yield from [] if isinstance(ask.price, UnsetType) else [ask.price]
    elif isinstance(ask, DeriveAsset) and ask.value is not UNSET:
        yield from [ask.value] * len(set(ask.parents))
    elif isinstance(ask, RegisterGenerated) and not isinstance(ask.request.source, UnsetType):
        yield from [] if isinstance(ask.request.source.value, UnsetType) else [ask.request.source.value]
