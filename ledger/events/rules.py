"""Policies that were published or put in force, and access to what is confidential."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from ledger.events.parts import Event, PaymentIn


class AssetPolicySet(Event, frozen=True, tag="asset.policy_set", kw_only=True):
    asset: str
    policy: str


class OrgPolicySet(Event, frozen=True, tag="org.policy_set", kw_only=True):
    org: str
    policy: str


class CollectionCreated(Event, frozen=True, tag="collection.created", kw_only=True):
    collection: str
    owner: str


class CollectionPolicySet(Event, frozen=True, tag="collection.policy_set", kw_only=True):
    collection: str
    policy: str


class AddedToCollection(Event, frozen=True, tag="collection.added", kw_only=True):
    collection: str
    asset: str


class PolicyPublished(Event, frozen=True, tag="policy.published", kw_only=True):
    policy: str
    digest: str


class AccessGranted(Event, frozen=True, tag="access.granted", kw_only=True):
    asset: str
    account: str
    until_ms: int
    granted_by: str
    payments: tuple[PaymentIn, ...] = ()


class AccessRevoked(Event, frozen=True, tag="access.revoked", kw_only=True):
    asset: str
    account: str
    revoked_by: str


class AssetResealed(Event, frozen=True, tag="asset.resealed", kw_only=True):
    """These nodes hold its key too, or anew; whether what was sealed opens, only they can tell."""

    asset: str
    nodes: tuple[str, ...]


class AssetRekeyed(Event, frozen=True, tag="asset.rekeyed", kw_only=True):
    """Its content has another key, or is encapsulated to the consortium's; what was stored before is forgotten."""

    asset: str
    cid: str
    """Of the bytes that are stored from now on."""
    former: str
    """Of those that were; the same if the bytes stayed."""


class AccessAllowed(Event, frozen=True, tag="access.allowed", kw_only=True):
    """A request was decided in the reader's favour: the key may be released to this reader key, and only now."""

    asset: str
    account: str
    reader_key: str
    rule: str
    use: str = "view"
    """What for: `view`, `download` or `export`."""
    purpose: str = ""
    licence: str | UnsetType = UNSET
    """Under which it was asked for."""
    viewer: str = ""
    """The node that shows it, if one does."""
    mark: str = ""
    """What it puts into the picture, as 10 hex digits; `ledger.records.Viewing` lies under it."""


class LicenceGranted(Event, frozen=True, tag="licence.granted", kw_only=True):
    licence: str
    asset: str
    to: str
    granted_by: str
    payments: tuple[PaymentIn, ...] = ()
    """What was paid for it: the price to the owner, and royalties."""


class LicenceOffered(Event, frozen=True, tag="licence.offered", kw_only=True):
    offer: str
    asset: str
    offered_by: str


class LicenceOfferWithdrawn(Event, frozen=True, tag="licence.offer_withdrawn", kw_only=True):
    offer: str
    asset: str


class LicenceRevoked(Event, frozen=True, tag="licence.revoked", kw_only=True):
    licence: str
    asset: str
    to: str
    revoked_by: str


class LicenceUsed(Event, frozen=True, tag="licence.used", kw_only=True):
    """A licence served: for a publication, or for a picture made from its asset."""

    licence: str
    asset: str
    account: str
    use: str
    """`publish` or `derive`."""
    rule: str
    purpose: str = ""
    medium: str | UnsetType = UNSET
    territory: str | UnsetType = UNSET
