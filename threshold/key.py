"""What everybody knows of a key that nobody holds alone."""

from __future__ import annotations

from dataclasses import dataclass

from threshold.errors import ThresholdCode, require
from threshold.group import IDENTITY, Element, words

HEAD_BYTES = 6


@dataclass(frozen=True, slots=True)
class ThresholdKey:
    """The public part of a shared key, as a ceremony leaves it."""

    epoch: int
    """Counts the sharings of this key, from 1. Shares of different epochs do not fit each other."""
    threshold: int
    """t: so many holders open what is encapsulated to the key."""
    public: Element
    """Y, the papers' h: what one encapsulates to. It is the same in all epochs."""
    verification: tuple[Element, ...]
    """V_i, the papers' h_i, from holder 1: `G` times the secret share of each, which its decryption shares must fit.

    The identity, if a holder dealt so that its own share is nought; no decryption share of that one ever holds.
    """

    def to_bytes(self) -> bytes:
        """epoch (4 bytes, big endian), t, n, then Y and the n verification keys."""
        head = self.epoch.to_bytes(4, "big") + bytes([self.threshold, len(self.verification)])
        return head + b"".join(element.encoded for element in (self.public, *self.verification))

    @classmethod
    def from_bytes(cls, encoded: bytes) -> ThresholdKey:
        """MESSAGE_MALFORMED unless the bytes are those of a key."""
        head = encoded[:HEAD_BYTES].ljust(HEAD_BYTES, b"\x00")
        epoch, threshold, holders = int.from_bytes(head[:4], "big"), head[4], head[5]
        public, *verification = words(encoded, HEAD_BYTES, 1 + holders)
        require(
            epoch >= 1 and 1 <= threshold <= holders,
            ThresholdCode.MESSAGE_MALFORMED,
            f"epoch {epoch} of a key of {threshold} of {holders}",
        )
        keys = (IDENTITY if one == IDENTITY.encoded else Element.read(one) for one in verification)
        return cls(epoch, threshold, Element.read(public), tuple(keys))
