"""Opening a confidential picture with what was released for one request: by its reader, or by a node that shows it."""

from __future__ import annotations

import hashlib
from typing import NamedTuple

from msgspec import UnsetType

from ledger.capsules import label_of
from ledger.records import Asset
from remarque import sealing
from remarque.api.content import Release
from remarque.encapsulating import Combining
from threshold import Grounds, ThresholdError, ThresholdKey


class Decided(NamedTuple):
    """A request that was decided in its reader's favour."""

    chain: str
    transaction: str
    height: int
    """Of its block."""


def combining(record: Asset, decided: Decided, released: Release, reader: sealing.ReaderKey) -> Combining | None:
    """The shares of keepers, taken in; None if the key is not encapsulated. SealBroken if there is no such key."""
    content = record.content
    if isinstance(released.consortium_key, UnsetType) or isinstance(content.encapsulated, UnsetType):
        return None
    label = label_of(decided.chain, record.id, record.creator, content.cid)
    grounds = Grounds(decision=bytes.fromhex(decided.transaction), height=decided.height, label=label)
    try:
        shared = ThresholdKey.from_bytes(bytes.fromhex(released.consortium_key))
        found = Combining(decided.chain, grounds, shared, content.encapsulated, reader.secret)
    except (ThresholdError, ValueError) as error:
        raise sealing.SealBroken(f"what is recorded, or the key that the node gave, is none: {error}") from None
    for share in released.decryption_shares:
        found.take(share)
    return found


def opened(cipher: bytes, content_key: bytes, record: Asset) -> bytes:
    """The picture. SealBroken if the key does not open it, or if it is not the file that was recorded."""
    plain = sealing.decrypt(cipher, content_key)
    check_file(plain, record)
    return plain


def opened_held(cipher: bytes, record: Asset, released: Release, reader: sealing.ReaderKey) -> bytes:
    """A picture whose key nodes hold: any one of them opens it. SealBroken if none does."""
    broken = sealing.SealBroken("no custodian gave a share")
    for share in released.shares:
        try:
            return opened(cipher, reader.open(bytes.fromhex(share.sealed)), record)
        except (sealing.SealBroken, ValueError) as error:
            broken = sealing.SealBroken(f"what {share.node} gave: {error}")
    raise broken


def check_file(plain: bytes, record: Asset) -> None:
    """SealBroken if what was opened is not the file that was recorded."""
    if hashlib.sha256(plain).hexdigest() != record.file_digest:
        raise sealing.SealBroken("what opens is not the file that was recorded; ask another node")
