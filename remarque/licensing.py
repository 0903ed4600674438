"""Licences: what somebody may do with a picture, given, ended and used."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from ledger.actions import GrantLicence, Price, RevokeLicence, UseLicence
from ledger.events import LicenceGranted
from ledger.receipt import Receipt
from remarque.drafts import Draft
from remarque.submitting import VALID_SECONDS
from remarque.trading import TradeMethods


class LicenceMethods(TradeMethods):
    """What an account does about licences."""

    async def license(self, licence: GrantLicence) -> tuple[str, Receipt]:
        """Give a licence for one's own asset without a price; its id and the receipt.

        LICENCE_EXCLUSIVE if somebody else has one for some of it and one of the two would be; POLICY_DENIED.
        """
        receipt = await self.submit(licence)
        (granted,) = (event for event in receipt.outcome.events if isinstance(event, LicenceGranted))
        return granted.licence, receipt

    async def draft_licence(
        self,
        licence: GrantLicence,
        price: int,
        currency: str,
        *,
        payer: str = "",
        terms: str | None = None,
        key: str = "",
        valid_s: int = VALID_SECONDS,
    ) -> Draft:
        """One for a price, in minor units, for whoever pays to sign too: its account, or for an org's the `payer`."""
        paid: dict[str, Any] = {
            "price": Price(amount=price, currency=currency),
            "payer": payer or UNSET,
            "terms": terms or await self.asset_terms(licence.asset),
        }
        return await self.draft_with({payer or licence.to: key}, replace(licence, **paid), valid_s=valid_s)

    async def revoke_licence(self, asset: str, licence: str) -> Receipt:
        """End a licence now. LICENCE_PAID: somebody has paid for it, and signs a draft of it too."""
        return await self.submit(RevokeLicence(asset=asset, licence=licence))

    async def publish(
        self, asset: str, licence: str, purpose: str = "", *, medium: str | None = None, territory: str | None = None
    ) -> Receipt:
        """Put on the chain that one publishes an asset under a licence; a use of it is counted.

        `medium` and `territory`: where, if the licence names some. LICENCE_UNFIT, POLICY_DENIED.
        """
        where: dict[str, Any] = {"medium": medium or UNSET, "territory": territory or UNSET}
        return await self.submit(UseLicence(asset=asset, licence=licence, purpose=purpose, **where))
