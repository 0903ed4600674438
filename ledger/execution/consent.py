"""Standing consents: what an account has said it will do, for as long as the key that said it may speak.

Nobody relies on a listing or an offer yet, so they lapse with their key, whoever revoked it, and wait while their
account is suspended; given again they are confirmed. Others do rely on an auction, a bid, a grant or rental without a
price and a vote, so no account gets out of them by changing its keys. Only a key that an administrator took away takes
them with it: whoever found it may have given them. What was paid for, or is done, stays.
"""

from __future__ import annotations

from ledger.errors import Code, LedgerError
from ledger.execution.context import Context
from ledger.execution.view import Ledger
from ledger.records import AccountKey


def consenting_key(tx: Context, account: str) -> str:
    """The key with which an account signed."""
    return next(signer.key for signer in tx.transaction.signers if signer.account == account)


def check_stands(ledger: Ledger, account: str, key: str) -> None:
    """Refuse to act on the word of a key that has been revoked, or of an account that is suspended."""
    if has_ended(ledger, account, key):
        why = f"the key {key[:16]}… of {account} that gave it has been revoked"
        raise LedgerError(Code.CONSENT_ENDED, f"{why}; {account} gives it again")
    if ledger.is_suspended(ledger.account(account)):
        raise LedgerError(Code.CONSENT_ENDED, f"{account} or its org is suspended; {account} gives it again")


def stands(ledger: Ledger, account: str, key: str) -> bool:
    """Whether `check_stands` lets it pass."""
    try:
        check_stands(ledger, account, key)
    except LedgerError:
        return False
    return True


def has_ended(ledger: Ledger, account: str, key: str) -> bool:
    """Whether a key has been revoked, by whomever."""
    return _found(ledger, account, key).revoked


def is_void(ledger: Ledger, account: str, key: str) -> bool:
    """Whether a key was lost, so that what it bound its account to does not."""
    return _found(ledger, account, key).lost


def _found(ledger: Ledger, account: str, key: str) -> AccountKey:
    return next(one for one in ledger.account(account).keys if one.public == key)
