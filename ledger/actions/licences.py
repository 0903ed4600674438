"""Licences: what an account, or all of an org, may do with an asset, and each use that is made of one."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from ledger.actions.parts import Action
from ledger.names import AccountName, Hex32, Positive, TimeMs
from ledger.prices import Price, Terms

MEDIA_MAX, TERRITORIES_MAX = 8, 32
PURPOSE_MAX = 128

Licensee = Annotated[str, Meta(pattern=r"^([a-z0-9][a-z0-9._-]{0,31}@)?[a-z0-9][a-z0-9-]{0,31}\Z")]
"""An account, or an org."""
Access = Literal["view", "download", "export"]
"""What a reader of a confidential asset may ask for."""
Use = Literal["view", "download", "export", "publish", "derive"]
"""What a licence may be for."""
Medium = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,31}\Z")]
"""Where it is shown, in the consortium's words, such as `print` or `web`."""
Territory = Annotated[str, Meta(pattern=r"^[A-Z]{2}\Z")]
"""A country, by its two letters of ISO 3166."""
Purpose = Annotated[str, Meta(max_length=PURPOSE_MAX)]


class Licensed(Action, frozen=True, kw_only=True):
    """What a licence is for."""

    asset: Hex32
    uses: Annotated[tuple[Use, ...], Meta(min_length=1, max_length=5)]
    media: Annotated[tuple[Medium, ...], Meta(max_length=MEDIA_MAX)] = ()
    """In which media; in all, if none is named."""
    territories: Annotated[tuple[Territory, ...], Meta(max_length=TERRITORIES_MAX)] = ()
    """In which countries; in all, if none is named."""
    times: Positive | UnsetType = UNSET
    """How often it may be used; without a bound, if it is absent."""
    text: Hex32 | UnsetType = UNSET
    """SHA-256 of the contract in words, kept beside the chain."""


class GrantLicence(Licensed, frozen=True, tag="licence.grant", kw_only=True):
    """License an asset, confidential or not, to an account or to all accounts of an org. By its owner.

    For a price whoever pays signs too: the account, or one of the org. They pay the owner, with the royalty that the
    policies ask for a licence.
    """

    to: Licensee
    until_ms: TimeMs | UnsetType = UNSET
    """When it ends; never, if it is absent."""
    exclusive: bool = False
    """Whether nobody else is licensed for any of it while it is in force."""
    price: Price | UnsetType = UNSET
    payer: AccountName | UnsetType = UNSET
    """Who pays for an org; for an account it is that account."""
    terms: Terms | UnsetType = UNSET
    """The policies that whoever pays saw; needed where a royalty comes on top of the price."""


class OfferLicence(Licensed, frozen=True, tag="licence.offer", kw_only=True):
    """Offer licences of an asset to everybody at a price, until a time. By its owner."""

    price: Price
    until_ms: TimeMs
    lasting_ms: Positive | UnsetType = UNSET
    """For how long a licence is in force from when it is bought; for ever, if it is absent."""


class WithdrawLicenceOffer(Action, frozen=True, tag="licence.withdraw_offer", kw_only=True):
    """Take an offer of licences back. By who made it, or the asset's owner."""

    asset: Hex32
    offer: Hex32


class BuyLicence(Action, frozen=True, tag="licence.buy", kw_only=True):
    """Take a licence that is offered, at the price that one has seen, for oneself or for one's org."""

    asset: Hex32
    offer: Hex32
    price: Price
    for_org: bool = False
    terms: Terms | UnsetType = UNSET
    """The policies that one saw; needed where a royalty comes on top of the price."""


class RevokeLicence(Action, frozen=True, tag="licence.revoke", kw_only=True):
    """End a licence now. By the asset's owner; one that was paid for, with whoever paid."""

    asset: Hex32
    licence: Hex32


class UseLicence(Action, frozen=True, tag="licence.use", kw_only=True):
    """Put on the chain that an asset is published under a licence. By its account, or any account of its org.

    The rules decide about `publish`. A use of a confidential asset's bytes, or for another picture, is counted by the
    action that asks for it.
    """

    asset: Hex32
    licence: Hex32
    purpose: Purpose = ""
    medium: Medium | UnsetType = UNSET
    """Where it is published; needed if the licence names media."""
    territory: Territory | UnsetType = UNSET
    """In which country; needed if the licence names territories."""
