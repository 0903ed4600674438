"""Access to confidential content: grants, and requests decided on the chain before any key is released."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET

from ledger.actions import GrantAccess, Price, RequestAccess, RevokeAccess
from ledger.errors import Code, LedgerError
from ledger.events import AccessAllowed, AccessGranted, AccessRevoked, PaymentIn
from ledger.execution.consent import consenting_key
from ledger.execution.context import Context, action
from ledger.execution.due import Occasion, check_terms, due
from ledger.execution.holding import check_end
from ledger.execution.policy import decide
from ledger.execution.scope import in_force
from ledger.execution.settlement import pay_apart
from ledger.execution.view import Ledger
from ledger.records import Asset, Grant, grant_key


@action(GrantAccess)
def grant(ledger: Ledger, tx: Context, ask: GrantAccess) -> None:
    """Let an account see a confidential asset until a time; a second grant replaces the first."""
    asset = _confidential(ledger, ask.asset)
    ledger.account(ask.account)
    if ask.until_ms <= tx.time_ms:
        raise LedgerError(Code.GRANT_ENDED, f"it would end at {ask.until_ms}, block time is {tx.time_ms}")
    _check_paid(ledger, tx, ask.asset, ask.account)
    check_end(tx, ask.until_ms, ledger.parameters().grant_ms_max)
    price = None if ask.price is UNSET else ask.price
    about: dict[str, Any] = {} if price is None else {"price": price.amount, "currency": price.currency}
    check_terms(ledger, asset, ask.terms)
    decide(ledger, tx, asset, "grant", to=ask.account, **about)
    payments = () if price is None else _pay(ledger, tx, asset, ask, price)
    granted = Grant(
        asset=asset.id,
        account=ask.account,
        until_ms=ask.until_ms,
        granted_by=tx.signer,
        key=consenting_key(tx, tx.signer),
        policies=UNSET if price is None else in_force(ledger, asset),
    )
    ledger.put(grant_key(asset.id, ask.account), granted)
    tx.emit(
        AccessGranted(
            asset=asset.id,
            account=ask.account,
            until_ms=ask.until_ms,
            granted_by=tx.signer,
            payments=payments,
        )
    )


@action(RevokeAccess)
def revoke(ledger: Ledger, tx: Context, ask: RevokeAccess) -> None:
    """End a grant now. Stops future releases only."""
    asset = _confidential(ledger, ask.asset)
    if not ledger.holds(grant_key(asset.id, ask.account)):
        raise LedgerError(Code.GRANT_UNKNOWN, f"{ask.account} holds no grant on asset {asset.id[:16]}…")
    _check_paid(ledger, tx, asset.id, ask.account)
    decide(ledger, tx, asset, "revoke", to=ask.account)
    ledger.remove(grant_key(asset.id, ask.account))
    tx.emit(AccessRevoked(asset=asset.id, account=ask.account, revoked_by=tx.signer))


@action(RequestAccess)
def request(ledger: Ledger, tx: Context, ask: RequestAccess) -> None:
    """Decide, on this block's state, whether the signer may see the asset. Allowed or denied, it stays on the chain."""
    asset = _confidential(ledger, ask.asset)
    rule = decide(ledger, tx, asset, "view")
    tx.emit(AccessAllowed(asset=asset.id, account=tx.signer, reader_key=ask.reader_key, rule=rule))


def _pay(ledger: Ledger, tx: Context, asset: Asset, ask: GrantAccess, price: Price) -> tuple[PaymentIn, ...]:
    """The price of a licence to the asset's owner, and its royalties."""
    account = ask.account
    tx.require_signer(account)
    ledger.currency(price.currency)
    owner = ledger.owner(asset)
    if account == owner:
        raise LedgerError(Code.SELF_SALE, f"{account} owns it; grant it without a price")
    token = ledger.token(asset.token) if isinstance(asset.token, str) else None
    occasion = Occasion("licence", owner, account, price.amount, price.currency)
    found = due(ledger, tx, asset, token, occasion, ask.terms)
    return pay_apart(ledger, account, found, owner)


def _check_paid(ledger: Ledger, tx: Context, asset: str, account: str) -> None:
    """Refuse to end or replace what somebody has paid for without their signature."""
    before = ledger.find(grant_key(asset, account), Grant)
    if before is None or before.policies is UNSET or before.until_ms <= tx.time_ms:
        return
    if account not in tx.accounts:
        raise LedgerError(
            Code.GRANT_PAID, f"{account} has paid to see it until {before.until_ms}; wait for that, or have them sign"
        )


def _confidential(ledger: Ledger, asset: str) -> Asset:
    found = ledger.asset(asset)
    if not found.confidential:
        raise LedgerError(Code.NOT_CONFIDENTIAL, f"asset {asset[:16]}… is public; read its content as any member")
    return found
