"""Content archives: what an org says it keeps beside its nodes' content, as a piece for a store that takes pieces."""

from __future__ import annotations

from msgspec.structs import asdict, replace

from ledger.actions import ArchiveContent
from ledger.errors import Code, LedgerError
from ledger.events import ContentArchived
from ledger.execution.context import Context, action
from ledger.execution.view import Ledger
from ledger.names import ADMINISTRATOR, org_of
from ledger.records import ArchiveRecord, archive_key


@action(ArchiveContent)
def archive(ledger: Ledger, tx: Context, ask: ArchiveContent) -> None:
    """Record an archive for the signer's org. Each org has a word of its own on a piece, so none takes another's."""
    tx.require_role(ADMINISTRATOR)
    org = org_of(tx.signer)
    said = asdict(ask)
    record = ArchiveRecord(**said, org=org, by=tx.signer, height=tx.height)
    key = archive_key(ask.piece, org)
    before = ledger.find(key, ArchiveRecord)
    if before is not None and replace(before, by=record.by, height=record.height) == record:
        detail = f"{org} said the same of {ask.piece[:16]}… in block {before.height}; say it when something is new"
        raise LedgerError(Code.NOTHING_TO_CHANGE, detail)
    ledger.put(key, record)
    tx.emit(ContentArchived(**said, org=org, by=tx.signer))
