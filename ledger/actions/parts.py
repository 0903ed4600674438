"""What several actions are made of, and the base of them all."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from ledger.names import (
    AccountName,
    ContentId,
    MediaType,
    NodeName,
    Positive,
    Ppm,
    RoleName,
)

CREATORS_MAX = 64
ROLES_MAX = 8
SEALED_KEYS_MAX = 16
ARCHIVED_FILES_MAX = 16_384
"""Of one content archive, so that its directory has at most a mebibyte."""
ORG_CUSTODIANS_MAX = 2
"""Nodes of one org that resealing makes custodians: so no holder's org takes all places."""


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


class EncapsulatedKey(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A content key that keepers of the consortium's key open together, for one reader, and nobody opens alone."""

    capsule: Annotated[str, Meta(pattern=r"^[0-9a-f]{256}\Z")]
    """`threshold.Capsule`, hex, for the label that `ledger.capsules.label_of` gives."""
    wrapped: Annotated[str, Meta(pattern=r"^[0-9a-f]{96}\Z")]
    """The content key, encrypted with the key in the capsule (ChaCha20-Poly1305; it serves once, so the nonce is 0)."""


class Content(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, omit_defaults=True):
    """Where a picture's bytes are and how to know them."""

    cid: ContentId
    """Of the bytes as stored: the file, or for a confidential asset its ciphertext (profile `unixfs-v1-2025`)."""
    size: Positive
    """Bytes as stored."""
    media_type: MediaType
    """Of the picture itself."""
    sealed_keys: Annotated[tuple[SealedKey, ...], Meta(max_length=SEALED_KEYS_MAX)] | UnsetType = UNSET
    """Present if the content is encrypted, and was before the consortium had a key."""
    encapsulated: EncapsulatedKey | UnsetType = UNSET
    """Present if the content is encrypted, and its key encapsulated to the consortium's."""


class Royalty(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What each resale of a token owes to its payees, of the price."""

    rate_ppm: Ppm
    payees: Shares
    """Their weights make 1,000,000."""
