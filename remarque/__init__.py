"""Remarque for programs: `from remarque import Client, load_key`.

A client signs on this machine and talks to any node of a consortium: `Client` blocks, `AsyncClient` has the same
methods as coroutines. What they give are values with typed fields, the API's (`remarque.api`) and the ledger's own.
What is refused is raised as `RemarqueError`, with a permanent code; `Refused` is the base of every refusal that may be
met (`remarque.errors`), and `ConnectionError` says that no node was reached.

`verify_receipt` checks a receipt with the genesis alone, without node or network; after a recovery, with the recoveries
that you accept (`read_recoveries`).
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
from ledger.errors import LedgerError, Refused
from ledger.genesis import Genesis
from ledger.governance import (
    ActivateProtocol,
    AddOrg,
    DismissDispute,
    ResumeOrg,
    SetConsortiumPolicy,
    SetParameters,
    SetReservedRoles,
    ShutOutNode,
    SuspendOrg,
)
from ledger.receipt import Receipt, ReceiptRefused, parse_receipt, verify_receipt
from ledger.recovery import RecoveryRefused
from ledger.state_answer import StateAnswer, StateAnswerRefused
from ledger.statement import sign_statement, verify_transparent
from remarque.api.assets import (
    AncestorView,
    AssetView,
    HistoryRow,
    LineageView,
    NamedRate,
    PolicyRoyalty,
    UpstreamClause,
)
from remarque.api.bindings import ManifestMatch, ManifestReceipt
from remarque.api.chain import (
    BlockTransaction,
    BlockView,
    ChainEvent,
    Checkpoint,
    ProtocolAhead,
    ProtocolStatus,
    Status,
)
from remarque.api.content import MarkedPicture, StoredPicture
from remarque.api.explanations import ExplainedRule, Explanation, LeftOut, Part
from remarque.api.generation import GeneratedPicture, Generation
from remarque.api.governance import ProposalReplay, ProposalView
from remarque.api.market import RoyaltyInfo, TokenMetadata, TokenView, Trait
from remarque.api.past import AssetAt, EntryAt, StateAt
from remarque.api.policies import Difference, Evaluation, PolicyCheck, PolicyProblem, Replay, Said
from remarque.api.transactions import BatchOutcome, TransactionView
from remarque.api.verification import Attested, Match, MatchedModel, Verdict, Verification
from remarque.async_client import AsyncClient
from remarque.client import Client
from remarque.drafts import Draft, encode_draft, parse_draft, sign_draft
from remarque.errors import NodeError, Pending, RemarqueError
from remarque.keys.files import load_key, new_key
from remarque.sealing import SealBroken
from remarque.trusted_files import load_genesis, read_known, read_recoveries

__all__ = [
    "AcceptOffer",
    "ActivateProtocol",
    "AddOrg",
    "AddToCollection",
    "AncestorView",
    "AssetAt",
    "AssetView",
    "AsyncClient",
    "Attested",
    "BatchOutcome",
    "BlockTransaction",
    "BlockView",
    "BuyToken",
    "CancelAuction",
    "CastVote",
    "ChainEvent",
    "Checkpoint",
    "Client",
    "ConsistencyProof",
    "ConsistencyRefused",
    "CoseRefused",
    "CreateCollection",
    "CreateCurrency",
    "DeriveAsset",
    "Difference",
    "DismissDispute",
    "DisputeAsset",
    "Draft",
    "Ed25519Key",
    "EntryAt",
    "Evaluation",
    "ExplainedRule",
    "Explanation",
    "GeneratedPicture",
    "Generation",
    "Genesis",
    "GrantAccess",
    "HistoryRow",
    "IssueCurrency",
    "LedgerError",
    "LeftOut",
    "LineageView",
    "ListToken",
    "MakeOffer",
    "ManifestMatch",
    "ManifestReceipt",
    "MarkedPicture",
    "Match",
    "MatchedModel",
    "MintToken",
    "NamedRate",
    "NodeError",
    "OpenAuction",
    "Part",
    "Pay",
    "Pending",
    "PlaceBid",
    "PolicyCheck",
    "PolicyProblem",
    "PolicyRoyalty",
    "Price",
    "ProposalReplay",
    "ProposalView",
    "Propose",
    "ProtocolAhead",
    "ProtocolStatus",
    "PublishPolicy",
    "Receipt",
    "ReceiptRefused",
    "RecoveryRefused",
    "RedeemCurrency",
    "RefundSale",
    "Refused",
    "RegisterAsset",
    "RegisterModel",
    "RemarqueError",
    "RentToken",
    "Replay",
    "RequestAccess",
    "ResumeOrg",
    "RevokeAccess",
    "Royalty",
    "RoyaltyInfo",
    "Said",
    "SealBroken",
    "SellToken",
    "SetCollectionPolicy",
    "SetConsortiumPolicy",
    "SetOrgPolicy",
    "SetParameters",
    "SetPolicy",
    "SetReservedRoles",
    "SettleAuction",
    "Share",
    "ShutOutNode",
    "SigningKey",
    "StateAnswer",
    "StateAnswerRefused",
    "StateAt",
    "Status",
    "StoredPicture",
    "SuspendOrg",
    "SwapTokens",
    "TokenMetadata",
    "TokenView",
    "Trait",
    "TransactionView",
    "TransferToken",
    "UnlistToken",
    "UpstreamClause",
    "Verdict",
    "Verification",
    "WithdrawDispute",
    "WithdrawOffer",
    "encode_draft",
    "load_genesis",
    "load_key",
    "member_keys",
    "new_key",
    "parse_draft",
    "parse_receipt",
    "read_known",
    "read_recoveries",
    "sign_draft",
    "sign_statement",
    "verify_consistency",
    "verify_member_consistency",
    "verify_member_inclusion",
    "verify_receipt",
    "verify_transparent",
]
