"""Keys of accounts: each account looks after its own, and an administrator of its org helps when they are lost.

A key that was taken away stays in the record with the height at which it ended, so that anybody can tell which
signatures were good when; no account ever gets it again.
"""

from __future__ import annotations

from msgspec.structs import replace

from ledger.actions import AddKey, RecoverAccount, RevokeKey, RotateKey
from ledger.errors import Code, LedgerError
from ledger.events import AccountRecovered, KeyAdded, KeyRevoked, KeyRotated
from ledger.execution.account import require_another, require_same_org, require_strong
from ledger.execution.context import Context, action
from ledger.execution.view import Ledger
from ledger.names import ADMINISTRATOR
from ledger.records import Account, AccountKey, account_key

KEYS_MAX = 64
"""Keys that one account may ever have had."""


@action(AddKey)
def add_key(ledger: Ledger, tx: Context, ask: AddKey) -> None:
    """Give the signing account a further key."""
    ledger.put(account_key(tx.signer), _with_key(ledger.account(tx.signer), ask.key, tx.height))
    tx.emit(KeyAdded(account=tx.signer, key=ask.key))


@action(RevokeKey)
def revoke_key(ledger: Ledger, tx: Context, ask: RevokeKey) -> None:
    """Take a key from an account for ever; the rest of this block no longer accepts it."""
    account = ledger.account(ask.account)
    by_another = ask.account != tx.signer
    if by_another:
        tx.require_role(ADMINISTRATOR)
        require_same_org(tx.signer, ask.account)
    _require_in_force(account, ask.key)
    if account.keys_in_force == (ask.key,):
        raise LedgerError(Code.LAST_KEY, f"it is the only key of {ask.account}; add another first, or rotate it")
    left = _without_keys(account, (ask.key,), tx.height)
    ledger.put(account_key(ask.account), _without_word_of(left, (ask.key,)) if by_another else left)
    tx.emit(KeyRevoked(account=ask.account, key=ask.key))


@action(RotateKey)
def rotate_key(ledger: Ledger, tx: Context, ask: RotateKey) -> None:
    """Replace a key of the signing account: the new one in, the old one out, at the same height."""
    account = ledger.account(tx.signer)
    _require_in_force(account, ask.old)
    account = _without_keys(_with_key(account, ask.new, tx.height), (ask.old,), tx.height)
    ledger.put(account_key(tx.signer), account)
    tx.emit(KeyRotated(account=tx.signer, old=ask.old, new=ask.new))


@action(RecoverAccount)
def recover(ledger: Ledger, tx: Context, ask: RecoverAccount) -> None:
    """Give an account that lost its keys a new one. All it had are revoked, since somebody else may have found them.

    What any of them bound the account to is void, also of those that whoever found them has changed since.
    """
    tx.require_role(ADMINISTRATOR)
    require_same_org(tx.signer, ask.account)
    require_another(tx.signer, ask.account)
    account = ledger.account(ask.account)
    before = _without_word_of(account, tuple(key.public for key in account.keys))
    recovered = _without_keys(_with_key(before, ask.key, tx.height), account.keys_in_force, tx.height)
    ledger.put(account_key(ask.account), recovered)
    tx.emit(AccountRecovered(account=ask.account, key=ask.key, by=tx.signer))


def _with_key(account: Account, key: str, height: int) -> Account:
    if any(one.public == key for one in account.keys):
        raise LedgerError(Code.KEY_EXISTS, f"{account.name} has or had the key {key[:16]}…; make a new one")
    if len(account.keys) >= KEYS_MAX:
        raise LedgerError(
            Code.KEYS_FULL, f"{account.name} has had {KEYS_MAX} keys, the most there may be; enrol another account"
        )
    require_strong(key)
    return replace(account, keys=(*account.keys, AccountKey(public=key, added_height=height)))


def _without_keys(account: Account, gone: tuple[str, ...], height: int) -> Account:
    keys = tuple(
        replace(key, revoked=True, revoked_height=height) if key.public in gone else key for key in account.keys
    )
    return replace(account, keys=keys)


def _without_word_of(account: Account, lost: tuple[str, ...]) -> Account:
    return replace(account, keys=tuple(replace(key, lost=key.lost or key.public in lost) for key in account.keys))


def _require_in_force(account: Account, key: str) -> None:
    if key not in account.keys_in_force:
        raise LedgerError(Code.KEY_UNKNOWN, f"{key[:16]}… is not a key of {account.name} in force; name one that is")
