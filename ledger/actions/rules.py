"""Policies and the scopes that they are put in force for, and access to what is confidential."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ledger.actions.licences import Access, Purpose
from ledger.actions.parts import (
    SEALED_KEYS_MAX,
    Action,
    Content,
    SealedKey,
)
from ledger.names import (
    AccountName,
    CollectionName,
    Hex32,
    Hex64,
    NodeName,
    PolicyName,
    Positive,
    ReaderKeyHex,
    TimeMs,
)
from ledger.prices import Price, Terms


class PublishPolicy(Action, frozen=True, tag="policy.publish", kw_only=True):
    """Publish a version of a policy, for ever. By an account with role `rights-manager`."""

    source: Annotated[str, Meta(min_length=1, max_length=16_384)]


class SetPolicy(Action, frozen=True, tag="asset.set_policy", kw_only=True):
    """Put an asset under a published policy, beside the broader scopes. By its creator and whoever holds it."""

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
    terms: Terms | UnsetType = UNSET
    """The policies that the account saw; needed where a royalty comes on top of the price."""


class ResealAsset(Action, frozen=True, tag="asset.reseal", kw_only=True):
    """Have further nodes hold the key of a confidential asset. By its owner, or whoever holds a token of it.

    What is sealed to a node already is replaced only with the signature of an account of that node's org.
    """

    asset: Hex32
    sealed_keys: Annotated[tuple[SealedKey, ...], Meta(min_length=1, max_length=SEALED_KEYS_MAX)]


class RekeyAsset(Action, frozen=True, tag="asset.rekey", kw_only=True):
    """Give a confidential asset another key, with its bytes encrypted anew; or encapsulate the one that nodes hold.

    By all who would lose it if nothing opened: its owner, whoever has a token of it, and whoever has paid to see it for
    a while that is not over. If the bytes as stored stay the same, keepers of all orgs whose nodes hold the key are
    enough: so what was recorded before there was a consortium's key moves over.
    """

    asset: Hex32
    content: Content


class RevokeAccess(Action, frozen=True, tag="access.revoke", kw_only=True):
    """End a grant now. Stops future releases only: who has seen has seen."""

    asset: Hex32
    account: AccountName


class Viewer(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A node that opens the picture in its reader's place, and shows it with a mark of the request."""

    node: NodeName
    signature: Hex64
    """The node's, over `ledger.viewing.ViewerKey`: the request's reader key is its own, for this asset and reader."""


class RequestAccess(Action, frozen=True, tag="access.request", kw_only=True):
    """Ask for a confidential asset's key, to be sealed to a key of this one request."""

    asset: Hex32
    reader_key: ReaderKeyHex
    """X25519 public key, made for this request; with a viewer, the one that its node gave."""
    purpose: Purpose
    use: Access = "view"
    """What for; the rules decide about each by itself. What a reader does with the bytes nobody sees."""
    licence: Hex32 | UnsetType = UNSET
    """The licence under which it is asked for; a use of it is counted."""
    viewer: Viewer | UnsetType = UNSET
    """Present if the reader is to see the picture at a node, and never gets its key."""
