"""Remarque for programs: `from remarque import Client, load_key`.

A client signs on this machine and talks to any node of a consortium. `verify_receipt` checks a receipt with the
genesis alone, without node or network; after a recovery, with the recoveries that you accept (`read_recoveries`).
"""

from ledger.actions import (
    AcceptOffer,
    AddToCollection,
    BuyToken,
    CancelAuction,
    CastVote,
    CreateCollection,
    CreateCurrency,
    DeriveAsset,
    DisputeAsset,
    GrantAccess,
    IssueCurrency,
    ListToken,
    MakeOffer,
    MintToken,
    OpenAuction,
    Pay,
    PlaceBid,
    Price,
    Propose,
    PublishPolicy,
    RedeemCurrency,
    RefundSale,
    RegisterAsset,
    RegisterModel,
    RentToken,
    RequestAccess,
    RevokeAccess,
    Royalty,
    SellToken,
    SetCollectionPolicy,
    SetOrgPolicy,
    SetPolicy,
    SettleAuction,
    Share,
    SwapTokens,
    TransferToken,
    UnlistToken,
    WithdrawDispute,
    WithdrawOffer,
)
from ledger.consistency import ConsistencyProof, ConsistencyRefused, verify_consistency
from ledger.cose import CoseRefused, Ed25519Key
from ledger.cose_receipt import member_keys, verify_member_consistency, verify_member_inclusion
from ledger.crypto import SigningKey
from ledger.genesis import Genesis
from ledger.governance import (
    ActivateProtocol,
    AddOrg,
    DismissDispute,
    ResumeOrg,
    SetConsortiumPolicy,
    SetParameters,
    SetReservedRoles,
    SuspendOrg,
)
from ledger.receipt import Receipt, ReceiptRefused, parse_receipt, verify_receipt
from ledger.recovery import RecoveryRefused
from ledger.statement import sign_statement, verify_transparent
from node.client import AsyncClient, Client, RemarqueError
from node.config import load_genesis
from node.drafts import Draft, encode_draft, parse_draft, sign_draft
from node.keys import load_key, new_key
from node.recovering import read_recoveries

__all__ = [
    "AcceptOffer",
    "ActivateProtocol",
    "AddOrg",
    "AddToCollection",
    "AsyncClient",
    "BuyToken",
    "CancelAuction",
    "CastVote",
    "Client",
    "ConsistencyProof",
    "ConsistencyRefused",
    "CoseRefused",
    "CreateCollection",
    "CreateCurrency",
    "DeriveAsset",
    "DismissDispute",
    "DisputeAsset",
    "Draft",
    "Ed25519Key",
    "Genesis",
    "GrantAccess",
    "IssueCurrency",
    "ListToken",
    "MakeOffer",
    "MintToken",
    "OpenAuction",
    "Pay",
    "PlaceBid",
    "Price",
    "Propose",
    "PublishPolicy",
    "Receipt",
    "ReceiptRefused",
    "RecoveryRefused",
    "RedeemCurrency",
    "RefundSale",
    "RegisterAsset",
    "RegisterModel",
    "RemarqueError",
    "RentToken",
    "RequestAccess",
    "ResumeOrg",
    "RevokeAccess",
    "Royalty",
    "SellToken",
    "SetCollectionPolicy",
    "SetConsortiumPolicy",
    "SetOrgPolicy",
    "SetParameters",
    "SetPolicy",
    "SetReservedRoles",
    "SettleAuction",
    "Share",
    "SigningKey",
    "SuspendOrg",
    "SwapTokens",
    "TransferToken",
    "UnlistToken",
    "WithdrawDispute",
    "WithdrawOffer",
    "encode_draft",
    "load_genesis",
    "load_key",
    "member_keys",
    "new_key",
    "parse_draft",
    "parse_receipt",
    "read_recoveries",
    "sign_draft",
    "sign_statement",
    "verify_consistency",
    "verify_member_consistency",
    "verify_member_inclusion",
    "verify_receipt",
    "verify_transparent",
]


def main() -> None:
    """The `remarque` command: the node's commands, and the devnet's."""
    from devnet.cli import devnet
    from node.cli import cli

    cli.add_command(devnet)
    cli()


if __name__ == "__main__":
    main()
