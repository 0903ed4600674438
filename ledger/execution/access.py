"""Access to confidential content: grants, and requests decided on the chain before any key is released."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from ledger.actions import SEALED_KEYS_MAX, GrantAccess, RequestAccess, ResealAsset, RevokeAccess
from ledger.actions.licences import Access
from ledger.actions.parts import ORG_CUSTODIANS_MAX
from ledger.errors import Code, LedgerError
from ledger.events import AccessAllowed, AccessGranted, AccessRevoked, AssetResealed
from ledger.execution.consent import consenting_key
from ledger.execution.context import Context, action
from ledger.execution.due import check_terms
from ledger.execution.holding import check_end, tokens_of, user_of
from ledger.execution.licence import count_use, licence_for, licences_of, stands
from ledger.execution.policy import Asked, decide, may
from ledger.execution.scope import HOLDER_FUEL, in_force
from ledger.execution.settlement import pay_licence
from ledger.execution.view import Ledger
from ledger.execution.viewing import check_viewer, note_viewing
from ledger.names import org_of
from ledger.records import (
    Asset,
    Grant,
    Licence,
    NodeRecord,
    asset_key,
    grant_key,
    licence_key,
    licensed_key,
    node_key,
    withdrawn_key,
)
from ledger.times import moment


@action(GrantAccess)
def grant(ledger: Ledger, tx: Context, ask: GrantAccess) -> None:
    """Let an account see a confidential asset until a time; a second grant replaces the first."""
    asset = confidential(ledger, ask.asset)
    ledger.account(ask.account)
    if ask.until_ms <= tx.time_ms:
        raise LedgerError(
            Code.GRANT_ENDED, f"it would end at {moment(ask.until_ms)}, block time is {moment(tx.time_ms)}"
        )
    _check_paid(ledger, tx, asset, ask.account)
    check_end(tx, ask.until_ms, ledger.parameters().grant_ms_max)
    price = None if ask.price is UNSET else ask.price
    about: dict[str, Any] = {} if price is None else {"price": price.amount, "currency": price.currency}
    check_terms(ledger, asset, ask.terms)
    decide(ledger, tx, asset, "grant", to=ask.account, **about)
    payments = () if price is None else pay_licence(ledger, tx, asset, ask.account, price, ask.terms)
    granted = Grant(
        asset=asset.id,
        account=ask.account,
        until_ms=ask.until_ms,
        granted_by=tx.signer,
        key=consenting_key(tx, tx.signer),
        record=asset.transaction,
        policies=UNSET if price is None else in_force(ledger, asset),
    )
    before = ledger.find(grant_key(asset.id, ask.account), Grant)
    if before is not None and before.until_ms <= tx.time_ms:
        ledger.put(withdrawn_key(asset.id, ask.account), tx.height)
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
    asset = confidential(ledger, ask.asset)
    if not ledger.holds(grant_key(asset.id, ask.account)):
        raise LedgerError(Code.GRANT_UNKNOWN, f"{ask.account} holds no grant on asset {asset.id[:16]}…")
    _check_paid(ledger, tx, asset, ask.account)
    decide(ledger, tx, asset, "revoke", to=ask.account)
    ledger.remove(grant_key(asset.id, ask.account))
    ledger.put(withdrawn_key(asset.id, ask.account), tx.height)
    tx.emit(AccessRevoked(asset=asset.id, account=ask.account, revoked_by=tx.signer))


@action(RequestAccess)
def request(ledger: Ledger, tx: Context, ask: RequestAccess) -> None:
    """Decide, on this block's state, whether the signer may have it. Allowed or denied, it stays on the chain."""
    asset = confidential(ledger, ask.asset)
    licence = None
    if ask.licence is not UNSET:
        licence = licence_for(ledger, tx, ask.licence, asset, tx.signer, ask.use)
    node = None if ask.viewer is UNSET else check_viewer(ledger, tx, ask, ask.viewer)
    rule = decide(ledger, tx, asset, ask.use, asked=_asked(licence, ask.purpose, "" if node is None else node.org))
    if licence is not None:
        count_use(ledger, licence)
    shown = {} if node is None else {"viewer": node.name, "mark": note_viewing(ledger, tx, ask, node)}
    tx.emit(
        AccessAllowed(
            asset=asset.id,
            account=tx.signer,
            reader_key=ask.reader_key,
            rule=rule,
            use=ask.use,
            purpose=ask.purpose,
            licence=ask.licence,
            **shown,
        )
    )


def _asked(licence: Licence | None, purpose: str, viewer: str) -> Asked:
    return Asked(licence, {"purpose": purpose, "viewer": viewer or UNSET})


def may_still(ledger: Ledger, event: AccessAllowed, viewer: str, height: int, time_ms: int, fuel: int) -> bool:
    """Whether the rules, asked now, still allow what they allowed; its own use of a licence is not counted.

    `viewer`: the org whose node shows it; empty if none does.
    """
    asset = ledger.asset(event.asset)
    licence = None if event.licence is UNSET else ledger.find(licence_key(event.licence), Licence)
    if licence is not None:
        licence = replace(licence, used=licence.used - 1) if stands(ledger, licence, asset, time_ms) else None
    asked = _asked(licence, event.purpose, viewer)
    return may(ledger, asset, event.use, event.account, height, time_ms, fuel, asked)


def still_decided(ledger: Ledger, event: AccessAllowed, key: str, height: int) -> bool:
    """Whether a request that was decided in a block, signed with a key, still is: nothing was taken away since.

    One decision stands for what the account was given then. What it was given again later needs another.
    """
    account = ledger.account(event.account)
    marks = (
        ledger.find(withdrawn_key(event.asset, event.account), int),
        account.withdrawn_height,
        ledger.org(org_of(account.name)).withdrawn_height,
    )
    return key in account.keys_in_force and all(mark < height for mark in marks if isinstance(mark, int))


@action(ResealAsset)
def reseal(ledger: Ledger, tx: Context, ask: ResealAsset) -> None:
    """Seal an asset's key to further nodes, so that who bought it does not depend on the nodes of who sold it."""
    asset = confidential(ledger, ask.asset)
    if asset.content.encapsulated is not UNSET:
        fact = f"the key of asset {asset.id[:16]}… is encapsulated to the consortium's"
        raise LedgerError(Code.CONTENT_INVALID, f"{fact}; no node holds it alone, so leave it where it is")
    entitled = holders(ledger, asset)
    tx.spend(HOLDER_FUEL * len(entitled))
    if entitled.isdisjoint(tx.accounts):
        raise LedgerError(Code.NOT_OWNER, f"asset {asset.id[:16]}… is {min(entitled)}'s, who has others hold its key")
    held = () if asset.content.sealed_keys is UNSET else asset.content.sealed_keys
    orgs = {one.node: node.org for one in held if (node := ledger.find(node_key(one.node), NodeRecord)) is not None}
    kept = {one.node: one for one in held if one.node in orgs}
    signing = {org_of(account) for account in tx.accounts}
    for one in ask.sealed_keys:
        node = ledger.find(node_key(one.node), NodeRecord)
        if node is None:
            raise LedgerError(Code.NODE_UNKNOWN, f"there is no node {one.node}")
        if one.node in kept and node.org not in signing:
            raise LedgerError(Code.CUSTODIAN_EXISTS, f"{one.node} holds it; have an account of {node.org} sign too")
        if one.node not in kept and sum(org == node.org for org in orgs.values()) >= ORG_CUSTODIANS_MAX:
            raise LedgerError(
                Code.CUSTODIANS_FULL, f"{ORG_CUSTODIANS_MAX} nodes of {node.org} hold it, the most that are added"
            )
        kept[one.node], orgs[one.node] = one, node.org
    if len(kept) > SEALED_KEYS_MAX:
        raise LedgerError(Code.CUSTODIANS_FULL, f"{len(kept)} nodes would hold it, at most {SEALED_KEYS_MAX} may")
    content = replace(asset.content, sealed_keys=tuple(kept.values()))
    ledger.put(asset_key(asset.id), replace(asset, content=content))
    tx.emit(AssetResealed(asset=asset.id, nodes=tuple(one.node for one in ask.sealed_keys)))


def holders(ledger: Ledger, asset: Asset) -> set[str]:
    """The accounts that say who holds an asset's key: its owner, and whoever has a token of it."""
    return {ledger.owner(asset), *(token.owner for token in tokens_of(ledger, asset))}


def paid_by(ledger: Ledger, tx: Context, asset: Asset) -> Iterator[str]:
    """Accounts that have paid to see an asset for a while that is not over: by a grant, a licence, or as tenants."""
    for token in tokens_of(ledger, asset):
        tx.spend(HOLDER_FUEL)
        rental = user_of(ledger, token.id, tx.time_ms)
        if rental is not None and rental.paid:
            yield rental.user
    prefix = grant_key(asset.id, "")
    for key in ledger.each_key(prefix):
        tx.spend(HOLDER_FUEL)
        if _is_paid(ledger.find(key, Grant), asset, tx.time_ms):
            yield key.removeprefix(prefix)
    for licence in licences_of(ledger, tx, licensed_key(asset.id, "")):
        opens = not set(licence.uses).isdisjoint(get_args(Access))
        if not isinstance(licence.payer, UnsetType) and opens and stands(ledger, licence, asset, tx.time_ms):
            yield licence.payer


def _is_paid(grant: Grant | None, asset: Asset, time_ms: int) -> bool:
    """Whether a grant of an asset, as that is recorded now, was paid for and is in force."""
    if grant is None or grant.record != asset.transaction or grant.until_ms <= time_ms:
        return False
    return grant.policies is not UNSET


def _check_paid(ledger: Ledger, tx: Context, asset: Asset, account: str) -> None:
    """Refuse to end or replace what somebody has paid for without their signature."""
    before = ledger.find(grant_key(asset.id, account), Grant)
    if before is not None and _is_paid(before, asset, tx.time_ms) and account not in tx.accounts:
        raise LedgerError(
            Code.GRANT_PAID,
            f"{account} has paid to see it until {moment(before.until_ms)}; wait for that, or have them sign",
        )


def confidential(ledger: Ledger, asset: str) -> Asset:
    """An asset whose content is encrypted; NOT_CONFIDENTIAL of another."""
    found = ledger.asset(asset)
    if not found.confidential:
        raise LedgerError(Code.NOT_CONFIDENTIAL, f"asset {asset[:16]}… is public; read its content as any member")
    return found
