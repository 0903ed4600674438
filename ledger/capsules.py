"""What keepers open together: for what a confidential picture's key is encapsulated, and what one signs of a share.

The key in a capsule encrypts the content key, so that bytes which were encrypted before can be encapsulated too.
"""

from __future__ import annotations

from ledger.crypto import RELEASED_SHARE, SigningKey, verify
from ledger.encoding import Value, encode
from threshold import Capsule, DecryptionShare, ThresholdCode, ThresholdError, ThresholdKey, check_capsule, check_share


def label_of(chain: str, asset: str, creator: str, cid: str) -> bytes:
    """For what a content key is encapsulated: these bytes of this asset, as this creator recorded it.

    The proof in the capsule holds for one label, so a capsule that is copied into another record is no good there. The
    rules are not in it: what they say is decided at each request, and may change.
    """
    return encode({"asset": asset, "chain": chain, "cid": cid, "creator": creator})


class ReleasedShare(Value, frozen=True, kw_only=True):
    """What a keeper signs that releases a share. With it a share that is false convicts its keeper, for all to see."""

    chain: str
    decision: str
    """The `access.request` that was allowed."""
    keeper: str
    """The account that signs."""
    label: str
    """That of the capsule, hex."""
    capsule: str
    """`threshold.Capsule`, hex."""
    share: str
    """`threshold.DecryptionShare`, hex."""

    def signed(self, key: SigningKey) -> str:
        """The keeper's signature, 128 hex digits."""
        return key.sign(RELEASED_SHARE, encode(self))

    def is_signed(self, signature: str, key: str) -> bool:
        """Whether a signature is by this public key."""
        return verify(key, RELEASED_SHARE, encode(self), signature)


def convicts(said: ReleasedShare, signature: str, key: str, shared: ThresholdKey, holder: int) -> bool:
    """Whether what a keeper signed shows that it lied: the capsule is a good one, and the share not holder `holder`'s.

    `key` is a public key of the keeper's account that was in force, `shared` the consortium's key at the decision, and
    `holder` the keeper's index in it. An honest keeper signs no share of a capsule that is none.
    """
    if not said.is_signed(signature, key):
        return False
    label = bytes.fromhex(said.label)
    try:
        capsule = Capsule.from_bytes(bytes.fromhex(said.capsule))
        check_capsule(shared.public, label, capsule)
    except ThresholdError:
        return False
    try:
        share = DecryptionShare.from_bytes(bytes.fromhex(said.share))
        check_share(shared, label, capsule, share)
    except ThresholdError as error:
        return error.code is not ThresholdCode.KEY_EPOCH_STALE
    return share.holder != holder
