"""Commands with which orgs govern the consortium: put changes to the vote, vote, and see how it stands."""

from __future__ import annotations

import sys
from datetime import datetime
from typing import BinaryIO

import click
import msgspec

from ledger.encoding import NOT_DECODED
from ledger.errors import Code, LedgerError
from ledger.governance import Changes, Replayed, change_name
from ledger.times import moment
from node.cli.exits import Exit
from node.cli.policy import told
from node.cli.printing import in_line
from node.cli.target import Target, with_target
from node.cli.times import WHEN
from remarque.api.governance import ProposalView
from remarque.api.policies import Replay
from remarque.text_files import without_mark


@click.group()
def governance() -> None:
    """Proposals and votes of the consortium's orgs."""


@governance.command("propose")
@click.argument("file", type=click.File("rb"))
@click.option("--until", type=WHEN, default="7d", show_default=True, help="Until when votes are taken, or how long.")
@click.option("--reason", default="", help="Why; it stands on the chain.")
@click.option(
    "--replay",
    "replayed",
    type=click.IntRange(1, 10_000),
    default=None,
    help="Say with it how so many of the last requests would have come out under the consortium policy proposed.",
)
@with_target
def propose(target: Target, file: BinaryIO, until: datetime, reason: str, replayed: int | None) -> None:
    """Put the changes in FILE (`-`: standard input) to the vote: a JSON array, all made or none. See docs/govern.md."""
    changes = decode_changes(file.read())
    with target.client() as client:
        proposal, receipt = client.propose(*changes, lasting=until, reason=reason, replayed=replayed or 0)
        found = client.proposal(proposal)
    target.show({"proposal": found, "transaction": receipt.signed.id}, f"proposal {proposal}\n{_standing(found)}")


def decode_changes(data: bytes) -> Changes:
    """Changes from JSON, spelled in any way: what is signed is the canonical form."""
    try:
        return msgspec.json.decode(without_mark(data), type=Changes)
    except NOT_DECODED as error:
        raise LedgerError(Code.MALFORMED, f"{error}; see docs/govern.md for every change") from None


@governance.command("vote")
@click.argument("proposal")
@click.option("--approve/--reject", default=None, required=True, help="Your org's word, for good.")
@with_target
def vote(target: Target, proposal: str, approve: bool) -> None:
    """Vote on a PROPOSAL for your org. The vote that makes the quorum carries it out."""
    with target.client() as client:
        receipt = client.vote(proposal, approve)
        found = client.proposal(proposal)
    target.done(receipt, _standing(found))


@governance.command("list")
@click.option(
    "--status",
    type=click.Choice(["open", "passed", "rejected", "expired"]),
    help="Only proposals of this status; all if absent.",
)
@with_target
def list_proposals(target: Target, status: str | None) -> None:
    """List the proposals."""
    with target.client() as client:
        found = [one for one in client.proposals() if status in (None, one.status)]
    rows = (f"{one.id} {', '.join(map(change_name, one.changes))}: {_standing(one)}" for one in found)
    target.show(found, "\n".join(map(in_line, rows)) or "none")


@governance.command("show")
@click.argument("proposal")
@with_target
def show(target: Target, proposal: str) -> None:
    """Show a PROPOSAL: its changes, its votes, and how many it needs."""
    with target.client() as client:
        found = client.proposal(proposal)
    lines = [f"proposal {found.id} by {found.proposer}", _standing(found)]
    if found.reason:
        lines.append(f"reason  {found.reason}")
    if not isinstance(found.replay, msgspec.UnsetType):
        lines.append(f"replay  {_told(found.replay)}; see `remarque governance replay`")
    lines += [f"change  {msgspec.json.encode(change).decode()}" for change in found.changes]
    lines += [
        f"vote    {one.org} {'approves' if one.approve else 'rejects'} ({one.account}, block {one.height})"
        for one in found.votes
    ]
    target.show(found, "\n".join(map(in_line, lines)))


@governance.command("replay")
@click.argument("proposal")
@with_target
def replay(target: Target, proposal: str) -> None:
    """Run the requests again that a PROPOSAL tells of, and say whether it tells the truth. Exit status 1 if not."""
    with target.client() as client:
        found = client.replay_of(proposal)
    lines = [told(one) for one in found.replay.differences]
    verdict = "as the proposal says" if found.holds else "NOT as the proposal says"
    target.show(found, "\n".join([*lines, in_line(f"{_told(found.replay)}: {verdict}")]))
    if not found.holds:
        sys.exit(Exit.FOUND_FALSE)


def _told(counts: Replayed | Replay) -> str:
    return (
        f"under {counts.policy} {counts.different} of {counts.requests} requests "
        f"(blocks {counts.first} to {counts.last}) come out otherwise"
    )


def _standing(found: ProposalView) -> str:
    rejecting = sum(not vote.approve for vote in found.votes)
    counts = f"{found.approving} of {len(found.orgs)} approve, {rejecting} reject"
    if found.height_decided is not msgspec.UNSET:
        return f"{found.status} in block {found.height_decided}: {counts}"
    if found.status == "expired":
        return f"expired at {moment(found.until_ms)}: {counts}, {found.quorum} were needed"
    return f"{found.status} until {moment(found.until_ms)}: {counts}, {found.quorum} needed"
