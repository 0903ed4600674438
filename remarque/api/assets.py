"""Recorded pictures: an asset as queries show it, its history, its lineage, and collections of assets."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from ledger.actions import AnyAction, Royalty, Share
from ledger.block import Decision
from ledger.events import AnyEvent
from ledger.records import Asset, Collection, Dispute, Governing, Grant, Licence, LicenceOffer, Token
from remarque.api.shapes import Answer, Page


class NamedRate(Answer, frozen=True, kw_only=True):
    """Somebody whom a policy pays by name."""

    payee: str
    rate_ppm: int


class PolicyRoyalty(Answer, frozen=True, kw_only=True):
    """A royalty that a policy in force asks for."""

    id: str
    trigger: str
    """The occasion, such as `secondary_sale`."""
    rate_ppm: int
    """Part of the price, for the creators or whom the token's own terms name."""
    named: tuple[NamedRate, ...]
    """Whom the policy pays besides."""
    policy: str
    """`name@version`."""


class KeyKeepers(Answer, frozen=True, kw_only=True):
    """Who opens the key of a confidential picture together."""

    threshold: int
    """So many of them open it, and fewer do not."""
    keepers: tuple[str, ...]
    """The accounts that keep shares of the consortium's key, one of an org."""
    epoch: int
    """How often that key has been shared."""


class AssetView(Answer, frozen=True, kw_only=True):
    """An asset with its owner, and what resales owe."""

    asset: Asset
    owner: str
    """Of its token; before it is minted, and where it has numbered tokens, of the asset itself."""
    evidence: str
    """`generated`, `declared`, or `disputed` while an org disputes it."""
    disputes: tuple[Dispute, ...]
    """Those that are open, by org."""
    token: Token | UnsetType = UNSET
    """Absent until it is minted, and where its tokens are numbered."""
    royalty: Royalty | UnsetType = UNSET
    """The token's own terms, if it was minted with any."""
    policies: tuple[Governing, ...]
    """Those that govern it now, broadest scope first."""
    terms: str
    """The same as what is signed about it names them."""
    policy_royalties: tuple[PolicyRoyalty, ...]
    """What these policies ask for; of a token with terms of its own, the policies only bound those."""
    opened_by: KeyKeepers | UnsetType = UNSET
    """Present where its key is encapsulated to the consortium's, as that is shared now."""


class AssetsPage(Page, frozen=True, kw_only=True):
    """Recorded assets, by id."""

    assets: tuple[Asset, ...]


class GrantsPage(Page, frozen=True, kw_only=True):
    """Grants of a confidential asset that have not ended, by account."""

    asset: str
    grants: tuple[Grant, ...]


class LicencesPage(Page, frozen=True, kw_only=True):
    """Licences, by id."""

    licences: tuple[Licence, ...]


class LicenceOffersPage(Page, frozen=True, kw_only=True):
    """Licences of an asset that its owner offers, by id."""

    offers: tuple[LicenceOffer, ...]


class DisputesPage(Page, frozen=True, kw_only=True):
    """Who has disputed an asset, and how it ended; by org."""

    asset: str
    disputes: tuple[Dispute, ...]


class HistoryRow(Answer, frozen=True, kw_only=True):
    """A transaction about an asset or its token, carried out or refused."""

    transaction: str
    """Its id."""
    height: int
    position: int
    """Its place in the block, from 0."""
    time_ms: int
    signer: str
    """The account that acted."""
    actions: tuple[AnyAction, ...]
    code: str
    """`OK`, or the permanent code of the refusal."""
    detail: str
    """The refusal in words; empty where there is none."""
    events: tuple[AnyEvent, ...]
    decisions: tuple[Decision, ...]


class HistoryPage(Page, frozen=True, kw_only=True):
    """Every transaction about an asset or its token, oldest first."""

    history: tuple[HistoryRow, ...]
    blocks_from: int | UnsetType = UNSET
    """The oldest block that this node keeps; absent if it keeps all. What came before is not shown."""


class AncestorView(Answer, frozen=True, kw_only=True):
    """A picture that an asset was made from, directly or not, and what it is owed of a price."""

    asset: str
    depth: int
    """How many generations up it stands, by the shortest way."""
    lap_ppm: int
    """Owed where every ancestor is paid, along all ways together."""
    lrp_ppm: int
    """Owed where the direct parents alone are paid."""
    creators: tuple[Share, ...]
    """Who receives it."""


class UpstreamClause(Answer, frozen=True, kw_only=True):
    """A clause of a policy in force by which ancestors are paid."""

    trigger: str
    """The occasion, such as `secondary_sale`."""
    mode: str
    """`lap`: every ancestor; `lrp`: the direct parents."""
    max_depth: int
    """How many generations up."""


class LineageView(Answer, frozen=True, kw_only=True):
    """What an asset was made from, and who is owed what of its sales."""

    asset: str
    parents: tuple[str, ...]
    depth: int
    """How many generations of ancestors it has."""
    ancestors: tuple[AncestorView, ...]
    """Nearest first, then by id."""
    derivatives: int
    """How many assets were made from it."""
    upstream: tuple[UpstreamClause, ...]


class CollectionsPage(Page, frozen=True, kw_only=True):
    """Collections with their policies, by name."""

    collections: tuple[Collection, ...]


class CollectionAssetsPage(Page, frozen=True, kw_only=True):
    """Ids of the assets of a collection, in order."""

    collection: str
    assets: tuple[str, ...]
