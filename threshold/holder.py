"""A holder's own key, to which its shares are sealed in dealings.

It is a key for this alone: what signs blocks and opens connections is never multiplied with what a dealer chose.
"""

from __future__ import annotations

from dataclasses import dataclass

from threshold.errors import ThresholdCode, require
from threshold.group import Element, G, Random, Scalar, words
from threshold.proofs import LogarithmProof, prove

TAG = "holder key"


@dataclass(frozen=True, slots=True)
class HolderKey:
    """A public key with the proof that whoever names it has its secret, so that none is made out of another's."""

    public: Element
    possession: LogarithmProof

    def to_bytes(self) -> bytes:
        """96 bytes: D, e, f."""
        return self.public.encoded + self.possession.to_bytes()

    @classmethod
    def from_bytes(cls, encoded: bytes) -> HolderKey:
        """MESSAGE_MALFORMED unless the bytes are those of a holder key."""
        public, e, f = words(encoded, 0, 3)
        return cls(Element.read(public), LogarithmProof.read(e, f))


def holder_key(secret: Scalar, name: bytes, random: Random) -> HolderKey:
    """The holder key of a secret; `name` says on which chain and for which node, in one spelling."""
    public = G * secret
    return HolderKey(public, prove(TAG, secret, [(G, public)], name, random=random))


def check_holder_key(key: HolderKey, name: bytes) -> None:
    """HOLDER_KEY_INVALID unless the node of this name has the secret of the key."""
    held = key.possession.holds(TAG, [(G, key.public)], name)
    require(held, ThresholdCode.HOLDER_KEY_INVALID, "the proof of possession does not hold for this name; make it anew")
