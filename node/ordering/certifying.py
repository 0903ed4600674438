"""Certificates: what this node endorses, which certificates hold, and which one is the newest.

A node endorses a block only if it is of its own current term, executed and durable here. Signatures are the same
whenever they are made, and are made once: consensus asks for them again with every answer.
"""

from __future__ import annotations

from ledger.block import Certificate, Endorsement, endorse
from ledger.encoding import decode_trusted
from node.chain.chain import Chain

ENDORSED_LOOKBACK = 1_000
"""Certificates looked through for the newest one that a node took part in."""


class Certifying:
    """The certificates of one node's chain."""

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self.newest: Certificate | None = chain.state.certificate_upto(chain.committed.height)
        """The certificate of the newest final block that has one."""
        self._complete: dict[int, Certificate] = {}
        """Certificates of blocks that consensus is about to deliver, by height."""
        self._endorsed: dict[int, tuple[str, bytes]] = {}
        """This node's endorsements by height above the final blocks: each the hash of the header, and the signature."""

    def endorsements(self, first: int, last: int, term: int) -> tuple[tuple[int, bytes], ...]:
        """This node's endorsements of its blocks between two heights, of a term and of no other."""
        return tuple(
            (height, self.endorsement(height))
            for height in range(first, last + 1)
            if self._chain.header(height).term == term
        )

    def endorsement(self, height: int) -> bytes:
        """This node's endorsement of a block it has executed and made durable."""
        header = self._chain.hash_at(height)
        endorsed, signature = self._endorsed.get(height, ("", b""))
        if endorsed != header:
            signature = bytes.fromhex(endorse(self._chain.key, header))
            self._endorsed[height] = header, signature
        return signature

    def complete(self, height: int, endorsements: tuple[tuple[str, bytes], ...]) -> None:
        """A majority has endorsed a block of this leader."""
        self._complete[height] = Certificate(
            height=height,
            header=self._chain.hash_at(height),
            endorsements=tuple(Endorsement(node=node, signature=signature.hex()) for node, signature in endorsements),
        )

    def check(self, height: int, data: bytes) -> bool:
        """Whether a leader's certificate makes this node's own block of a height final; it is kept if so."""
        certificate = decode_trusted(data, Certificate)
        if certificate.height != height or not self._chain.certificate_holds(certificate):
            return False
        self._complete[height] = certificate
        return True

    def take(self, height: int) -> Certificate:
        """The certificate of a block that consensus delivers."""
        return self._complete.pop(height)

    def final(self, certificate: Certificate) -> None:
        """A certificate has made blocks final: it is the newest, and they need no endorsement any more."""
        self.newest = certificate
        for height in [height for height in self._endorsed if height <= certificate.height]:
            del self._endorsed[height]

    def upto(self, height: int) -> Certificate | None:
        """The newest certificate of a final block up to a height."""
        if self.newest is None or self.newest.height <= height:
            return self.newest
        return self._chain.state.certificate_upto(height)

    def endorsed_by(self, node: str) -> Certificate | None:
        """Newest certificate that a node took part in: it has made that block durable."""
        certificate = self.newest
        for _ in range(ENDORSED_LOOKBACK):
            if certificate is None or any(one.node == node for one in certificate.endorsements):
                return certificate
            certificate = self._chain.state.certificate_upto(certificate.height - 1)
        return None
