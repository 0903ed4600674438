"""Asking the nodes of all members for one thing at once: those that answer in time are heard, the others left out."""

from __future__ import annotations

import asyncio

from ledger import records
from node.chain.chain import Chain
from node.chain.level import LEVEL_BYTES_MAX, Level, level_in
from node.peers.network import Peers
from remarque.errors import NodeCode, NodeError

ANSWER_SECONDS = 2.0
ASKING_MAX = 16
"""Questions under way at once: anybody may cause one, so they are bounded."""


class Members:
    """The other nodes: their keys, and their answers."""

    def __init__(self, chain: Chain, peers: Peers) -> None:
        self._chain = chain
        self._peers = peers
        self._asking = 0

    def keys(self) -> dict[str, str]:
        """Public key of every node that the chain knows, by name, sorted."""
        prefix = records.node_key("")
        return {key.removeprefix(prefix): self._key(key) for key, _ in self._chain.state.items(prefix)}

    async def ask(self, path: str, bytes_max: int) -> dict[str, bytes]:
        """What the other nodes answer to a GET at their peer ports, by name, sorted."""
        if self._asking >= ASKING_MAX:
            raise NodeError(NodeCode.OVERLOADED, f"{self._asking} questions to the other members are under way", 1)
        self._asking += 1
        try:
            async with asyncio.TaskGroup() as group:
                names = sorted(self._peers.asking.addresses)
                asked = {name: group.create_task(self._ask(name, path, bytes_max)) for name in names}
        finally:
            self._asking -= 1
        answers = {name: task.result() for name, task in asked.items()}
        return {name: answer for name, answer in answers.items() if answer is not None}

    async def levels(self) -> dict[str, Level]:
        """How far this node is, and every other one that answers says it is."""
        answers = await self.ask("/v1/level", LEVEL_BYTES_MAX)
        levels = {name: level_in(answer) for name, answer in answers.items()}
        own = {self._chain.node: self._peers.own_level(self._chain.node)}
        return own | {name: level for name, level in levels.items() if level is not None}

    async def _ask(self, name: str, path: str, bytes_max: int) -> bytes | None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return await self._peers.ask(name, path, bytes_max)
        except TimeoutError:
            return None

    def _key(self, key: str) -> str:
        record = self._chain.ledger().find(key, records.NodeRecord)
        return "" if record is None else record.key
