"""What was recorded, and what is known of it."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from ledger.events.parts import Event, PaymentIn


class ModelRegistered(Event, frozen=True, tag="model.registered", kw_only=True):
    model: str
    name: str
    provider: str


class AssetRegistered(Event, frozen=True, tag="asset.registered", kw_only=True):
    asset: str
    evidence: str
    creator: str
    confidential: bool
    model: str | UnsetType = UNSET


class AssetCommitted(Event, frozen=True, tag="asset.committed", kw_only=True):
    account: str
    commitment: str
    until_ms: int


class AssetDisplaced(Event, frozen=True, tag="asset.displaced", kw_only=True):
    """A better founded record took the place of a creator's, which stays among its claims."""

    asset: str
    creator: str
    transaction: str


class AssetClaimed(Event, frozen=True, tag="asset.claimed", kw_only=True):
    """Somebody else has a well founded claim to a recorded picture; their org disputes the record."""

    asset: str
    creator: str
    evidence: str


class AssetAttested(Event, frozen=True, tag="asset.attested", kw_only=True):
    asset: str
    generator: str
    model: str


class SettingsDisclosed(Event, frozen=True, tag="generation.disclosed", kw_only=True):
    """More people may read settings of a generation in clear."""

    request: str
    assets: tuple[str, ...]
    """Its pictures that are recorded."""
    fields: tuple[str, ...]
    readers: tuple[str, ...] | UnsetType = UNSET
    """Who may; everybody if absent."""


class SettingsErased(Event, frozen=True, tag="generation.erased", kw_only=True):
    """Every member destroys these settings of a generation in clear."""

    request: str
    assets: tuple[str, ...]
    fields: tuple[str, ...]


class AssetDisputed(Event, frozen=True, tag="asset.disputed", kw_only=True):
    asset: str
    org: str
    account: str


class AssetDerived(Event, frozen=True, tag="asset.derived", kw_only=True):
    asset: str
    parents: tuple[str, ...]
    depth: int
    payer: str
    payments: tuple[PaymentIn, ...] = ()
    """What the parents' royalties asked for it."""


class DisputeWithdrawn(Event, frozen=True, tag="asset.dispute_withdrawn", kw_only=True):
    asset: str
    org: str


class DisputeDismissed(Event, frozen=True, tag="asset.dispute_dismissed", kw_only=True):
    """By a vote of the consortium."""

    asset: str
    org: str


class StatementRegistered(Event, frozen=True, tag="statement.registered", kw_only=True):
    """The statement's digest is an entry of the log, in this very block."""

    digest: str
    issuer: str
    subject: str
    registrant: str


class ContentArchived(Event, frozen=True, tag="content.archived", kw_only=True):
    """An org says that it keeps a content archive."""

    piece: str
    org: str
    root: str
    size: int
    """Bytes of the archive."""
    files: int
    place: str
    by: str
    """The account that says so."""
