"""Governance: proposals and votes. Each org has one vote; the vote that makes a majority carries the changes out.

A proposal passes with the approving vote that makes the quorum, and its changes are made in that transaction, all or
none. If one does not hold on the state of that moment, the transaction is refused (CHANGE_FAILED): the vote does not
count, the proposal stays open, and the vote may be cast again. It is rejected as soon as too few orgs are left to reach
the quorum. Suspended orgs neither vote nor count. Nothing wakes up by itself: an open proposal that has its quorum
because an org was suspended waits until an org that approved it approves it again, and one whose end has passed has
expired, and its record says so once its org proposes again.
"""

from __future__ import annotations

from msgspec import UNSET
from msgspec.structs import replace

from ledger import crypto
from ledger.actions import CastVote, Propose
from ledger.errors import Code, LedgerError
from ledger.events import ProposalMade, ProposalPassed, ProposalRejected, VoteCast
from ledger.execution.changes import active_orgs, make_changes
from ledger.execution.consent import consenting_key, is_void
from ledger.execution.context import Context, action
from ledger.execution.view import Ledger
from ledger.governance import EXPIRED, OPEN, PASSED, REJECTED, Proposal, SetConsortiumPolicy, Vote, proposal_key, quorum
from ledger.names import ADMINISTRATOR, org_of
from ledger.records import org_key
from ledger.times import moment, span

GOVERNANCE_FUEL = 1_000
"""What counting the votes costs."""


def proposal_id(transaction: str, action_index: int) -> str:
    """Id of the proposal that an action of a transaction makes."""
    return crypto.digest(crypto.GOVERNANCE_PROPOSAL, f"{transaction}/{action_index}".encode())


@action(Propose)
def propose(ledger: Ledger, tx: Context, ask: Propose) -> None:
    """Put changes to the vote, with the first vote. They must hold now, and again when the proposal passes."""
    tx.require_role(ADMINISTRATOR)
    tx.spend(GOVERNANCE_FUEL)
    _check_end(ledger, tx, ask.until_ms)
    _check_replay(tx, ask, _policy_proposed(ask))
    events = len(tx.events)
    with ledger.undone():
        make_changes(ledger, tx, ask.changes)
    del tx.events[events:]
    proposal = Proposal(
        id=proposal_id(tx.transaction_id, tx.action_index),
        proposer=tx.signer,
        changes=ask.changes,
        reason=ask.reason,
        replay=ask.replay,
        until_ms=ask.until_ms,
        votes=(),
        height_proposed=tx.height,
    )
    _open(ledger, tx, proposal)
    tx.emit(ProposalMade(proposal=proposal.id, org=org_of(tx.signer), until_ms=ask.until_ms))
    _take_vote(ledger, tx, proposal, approve=True)


@action(CastVote)
def vote(ledger: Ledger, tx: Context, ask: CastVote) -> None:
    """Say an org's word on a proposal; the one that decides it carries it out."""
    tx.require_role(ADMINISTRATOR)
    tx.spend(GOVERNANCE_FUEL)
    proposal = ledger.find(proposal_key(ask.proposal), Proposal)
    if proposal is None:
        raise LedgerError(Code.PROPOSAL_UNKNOWN, f"no proposal {ask.proposal[:16]}… was made; see the list of them")
    proposal = replace(
        proposal, votes=tuple(one for one in proposal.votes if not is_void(ledger, one.account, one.key))
    )
    if proposal.status in (PASSED, REJECTED):
        raise LedgerError(Code.PROPOSAL_DECIDED, f"it was {proposal.status} at block {proposal.height_decided}")
    if proposal.status_at(tx.time_ms) == EXPIRED:
        raise LedgerError(
            Code.PROPOSAL_ENDED,
            f"it ended at {moment(proposal.until_ms)}, block time is {moment(tx.time_ms)}; propose it again",
        )
    org = org_of(tx.signer)
    before = next((one for one in proposal.votes if one.org == org), None)
    if before is not None:
        if before.approve and ask.approve and verdict(proposal, active_orgs(ledger)) == PASSED:
            _carry_out(ledger, tx, proposal)
            return
        raise LedgerError(Code.VOTE_EXISTS, f"{before.account} voted for {org} at block {before.height}, for good")
    _take_vote(ledger, tx, proposal, approve=ask.approve)


def _take_vote(ledger: Ledger, tx: Context, proposal: Proposal, *, approve: bool) -> None:
    org = org_of(tx.signer)
    cast = Vote(org=org, account=tx.signer, key=consenting_key(tx, tx.signer), approve=approve, height=tx.height)
    proposal = replace(proposal, votes=(*proposal.votes, cast))
    tx.emit(VoteCast(proposal=proposal.id, org=org, approve=approve))
    status = verdict(proposal, active_orgs(ledger))
    if status == PASSED and approve:
        _carry_out(ledger, tx, proposal)
    elif status == REJECTED:
        _close(ledger, replace(proposal, status=REJECTED, height_decided=tx.height))
        tx.emit(ProposalRejected(proposal=proposal.id))
    else:
        ledger.put(proposal_key(proposal.id), proposal)


def _carry_out(ledger: Ledger, tx: Context, proposal: Proposal) -> None:
    _close(ledger, replace(proposal, status=PASSED, height_decided=tx.height))
    tx.emit(ProposalPassed(proposal=proposal.id))
    make_changes(ledger, tx, proposal.changes)


def verdict(proposal: Proposal, active: set[str]) -> str:
    """What the votes of the orgs that can act come to: passed, rejected, or open while either may still come."""
    approving = sum(one.approve for one in proposal.votes if one.org in active)
    waited_for = len(active - {one.org for one in proposal.votes})
    if approving >= quorum(len(active)):
        return PASSED
    return OPEN if approving + waited_for >= quorum(len(active)) else REJECTED


def _check_end(ledger: Ledger, tx: Context, until_ms: int) -> None:
    most = ledger.parameters().proposal_ms_max
    if not tx.time_ms < until_ms <= tx.time_ms + most:
        raise LedgerError(
            Code.PROPOSAL_END_INVALID,
            f"it would end at {moment(until_ms)}, block time is {moment(tx.time_ms)}; "
            f"choose an end within {span(most)} after that",
        )


def _policy_proposed(ask: Propose) -> str | None:
    """The policy that is to bind every asset, if the proposal sets one. Refuse two: only the last would bind."""
    proposed = [f"{one.policy}@{one.version}" for one in ask.changes if isinstance(one, SetConsortiumPolicy)]
    if len(proposed) > 1:
        raise LedgerError(
            Code.POLICY_PROPOSED_TWICE, f"it sets {', '.join(proposed)}, and only the last would bind; propose one"
        )
    return proposed[0] if proposed else None


def _check_replay(tx: Context, ask: Propose, proposed: str | None) -> None:
    """Refuse a replay that is about something else than what is proposed."""
    if ask.replay is UNSET:
        return
    for holds, fault in (
        (
            ask.replay.policy == proposed,
            f"it is about {ask.replay.policy}, proposed is {proposed or 'none'}",
        ),
        (
            ask.replay.first <= ask.replay.last < tx.height,
            f"blocks {ask.replay.first} to {ask.replay.last} are no past",
        ),
        (ask.replay.different <= ask.replay.requests, "more requests would come out otherwise than were replayed"),
    ):
        if not holds:
            raise LedgerError(Code.REPLAY_INVALID, f"{fault}; replay the proposed policy again")


def _open(ledger: Ledger, tx: Context, proposal: Proposal) -> None:
    """Count a proposal among the open ones of its org, and let go of those that have ended."""
    org = ledger.org(org_of(tx.signer))
    still_open = []
    for other in org.proposals:
        found = ledger.find(proposal_key(other), Proposal)
        if found is not None and found.status_at(tx.time_ms) == EXPIRED:
            ledger.put(proposal_key(other), replace(found, status=EXPIRED))
        else:
            still_open.append(other)
    most = ledger.parameters().proposals_open_max
    if len(still_open) >= most:
        raise LedgerError(
            Code.PROPOSALS_FULL, f"{org.name} has {len(still_open)} proposals open, at most {most}; wait for their end"
        )
    ledger.put(org_key(org.name), replace(org, proposals=(*still_open, proposal.id)))


def _close(ledger: Ledger, proposal: Proposal) -> None:
    """Keep what became of a proposal, and no longer count it among the open ones of its org."""
    org = ledger.org(org_of(proposal.proposer))
    left = tuple(one for one in org.proposals if one != proposal.id)
    ledger.put(org_key(org.name), replace(org, proposals=left))
    ledger.put(proposal_key(proposal.id), proposal)
