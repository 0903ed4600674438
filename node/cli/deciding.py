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
    """Have a change decided: propose it unless it is proposed, cast one's own vote, and wait for the others'.

    Several who begin at once make several proposals; all vote for the earliest of them.
    """
    began = client.status().height
    end, told = time.monotonic() + wait.total_seconds(), ""
    if _proposed(client, change, began) is None:
        client.propose(change, lasting=VOTED_HOURS)
    while True:
        found = _proposed(client, change, began)
        if found is None:
            raise RemarqueError(Code.PROPOSAL_DECIDED.name, "it was rejected, or lapsed, so nothing changes")
        if found.status == "passed":
            return
        if all(vote.org != org for vote in found.votes):
            _vote(client, found.id)
            continue
        text = f"proposal {found.id}: {found.approving} of {found.quorum} orgs approve that have to"
        if time.monotonic() > end:
            raise RemarqueError(NodeCode.VOTES_AWAITED.name, f"{text}; give the command again later")
        if text != told:
            click.echo(text, err=True)
            told = text
        time.sleep(LOOK_SECONDS)


def _vote(client: Client, proposal: str) -> None:
    """Approve, unless the votes of others have just decided it."""
    try:
        client.vote(proposal, approve=True)
    except RemarqueError as error:
        if error.code != Code.PROPOSAL_DECIDED.name:
            raise


def _proposed(client: Client, change: AnyChange, began: int) -> ProposalView | None:
    """The proposal of a change and nothing else that has passed above a height; else the earliest that is open."""
    same = [one for one in client.proposals() if one.changes == (change,)]
    passed = [one for one in same if one.status == "passed" and (one.height_decided or 0) > began]
    still = [one for one in same if one.status == "open"]
    return min(passed or still, key=lambda one: (one.height_proposed, one.id), default=None)
