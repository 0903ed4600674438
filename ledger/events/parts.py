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
    """The same where no price says in which currency."""

    currency: str
