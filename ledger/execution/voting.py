"""Who votes: changed by vote of the consortium, one node in a block, so that two sets in a row always share a majority.

What is written here is whom the state means to vote, and the events by which the next header names them. Whether a node
is there and level is not for the state to know: the leader looks, before it takes such a change into a block.
"""

from __future__ import annotations

from msgspec import UNSET
from msgspec.structs import replace

from ledger.errors import Code, LedgerError
from ledger.events import NodeRemoved, OrgRemoved, VoterAdded, VoterRemoved
from ledger.execution.changes import active_orgs, change, require_quorum_in_reach
from ledger.execution.context import Context
from ledger.execution.view import Ledger
from ledger.governance import RemoveOrg, ReplaceNode, SetVoter, ShutOutNode
from ledger.records import OBSERVER, VOTER, VOTERS_CHANGED, NodeRecord, node_key, node_removed_key, org_key

VOTERS_MAX = 7
"""Voters at a time; while one is replaced there may be one more."""


@change(SetVoter)
def set_voter(ledger: Ledger, tx: Context, ask: SetVoter) -> None:
    """Let a node vote, or let it vote no more; it stays a node of its org."""
    node = node_of(ledger, ask.node)
    if node.votes is ask.votes:
        state = "votes" if node.votes else "does not vote"
        raise LedgerError(Code.NOTHING_TO_CHANGE, f"{node.name} {state} already")
    if ask.votes:
        _begin_voting(ledger, tx, node, VOTERS_MAX)
    else:
        _stop_voting(ledger, tx, node)
        ledger.put(node_key(node.name), replace(node, role=OBSERVER, replaced_by=UNSET))
        if node.role is UNSET:
            _count_added(ledger, node.org, 1)


@change(ReplaceNode)
def replace_node(ledger: Ledger, tx: Context, ask: ReplaceNode) -> None:
    """Let a node vote that takes the place of another of its org, which the org may then remove."""
    node, by = node_of(ledger, ask.node), node_of(ledger, ask.by)
    if not node.votes:
        raise LedgerError(Code.NOTHING_TO_CHANGE, f"{node.name} does not vote; nobody need take its place")
    if by.votes:
        raise LedgerError(Code.NODE_VOTES, f"{by.name} votes already; name a node that does not")
    if by.org != node.org:
        raise LedgerError(Code.ORG_MISMATCH, f"{by.name} is a node of {by.org}, {node.name} of {node.org}")
    _begin_voting(ledger, tx, by, VOTERS_MAX + 1)
    ledger.put(node_key(node.name), replace(node, replaced_by=by.name))


@change(ShutOutNode)
def shut_out(ledger: Ledger, tx: Context, ask: ShutOutNode) -> None:
    """Shut any org's node out, by vote. Its key is never let in again."""
    remove_node(ledger, tx, node_of(ledger, ask.node))


@change(RemoveOrg)
def remove_org(ledger: Ledger, tx: Context, ask: RemoveOrg) -> None:
    """Let a member leave for good, with its nodes."""
    org = ledger.org(ask.org)
    if org.removed:
        raise LedgerError(Code.NOTHING_TO_CHANGE, f"{ask.org} has left already")
    if active_orgs(ledger) <= {ask.org}:
        raise LedgerError(Code.LAST_ORG, f"{ask.org} is the last org that can act; resume another first")
    for node in nodes_of(ledger, org.name):
        if node.votes:
            raise LedgerError(Code.NODE_VOTES, f"{node.name} of {org.name} votes; let it vote no more first")
        remove_node(ledger, tx, node)
    left = replace(ledger.org(org.name), suspended=True, removed=True, withdrawn_height=tx.height)
    ledger.put(org_key(org.name), left)
    require_quorum_in_reach(ledger)
    tx.emit(OrgRemoved(org=org.name))


def remove_node(ledger: Ledger, tx: Context, node: NodeRecord) -> None:
    """Shut a node out; if it votes, it stops to."""
    if node.votes:
        _stop_voting(ledger, tx, node)
    ledger.remove(node_key(node.name))
    ledger.put(node_removed_key(node.name), tx.height)
    if node.role is not UNSET:
        _count_added(ledger, node.org, -1)
    tx.emit(NodeRemoved(node=node.name, org=node.org))


def node_of(ledger: Ledger, name: str) -> NodeRecord:
    """A node's record. NODE_UNKNOWN if there is none."""
    node = ledger.find(node_key(name), NodeRecord)
    if node is None:
        raise LedgerError(Code.NODE_UNKNOWN, f"there is no node {name}")
    return node


def nodes_of(ledger: Ledger, org: str | None = None) -> list[NodeRecord]:
    """The nodes of an org, or of all."""
    nodes = [node_of(ledger, key.removeprefix(node_key(""))) for key in ledger.keys(node_key(""))]
    return [node for node in nodes if org in (None, node.org)]


def _begin_voting(ledger: Ledger, tx: Context, node: NodeRecord, most: int) -> None:
    if ledger.org(node.org).suspended:
        raise LedgerError(Code.ORG_SUSPENDED, f"{node.org} is suspended; its nodes do not begin to vote")
    if _count_voters(ledger) >= most:
        raise LedgerError(Code.VOTERS_FULL, f"there are {most} voters, the most; let another vote no more first")
    _change_voters(ledger, tx)
    ledger.put(node_key(node.name), replace(node, role=VOTER))
    tx.emit(VoterAdded(node=node.name, org=node.org, key=node.key))


def _stop_voting(ledger: Ledger, tx: Context, node: NodeRecord) -> None:
    if _count_voters(ledger) == 1:
        raise LedgerError(Code.VOTERS_LAST, f"{node.name} is the only voter; let another vote first")
    _change_voters(ledger, tx)
    tx.emit(VoterRemoved(node=node.name, org=node.org))


def _change_voters(ledger: Ledger, tx: Context) -> None:
    """One change a block: two sets of voters that differ by more may each have a majority that the other lacks."""
    if ledger.find(VOTERS_CHANGED, int) == tx.height:
        raise LedgerError(Code.VOTERS_PENDING, f"block {tx.height} changes the voters already; ask again after it")
    ledger.put(VOTERS_CHANGED, tx.height)


def _count_voters(ledger: Ledger) -> int:
    return sum(node.votes for node in nodes_of(ledger))


def _count_added(ledger: Ledger, name: str, more: int) -> None:
    org = ledger.org(name)
    ledger.put(org_key(name), replace(org, nodes_added=org.nodes_added + more))
