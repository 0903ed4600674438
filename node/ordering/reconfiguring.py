"""Before a leader takes a change of the voters into a block: whether the cluster would go on after it.

The state says who is meant to vote; whether a node is there, and level, only nodes can see. So the leader looks: a node
that is to vote has to hold the newest blocks but for a few, and of those who would vote a majority has to answer. What
does not hold within a moment is refused, and may be asked for again. A leader that would remove itself steps aside, and
leaves the change to the next one.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from cachetools import TTLCache

from consensus.quorum import majority
from consensus.replica_state import ReplicaState
from ledger.block import Voters
from ledger.transaction import SignedTransaction
from node.chain.chain import Chain
from node.chain.level import Level
from node.ground.logs import logger
from node.ordering.freshness import Freshness
from node.ordering.mempool import Mempool
from remarque.errors import NodeCode, NodeError

LOOK_SECONDS, PAUSE_SECONDS = 3.0, 0.1
"""For how long a leader looks whether a change can be made, and how often."""
FOUND_SECONDS = 2.0
"""How long what it found holds."""
BEHIND_MAX = 64
"""Blocks that a node that is to vote may lack: it takes them within a moment."""
REFUSED_SECONDS = 5.0
"""How long a refusal is remembered, for the member that forwarded the transaction to hear it."""

Asked = Callable[[str], Awaitable[Level | None]]
"""Asks a node how far it is, and whom it reaches; None if it does not answer."""


class Reconfiguring:
    """What one leader knows of changes that wait."""

    def __init__(
        self,
        chain: Chain,
        replica: ReplicaState,
        freshness: Freshness,
        mempool: Mempool,
        step_aside: Callable[[], Awaitable[None]],
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """`step_aside` lets another lead, if one can."""
        self._step_aside = step_aside
        self._chain = chain
        self._replica = replica
        self._freshness = freshness
        self._mempool = mempool
        self._monotonic = monotonic
        self.level: Asked | None = None
        self._found: TTLCache[tuple[str, str, int], bool] = TTLCache(8, FOUND_SECONDS, monotonic)
        """Changes that can be made now, by transaction, digest of the voters that it leaves, and this leader's term."""
        self._refused: TTLCache[str, NodeError] = TTLCache(1_000, REFUSED_SECONDS, monotonic)
        self._looking: asyncio.Task[None] | None = None

    def may(self, signed: SignedTransaction, voters: Voters) -> bool:
        """Whether a transaction that leaves these voters may go into a block now. If not, it is looked into, or refused
        as long as another one is."""
        if self._found.get((signed.id, voters.digest, self._replica.term)):
            return True
        if self._looking is None or self._looking.done():
            self._looking = asyncio.ensure_future(self._look(signed, voters))
        else:
            self._refuse(signed, "another change of the voters is under way")
        return False

    def check(self, transaction: str) -> None:
        """Raise why a transaction was refused a moment ago, if it was."""
        if (refusal := self._refused.get(transaction)) is not None:
            raise refusal

    def close(self) -> None:
        if self._looking is not None:
            self._looking.cancel()

    async def _look(self, signed: SignedTransaction, voters: Voters) -> None:
        fault, end = "this leader could not look", self._monotonic() + LOOK_SECONDS
        try:
            while self._leads and fault and self._monotonic() < end:
                fault = await self._fault(voters)
                await asyncio.sleep(PAUSE_SECONDS if fault else 0)
        except Exception as error:
            logger.error("voters_not_looked_at", reason=repr(error))
        if fault and self._leads:
            self._refuse(signed, fault)
        else:
            self._found[signed.id, voters.digest, self._replica.term] = not fault
            self._mempool.put_back([signed])

    async def _fault(self, voters: Voters) -> str:
        """Why the voters may not be these now; empty if they may."""
        names = {voter.node for voter in voters.voters}
        if not self._freshness.settled(self._replica.term):
            return "this leader's first block is not final yet"
        if self._chain.node not in names:
            logger.info("stepping_aside", reason="this leader is to vote no more")
            await self._step_aside()
            return f"{self._chain.node} leads, and no other voter could take over"
        before = set(self._replica.config.voters)
        answering = self._freshness.answering() & names
        for added in sorted(names - before):
            level = None if self.level is None else await self.level(added)
            if level is None:
                return f"{added} does not answer this leader: see that it runs, and that its address is known"
            if (behind := self._chain.committed.height - level.height) > BEHIND_MAX:
                return f"{added} is {behind} blocks behind; wait until it has caught up"
            reaches = {*level.reaches, added} & names
            if self._chain.node not in reaches or len(reaches) < majority(len(names)):
                reached = ", ".join(level.reaches) or "none"
                return f"{added} reaches {reached} of those who vote: see in `remarque node list` where it finds them"
            answering.add(added)
        if len(answering) < majority(len(names)):
            silent = ", ".join(sorted(names - answering))
            needed = f"{majority(len(names))} of {len(names)} would have to answer"
            return f"{silent} would vote and does not answer, and {needed}; start it, or remove it first"
        return ""

    @property
    def _leads(self) -> bool:
        return self._replica.leader == self._chain.node

    def _refuse(self, signed: SignedTransaction, fault: str) -> None:
        error = NodeError(NodeCode.VOTERS_NOT_READY, f"{fault}; nothing is changed, ask again then")
        logger.warning("voters_not_changed", transaction=signed.id, reason=fault)
        self._refused[signed.id] = error
        self._mempool.refuse(signed.id, error)
