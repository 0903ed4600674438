"""Forwarding: transactions of this node's clients go to the leader, whoever it is, until they are in a block.

What is handed over may be lost on the way, or with the leader; so it is handed over again, to every new leader and now
and then to the same one. A transaction that a leader refuses ends the wait of the client that gave it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from consensus.replica import Replica
from ledger.errors import Code, LedgerError
from ledger.transaction import SignedTransaction
from node.chain.chain import Chain
from node.ordering.inspection import Inspector
from node.ordering.mempool import Mempool
from node.ordering.proposer import Proposer
from remarque.errors import NodeCode, NodeError

AGAIN_SECONDS = 1.0
"""What has waited for so long is handed to the leader once more."""


class ForwardingNetwork(Protocol):
    """What forwarding needs of the peers."""

    def forward(self, to: str, transactions: list[SignedTransaction]) -> None:
        """Hand transactions to a node; they are dropped if it is not reached."""


class Forwarding:
    """Waiting transactions, on their way to the leader and from other nodes."""

    def __init__(
        self,
        chain: Chain,
        mempool: Mempool,
        replica: Replica,
        inspector: Inspector,
        proposer: Proposer,
        check_refused: Callable[[str], None],
    ) -> None:
        """`check_refused` raises why this leader has refused a transaction a moment ago."""
        self._check_refused = check_refused
        self.network: ForwardingNetwork | None = None
        self._chain = chain
        self._mempool = mempool
        self._replica = replica
        self._inspector = inspector
        self._proposer = proposer
        self._handed = float("-inf")
        self._waited: set[str] = set()
        """Ids that waited already when `again` last looked: what still waits the next time is handed over once more."""

    def take(self, transactions: list[SignedTransaction]) -> None:
        """Keep admitted transactions of this node's clients, and hand those that are new to the leader."""
        new = [signed for signed in transactions if signed.id not in self._mempool]
        for signed in transactions:
            self._mempool.add(signed)
        self._hand_over(new)

    async def receive(self, member: str, transactions: list[SignedTransaction]) -> list[tuple[str, str, str]]:
        """Keep transactions of another member's clients; (id, code, text) of those refused."""
        refused = []
        admit = self._inspector.door(self._proposer.time_for)
        for signed in transactions:
            if self._chain.state.locate(signed.id) is not None:
                continue  # it is final, which who forwarded it will hear; by now it may have expired
            try:
                self._check_refused(signed.id)
                admit(signed)
                await self._inspector.verify([signed])
                if signed.id not in self._mempool and self._chain.state.locate(signed.id) is None:
                    self._mempool.check_room([signed], member)
                    self._mempool.add(signed, member)
            except (LedgerError, NodeError) as error:
                if error.code is not Code.DUPLICATE:
                    refused.append((signed.id, error.code.name, error.detail))
        return refused

    def refused(self, transaction: str, code: str, detail: str) -> None:
        """The leader refused a transaction: tell the client that waits for it."""
        if code in Code.__members__:
            self._mempool.refuse(transaction, LedgerError(Code[code], detail))
        elif code in NodeCode.__members__:
            self._mempool.refuse(transaction, NodeError(NodeCode[code], detail, 1))

    def all_over(self) -> None:
        """Hand everything that this node's clients wait for to the leader: it is new, or was reached just now."""
        self._hand_over(self._mempool.own)

    def again(self, now: float) -> None:
        """Hand the leader once more what has waited for a while: a frame may have been dropped on the way."""
        if now - self._handed < AGAIN_SECONDS:
            return
        self._handed, own = now, self._mempool.own
        self._hand_over([signed for signed in own if signed.id in self._waited])
        self._waited = {signed.id for signed in own}

    def _hand_over(self, transactions: list[SignedTransaction]) -> None:
        leader = self._replica.leader
        if transactions and leader and leader != self._chain.node and self.network is not None:
            self.network.forward(leader, transactions)
