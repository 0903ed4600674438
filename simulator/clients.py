"""Clients that pay each other by way of any node, and hold the nodes to what they were told."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from ledger.errors import Code, LedgerError
from ledger.genesis import Genesis
from ledger.transaction import SignedTransaction
from node.chain.reading import Place
from remarque.errors import NodeError
from simulator.consortium import ACCOUNTS, payment
from simulator.disk import Crashed
from simulator.node import SimulatedNode

VALID_MS, SHORT_MS = 120_000, 1_000
"""For how long most payments are valid, and some."""


class Clients:
    """What was asked for, and what was answered."""

    def __init__(
        self,
        genesis: Genesis,
        nodes: dict[str, SimulatedNode],
        random: Random,
        seen: Callable[[bool, str], None],
    ) -> None:
        """`seen` is told whether a read saw what it must see, and the facts."""
        self.seen = seen
        self._genesis = genesis
        self._nodes = nodes
        self._random = random
        self._number = 0
        self._unanswered: list[SignedTransaction] = []
        """Of which it is not known whether they were committed: they are sent again, also to others."""
        self.acknowledged: dict[str, Place] = {}
        """Where each transaction was said to be final."""
        self.expired: set[str] = set()
        """Which were said to have expired."""

    def awake(self) -> list[SimulatedNode]:
        """Nodes that take a client's request now."""
        return [node for node in self._nodes.values() if node.alive and not node.waits]

    async def one(self) -> str:
        """One client, one payment, one node, its answer: the id of what was acknowledged, or nothing."""
        random, awake = self._random, self.awake()
        if not awake:
            return ""
        node = random.choice(awake)
        if self._unanswered and random.random() < 0.3:
            signed = self._unanswered.pop(random.randrange(len(self._unanswered)))
        else:
            self._number += 1
            payer, payee = random.sample(ACCOUNTS, 2)
            now_ms = node.chain.committed.time_ms
            until_ms = now_ms + (SHORT_MS if self._number % 4 == 0 else VALID_MS)
            signed = payment(self._genesis, self._number, payer, payee, random.randint(1, 9), until_ms)
        return await self._send(node, signed)

    async def read(self) -> None:
        """One client that reads at some node, and must see all that was acknowledged to anybody before."""
        awake = self.awake()
        if not awake:
            return
        node, before = self._random.choice(awake), max((place[0] for place in self.acknowledged.values()), default=0)
        life = node.disk.life
        try:
            height = await node.driver.read_index.now()
        except (NodeError, Crashed):
            return
        if life == node.disk.life:
            self.seen(height >= before, f"{node.name} read at {height}, {before} was acknowledged")

    async def _send(self, node: SimulatedNode, signed: SignedTransaction) -> str:
        try:
            place = await node.submitter.commit(signed)
        except LedgerError as error:
            if error.code is Code.EXPIRED:
                self.expired.add(signed.id)
            return ""
        except (NodeError, Crashed):
            self._unanswered.append(signed)
            return ""
        self.acknowledged[signed.id] = place
        return signed.id
