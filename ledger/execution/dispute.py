"""Disputes: an org says that what is recorded of a picture is wrong, and every answer says so until it is settled.

Settled by the org itself, which takes its word back, or by a vote of the consortium, which dismisses it. Nothing is
unrecorded by a dispute: the answer names what was recorded, who disputes it and why. The rules see it for a limited
time only, once for each org, so that nobody holds another's picture to ransom; a vote takes one down for good.
"""

from __future__ import annotations

from msgspec import UNSET
from msgspec.structs import replace

from ledger.actions import DisputeAsset, WithdrawDispute
from ledger.errors import Code, LedgerError
from ledger.events import AssetDisputed, DisputeDismissed, DisputeWithdrawn
from ledger.execution.changes import change
from ledger.execution.context import Context, action
from ledger.execution.view import Ledger
from ledger.governance import DismissDispute
from ledger.names import org_of
from ledger.records import Asset, Dispute, asset_key, dispute_key

FACT_CHECKER = "fact-checker"
OPEN, WITHDRAWN, DISMISSED, SETTLED = "open", "withdrawn", "dismissed", "settled"


@action(DisputeAsset)
def dispute(ledger: Ledger, tx: Context, ask: DisputeAsset) -> None:
    """Dispute an asset for the signer's org: one dispute at a time, and none again that was dismissed."""
    tx.require_role(FACT_CHECKER)
    asset, org = ledger.asset(ask.asset), org_of(tx.signer)
    before = ledger.find(dispute_key(asset.id, org), Dispute)
    if before is not None and before.status == OPEN:
        raise LedgerError(Code.DISPUTE_EXISTS, f"{before.account} disputes it for {org}; withdraw that first")
    if before is not None and before.status == DISMISSED and before.evidence == ask.evidence:
        raise LedgerError(Code.DISPUTE_DISMISSED, f"{ask.evidence[:16]}… was dismissed; bring other evidence")
    ledger.put(asset_key(asset.id), open_dispute(ledger, tx, asset, tx.signer, ask.reason, ask.evidence))


def open_dispute(ledger: Ledger, tx: Context, asset: Asset, account: str, reason: str, evidence: str) -> Asset:
    """The asset, disputed by an account's org; rules see that for a time if it is the first time that the org does."""
    org, held = org_of(account), asset.held_until_ms
    if not ledger.holds(dispute_key(asset.id, org)):
        hold = tx.time_ms + ledger.parameters().dispute_hold_ms
        held = hold if held is UNSET else max(held, hold)
    opened = Dispute(
        asset=asset.id,
        org=org,
        account=account,
        reason=reason,
        evidence=evidence,
        opened_ms=tx.time_ms,
        height=tx.height,
        status=OPEN,
    )
    ledger.put(dispute_key(asset.id, org), opened)
    tx.emit(AssetDisputed(asset=asset.id, org=org, account=account))
    return replace(asset, disputed_by=tuple(sorted((*asset.disputed_by, org))), held_until_ms=held)


@action(WithdrawDispute)
def withdraw(ledger: Ledger, tx: Context, ask: WithdrawDispute) -> None:
    """Take the dispute of the signer's org back."""
    tx.require_role(FACT_CHECKER)
    org = org_of(tx.signer)
    _settle(ledger, ask.asset, org, WITHDRAWN)
    tx.emit(DisputeWithdrawn(asset=ask.asset, org=org))


@change(DismissDispute)
def dismiss(ledger: Ledger, tx: Context, ask: DismissDispute) -> None:
    """End an org's dispute by the vote of the others."""
    _settle(ledger, ask.asset, ask.org, DISMISSED)
    tx.emit(DisputeDismissed(asset=ask.asset, org=ask.org))


def _settle(ledger: Ledger, asset_id: str, org: str, status: str) -> None:
    asset = ledger.asset(asset_id)
    found = ledger.find(dispute_key(asset.id, org), Dispute)
    if found is None or found.status != OPEN:
        raise LedgerError(Code.DISPUTE_UNKNOWN, f"{org} does not dispute asset {asset_id[:16]}… now")
    ledger.put(dispute_key(asset.id, org), replace(found, status=status))
    left = tuple(other for other in asset.disputed_by if other != org)
    ledger.put(asset_key(asset.id), replace(asset, disputed_by=left))
