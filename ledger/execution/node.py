"""Nodes of an org: it lets in a number of them beside those that certify, to read, keep and verify.

A node's record is what other nodes trust: its certificate is let in while the record stands. Whether a node votes is
the consortium's to say (`voting.py`).
"""

from __future__ import annotations

from msgspec import UNSET
from msgspec.structs import replace

from ledger import crypto
from ledger.actions import AddNode, RemoveNode, SetNodeAddress
from ledger.errors import Code, LedgerError
from ledger.events import NodeAdded, NodeMoved
from ledger.execution.context import SIGNATURE_FUEL, Context, action
from ledger.execution.view import Ledger
from ledger.execution.voting import node_of, remove_node
from ledger.names import ADMINISTRATOR, org_of
from ledger.node_certificate import is_certificate_of
from ledger.records import OBSERVER, NodeRecord, node_key, node_name_key, node_removed_key, org_key

NODES_ADDED_MAX = 16
"""Nodes that one org may have let in at a time, beside the genesis's: every node keeps the certificate of each."""


@action(AddNode)
def add(ledger: Ledger, tx: Context, ask: AddNode) -> None:
    """Let a further node of the signer's org in. It does not vote."""
    tx.require_role(ADMINISTRATOR)
    tx.spend(SIGNATURE_FUEL)
    if ledger.holds(node_key(ask.node)) or ledger.holds(node_removed_key(ask.node)):
        raise LedgerError(Code.NODE_EXISTS, f"there is or was a node {ask.node}; choose another name")
    if ledger.holds(node_name_key(ask.key)):
        raise LedgerError(Code.NODE_EXISTS, f"the key {ask.key[:16]}… is or was another node's; make a new one")
    if not crypto.is_strong_key(ask.key):
        raise LedgerError(Code.KEY_WEAK, f"{ask.key[:16]}… is of small or mixed order or no point; make a new key")
    if not is_certificate_of(bytes.fromhex(ask.certificate), ask.key):
        raise LedgerError(
            Code.NODE_CERTIFICATE_INVALID, f"bring what `remarque keys show` prints for the key {ask.key[:16]}…"
        )
    org = ledger.org(org_of(tx.signer))
    if org.nodes_added >= NODES_ADDED_MAX:
        raise LedgerError(
            Code.NODES_FULL, f"{org.name} has let in {NODES_ADDED_MAX} nodes, the most at a time; remove one first"
        )
    record = NodeRecord(
        name=ask.node, org=org.name, key=ask.key, certificate=ask.certificate, role=OBSERVER, address=ask.address
    )
    ledger.put(node_key(ask.node), record)
    ledger.put(node_name_key(ask.key), ask.node)
    ledger.put(org_key(org.name), replace(org, nodes_added=org.nodes_added + 1))
    tx.emit(NodeAdded(node=ask.node, org=org.name, key=ask.key))


@action(RemoveNode)
def remove(ledger: Ledger, tx: Context, ask: RemoveNode) -> None:
    """Shut a node of the signer's org out. Its key is never let in again. If it votes, another has to vote in its
    place."""
    tx.require_role(ADMINISTRATOR)
    node = _own_node(ledger, tx, ask.node)
    if node.votes and not _is_replaced(ledger, node):
        raise LedgerError(
            Code.NODE_VOTES, f"{node.name} certifies blocks; propose `node.replace`, `node.set_voter` or `node.remove`"
        )
    remove_node(ledger, tx, node)


def _is_replaced(ledger: Ledger, node: NodeRecord) -> bool:
    """Whether the node that was voted to take a voter's place votes now."""
    by = None if node.replaced_by is UNSET else ledger.find(node_key(node.replaced_by), NodeRecord)
    return by is not None and by.votes


@action(SetNodeAddress)
def set_address(ledger: Ledger, tx: Context, ask: SetNodeAddress) -> None:
    """Say where a node of the signer's org is reached. The genesis's nodes too."""
    tx.require_role(ADMINISTRATOR)
    node = _own_node(ledger, tx, ask.node)
    if node.address == ask.address:
        raise LedgerError(Code.NOTHING_TO_CHANGE, f"{ask.node} is reached at {ask.address} already")
    ledger.put(node_key(node.name), replace(node, address=ask.address))
    tx.emit(NodeMoved(node=node.name, address=ask.address))


def _own_node(ledger: Ledger, tx: Context, name: str) -> NodeRecord:
    """A node of the signer's org."""
    node = node_of(ledger, name)
    if node.org != org_of(tx.signer):
        raise LedgerError(Code.ORG_MISMATCH, f"{name} is a node of {node.org}, not of {org_of(tx.signer)}")
    return node
