"""Accounts: who may act. An org's administrators enrol, suspend and resume its accounts, and give the roles an org may.

No administrator can take the role, the right to sign or the keys from itself; only another administrator can. So
whoever acts stays able to act, and an org that has an administrator always keeps one, without anybody counting them.
"""

from __future__ import annotations

from msgspec.structs import replace

from ledger import crypto
from ledger.actions import EnrolAccount, ResumeAccount, SetRoles, SuspendAccount
from ledger.errors import Code, LedgerError
from ledger.events import AccountEnrolled, AccountResumed, AccountSuspended, RolesSet
from ledger.execution.context import Context, action
from ledger.execution.statement import REGISTRAR
from ledger.execution.view import Ledger
from ledger.names import ADMINISTRATOR, org_of
from ledger.records import Account, AccountKey, account_key

RESERVED_ROLES = frozenset({"issuer", REGISTRAR})
"""Roles that touch all members, so that no org gives them to itself: an issuer makes currencies, and money in them; a
registrar takes a statement's place in the log for good, whoever made the statement."""


@action(EnrolAccount)
def enrol(ledger: Ledger, tx: Context, ask: EnrolAccount) -> None:
    """Give an account of the signer's org its name, first key and roles."""
    tx.require_role(ADMINISTRATOR)
    ledger.org(org_of(ask.account))
    require_same_org(tx.signer, ask.account)
    add_account(ledger, tx, ask.account, ask.key, ask.roles)


def add_account(ledger: Ledger, tx: Context, name: str, key: str, roles: tuple[str, ...]) -> None:
    """Enrol an account that does not exist yet, with roles that an org may give."""
    if ledger.holds(account_key(name)):
        raise LedgerError(Code.ACCOUNT_EXISTS, f"{name} is enrolled; add a key to it, or choose another name")
    require_strong(key)
    _require_not_reserved(set(roles))
    keys = (AccountKey(public=key, added_height=tx.height),)
    ledger.put(account_key(name), Account(name=name, keys=keys, roles=tuple(sorted(set(roles)))))
    tx.emit(AccountEnrolled(account=name, key=key))


@action(SetRoles)
def set_roles(ledger: Ledger, tx: Context, ask: SetRoles) -> None:
    """Say which roles an account holds, of those that an org may give; what was given by vote stays."""
    account = _own_account(ledger, tx, ask.account)
    wanted, held = set(ask.roles), set(account.roles)
    _require_not_reserved(wanted - held)
    if ADMINISTRATOR not in wanted:
        require_another(tx.signer, ask.account)
    roles = tuple(sorted(wanted | (held & RESERVED_ROLES)))
    ledger.put(account_key(account.name), with_roles(account, roles, tx.height))
    tx.emit(RolesSet(account=account.name, roles=roles))


def with_roles(account: Account, roles: tuple[str, ...], height: int) -> Account:
    """The account with other roles; where it loses one, what was decided for it so far is void."""
    lost = set(account.roles) - set(roles)
    return replace(account, roles=roles, withdrawn_height=height if lost else account.withdrawn_height)


@action(SuspendAccount)
def suspend(ledger: Ledger, tx: Context, ask: SuspendAccount) -> None:
    """Let an account sign nothing; the rest of this block refuses it already."""
    account = _own_account(ledger, tx, ask.account)
    require_another(tx.signer, ask.account)
    if account.suspended:
        raise LedgerError(Code.NOTHING_TO_CHANGE, f"{ask.account} is suspended already")
    ledger.put(account_key(account.name), replace(account, suspended=True, withdrawn_height=tx.height))
    tx.emit(AccountSuspended(account=account.name))


@action(ResumeAccount)
def resume(ledger: Ledger, tx: Context, ask: ResumeAccount) -> None:
    """Let a suspended account sign again."""
    account = _own_account(ledger, tx, ask.account)
    if not account.suspended:
        raise LedgerError(Code.NOTHING_TO_CHANGE, f"{ask.account} is not suspended")
    ledger.put(account_key(account.name), replace(account, suspended=False))
    tx.emit(AccountResumed(account=account.name))


def _own_account(ledger: Ledger, tx: Context, name: str) -> Account:
    """An account that the signer, an administrator, looks after."""
    tx.require_role(ADMINISTRATOR)
    require_same_org(tx.signer, name)
    return ledger.account(name)


def require_same_org(signer: str, account: str) -> None:
    """Refuse an administrator who reaches into another org."""
    if org_of(signer) != org_of(account):
        raise LedgerError(Code.ORG_MISMATCH, f"{signer} looks after accounts of its own org, not {account}")


def require_another(signer: str, account: str) -> None:
    """Refuse an administrator who would lock itself out."""
    if signer == account:
        raise LedgerError(Code.LOCKOUT, f"{signer} cannot do this to itself; another administrator of its org does it")


def require_strong(key: str) -> None:
    """Refuse a public key that no account may have."""
    if not crypto.is_strong_key(key):
        raise LedgerError(Code.KEY_WEAK, f"{key[:16]}… is of small or mixed order or no point; make a new key")


def _require_not_reserved(roles: set[str]) -> None:
    reserved = sorted(roles & RESERVED_ROLES)
    if reserved:
        raise LedgerError(
            Code.ROLE_RESERVED, f"{', '.join(reserved)} is given by vote only; propose account.set_roles to the others"
        )
