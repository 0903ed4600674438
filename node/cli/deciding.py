"""Having a change decided by vote, as a step of a longer walk: it is looked for, proposed, voted for and waited for."""

from __future__ import annotations

import time
from datetime import timedelta

import click

from ledger.errors import Code
from ledger.governance import AnyChange
from node.cli.times import LASTING
from remarque.api.governance import ProposalView
from remarque.client import Client
from remarque.errors import NodeCode, RemarqueError

LOOK_SECONDS = 0.5
VOTED_HOURS = 168
"""For how long votes are taken on what a walk proposes."""
WAITING = click.option("--wait", type=LASTING, default="10m", show_default=True, help="How long to wait for the votes.")


def carried(client: Client, org: str, change: AnyChange, wait: timedelta) -> None:
    """Have a change decided: propose it unless it is proposed, cast one's own vote, and wait for the others'."""
    proposal = _proposed(client, change)
    if proposal is None:
        found = client.proposal(client.propose(change, lasting=VOTED_HOURS)[0])
    elif any(vote.org == org for vote in proposal.votes):
        found = proposal
    else:
        client.vote(proposal.id, approve=True)
        found = client.proposal(proposal.id)
    end, told = time.monotonic() + wait.total_seconds(), ""
    while found.status == "open" and time.monotonic() < end:
        text = f"proposal {found.id}: {found.approving} of {found.quorum} orgs approve that have to"
        if text != told:
            click.echo(text, err=True)
            told = text
        time.sleep(LOOK_SECONDS)
        found = client.proposal(found.id)
    if found.status == "open":
        detail = f"proposal {found.id} has {found.approving} of {found.quorum} approvals; give the command again later"
        raise RemarqueError(NodeCode.VOTES_AWAITED.name, detail)
    if found.status != "passed":
        raise RemarqueError(Code.PROPOSAL_DECIDED.name, f"proposal {found.id} was {found.status}, so nothing changes")


def _proposed(client: Client, change: AnyChange) -> ProposalView | None:
    """The open proposal of a change and nothing else."""
    return next((one for one in client.proposals() if one.status == "open" and one.changes == (change,)), None)
