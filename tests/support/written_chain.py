"""A chain on disk whose blocks are final as soon as they are written: for what reads, not for consensus."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from consortium import State, a_genesis, key_of

from consensus.raft_log import RaftEntry
from ledger.block import Certificate, Endorsement, endorse
from ledger.genesis import Genesis
from ledger.transaction import SignedTransaction
from node.chain.chain import Chain
from node.storage.raft_log_store import RaftLogStore
from node.storage.state_store import StateStore

GENESIS = a_genesis()


class WrittenChain:
    """One node's chain, and a line for each block."""

    def __init__(self, path: Path, genesis: Genesis = GENESIS) -> None:
        self.log = RaftLogStore(path / "log")
        self._state = StateStore(path / "state")
        self._signing = State(genesis)
        self.chain = Chain(genesis, key_of("node1"), "node1", self.log, self._state)

    def ask(self, *asks: Any, signer: str = "alice@studio", **parts: Any) -> SignedTransaction:
        return self._signing.transaction(signer, *asks, **parts)

    def block(self, *transactions: SignedTransaction, after_ms: int = 0, certified: bool = True) -> int:
        """Height of a block of these transactions, which is final; unless certified, once the next one is."""
        data = self.chain.build(transactions, 1, self.chain.tip.time_ms + after_ms)
        header = self.chain.tip
        self.log.persist(1, "node1", None, (RaftEntry(header.height, 1, data),))
        if not certified:
            return header.height
        endorsements = tuple(
            Endorsement(node=node, signature=endorse(key_of(node), header.hash)) for node in ("node1", "node2")
        )
        certificate = Certificate(height=header.height, header=header.hash, endorsements=endorsements)
        self.chain.commit(header.height, certificate)
        return header.height

    def close(self) -> None:
        self.log.close()
        self._state.close()
