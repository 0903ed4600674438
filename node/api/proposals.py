"""Proposals: what is put to the vote, how far the votes are, and what became of it."""

from __future__ import annotations

import asyncio

from fastapi import APIRouter
from msgspec import UNSET
from starlette.responses import Response

from ledger.encoding import decode_trusted
from ledger.errors import Code
from ledger.execution.changes import active_orgs
from ledger.execution.scope import compiled
from ledger.execution.view import Ledger
from ledger.governance import Proposal, proposal_key, quorum
from ledger.names import Hex32
from node.api.bodies import answer
from node.api.lists import LIMIT, After, Limit, check_after, page_of
from node.api.operations import operation
from node.api.readers import Reader
from node.api.routing import router as make_router
from node.chain.chain import Chain
from node.policies.replaying import Replays
from remarque.api.governance import ProposalReplay, ProposalsPage, ProposalView
from remarque.api.policies import in_short
from remarque.errors import NodeCode, NodeError


def routes(chain: Chain, replays: Replays, reader: Reader) -> APIRouter:
    """What members may read of governance."""
    router = make_router("/v1", "governance", reader)

    @router.get("/proposals", summary="Proposals with their votes, by id")
    @operation(ProposalsPage, after=Hex32)
    async def proposals(after: After = "", limit: Limit = LIMIT) -> Response:
        """Open, passed, rejected and expired ones alike."""
        check_after(after, Hex32)
        prefix = proposal_key("")
        found = ((key.removeprefix(prefix), value) for key, value in chain.state.items(prefix, after))
        taken, more = page_of(found, limit)
        active = active_orgs(chain.ledger())
        views = tuple(proposal_view(chain, decode_trusted(value, Proposal), active) for value in taken)
        return answer(ProposalsPage(proposals=views, next=more))

    @router.get("/proposals/{proposal}", summary="A proposal, with its votes and how many it needs")
    @operation(ProposalView, refuses=(NodeCode.NOT_FOUND,))
    async def proposal(proposal: str) -> Response:
        """Its status is by the newest block's time, the quorum as of now."""
        ledger = chain.ledger()
        return answer(proposal_view(chain, _proposal(ledger, proposal), active_orgs(ledger)))

    @router.get("/proposals/{proposal}/replay", summary="What a proposal says of its policy, run again and compared")
    @operation(
        ProposalReplay,
        refuses=(NodeCode.NOT_FOUND, NodeCode.BLOCK_PRUNED, NodeCode.OVERLOADED, Code.POLICY_UNKNOWN),
    )
    async def replayed(proposal: str) -> Response:
        """Made once by this node and kept; for proposals that came with a replay."""
        ledger = chain.ledger()
        told = _proposal(ledger, proposal).replay
        if told is UNSET:
            raise NodeError(NodeCode.NOT_FOUND, f"proposal {proposal[:64]} came without a replay")
        name, _, version = told.policy.partition("@")
        policy = await asyncio.to_thread(compiled, ledger.policy(name, int(version)).source)
        again = await replays.again(proposal, policy, told)
        return answer(ProposalReplay(told=told, holds=in_short(again) == told, replay=again))

    return router


def _proposal(ledger: Ledger, proposal: str) -> Proposal:
    found = ledger.find(proposal_key(proposal), Proposal)
    if found is None:
        raise NodeError(NodeCode.NOT_FOUND, f"no proposal {proposal[:64]} was made; see /v1/proposals")
    return found


def proposal_view(chain: Chain, proposal: Proposal, active: set[str]) -> ProposalView:
    """A proposal as queries show it: its status by the newest block's time, and the quorum as of now."""
    return ProposalView(
        id=proposal.id,
        proposer=proposal.proposer,
        changes=proposal.changes,
        reason=proposal.reason,
        replay=proposal.replay,
        until_ms=proposal.until_ms,
        votes=proposal.votes,
        status=proposal.status_at(chain.committed.time_ms),
        height_proposed=proposal.height_proposed,
        height_decided=proposal.height_decided,
        approving=sum(vote.approve for vote in proposal.votes if vote.org in active),
        quorum=quorum(len(active)),
        orgs=tuple(sorted(active)),
    )
