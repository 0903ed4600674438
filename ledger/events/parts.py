"""What several events are made of, and the base of them all."""

from __future__ import annotations

import msgspec


class Event(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, tag_field="type"
):
    """Base of all events; `type` is the event's name."""


class Payment(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Money that one account received in a sale."""

    to: str
    amount: int
    reason: str
    """`price` or `royalty`."""


class PaymentIn(Payment, frozen=True, kw_only=True):
    """A payment that names its currency, for want of a price that does."""

    currency: str
