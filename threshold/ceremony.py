"""Which making or sharing of a key a dealing belongs to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from threshold.errors import ThresholdCode, require
from threshold.group import Element, digest
from threshold.key import ThresholdKey
from threshold.sharing import HOLDERS_MAX


@dataclass(frozen=True)
class Ceremony:
    """What all dealings of one making or sharing of a key are bound to. CEREMONY_INVALID if no key can come of it."""

    context: bytes
    """Says on which chain and as which ceremony, in one spelling; no two ceremonies may have the same."""
    threshold: int
    """t of the key that is made."""
    holders: tuple[Element, ...]
    """The holder keys, from holder 1; the proof of possession of each has been checked."""
    former: ThresholdKey | None = None
    """The key that is shared anew, dealt by its holders; without one a new key is made, dealt by `holders`."""

    def __post_init__(self) -> None:
        n, t = len(self.holders), self.threshold
        require(1 <= t <= n <= HOLDERS_MAX, ThresholdCode.CEREMONY_INVALID, f"{t} of {n} is no threshold")
        require(len(set(self.holders)) == n, ThresholdCode.CEREMONY_INVALID, "two holders have one holder key")

    @property
    def epoch(self) -> int:
        """That of the key which is made."""
        return self.former.epoch + 1 if self.former else 1

    @property
    def dealers(self) -> int:
        """Dealers have the indices from 1 to this."""
        return len(self.former.verification if self.former else self.holders)

    @property
    def dealings_min(self) -> int:
        """One more than may collude, so that a dealing of somebody honest is among them; to share anew, enough."""
        return self.former.threshold if self.former else self.threshold

    @cached_property
    def digest(self) -> bytes:
        """64 bytes that stand for all of it in hashes."""
        holders = [holder.encoded for holder in self.holders]
        former = self.former.to_bytes() if self.former else b""
        return digest("ceremony", self.context, bytes([self.threshold]), *holders, former)
