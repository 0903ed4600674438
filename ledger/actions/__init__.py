"""Everything a transaction can ask for: one frozen value per action, named as on the wire.

The values live in one module for each subject, and are imported from here. The functions that carry them out are in
`execution/`, one file per family, under the same names. An action never repeats what the state already knows (who owns
the token, who created the asset): it says what is wanted and what the signer believes about price and terms, so that
nothing is settled that was not signed.
"""

from __future__ import annotations

from ledger.actions.assets import (
    ArchiveContent,
    AttestAsset,
    CommitAsset,
    DeriveAsset,
    DiscloseSettings,
    DisputeAsset,
    EraseSettings,
    RegisterAsset,
    RegisterGenerated,
    RegisterModel,
    RegisterStatement,
    WithdrawDispute,
)
from ledger.actions.keys import ComplainOfShare, ConfirmShares, DealShares, EndCeremony, EnrolKeeper
from ledger.actions.licences import (
    BuyLicence,
    GrantLicence,
    OfferLicence,
    RevokeLicence,
    UseLicence,
    WithdrawLicenceOffer,
)
from ledger.actions.market import (
    AcceptOffer,
    BuyToken,
    CancelAuction,
    CreateCurrency,
    IssueCurrency,
    ListToken,
    MakeOffer,
    MintToken,
    OpenAuction,
    Pay,
    PlaceBid,
    RedeemCurrency,
    RefundSale,
    RentToken,
    SellToken,
    SettleAuction,
    SwapTokens,
    TransferToken,
    UnlistToken,
    WithdrawOffer,
)
from ledger.actions.members import (
    AddKey,
    AddNode,
    CastVote,
    EnrolAccount,
    Propose,
    RecoverAccount,
    RemoveNode,
    ResumeAccount,
    RevokeKey,
    RotateKey,
    SetNodeAddress,
    SetRoles,
    SuspendAccount,
)
from ledger.actions.parts import (
    ARCHIVED_FILES_MAX,
    CREATORS_MAX,
    ROLES_MAX,
    SEALED_KEYS_MAX,
    Action,
    Content,
    EncapsulatedKey,
    Roles,
    Royalty,
    SealedKey,
    Share,
    Shares,
)
from ledger.actions.rules import (
    AddToCollection,
    CreateCollection,
    GrantAccess,
    PublishPolicy,
    RekeyAsset,
    RequestAccess,
    ResealAsset,
    RevokeAccess,
    SetCollectionPolicy,
    SetOrgPolicy,
    SetPolicy,
    Viewer,
)
from ledger.governance import DismissDispute
from ledger.prices import Price, Terms

AnyAction = (
    EnrolAccount | AddKey | RevokeKey | RotateKey | RecoverAccount | SetRoles | SuspendAccount | ResumeAccount
    | Propose | CastVote
    | AddNode | RemoveNode | SetNodeAddress
    | RegisterModel | CommitAsset | RegisterAsset | RegisterGenerated | AttestAsset | DeriveAsset | DisputeAsset
    | WithdrawDispute | DiscloseSettings | EraseSettings
    | MintToken | TransferToken | SwapTokens | RentToken | ListToken | UnlistToken | BuyToken | SellToken
    | RefundSale | MakeOffer | AcceptOffer | WithdrawOffer | OpenAuction | CancelAuction | PlaceBid | SettleAuction
    | CreateCurrency | IssueCurrency | RedeemCurrency | Pay
    | PublishPolicy | SetOrgPolicy | CreateCollection | SetCollectionPolicy | AddToCollection | SetPolicy
    | GrantAccess | RevokeAccess | RequestAccess | ResealAsset | RekeyAsset
    | GrantLicence | OfferLicence | WithdrawLicenceOffer | BuyLicence | RevokeLicence | UseLicence
    | RegisterStatement | ArchiveContent
    | EnrolKeeper | DealShares | ComplainOfShare | ConfirmShares | EndCeremony
)  # fmt: skip
"""The union that a transaction's body is decoded as."""


def action_name(action: Action) -> str:
    """An action's name on the wire, such as `token.mint`."""
    return str(action.__struct_config__.tag)


def subjects(action: Action) -> tuple[str, ...]:
    """The assets and tokens an action is about, for their histories."""
    if isinstance(action, RegisterAsset):
        return (action.pixel_digest,)
    if isinstance(action, RegisterGenerated | AttestAsset):
        return (action.attestation.pixel_digest,)
    if isinstance(action, Propose):
        return tuple(change.asset for change in action.changes if isinstance(change, DismissDispute))
    found = (getattr(action, "asset", None), getattr(action, "token", None), getattr(action, "for_token", None))
    return tuple(subject for subject in found if isinstance(subject, str))


__all__ = [
    "ARCHIVED_FILES_MAX",
    "CREATORS_MAX",
    "ROLES_MAX",
    "SEALED_KEYS_MAX",
    "AcceptOffer",
    "Action",
    "AddKey",
    "AddNode",
    "AddToCollection",
    "AnyAction",
    "ArchiveContent",
    "AttestAsset",
    "BuyLicence",
    "BuyToken",
    "CancelAuction",
    "CastVote",
    "CommitAsset",
    "ComplainOfShare",
    "ConfirmShares",
    "Content",
    "CreateCollection",
    "CreateCurrency",
    "DealShares",
    "DeriveAsset",
    "DiscloseSettings",
    "DisputeAsset",
    "EncapsulatedKey",
    "EndCeremony",
    "EnrolAccount",
    "EnrolKeeper",
    "EraseSettings",
    "GrantAccess",
    "GrantLicence",
    "IssueCurrency",
    "ListToken",
    "MakeOffer",
    "MintToken",
    "OfferLicence",
    "OpenAuction",
    "Pay",
    "PlaceBid",
    "Price",
    "Propose",
    "PublishPolicy",
    "RecoverAccount",
    "RedeemCurrency",
    "RefundSale",
    "RegisterAsset",
    "RegisterGenerated",
    "RegisterModel",
    "RegisterStatement",
    "RekeyAsset",
    "RemoveNode",
    "RentToken",
    "RequestAccess",
    "ResealAsset",
    "ResumeAccount",
    "RevokeAccess",
    "RevokeKey",
    "RevokeLicence",
    "Roles",
    "RotateKey",
    "Royalty",
    "SealedKey",
    "SellToken",
    "SetCollectionPolicy",
    "SetNodeAddress",
    "SetOrgPolicy",
    "SetPolicy",
    "SetRoles",
    "SettleAuction",
    "Share",
    "Shares",
    "SuspendAccount",
    "SwapTokens",
    "Terms",
    "TransferToken",
    "UnlistToken",
    "UseLicence",
    "Viewer",
    "WithdrawDispute",
    "WithdrawLicenceOffer",
    "WithdrawOffer",
    "action_name",
    "subjects",
]
