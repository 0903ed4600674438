"""Requests by which a node shows a picture in its reader's place."""

from __future__ import annotations

from ledger.actions import RequestAccess, Viewer
from ledger.errors import Code, LedgerError
from ledger.execution.context import SIGNATURE_FUEL, Context
from ledger.execution.view import Ledger
from ledger.execution.voting import node_of
from ledger.records import VIEWINGS, NodeRecord, Viewing, viewing_key
from ledger.viewing import ViewerKey, viewing_mark


def viewer_node(ledger: Ledger, name: str) -> NodeRecord:
    """A node that may show pictures. NODE_UNKNOWN if it is shut out, ORG_SUSPENDED if its org may not act."""
    node = node_of(ledger, name)
    if ledger.org(node.org).suspended:
        raise LedgerError(Code.ORG_SUSPENDED, f"{name} is a node of {node.org}, which is suspended; take another")
    return node


def check_viewer(ledger: Ledger, tx: Context, ask: RequestAccess, viewer: Viewer) -> NodeRecord:
    """The node that shows the picture, if it signed for this reader key, asset and account. VIEWER_INVALID if not."""
    if ask.use != "view":
        raise LedgerError(Code.VIEWER_INVALID, f"a node shows a picture, and gives nobody its file to {ask.use}")
    node = viewer_node(ledger, viewer.node)
    tx.spend(SIGNATURE_FUEL)
    said = ViewerKey(
        chain=tx.transaction.chain, node=node.name, asset=ask.asset, account=tx.signer, reader_key=ask.reader_key
    )
    if not said.is_signed(viewer.signature, node.key):
        fact = f"{node.name} did not sign this reader key for {tx.signer} and asset {ask.asset[:16]}…"
        raise LedgerError(Code.VIEWER_INVALID, f"{fact}; ask it for one: POST /v1/viewings")
    return node


def note_viewing(ledger: Ledger, tx: Context, ask: RequestAccess, node: NodeRecord) -> str:
    """Keep what a copy of the picture that is shown will lead to; its mark."""
    number = (ledger.find(VIEWINGS, int) or 0) + 1
    mark = viewing_mark(number)
    ledger.put(VIEWINGS, number)
    viewing = Viewing(
        asset=ask.asset,
        account=tx.signer,
        node=node.name,
        transaction=tx.transaction_id,
        purpose=ask.purpose,
        height=tx.height,
        time_ms=tx.time_ms,
    )
    ledger.put(viewing_key(mark), viewing)
    return mark
