"""Catching up: before it starts, a node that votes takes the final blocks it lacks from whoever keeps them.

While it runs it takes blocks from its leader alone, which may have pruned those that come next. What is taken here is
final, whoever gives it: a certificate covers the last block of a stretch, and each block names the one below. Only an
entry of its own Raft log that contradicts such a block is dropped; everything else that this node has endorsed stays.
"""

from __future__ import annotations

from itertools import pairwise, takewhile
from pathlib import Path

import msgspec

from consensus.raft_log import RaftEntry
from ledger.block import Block, Certificate, certificate_fault, decode_block, encode_block
from ledger.crypto import SigningKey
from ledger.encoding import decode
from ledger.errors import InvalidBlock, LedgerError
from ledger.genesis import Genesis
from ledger.recovery import Recoveries
from ledger.transaction import check_signatures
from node.chain.chain import Chain
from node.chain.stretch import STRETCH_BYTES_MAX, Stretch, decode_stretch
from node.ground.logs import logger
from node.peers.asking import Asking
from node.storage.raft_log_store import Opening, RaftLogStore, open_database
from node.storage.state_store import StateStore


class Catching:
    """The stores of a node that does not run yet."""

    def __init__(
        self,
        data: Path,
        genesis: Genesis,
        key: SigningKey,
        node: str,
        recoveries: Recoveries,
        opening: Opening = open_database,
    ) -> None:
        self._raft_log, self._state = RaftLogStore(data / "log", opening), StateStore(data / "state", opening)
        self.chain = Chain(genesis, key, node, self._raft_log, self._state, recoveries)

    async def up(self, asking: Asking, givers: list[str]) -> None:
        """Take blocks from each of some nodes, for as long as it has newer ones."""
        for peer in givers:
            while await self._some(asking, peer):
                logger.info("catching_up", height=self.chain.committed.height, node=peer)

    def close(self) -> None:
        self._raft_log.close()
        self._state.close()

    async def _some(self, asking: Asking, peer: str) -> bool:
        path = f"/v1/stretch/{self.chain.committed.height}?wait_s=0"
        data = await asking.ask(peer, path, STRETCH_BYTES_MAX)
        try:
            stretch = None if data is None else decode_stretch(data)
            if stretch is None or not stretch.blocks:
                return False
            self.take(stretch)
        except (InvalidBlock, LedgerError, msgspec.DecodeError) as error:
            logger.error("stretch_refused", node=peer, reason=str(error))
            return False
        return True

    def take(self, stretch: Stretch) -> None:
        """Keep the blocks of a stretch; InvalidBlock if they are not final blocks that come next."""
        chain, blocks = self.chain, [decode_block(frame) for frame in stretch.blocks]
        certificate = decode(stretch.certificate, Certificate)
        self._check_final(blocks, certificate)
        layers = zip(blocks, chain.layers, strict=False)
        known = sum(1 for _ in takewhile(lambda pair: pair[0].hash == pair[1].block.hash, layers))
        new = blocks[known:]
        for block in new:
            for signed in block.transactions:
                check_signatures(signed)
        first = chain.committed.height + 1 + known
        contradicted = first if new and chain.tip.height >= first else None
        if contradicted is not None:
            chain.truncate(contradicted)
        for block in new:
            chain.accept(block, None)
        entries = tuple(RaftEntry(block.header.height, block.header.term, encode_block(block)) for block in new)
        self._raft_log.persist(self._raft_log.hard_term, self._raft_log.hard_vote, contradicted, entries)
        chain.commit(certificate.height, certificate)

    def _check_final(self, blocks: list[Block], certificate: Certificate) -> None:
        last = blocks[-1].header
        voters = self.chain.sets.final_above(last, self.chain.committed)
        fault = "it names no voters of this chain" if voters is None else certificate_fault(certificate, last, voters)
        if fault is not None:
            raise InvalidBlock(last.height, fault)
        below = self.chain.committed
        for lower, upper in pairwise([below, *(block.header for block in blocks)]):
            if upper.previous != lower.hash or upper.height != lower.height + 1:
                raise InvalidBlock(upper.height, "it does not follow the block below")
