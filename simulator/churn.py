"""Administrators who change who votes, by way of any node, whatever else befalls the cluster."""

from __future__ import annotations

from random import Random

from ledger.actions import AddNode, Propose, RemoveNode
from ledger.errors import LedgerError
from ledger.execution.voting import nodes_of
from ledger.genesis import Genesis
from ledger.governance import AnyChange, ReplaceNode, SetVoter
from ledger.node_certificate import make_certificate
from ledger.records import NodeRecord, node_key
from remarque.errors import NodeError
from simulator.clients import VALID_MS
from simulator.consortium import administered, key_of
from simulator.disk import Crashed
from simulator.node import SimulatedNode


class Churn:
    """What administrators ask for."""

    def __init__(self, genesis: Genesis, nodes: dict[str, SimulatedNode], random: Random) -> None:
        self._genesis = genesis
        self._nodes = nodes
        self._random = random
        self._number = 0

    async def one(self) -> None:
        """One thing that an administrator does: let a node in, or change who votes."""
        awake = [node for node in self._nodes.values() if node.alive and not node.waits]
        if not awake:
            return
        node = self._random.choice(awake)
        known = nodes_of(node.chain.ledger())
        strange = [name for name in self._nodes if not node.chain.ledger().holds(node_key(name))]
        if strange and self._random.random() < 0.7:
            await self._ask(node, self._adding(self._random.choice(strange)))
        else:
            await self._change(node, known)

    def _adding(self, name: str) -> AddNode:
        key = key_of(name)
        return AddNode(node=name, key=key.public, certificate=make_certificate(key).hex())

    async def _change(self, node: SimulatedNode, known: list[NodeRecord]) -> None:
        voters = [one.name for one in known if one.votes]
        others = [one.name for one in known if not one.votes]
        if others and self._random.random() < 0.3:
            replaced, by = self._random.choice(voters), self._random.choice(others)
            if await self._ask(node, self._proposing(node, ReplaceNode(node=replaced, by=by))):
                await self._ask(node, RemoveNode(node=replaced))
        else:
            name = self._random.choice(others if others and self._random.random() < 0.6 else voters)
            await self._ask(node, self._proposing(node, SetVoter(node=name, votes=name in others)))

    def _proposing(self, node: SimulatedNode, change: AnyChange) -> Propose:
        return Propose(changes=(change,), until_ms=node.chain.committed.time_ms + VALID_MS)

    async def _ask(self, node: SimulatedNode, ask: AddNode | Propose | RemoveNode) -> bool:
        """Whether it was done, as far as is known."""
        self._number += 1
        until_ms = node.chain.committed.time_ms + VALID_MS
        try:
            await node.submitter.commit(administered(self._genesis, self._number, ask, until_ms))
        except (LedgerError, NodeError, Crashed):
            return False
        return True
