"""Confidential content whose key the consortium's keepers open together: encapsulating it, combining their shares."""

from __future__ import annotations

import secrets

from ledger.actions import EncapsulatedKey
from ledger.capsules import ReleasedShare, label_of
from remarque import sealing
from remarque.api.content import SealedShare
from remarque.dag import cid_of_parts
from threshold import (
    Capsule,
    DecryptionShare,
    Grounds,
    ReaderSecret,
    ThresholdCode,
    ThresholdError,
    ThresholdKey,
    check_share,
    combine,
    encapsulate,
    unsealed,
)


def encapsulated(content_key: bytes, label: bytes, shared: ThresholdKey) -> EncapsulatedKey:
    """A content key of 32 bytes, for as many keepers as the consortium's key says, and for one label."""
    capsule, key = encapsulate(shared.public, label, secrets.token_bytes)
    return EncapsulatedKey(capsule=capsule.to_bytes().hex(), wrapped=sealing.wrapped(content_key, key).hex())


def encapsulated_content(
    plain: bytes, chain: str, asset: str, creator: str, shared: ThresholdKey
) -> tuple[bytes, EncapsulatedKey]:
    """Ciphertext of a picture under a new key, with what its record says of that. `asset`: the digest of its pixels."""
    content_key = secrets.token_bytes(sealing.KEY_BYTES)
    cipher = sealing.encrypt(plain, content_key)
    label = label_of(chain, asset, creator, cid_of_parts([cipher]))
    return cipher, encapsulated(content_key, label, shared)


class ShareFalse(sealing.SealBroken):
    """A keeper released a share that is none, and signed it: `ledger.capsules.convicts` shows that to anybody."""

    def __init__(self, said: ReleasedShare, signature: str, fault: ThresholdError) -> None:
        super().__init__(f"{said.keeper} signed a false share for {said.decision}: {fault}; keep it as evidence")
        self.said = said
        self.signature = signature


class Combining:
    """One request's shares, until they are enough."""

    def __init__(
        self, chain: str, grounds: Grounds, shared: ThresholdKey, held: EncapsulatedKey, reader: ReaderSecret
    ) -> None:
        self._chain = chain
        self._grounds = grounds
        self._shared = shared
        self._capsule = Capsule.from_bytes(bytes.fromhex(held.capsule))
        self._wrapped = bytes.fromhex(held.wrapped)
        self._reader = reader
        self._good: dict[int, DecryptionShare] = {}
        self.false: list[ShareFalse] = []
        """What keepers signed that convicts them."""

    @property
    def enough(self) -> bool:
        """Whether the shares open it."""
        return len(self._good) >= self._shared.threshold

    @property
    def epoch(self) -> int:
        """Of the consortium's key whose shares are taken."""
        return self._shared.epoch

    def take(self, given: SealedShare) -> None:
        """Take a share, if it is its keeper's. One that is not is left out; one that was signed is kept as evidence."""
        try:
            sealed = bytes.fromhex(given.sealed)
            share = unsealed(sealed, self._reader, self._grounds, self._shared.epoch, given.holder)
        except (ThresholdError, ValueError):
            return
        try:
            check_share(self._shared, self._grounds.label, self._capsule, share)
        except ThresholdError as fault:
            if fault.code is ThresholdCode.DECRYPTION_SHARE_INVALID:
                self.false.append(ShareFalse(self._said(given, share), given.signature, fault))
            return
        self._good[share.holder] = share

    def content_key(self) -> bytes:
        """The content key, from enough shares. ThresholdError if they are too few, SealBroken if it does not open."""
        shares = [*self._good.values()][: self._shared.threshold]
        return sealing.unwrapped(self._wrapped, combine(self._shared, self._grounds.label, self._capsule, shares))

    def _said(self, given: SealedShare, share: DecryptionShare) -> ReleasedShare:
        return ReleasedShare(
            chain=self._chain,
            decision=self._grounds.decision.hex(),
            keeper=given.keeper,
            label=self._grounds.label.hex(),
            capsule=self._capsule.to_bytes().hex(),
            share=share.to_bytes().hex(),
        )
