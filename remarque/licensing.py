"""Licences: what somebody may do with a picture, given, ended and used."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET
from msgspec.structs import replace

from ledger.actions import (
    BuyLicence,
    GrantLicence,
    OfferLicence,
    Price,
    RevokeLicence,
    UseLicence,
    WithdrawLicenceOffer,
)
from ledger.events import LicenceGranted, LicenceOffered
from ledger.receipt import Receipt
from remarque.drafts import Draft
from remarque.submitting import VALID_SECONDS
from remarque.trading import TradeMethods


class LicenceMethods(TradeMethods):
    """What an account does about licences."""

    async def license(self, licence: GrantLicence | BuyLicence) -> tuple[str, Receipt]:
        """Give a licence for one's own asset without a price, or take an offered one; its id and the receipt.

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

    async def offer_licences(self, wanted: OfferLicence) -> tuple[str, Receipt]:
        """Offer licences of one's own asset to everybody; the offer's id and the receipt."""
        receipt = await self.submit(wanted)
        (offered,) = (event for event in receipt.outcome.events if isinstance(event, LicenceOffered))
        return offered.offer, receipt

    async def withdraw_licence_offer(self, asset: str, offer: str) -> Receipt:
        """Take an offer of licences back; those that were bought stay."""
        return await self.submit(WithdrawLicenceOffer(asset=asset, offer=offer))

    async def buy_licence(
        self, asset: str, offer: str, price: int, currency: str, *, for_org: bool = False, terms: str | None = None
    ) -> tuple[str, Receipt]:
        """Take a licence that is offered, at the price in minor units that one has seen; its id and the receipt.

        `for_org`: for all accounts of one's org. PRICE_CHANGED or TERMS_CHANGED if they are others by then,
        OFFER_ENDED, POLICY_DENIED, INSUFFICIENT_FUNDS.
        """
        paid, seen = Price(amount=price, currency=currency), terms or await self.asset_terms(asset)
        return await self.license(BuyLicence(asset=asset, offer=offer, price=paid, for_org=for_org, terms=seen))

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
