"""Commands for those who look after a consortium's voters and its key: how it stands, and the walks that change it.

A walk looks where it stands before each step, so that it may be ended at any moment and given again.
"""

from __future__ import annotations

from datetime import timedelta

import click
from msgspec import UNSET

from ledger.actions import RemoveNode
from ledger.errors import Code
from ledger.governance import ReplaceNode, SetVoter
from ledger.names import org_of
from ledger.records import NodeRecord
from node.cli.ceremonies import key, share_key
from node.cli.deciding import WAITING, carried
from node.cli.printing import in_line
from node.cli.target import Target, with_target
from remarque.api.consortium import ConsortiumStanding, NodeStanding
from remarque.client import Client
from remarque.errors import RemarqueError


@click.group()
def consortium() -> None:
    """The consortium's nodes and its key: who votes, who answers, who keeps shares; change it."""


consortium.add_command(key)
consortium.add_command(share_key)


@consortium.command("status")
@with_target
def status(target: Target) -> None:
    """Say who votes, who answers, and how many voters may fail before nothing is committed any more."""
    with target.client() as client:
        standing = client.consortium()
    target.show(standing, "\n".join(map(in_line, _lines(standing))))


@consortium.command("set-voter")
@click.argument("name")
@click.option("--votes/--does-not", default=True, show_default=True, help="Whether it is to vote.")
@WAITING
@with_target
def set_voter(target: Target, name: str, votes: bool, wait: timedelta) -> None:
    """Put to the vote that the node NAME votes, and wait until that is decided. Given again, it goes on."""
    with target.client() as client:
        if _node(client, name).votes is not votes:
            carried(client, org_of(target.signer), SetVoter(node=name, votes=votes), wait)
        standing = client.consortium()
    target.show(standing, "\n".join(map(in_line, _lines(standing))))


@consortium.command("replace")
@click.argument("old")
@click.argument("new")
@WAITING
@with_target
def replace(target: Target, old: str, new: str, wait: timedelta) -> None:
    """Let the node NEW vote in place of the node OLD of the same org, and remove OLD.

    So a voter's key is rotated, and a lost node is replaced: NEW is a node with a key of its own, that follows already.
    Administrators of all orgs give it, to vote; one of OLD's own org removes it then. Given again, it goes on where it
    stands.
    """
    with target.client() as client:
        if _has(client, old):
            if _node(client, old).votes and not _stands_in(client, old, new):
                carried(client, org_of(target.signer), ReplaceNode(node=old, by=new), wait)
            _remove(client, org_of(target.signer), old, new)
        elif not _node(client, new).votes:
            detail = f"{old} is no node any more, and {new} does not vote: see `remarque consortium set-voter`"
            raise RemarqueError(Code.NODE_UNKNOWN.name, detail)
        standing = client.consortium()
    target.show(standing, "\n".join(map(in_line, _lines(standing))))


def _remove(client: Client, own_org: str, old: str, new: str) -> None:
    """Remove a node whose place another took, if it is of one's own org, and nobody else has done so meanwhile."""
    left = next((one for one in client.nodes() if one.name == old), None)
    if left is None:
        return
    if left.org != own_org:
        click.echo(f"{new} votes; an administrator of {left.org} removes {old} by the same command", err=True)
        return
    click.echo(f"{new} votes; removing {old}", err=True)
    client.submit(RemoveNode(node=old))


def _stands_in(client: Client, old: str, new: str) -> bool:
    """Whether a node votes already that was voted to take another's place."""
    return _node(client, old).replaced_by == new and _node(client, new).votes


def _has(client: Client, name: str) -> bool:
    return any(one.name == name for one in client.nodes())


def _node(client: Client, name: str) -> NodeRecord:
    found = next((one for one in client.nodes() if one.name == name), None)
    if found is None:
        detail = f"there is no node {name}; let it in with `remarque node add`"
        raise RemarqueError(Code.NODE_UNKNOWN.name, detail)
    return found


def _lines(standing: ConsortiumStanding) -> list[str]:
    names = {one.node for one in standing.nodes if one.votes}
    spare = standing.answering - standing.needed
    leads = f"{standing.leader} leads" if standing.leader else "no leader is known"
    goes_on = f"{spare} more may fail" if spare > 0 else "none may fail" if spare == 0 else "nothing is committed"
    return [
        f"chain {standing.chain} at block {standing.height}, seen by {standing.asked}; {leads}",
        f"{standing.answering} of {len(names)} voters answer, {standing.needed} are needed: {goes_on}",
        *(_line(one, standing.height, names) for one in standing.nodes),
    ]


def _line(one: NodeStanding, newest: int, voters: set[str]) -> str:
    kind = "votes   " if one.votes else "observes"
    where = "" if one.address is UNSET else f" at {one.address}"
    if one.height is UNSET:
        level = "does not answer"
    else:
        level = "is level" if one.height >= newest else f"is {newest - one.height} blocks behind"
    missed = set() if one.reaches is UNSET else voters - {one.node, *one.reaches}
    if missed:
        level += f", does not reach {', '.join(sorted(missed))}"
    replaced = "" if one.replaced_by is UNSET else f"; {one.replaced_by} takes its place"
    return f"{kind} {one.node} of {one.org}{where} {level}{replaced}"
