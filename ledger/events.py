"""What a transaction did, as facts: part of its outcome, so a receipt proves them, and the feed that clients follow."""

from __future__ import annotations

import msgspec
from msgspec import UNSET, UnsetType


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


class AccountEnrolled(Event, frozen=True, tag="account.enrolled", kw_only=True):
    account: str
    key: str


class KeyAdded(Event, frozen=True, tag="account.key_added", kw_only=True):
    account: str
    key: str


class KeyRevoked(Event, frozen=True, tag="account.key_revoked", kw_only=True):
    account: str
    key: str


class NodeAdded(Event, frozen=True, tag="node.added", kw_only=True):
    node: str
    org: str
    key: str


class NodeRemoved(Event, frozen=True, tag="node.removed", kw_only=True):
    node: str
    org: str


class KeyRotated(Event, frozen=True, tag="account.key_rotated", kw_only=True):
    account: str
    old: str
    new: str


class AccountRecovered(Event, frozen=True, tag="account.recovered", kw_only=True):
    account: str
    key: str
    by: str


class RolesSet(Event, frozen=True, tag="account.roles_set", kw_only=True):
    account: str
    roles: tuple[str, ...]
    """All that it holds now."""


class AccountSuspended(Event, frozen=True, tag="account.suspended", kw_only=True):
    account: str


class AccountResumed(Event, frozen=True, tag="account.resumed", kw_only=True):
    account: str


class ProposalMade(Event, frozen=True, tag="governance.proposed", kw_only=True):
    proposal: str
    org: str
    until_ms: int


class VoteCast(Event, frozen=True, tag="governance.voted", kw_only=True):
    proposal: str
    org: str
    approve: bool


class ProposalPassed(Event, frozen=True, tag="governance.passed", kw_only=True):
    """Its changes are made, in this very transaction; each has its own event after this one."""

    proposal: str


class ProposalRejected(Event, frozen=True, tag="governance.rejected", kw_only=True):
    """Too few orgs are left that could still approve."""

    proposal: str


class OrgAdded(Event, frozen=True, tag="org.added", kw_only=True):
    org: str


class OrgSuspended(Event, frozen=True, tag="org.suspended", kw_only=True):
    org: str


class OrgResumed(Event, frozen=True, tag="org.resumed", kw_only=True):
    org: str


class ParametersSet(Event, frozen=True, tag="parameters.set", kw_only=True):
    names: tuple[str, ...]
    """Of those that have a new value."""


class ConsortiumPolicySet(Event, frozen=True, tag="consortium.policy_set", kw_only=True):
    policy: str


class ProtocolScheduled(Event, frozen=True, tag="protocol.scheduled", kw_only=True):
    """A version of the rules of execution comes into force at a height."""

    version: int
    height: int


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


class AssetAttested(Event, frozen=True, tag="asset.attested", kw_only=True):
    asset: str
    generator: str
    model: str


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


class TokenMinted(Event, frozen=True, tag="token.minted", kw_only=True):
    token: str
    asset: str
    owner: str
    royalty_ppm: int
    number: int | UnsetType = UNSET
    """Which of the numbered tokens of its asset."""


class TokenTransferred(Event, frozen=True, tag="token.transferred", kw_only=True):
    token: str
    sender: str
    to: str
    payer: str | UnsetType = UNSET
    payments: tuple[PaymentIn, ...] = ()
    """What the policies ask where nothing is paid for it."""


class TokenRented(Event, frozen=True, tag="token.rented", kw_only=True):
    """`to` uses it until then, or until it has another owner."""

    token: str
    owner: str
    to: str
    until_ms: int
    payments: tuple[PaymentIn, ...] = ()


class TokenListed(Event, frozen=True, tag="market.listed", kw_only=True):
    token: str
    seller: str
    price: int
    currency: str
    until_ms: int


class TokenUnlisted(Event, frozen=True, tag="market.unlisted", kw_only=True):
    token: str


class TokenSold(Event, frozen=True, tag="market.sold", kw_only=True):
    """A settled sale: the payments add up to the price, to the unit."""

    token: str
    seller: str
    buyer: str
    price: int
    currency: str
    kind: str
    """`primary_sale` by the creator, else `secondary_sale`."""
    payments: tuple[Payment, ...]


class SaleRefunded(Event, frozen=True, tag="market.refunded", kw_only=True):
    """The token is the seller's again; each payment is what that account gave back to the buyer."""

    token: str
    seller: str
    buyer: str
    currency: str
    payments: tuple[Payment, ...]


class OfferMade(Event, frozen=True, tag="market.offered", kw_only=True):
    token: str
    buyer: str
    price: int
    currency: str
    escrowed: int
    until_ms: int


class EscrowReturned(Event, frozen=True, tag="escrow.returned", kw_only=True):
    """Money that waited for a sale is its owner's again: an offer withdrawn, a bid outbid, what a sale left over."""

    token: str
    to: str
    amount: int
    currency: str


class AuctionOpened(Event, frozen=True, tag="auction.opened", kw_only=True):
    token: str
    seller: str
    reserve: int
    currency: str
    until_ms: int


class BidPlaced(Event, frozen=True, tag="auction.bid_placed", kw_only=True):
    token: str
    bidder: str
    price: int
    currency: str
    escrowed: int
    until_ms: int
    """The auction's end, moved by this bid or not."""


class AuctionClosed(Event, frozen=True, tag="auction.closed", kw_only=True):
    token: str
    sold: bool
    why: str = ""
    """The code of what stood against the sale; `NO_BIDS` and `CANCELLED` say the same of an auction without bids."""


class CurrencyCreated(Event, frozen=True, tag="currency.created", kw_only=True):
    currency: str
    issuer: str


class CurrencyIssued(Event, frozen=True, tag="currency.issued", kw_only=True):
    currency: str
    to: str
    amount: int


class CurrencyRedeemed(Event, frozen=True, tag="currency.redeemed", kw_only=True):
    currency: str
    holder: str
    amount: int


class Paid(Event, frozen=True, tag="payment.transferred", kw_only=True):
    sender: str
    to: str
    currency: str
    amount: int


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


class AccessAllowed(Event, frozen=True, tag="access.allowed", kw_only=True):
    """A request was decided in the reader's favour: the key may be released to this reader key, and only now."""

    asset: str
    account: str
    reader_key: str
    rule: str


class StatementRegistered(Event, frozen=True, tag="statement.registered", kw_only=True):
    """The statement's digest is an entry of the log, in this very block."""

    digest: str
    issuer: str
    subject: str
    registrant: str


AnyEvent = (
    NodeAdded | NodeRemoved
    | AccountEnrolled | KeyAdded | KeyRevoked | KeyRotated | AccountRecovered | RolesSet | AccountSuspended
    | AccountResumed | ProposalMade | VoteCast | ProposalPassed | ProposalRejected | OrgAdded | OrgSuspended
    | OrgResumed | ParametersSet | ConsortiumPolicySet | ProtocolScheduled
    | ModelRegistered | AssetRegistered | AssetAttested | AssetDerived | AssetDisputed | DisputeWithdrawn
    | DisputeDismissed | AssetPolicySet | OrgPolicySet | CollectionCreated | CollectionPolicySet | AddedToCollection
    | TokenMinted | TokenTransferred | TokenRented | TokenListed | TokenUnlisted | TokenSold | SaleRefunded
    | OfferMade | EscrowReturned | AuctionOpened | BidPlaced | AuctionClosed
    | CurrencyCreated | CurrencyIssued | CurrencyRedeemed | Paid
    | PolicyPublished | AccessGranted | AccessRevoked | AccessAllowed
    | StatementRegistered
)  # fmt: skip
