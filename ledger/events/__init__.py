"""What a transaction did, as facts: part of its outcome, so a receipt proves them, and the feed that clients follow.

Like the actions, the events live in one module for each subject, and are imported from here.
"""

from __future__ import annotations

from ledger.events.assets import (
    AssetAttested,
    AssetClaimed,
    AssetCommitted,
    AssetDerived,
    AssetDisplaced,
    AssetDisputed,
    AssetRegistered,
    ContentArchived,
    DisputeDismissed,
    DisputeWithdrawn,
    ModelRegistered,
    SettingsDisclosed,
    SettingsErased,
    StatementRegistered,
)
from ledger.events.keys import (
    CeremonyBegun,
    CeremonyFailed,
    DealerConvicted,
    KeeperEnrolled,
    KeyShared,
    SharesConfirmed,
    SharesDealt,
)
from ledger.events.market import (
    AuctionClosed,
    AuctionOpened,
    BidPlaced,
    CurrencyCreated,
    CurrencyIssued,
    CurrencyRedeemed,
    EscrowReturned,
    OfferMade,
    Paid,
    SaleRefunded,
    TokenListed,
    TokenMinted,
    TokenRented,
    TokenSold,
    TokenTransferred,
    TokenUnlisted,
)
from ledger.events.members import (
    AccountEnrolled,
    AccountRecovered,
    AccountResumed,
    AccountSuspended,
    ConsortiumPolicySet,
    KeyAdded,
    KeyRevoked,
    KeyRotated,
    NodeAdded,
    NodeMoved,
    NodeRemoved,
    OrgAdded,
    OrgRemoved,
    OrgResumed,
    OrgSuspended,
    ParametersSet,
    ProposalMade,
    ProposalPassed,
    ProposalRejected,
    ProtocolScheduled,
    RolesSet,
    VoteCast,
    VoterAdded,
    VoterRemoved,
)
from ledger.events.parts import Event, Payment, PaymentIn
from ledger.events.rules import (
    AccessAllowed,
    AccessGranted,
    AccessRevoked,
    AddedToCollection,
    AssetPolicySet,
    AssetRekeyed,
    AssetResealed,
    CollectionCreated,
    CollectionPolicySet,
    LicenceGranted,
    LicenceOffered,
    LicenceOfferWithdrawn,
    LicenceRevoked,
    LicenceUsed,
    OrgPolicySet,
    PolicyPublished,
)

AnyEvent = (
    NodeAdded | NodeRemoved | NodeMoved | VoterAdded | VoterRemoved | OrgRemoved
    | AccountEnrolled | KeyAdded | KeyRevoked | KeyRotated | AccountRecovered | RolesSet | AccountSuspended
    | AccountResumed | ProposalMade | VoteCast | ProposalPassed | ProposalRejected | OrgAdded | OrgSuspended
    | OrgResumed | ParametersSet | ConsortiumPolicySet | ProtocolScheduled
    | ModelRegistered | AssetCommitted | AssetRegistered | AssetDisplaced | AssetClaimed
    | AssetAttested | AssetDerived | AssetDisputed | DisputeWithdrawn
    | DisputeDismissed | AssetPolicySet | OrgPolicySet | CollectionCreated | CollectionPolicySet | AddedToCollection
    | TokenMinted | TokenTransferred | TokenRented | TokenListed | TokenUnlisted | TokenSold | SaleRefunded
    | OfferMade | EscrowReturned | AuctionOpened | BidPlaced | AuctionClosed
    | CurrencyCreated | CurrencyIssued | CurrencyRedeemed | Paid
    | PolicyPublished | AccessGranted | AccessRevoked | AccessAllowed | AssetResealed | AssetRekeyed
    | LicenceGranted | LicenceOffered | LicenceOfferWithdrawn | LicenceRevoked | LicenceUsed
    | SettingsDisclosed | SettingsErased | StatementRegistered | ContentArchived
    | KeeperEnrolled | CeremonyBegun | SharesDealt | DealerConvicted | SharesConfirmed | KeyShared | CeremonyFailed
)  # fmt: skip


def event_name(event: Event) -> str:
    """An event's name on the wire, such as `token.minted`."""
    return str(event.__struct_config__.tag)


__all__ = [
    "AccessAllowed",
    "AccessGranted",
    "AccessRevoked",
    "AccountEnrolled",
    "AccountRecovered",
    "AccountResumed",
    "AccountSuspended",
    "AddedToCollection",
    "AnyEvent",
    "AssetAttested",
    "AssetClaimed",
    "AssetCommitted",
    "AssetDerived",
    "AssetDisplaced",
    "AssetDisputed",
    "AssetPolicySet",
    "AssetRegistered",
    "AssetRekeyed",
    "AssetResealed",
    "AuctionClosed",
    "AuctionOpened",
    "BidPlaced",
    "CeremonyBegun",
    "CeremonyFailed",
    "CollectionCreated",
    "CollectionPolicySet",
    "ConsortiumPolicySet",
    "ContentArchived",
    "CurrencyCreated",
    "CurrencyIssued",
    "CurrencyRedeemed",
    "DealerConvicted",
    "DisputeDismissed",
    "DisputeWithdrawn",
    "EscrowReturned",
    "Event",
    "KeeperEnrolled",
    "KeyAdded",
    "KeyRevoked",
    "KeyRotated",
    "KeyShared",
    "LicenceGranted",
    "LicenceOfferWithdrawn",
    "LicenceOffered",
    "LicenceRevoked",
    "LicenceUsed",
    "ModelRegistered",
    "NodeAdded",
    "NodeMoved",
    "NodeRemoved",
    "OfferMade",
    "OrgAdded",
    "OrgPolicySet",
    "OrgRemoved",
    "OrgResumed",
    "OrgSuspended",
    "Paid",
    "ParametersSet",
    "Payment",
    "PaymentIn",
    "PolicyPublished",
    "ProposalMade",
    "ProposalPassed",
    "ProposalRejected",
    "ProtocolScheduled",
    "RolesSet",
    "SaleRefunded",
    "SettingsDisclosed",
    "SettingsErased",
    "SharesConfirmed",
    "SharesDealt",
    "StatementRegistered",
    "TokenListed",
    "TokenMinted",
    "TokenRented",
    "TokenSold",
    "TokenTransferred",
    "TokenUnlisted",
    "VoteCast",
    "VoterAdded",
    "VoterRemoved",
    "event_name",
]
