"""A holder's word that it was dealt a wrong share, which everybody judges alike.

The holder reveals the point that its holder key makes of the dealing's ephemeral, and proves that it is that point.
So everybody opens the one share that was sealed to it, and learns nothing of any other dealing.
"""

from __future__ import annotations

from dataclasses import dataclass

from threshold.ceremony import Ceremony
from threshold.dealing import Dealing, fits, unmask
from threshold.errors import ThresholdCode, require
from threshold.group import Element, G, Random, Scalar, words
from threshold.proofs import Claims, LogarithmProof, prove

HEAD_BYTES = 2
TAG = "complaint"


@dataclass(frozen=True, slots=True)
class Complaint:
    """A holder against a dealer."""

    dealer: int
    holder: int
    shared: Element
    """E * d, for the holder's secret d."""
    proof: LogarithmProof
    """That its logarithm to E is that of the holder key to `G`."""

    def to_bytes(self) -> bytes:
        """98 bytes: dealer and holder (a byte each), the shared point, e, f."""
        return bytes([self.dealer, self.holder]) + self.shared.encoded + self.proof.to_bytes()

    @classmethod
    def from_bytes(cls, encoded: bytes) -> Complaint:
        """MESSAGE_MALFORMED unless the bytes are those of a complaint."""
        shared, e, f = words(encoded, HEAD_BYTES, 3)
        return cls(encoded[0], encoded[1], Element.read(shared), LogarithmProof.read(e, f))


def complain(ceremony: Ceremony, dealing: Dealing, holder: int, holder_secret: Scalar, random: Random) -> Complaint:
    """Complain about a dealing. Do so only if `open_share` refuses it: the share is then known to all."""
    shared = dealing.ephemeral * holder_secret
    claims = _claims(ceremony, dealing, holder, shared)
    proof = prove(TAG, holder_secret, claims, *_statement(ceremony, dealing, holder), random=random)
    return Complaint(dealing.dealer, holder, shared, proof)


def judge(ceremony: Ceremony, dealing: Dealing, complaint: Complaint) -> bool:
    """Whether a checked dealing is to be left out because its dealer lied; else the complaint is an empty one.

    COMPLAINT_INVALID if whoever complains has not proven what it reveals, or complains about another dealing.
    """
    about = complaint.dealer == dealing.dealer and 1 <= complaint.holder <= len(ceremony.holders)
    require(about, ThresholdCode.COMPLAINT_INVALID, "a complaint names the dealer of this dealing and a holder")
    claims = _claims(ceremony, dealing, complaint.holder, complaint.shared)
    proven = complaint.proof.holds(TAG, claims, *_statement(ceremony, dealing, complaint.holder))
    require(proven, ThresholdCode.COMPLAINT_INVALID, "the proof does not hold for the holder's key and this dealing")
    return not fits(dealing, complaint.holder, unmask(ceremony, dealing, complaint.holder, complaint.shared))


def _claims(ceremony: Ceremony, dealing: Dealing, holder: int, shared: Element) -> Claims:
    return (G, ceremony.holders[holder - 1]), (dealing.ephemeral, shared)


def _statement(ceremony: Ceremony, dealing: Dealing, holder: int) -> tuple[bytes, ...]:
    return ceremony.digest, dealing.to_bytes(), bytes([holder])
