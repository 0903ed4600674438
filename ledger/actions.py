"""Everything a transaction can ask for: one frozen value per action, named as on the wire.

The functions that carry them out are in `execution/`, one file per family, under the same names. An action never
repeats what the state already knows (who owns the token, who created the asset): it says what is wanted and what the
signer believes about price and terms, so that nothing is settled that was not signed.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ledger.generation import Attestation, GenerationRequest
from ledger.governance import Changes, DismissDispute, Reason, Replayed
from ledger.names import (
    AccountName,
    CollectionName,
    ContentId,
    CurrencyCode,
    Hex32,
    Hex64,
    ImageCode,
    MediaType,
    NodeName,
    PolicyName,
    Positive,
    Ppm,
    RoleName,
    StatementText,
    TimeMs,
)

CREATORS_MAX = 64
ROLES_MAX = 8


class Action(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True, tag_field="type"
):
    """Base of all actions; `type` is the action's name."""


class Share(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, order=True):
    """One account's part of a whole of 1,000,000."""

    account: AccountName
    weight_ppm: Annotated[int, Meta(ge=1, le=1_000_000)]


Roles = Annotated[tuple[RoleName, ...], Meta(max_length=ROLES_MAX)]
Shares = Annotated[tuple[Share, ...], Meta(min_length=1, max_length=CREATORS_MAX)]


class SealedKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A content key that one node can open (libsodium sealed box of 32 bytes)."""

    node: NodeName
    sealed: Annotated[str, Meta(pattern=r"^[0-9a-f]{160}\Z")]


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Where a picture's bytes are and how to know them."""

    cid: ContentId
    """Of the bytes as stored: the file, or for a confidential asset its ciphertext (profile `unixfs-v1-2025`)."""
    size: Positive
    """Bytes as stored."""
    media_type: MediaType
    """Of the picture itself."""
    sealed_keys: Annotated[tuple[SealedKey, ...], Meta(max_length=16)] | UnsetType = UNSET
    """Present if and only if the content is encrypted."""


class Royalty(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What each resale of a token owes to its payees, of the price."""

    rate_ppm: Ppm
    payees: Shares
    """Their weights make 1,000,000."""


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """An amount of minor units with its currency."""

    amount: Positive
    currency: CurrencyCode


Terms = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9_@ ]{0,322}\Z")]
"""The policies that bind a token, as `GET /v1/tokens/{token}` shows them: `asset_default@1 spring@2`."""

# Accounts ------------------------------------------------------------------------------------------------------------


class EnrolAccount(Action, frozen=True, tag="account.enrol", kw_only=True):
    """Give an account a name, its first key and its roles. By an administrator of its org."""

    account: AccountName
    key: Hex32
    roles: Roles = ()


class AddKey(Action, frozen=True, tag="account.add-key", kw_only=True):
    """Give the signing account a further key. By that account."""

    key: Hex32


class RevokeKey(Action, frozen=True, tag="account.revoke-key", kw_only=True):
    """Take a key from an account for ever. By that account, or an administrator of its org."""

    account: AccountName
    key: Hex32


class RotateKey(Action, frozen=True, tag="account.rotate-key", kw_only=True):
    """Replace a key of the signing account in one step. By that account."""

    old: Hex32
    new: Hex32


class RecoverAccount(Action, frozen=True, tag="account.recover", kw_only=True):
    """Revoke all keys of an account that lost them, and give it a new one. By another administrator of its org."""

    account: AccountName
    key: Hex32


class SetRoles(Action, frozen=True, tag="account.set_roles", kw_only=True):
    """The roles that an account holds; those given by vote stay. By an administrator of its org."""

    account: AccountName
    roles: Roles


class SuspendAccount(Action, frozen=True, tag="account.suspend", kw_only=True):
    """Let an account sign nothing until it is resumed. By another administrator of its org."""

    account: AccountName


class ResumeAccount(Action, frozen=True, tag="account.resume", kw_only=True):
    """Let a suspended account sign again. By an administrator of its org."""

    account: AccountName


# Governance ----------------------------------------------------------------------------------------------------------


class Propose(Action, frozen=True, tag="governance.propose", kw_only=True):
    """Put changes to the vote; the proposer's org approves by it. By an administrator."""

    changes: Changes
    until_ms: TimeMs
    """The last block time at which votes are taken."""
    reason: Reason = ""
    replay: Replayed | UnsetType = UNSET
    """What the last requests would have come to under the policy that is to bind all assets."""


class CastVote(Action, frozen=True, tag="governance.vote", kw_only=True):
    """Say an org's word on a proposal, once and for good. By an administrator.

    An org that approved says so again where the quorum came without a vote, because an org was suspended.
    """

    proposal: Hex32
    approve: bool


# Nodes ---------------------------------------------------------------------------------------------------------------


class AddNode(Action, frozen=True, tag="node.add", kw_only=True):
    """Let a further node of the signer's org in, which does not vote. By an administrator."""

    node: NodeName
    key: Hex32
    certificate: Annotated[str, Meta(min_length=2, max_length=2_048, pattern=r"^([0-9a-f]{2})+\Z")]
    """Self-signed X.509 of the key, DER, hex: what `remarque keys show` prints."""


class RemoveNode(Action, frozen=True, tag="node.remove", kw_only=True):
    """Shut out a node of the signer's org that does not vote. By an administrator."""

    node: NodeName


# Models and assets ---------------------------------------------------------------------------------------------------


class RegisterModel(Action, frozen=True, tag="model.register", kw_only=True):
    """Name a generator model by the digest of its files. By an account with role `model-provider`."""

    model: Hex32
    name: Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[ -~]+\Z")]
    version: Annotated[str, Meta(min_length=1, max_length=32, pattern=r"^[ -~]+\Z")]
    licence: Annotated[str, Meta(max_length=64, pattern=r"^[ -~]*\Z")]


class RegisterAsset(Action, frozen=True, tag="asset.register", kw_only=True):
    """Record a picture that its registrant declares. Evidence level: declared."""

    pixel_digest: Hex32
    file_digest: Hex32
    width: Positive
    height: Positive
    content: Content
    image_code: ImageCode | UnsetType = UNSET
    confidential: bool
    creators: Shares | UnsetType = UNSET
    """Who is paid as creator; the registrant alone if absent."""


class RegisterGenerated(Action, frozen=True, tag="asset.register_generated", kw_only=True):
    """Record a generated picture with both signed statements. By the generator's account. Evidence: generated."""

    request: GenerationRequest
    request_signature: Hex64
    """By the creator."""
    attestation: Attestation
    attestation_signature: Hex64
    """By the generator."""
    content: Content


class AttestAsset(Action, frozen=True, tag="asset.attest", kw_only=True):
    """Lift a declared asset to generated, once, with both signed statements. By the generator's account."""

    request: GenerationRequest
    request_signature: Hex64
    """By the creator."""
    attestation: Attestation
    attestation_signature: Hex64
    """By the generator."""


class DeriveAsset(Action, frozen=True, tag="asset.derive", kw_only=True):
    """Say what an asset was made from, once, before it is minted. By its owner; each parent's policy decides.

    A parent's owner who signs too stands for the permission. What each parent's `derivative_mint` royalty asks is paid.
    """

    asset: Hex32
    parents: Annotated[tuple[Hex32, ...], Meta(min_length=1, max_length=8)]
    value: Price | UnsetType = UNSET
    """What the right to derive is worth, for each parent; a royalty is a part of it. Absent: the fallback is due."""
    terms: Annotated[tuple[Terms, ...], Meta(max_length=8)] | UnsetType = UNSET
    """The policies of each parent that the signer saw, in the order of `parents`; under others nothing is derived."""


class DisputeAsset(Action, frozen=True, tag="asset.dispute", kw_only=True):
    """Say for one's org that what is recorded of an asset is wrong. By an account with role `fact-checker`."""

    asset: Hex32
    reason: Annotated[str, Meta(min_length=1, max_length=512)]
    evidence: Hex32
    """SHA-256 of what shows it, kept beside the chain."""


class WithdrawDispute(Action, frozen=True, tag="asset.withdraw_dispute", kw_only=True):
    """Take one's org's dispute back. By an account with role `fact-checker`."""

    asset: Hex32


# Tokens and the market -----------------------------------------------------------------------------------------------


class MintToken(Action, frozen=True, tag="token.mint", kw_only=True):
    """Make the one token of an asset, or all its numbered ones. By the asset's owner, who then owns them."""

    asset: Hex32
    editions: Annotated[int, Meta(ge=2, le=256)] | UnsetType = UNSET
    """How many numbered tokens; one without a number if absent."""
    royalty: Royalty | UnsetType = UNSET
    """Terms for every resale, within the policy's cap; if absent, the policy's own clause applies."""


class TransferToken(Action, frozen=True, tag="token.transfer", kw_only=True):
    """Give a token away, without a price."""

    token: Hex32
    to: AccountName


class SwapTokens(Action, frozen=True, tag="token.swap", kw_only=True):
    """Exchange two tokens. Both owners sign; what the policies ask for a swap is paid.

    A royalty is a part of the greater of the values that they declare, and no less than the policy's fallback.
    """

    token: Hex32
    for_token: Hex32
    value: Price | UnsetType = UNSET
    """What `token` is worth, as both say."""
    for_value: Price | UnsetType = UNSET
    """What `for_token` is worth, in the same currency."""


class RentToken(Action, frozen=True, tag="token.rent", kw_only=True):
    """Let an account use a token until a time, without owning it; it lapses by itself. By the owner.

    For a price the user signs too, and pays, with the royalty that the policies ask for a rental.
    """

    token: Hex32
    to: AccountName
    until_ms: TimeMs
    price: Price | UnsetType = UNSET


class ListToken(Action, frozen=True, tag="market.list", kw_only=True):
    """Offer a token at a price until a time."""

    token: Hex32
    price: Positive
    currency: CurrencyCode
    until_ms: TimeMs


class UnlistToken(Action, frozen=True, tag="market.unlist", kw_only=True):
    """Take an offer back."""

    token: Hex32


class BuyToken(Action, frozen=True, tag="market.buy", kw_only=True):
    """Buy a listed token at the price and currency that the buyer saw: token, price and royalties in one step."""

    token: Hex32
    price: Positive
    currency: CurrencyCode
    terms: Terms | UnsetType = UNSET
    """The policies that the buyer saw; if others are in force, nothing is bought."""


class SellToken(Action, frozen=True, tag="market.sell", kw_only=True):
    """Sell a token without a listing: seller and buyer both sign, and royalties are paid as in any sale."""

    token: Hex32
    to: AccountName
    """The buyer."""
    price: Positive
    currency: CurrencyCode


class RefundSale(Action, frozen=True, tag="market.refund", kw_only=True):
    """Undo the newest sale of a token, within 14 days. Seller and buyer both sign; every part goes back as it came."""

    token: Hex32


class MakeOffer(Action, frozen=True, tag="market.offer", kw_only=True):
    """Offer money for a token, which waits in escrow; an offer of the same buyer before it is returned."""

    token: Hex32
    price: Positive
    currency: CurrencyCode
    until_ms: TimeMs
    terms: Terms | UnsetType = UNSET
    """The policies that the buyer saw; if others are in force, the offer cannot be accepted."""


class AcceptOffer(Action, frozen=True, tag="market.accept", kw_only=True):
    """Sell a token to a buyer who offered, at the price and currency that the owner saw."""

    token: Hex32
    buyer: AccountName
    price: Positive
    currency: CurrencyCode


class WithdrawOffer(Action, frozen=True, tag="market.withdraw", kw_only=True):
    """Return an offer's money to its buyer. By the buyer at any time, by anybody once it has ended."""

    token: Hex32
    buyer: AccountName


class OpenAuction(Action, frozen=True, tag="auction.open", kw_only=True):
    """Auction a token to the highest bidder until a time. By its owner."""

    token: Hex32
    reserve: Positive
    """The least first bid."""
    increment: Positive
    """How much more than the highest a bid must be."""
    currency: CurrencyCode
    until_ms: TimeMs
    extension_ms: Annotated[int, Meta(ge=0, le=86_400_000)] = 0
    """A bid nearer to the end than this moves the end to this long after it."""


class CancelAuction(Action, frozen=True, tag="auction.cancel", kw_only=True):
    """Take an auction back while nobody has bid. By its seller."""

    token: Hex32


class PlaceBid(Action, frozen=True, tag="auction.bid", kw_only=True):
    """Bid for a token; the money waits in escrow, and whoever is outbid has theirs back in the same transaction."""

    token: Hex32
    price: Positive
    currency: CurrencyCode
    terms: Terms | UnsetType = UNSET
    """The policies that the bidder saw; if others are in force at the end, the money comes back instead."""


class SettleAuction(Action, frozen=True, tag="auction.settle", kw_only=True):
    """Sell to the highest bidder after the end, or return the money where that cannot be. By anybody."""

    token: Hex32


# Money ---------------------------------------------------------------------------------------------------------------


class CreateCurrency(Action, frozen=True, tag="currency.create", kw_only=True):
    """Name a currency; its creator becomes its issuer. By an account with role `issuer`."""

    currency: CurrencyCode
    decimals: Annotated[int, Meta(ge=0, le=8)]
    """How many digits of an amount stand behind the point when shown to people."""


class IssueCurrency(Action, frozen=True, tag="currency.issue", kw_only=True):
    """Make units of a currency. By its issuer."""

    currency: CurrencyCode
    to: AccountName
    amount: Positive


class RedeemCurrency(Action, frozen=True, tag="currency.redeem", kw_only=True):
    """Take units that the signer holds out of circulation."""

    currency: CurrencyCode
    amount: Positive


class Pay(Action, frozen=True, tag="payment.transfer", kw_only=True):
    """Move money from the signer to another account."""

    to: AccountName
    currency: CurrencyCode
    amount: Positive


# Rules and access ----------------------------------------------------------------------------------------------------


class PublishPolicy(Action, frozen=True, tag="policy.publish", kw_only=True):
    """Publish a version of a policy, for ever. By an account with role `rights-manager`."""

    source: Annotated[str, Meta(min_length=1, max_length=16_384)]


class SetPolicy(Action, frozen=True, tag="asset.set_policy", kw_only=True):
    """Put an asset under a published policy, beside those of the broader scopes. By its owner, with its creator."""

    asset: Hex32
    policy: PolicyName
    version: Positive


class SetOrgPolicy(Action, frozen=True, tag="org.set_policy", kw_only=True):
    """Put all assets that the signer's org's accounts created under a published policy. By a `rights-manager` of it."""

    policy: PolicyName
    version: Positive


class CreateCollection(Action, frozen=True, tag="collection.create", kw_only=True):
    """Begin a collection of the signer's org, which the signer then owns."""

    collection: CollectionName


class SetCollectionPolicy(Action, frozen=True, tag="collection.set_policy", kw_only=True):
    """Put all assets of a collection under a published policy. By its owner."""

    collection: CollectionName
    policy: PolicyName
    version: Positive


class AddToCollection(Action, frozen=True, tag="collection.add", kw_only=True):
    """Put an asset in a collection, once and before it is minted. By the owners of both."""

    collection: CollectionName
    asset: Hex32


class GrantAccess(Action, frozen=True, tag="access.grant", kw_only=True):
    """Let an account see a confidential asset until a time. By its owner.

    For a price the account signs too, and pays the owner, with the royalty that the policies ask for a licence.
    """

    asset: Hex32
    account: AccountName
    until_ms: TimeMs
    price: Price | UnsetType = UNSET


class RevokeAccess(Action, frozen=True, tag="access.revoke", kw_only=True):
    """End a grant now. Stops future releases only: who has seen has seen."""

    asset: Hex32
    account: AccountName


class RequestAccess(Action, frozen=True, tag="access.request", kw_only=True):
    """Ask for a confidential asset's key, to be sealed to a key of this one request."""

    asset: Hex32
    reader_key: Hex32
    """X25519 public key, made for this request."""
    purpose: Annotated[str, Meta(max_length=128)]


# Statements ----------------------------------------------------------------------------------------------------------


class RegisterStatement(Action, frozen=True, tag="statement.register", kw_only=True):
    """Put a signed statement's digest into the log for ever. By an account with role `registrar`, which checked it."""

    digest: Hex32
    """SHA-256 of the statement's bytes without receipts; the 32 bytes are its entry in the log."""
    issuer: StatementText
    """Who made the statement, as its claims say."""
    subject: StatementText
    """What it is about, as its claims say."""


AnyAction = (
    EnrolAccount | AddKey | RevokeKey | RotateKey | RecoverAccount | SetRoles | SuspendAccount | ResumeAccount
    | Propose | CastVote
    | AddNode | RemoveNode
    | RegisterModel | RegisterAsset | RegisterGenerated | AttestAsset | DeriveAsset | DisputeAsset
    | WithdrawDispute
    | MintToken | TransferToken | SwapTokens | RentToken | ListToken | UnlistToken | BuyToken | SellToken
    | RefundSale | MakeOffer | AcceptOffer | WithdrawOffer | OpenAuction | CancelAuction | PlaceBid | SettleAuction
    | CreateCurrency | IssueCurrency | RedeemCurrency | Pay
    | PublishPolicy | SetOrgPolicy | CreateCollection | SetCollectionPolicy | AddToCollection | SetPolicy
    | GrantAccess | RevokeAccess | RequestAccess
    | RegisterStatement
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
