"""Showing a confidential picture at a node: what the node signs beforehand, and the mark of each viewing."""

from __future__ import annotations

from ledger.crypto import VIEWER_KEY, SigningKey, verify
from ledger.encoding import Value, encode

MARK_BITS = 40
SPREAD = 0x9E3779B97F
"""Odd, so that times it, modulo 2**40, no two numbers become one; 2**40 over the golden ratio, so that near ones
come to lie far apart."""


class ViewerKey(Value, frozen=True, kw_only=True):
    """What a node signs before a reader asks: it holds the secret of a reader key, for one asset and one account."""

    chain: str
    node: str
    asset: str
    account: str
    reader_key: str

    def signed(self, key: SigningKey) -> str:
        """The node's signature, 128 hex digits."""
        return key.sign(VIEWER_KEY, encode(self))

    def is_signed(self, signature: str, key: str) -> bool:
        """Whether a signature is by this public key."""
        return verify(key, VIEWER_KEY, encode(self), signature)


def viewing_mark(number: int) -> str:
    """The mark of a chain's viewing of this number, from 1: 10 hex digits.

    It is counted and not hashed, so that no two viewings share one, and nobody makes a request until its mark is that
    of another. The numbers are spread, so that what is misread in a few bits is hardly ever the mark of another one.
    """
    return f"{number * SPREAD % (1 << MARK_BITS):0{MARK_BITS // 4}x}"
