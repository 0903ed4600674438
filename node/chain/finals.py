"""The final blocks that a node keeps: where they are, what they did, and what proves them.

The newest stay decoded, because receipts and queries ask for them most; an older one is decoded when it is asked for.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from cachetools import FIFOCache

from ledger.block import Block, Certificate, Header, decode_block, decode_header
from ledger.epochs import Epochs
from ledger.merkle_log import MerkleLog
from ledger.receipt import Receipt, build_receipt
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import Results, StateStore
from remarque.errors import NodeCode, NodeError

STRETCH_BLOCKS = 32
STRETCH_BYTES = 1 << 20
"""Blocks given at a time to a node that follows, and bytes of them: whichever comes first."""
RECENT_BLOCKS_MAX = 32
"""Final blocks kept decoded, with what they did, for receipts and queries."""


class Final(msgspec.Struct, frozen=True):
    """A final block, decoded."""

    block: Block
    results: Results
    anchor: Certificate | None
    """The certificate of the first certified height at or above; None if a crash cut it off and none has come since."""


class FinalBlocks:
    """The final blocks of one node."""

    def __init__(
        self,
        genesis: Header,
        raft_log: RaftLogStore,
        state_store: StateStore,
        log: MerkleLog,
        epochs_for: Callable[[Header], Epochs],
    ) -> None:
        """`genesis` is its header. `log` holds at least the leaves of all final blocks. `epochs_for` gives the changes
        of voters that a certified header needs.
        """
        self._epochs_for = epochs_for
        self._genesis = genesis
        self._base = genesis if state_store.base is None else state_store.base.header
        self._raft_log = raft_log
        self._state = state_store
        self._log = log
        self._recent: FIFOCache[int, Final] = FIFOCache(RECENT_BLOCKS_MAX)
        self.newest = self.header(state_store.applied)
        """Header of the newest one."""

    @property
    def oldest(self) -> int:
        """Lowest height whose block this node can show."""
        return self._raft_log.base

    @property
    def oldest_header(self) -> int:
        """Lowest height from which on this node can show every header."""
        return self.oldest if self.oldest in (0, self._base.height) else self.oldest + 1

    def header(self, height: int) -> Header:
        """Header of a final block."""
        kept = self.kept(height)
        if kept is not None:
            return kept.block.header
        if height == self._base.height:
            return self._base
        return self._genesis if height == 0 else decode_header(self._raft_log.entry(height).data)

    def at(self, height: int) -> Final:
        """A final block. Decodes it, which takes up to 15 ms, unless it is kept."""
        return self.kept(height) or self._decoded(height)

    def kept(self, height: int) -> Final | None:
        """A final block, if it is one of the newest, which are kept decoded."""
        return self._recent.get(height)

    def add(self, final: Final) -> None:
        """Take the next block, which has become final."""
        self.newest = final.block.header
        self._recent[self.newest.height] = final

    def receipt(self, final: Final, position: int, anchor: Certificate | None = None) -> Receipt:
        """Receipt of a final block's transaction, anchored where asked, else at the first certified height."""
        block, height = final.block, final.block.header.height
        certificate = anchor or final.anchor or self._state.certificate_from(height)
        if certificate is None:
            raise NodeError(NodeCode.DATA_CORRUPT, f"no certificate at or above block {height}; join as a new node")
        anchored = block.header if certificate.height == height else self.header(certificate.height)
        return build_receipt(
            block.transactions[position],
            final.results.outcomes[position],
            block.header.log_size - len(block.transactions) + position,
            block.header,
            anchored,
            certificate,
            self._log,
            self._epochs_for(anchored),
        )

    def stretch(self, height: int) -> tuple[tuple[bytes, ...], Certificate | None]:
        """Frames of some final blocks above a height, up to one that is certified, and its certificate. They are of one
        epoch, so that whoever takes them knows who certifies them.
        """
        if height < self.oldest:
            raise NodeError(NodeCode.BLOCK_PRUNED, f"this node keeps blocks above {self.oldest}; join from a snapshot")
        newest = self.newest.height
        frames: list[bytes] = []
        size = 0
        for one in range(height + 1, min(height + STRETCH_BLOCKS, newest, self._raft_log.epoch_end(height + 1)) + 1):
            frames.append(self._raft_log.entry(one).data)
            size += len(frames[-1])
            if size >= STRETCH_BYTES:
                break
        certificate = self._state.certificate_upto(height + len(frames))
        if certificate is None or certificate.height <= height:
            certificate = self._state.certificate_from(height + 1)
        if certificate is None or certificate.height > newest:
            return (), None
        beyond = range(height + 1 + len(frames), certificate.height + 1)
        frames += [self._raft_log.entry(one).data for one in beyond]
        return tuple(frames[: certificate.height - height]), certificate

    def prune(self, upto: int, most: int) -> None:
        """Forget blocks up to a height, at most so many, and what they did. What proves them later stays."""
        upto = min(upto, self.oldest + most)
        self._state.prune(self.oldest + 1, upto)
        self._raft_log.prune(upto)

    def _decoded(self, height: int) -> Final:
        if height == 0:
            return Final(Block(self._genesis, "", ()), Results((), (), ()), None)
        block = decode_block(self._raft_log.entry(height).data, trusted=True)
        results = self._state.results(height)
        if results is None:
            raise NodeError(NodeCode.DATA_CORRUPT, f"what block {height} did is missing; join as a new node")
        return Final(block, results, self._state.certificate_from(height))
