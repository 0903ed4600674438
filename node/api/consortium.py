"""How the consortium's nodes stand: who votes, who answers, how far each is."""

from __future__ import annotations

from fastapi import APIRouter
from msgspec import UNSET
from starlette.responses import Response

from ledger import records
from ledger.execution.voting import nodes_of
from node.api.bodies import answer
from node.api.operations import operation
from node.api.readers import Reader
from node.api.routing import router as make_router
from node.chain.level import Level
from node.ordering.driver import Driver
from node.peers.members import Members
from remarque.api.consortium import ConsortiumStanding, NodeStanding
from remarque.errors import NodeCode


def routes(driver: Driver, members: Members, reader: Reader) -> APIRouter:
    """What members may read of their nodes."""
    router = make_router("/v1", "consortium", reader)
    chain, replica = driver.chain, driver.replica

    @router.get("/consortium", summary="The consortium's nodes: who votes, who answers, how far each is")
    @operation(ConsortiumStanding, refuses=(NodeCode.OVERLOADED,))
    async def consortium() -> Response:
        """Every node is asked once, and waited for two seconds at most. What a node says of itself is its own word."""
        levels = await members.levels()
        voters = {voter.node for voter in chain.voters.voters}
        known = {one.name: one for one in nodes_of(chain.ledger())}
        nodes = [_standing(one, one.name in voters, levels.get(one.name)) for one in known.values()]
        return answer(
            ConsortiumStanding(
                chain=chain.name,
                asked=chain.node,
                leader=replica.leader,
                height=chain.committed.height,
                needed=chain.voters.majority,
                answering=sum(one.votes and one.answers for one in nodes),
                changes=len(chain.sets.epochs),
                nodes=tuple(sorted(nodes, key=lambda one: (not one.votes, one.node))),
            )
        )

    return router


def _standing(record: records.NodeRecord, votes: bool, level: Level | None) -> NodeStanding:
    return NodeStanding(
        node=record.name,
        org=record.org,
        votes=votes,
        answers=level is not None,
        address=record.address,
        height=UNSET if level is None else level.height,
        reaches=UNSET if level is None else level.reaches,
        replaced_by=record.replaced_by,
    )
