"""Statements: digests of what accounts have signed elsewhere, put into the log as entries of their own.

The statement itself is COSE and is never parsed here: a node checks it before its registrar signs the action.
"""

from __future__ import annotations

from ledger.actions import RegisterStatement
from ledger.errors import Code, LedgerError
from ledger.events import StatementRegistered
from ledger.execution.context import Context, action
from ledger.execution.view import Ledger
from ledger.records import StatementRecord, statement_key

REGISTRAR = "registrar"


@action(RegisterStatement)
def register(ledger: Ledger, tx: Context, ask: RegisterStatement) -> None:
    """Record a statement, once; its digest becomes an entry of this block's log."""
    tx.require_role(REGISTRAR)
    found = ledger.find(statement_key(ask.digest), StatementRecord)
    if found is not None:
        raise LedgerError(
            Code.STATEMENT_EXISTS, f"{ask.digest[:16]}… was registered in block {found.height}; ask for its receipt"
        )
    parts = {"digest": ask.digest, "issuer": ask.issuer, "subject": ask.subject, "registrant": tx.signer}
    ledger.put(statement_key(ask.digest), StatementRecord(**parts, height=tx.height))
    tx.emit(StatementRegistered(**parts))
