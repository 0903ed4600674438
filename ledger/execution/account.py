"""Accounts: who may sign. An org's administrators enrol its accounts; every account looks after its own keys."""

from __future__ import annotations

from msgspec.structs import replace

from ledger import crypto
from ledger.actions import AddKey, EnrolAccount, RevokeKey
from ledger.errors import Code, LedgerError
from ledger.events import AccountEnrolled, KeyAdded, KeyRevoked
from ledger.execution.context import Context, action
from ledger.execution.view import Ledger
from ledger.names import org_of
from ledger.records import Account, AccountKey, account_key, org_key

ADMINISTRATOR = "administrator"
KEYS_MAX = 16


@action(EnrolAccount)
def enrol(ledger: Ledger, tx: Context, ask: EnrolAccount) -> None:
    """Give an account of the signer's org its name, first key and roles."""
    tx.require_role(ADMINISTRATOR)
    org = org_of(ask.account)
    if not ledger.holds(org_key(org)):
        raise LedgerError(Code.ORG_UNKNOWN, f"{org} is not a member; its membership is voted on first")
    _require_same_org(tx.signer, ask.account)
    if ledger.holds(account_key(ask.account)):
        raise LedgerError(Code.ACCOUNT_EXISTS, f"{ask.account} is enrolled; add a key to it, or choose another name")
    _require_strong(ask.key)
    roles = tuple(sorted(set(ask.roles)))
    ledger.put(account_key(ask.account), Account(name=ask.account, keys=(AccountKey(public=ask.key),), roles=roles))
    tx.emit(AccountEnrolled(account=ask.account, key=ask.key))


@action(AddKey)
def add_key(ledger: Ledger, tx: Context, ask: AddKey) -> None:
    """Give the signing account a further key."""
    account = ledger.account(tx.signer)
    if any(key.public == ask.key for key in account.keys):
        raise LedgerError(Code.KEY_EXISTS, f"{tx.signer} has or had the key {ask.key[:16]}…; make a new one")
    if len(account.keys) >= KEYS_MAX:
        raise LedgerError(Code.KEY_EXISTS, f"{tx.signer} has had {KEYS_MAX} keys, the most there may be")
    _require_strong(ask.key)
    ledger.put(account_key(tx.signer), replace(account, keys=(*account.keys, AccountKey(public=ask.key))))
    tx.emit(KeyAdded(account=tx.signer, key=ask.key))


@action(RevokeKey)
def revoke_key(ledger: Ledger, tx: Context, ask: RevokeKey) -> None:
    """Take a key from an account for ever; the rest of this block no longer accepts it."""
    account = ledger.account(ask.account)
    if ask.account != tx.signer:
        tx.require_role(ADMINISTRATOR)
        _require_same_org(tx.signer, ask.account)
    live = [key.public for key in account.keys if not key.revoked]
    if ask.key not in live:
        raise LedgerError(Code.KEY_UNKNOWN, f"{ask.key[:16]}… is not a key of {ask.account} in force")
    if live == [ask.key]:
        raise LedgerError(Code.LAST_KEY, f"it is the only key of {ask.account}; add another first")
    keys = tuple(replace(key, revoked=True) if key.public == ask.key else key for key in account.keys)
    ledger.put(account_key(ask.account), replace(account, keys=keys))
    tx.emit(KeyRevoked(account=ask.account, key=ask.key))


def _require_same_org(signer: str, account: str) -> None:
    if org_of(signer) != org_of(account):
        raise LedgerError(Code.ORG_MISMATCH, f"{signer} looks after accounts of its own org, not {account}")


def _require_strong(key: str) -> None:
    if not crypto.is_strong_key(key):
        raise LedgerError(Code.KEY_WEAK, f"{key[:16]}… is of small or mixed order or no point; make a new key")
