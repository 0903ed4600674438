"""Amounts with their currency, and the policies that whoever pays has seen: in actions, and in signed requests."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from ledger.names import CurrencyCode, Positive


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An amount of minor units with its currency."""

    amount: Positive
    currency: CurrencyCode


Terms = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_@ ]{0,322}\Z")]
"""The policies that bind a token, as `GET /v1/tokens/{token}` shows them: `asset_default@1 spring@2`."""
