"""What this node can prove from its log, and at which heights it holds the certificate that this takes.

Only what is certified is proven: the log in memory also holds leaves of blocks that may still be truncated.
"""

from __future__ import annotations

from ledger.block import Certificate, Header
from ledger.consistency import CertifiedHeader, ConsistencyProof, build_consistency
from node.chain.chain import Chain
from node.chain.reading import Reading
from remarque.errors import NodeCode, NodeError


class Proving:
    """Finds certified headers, and the paths between them."""

    def __init__(self, chain: Chain, reading: Reading) -> None:
        self._chain = chain
        self._reading = reading

    def newest(self) -> Header:
        """The newest certified header. NOTHING_CERTIFIED if there is none above genesis."""
        certificate = self._chain.state.certificate_upto(self._chain.committed.height)
        if certificate is None:
            raise NodeError(NodeCode.NOTHING_CERTIFIED, "no block is certified yet; ask again once one is", 1)
        return self._chain.header(certificate.height)

    def certificate_at(self, height: int) -> Certificate:
        """Certificate of exactly a height. HEIGHT_UNCERTIFIED names the nearest that have one."""
        certificate = self._chain.state.certificate(height) if height <= self._chain.committed.height else None
        if certificate is None:
            raise NodeError(NodeCode.HEIGHT_UNCERTIFIED, f"{height} has no certificate here; {self._nearest(height)}")
        return certificate

    def anchor_of(self, block: int, height: int | None) -> Certificate | None:
        """Certificate of the height at which what a block holds shall be anchored; None if that is left open."""
        if height is None:
            return None
        if height < block:
            raise NodeError(NodeCode.HEIGHTS_REVERSED, f"it is in block {block}; choose an anchor from there on")
        return self.certificate_at(height)

    async def anchor_header(self, block: int, height: int | None) -> Header:
        """Certified header at which what a block holds is anchored: where asked, else the first from there on."""
        certificate = self.anchor_of(block, height) or self._chain.state.certificate_from(block)
        if certificate is None:
            raise NodeError(NodeCode.NOTHING_CERTIFIED, f"block {block} awaits its certificate; ask again", 1)
        return await self._reading.piece(self._chain.header, certificate.height)

    async def headers(self, first: int, second: int) -> tuple[Header, Header]:
        """Two certified headers, the second not below the first."""
        if first > second:
            raise NodeError(NodeCode.HEIGHTS_REVERSED, f"from {first} to {second}; ask for it the other way round")
        for height in (first, second):
            self.certificate_at(height)
        piece, header = self._reading.piece, self._chain.header
        return await piece(header, first), await piece(header, second)

    async def consistency(self, first: int, second: int) -> ConsistencyProof:
        """Proof between two certified heights."""
        below, above = (
            CertifiedHeader(header=header, certificate=self.certificate_at(header.height))
            for header in await self.headers(first, second)
        )
        return build_consistency(below, above, self._chain.log, self._chain.sets.epochs_for(above.header))

    def _nearest(self, height: int) -> str:
        if height < 0:
            return "heights begin at 0"
        newest = self._chain.committed.height
        below = self._chain.state.certificate_upto(min(height, newest))
        above = self._chain.state.certificate_from(height) if height <= newest else None
        near = [str(one.height) for one in (below, above) if one is not None]
        return f"the nearest that have one: {' and '.join(near)}" if near else "no height has one yet"
