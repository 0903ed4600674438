"""Lineage: what a picture was made from, and what that owes to whom, fixed once when it is said.

Each asset keeps all its ancestors with the rate that each is owed, so that a sale is one split and no walk. A parent is
owed the part that its own resales owe at that moment; what the parent owes its own ancestors is handed on (LAP: added
up along every way; LRP: only the parents' own part counts). Lineage is said before an asset is minted and before
anything is made from it, so nobody's share changes later, and no cycle can arise.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

import contracts_vm
from ledger.actions import CREATORS_MAX, DeriveAsset
from ledger.errors import Code, LedgerError
from ledger.events import AssetDerived, LicenceUsed, PaymentIn
from ledger.execution.context import Context, action
from ledger.execution.due import SECONDARY_SALE, Occasion, check_terms, clauses_by, due
from ledger.execution.holding import token_id
from ledger.execution.licence import count_use, licence_for, licence_named
from ledger.execution.policy import Asked, decide, facts_for
from ledger.execution.scope import terms_for
from ledger.execution.settlement import pay_apart
from ledger.execution.view import Ledger
from ledger.prices import Price
from ledger.records import Ancestor, Asset, Licence, Token, asset_key, lineage_key, token_key

DEPTH_MAX, ANCESTORS_MAX = 32, 256
STACK_PPM_MAX = contracts_vm.PPM_WHOLE
"""The most that all ancestors together may be owed: all of it."""
PAYEES_MAX = contracts_vm.PAYEES_MAX - CREATORS_MAX - contracts_vm.NAMED_PAYEES_MAX
"""Payees of all ancestors together, so that with the own ones there are never too many for a split."""


@dataclass(frozen=True)
class Derivation:
    """What its owner says an asset was made from, be it by an action or by a signed request for a generation."""

    parents: tuple[str, ...]
    value: Price | UnsetType
    terms: Mapping[str, str]
    """The policies that were seen, by parent; none if none were named."""
    asker: str
    """For whom a parent's policies decide, unless its owner signed too."""
    signed: Collection[str]
    """The accounts that signed."""
    licences: tuple[str, ...] = ()
    """Under which it was made."""


@action(DeriveAsset)
def derive(ledger: Ledger, tx: Context, ask: DeriveAsset) -> None:
    """Say what an asset was made from; the parents' policies decide, and are paid what they ask."""
    asset = ledger.asset(ask.asset)
    tx.require_signer(ledger.owner(asset), Code.NOT_OWNER)
    if ask.terms is not UNSET and len(ask.terms) != len(ask.parents):
        raise LedgerError(
            Code.TERMS_CHANGED, f"there are terms for {len(ask.terms)} of {len(ask.parents)} parents; say each parent's"
        )
    terms = {} if ask.terms is UNSET else dict(zip(ask.parents, ask.terms, strict=True))
    enter(ledger, tx, asset, Derivation(ask.parents, ask.value, terms, tx.signer, tx.accounts, ask.licences))


def enter(ledger: Ledger, tx: Context, asset: Asset, said: Derivation) -> None:
    """Enter what an asset was made from, once: the parents' policies decide, and its owner pays what they ask."""
    owner = ledger.owner(asset)
    parents = [ledger.asset(parent) for parent in sorted(set(said.parents))]
    for parent in parents:
        if asset.id == parent.id or asset.id in {one.asset for one in ledger.lineage(parent.id).ancestors}:
            raise LedgerError(Code.LINEAGE_CYCLE, f"{parent.id[:16]}… is, or was made from, {asset.id[:16]}…")
    _check_open(ledger, asset)
    for name, terms in said.terms.items():
        check_terms(ledger, ledger.asset(name), terms)
    licences = _licences(ledger, said)
    payments: list[PaymentIn] = []
    vector: dict[str, Ancestor] = {}
    for parent in parents:
        payments += _ask_parent(ledger, tx, parent, asset, said, licences.get(parent.id))
        _add(vector, Ancestor(asset=parent.id, depth=1, **_owed(resale_rate(ledger, tx, parent))))
        lineage = ledger.lineage(parent.id)
        for one in lineage.ancestors:
            _add(vector, Ancestor(asset=one.asset, depth=one.depth + 1, stacked_ppm=one.stacked_ppm))
        ledger.put(lineage_key(parent.id), replace(lineage, derivatives=lineage.derivatives + 1))
    depth = 1 + max(parent.depth for parent in parents)
    ancestors = tuple(sorted(vector.values(), key=lambda one: (one.depth, one.asset)))
    _check_size(ledger, depth, ancestors)
    ledger.put(lineage_key(asset.id), replace(ledger.lineage(asset.id), ancestors=ancestors))
    names = tuple(parent.id for parent in parents)
    ledger.put(asset_key(asset.id), replace(asset, parents=names, depth=depth))
    tx.emit(AssetDerived(asset=asset.id, parents=names, depth=depth, payer=owner, payments=tuple(payments)))


def resale_rate(ledger: Ledger, tx: Context, asset: Asset) -> int:
    """What a resale of an asset owes its payees now: by its token's own terms, else by the policies.

    These are the policies that a resale would be settled by, whichever take less. As there is no resale yet, a
    condition that reads more than the asset has no value. Its clause then counts as due, as it does in a sale, and its
    rate stands for what a resale may owe.
    """
    first = token_id(asset.id) if asset.editions is UNSET else token_id(asset.id, 1)
    token = ledger.find(token_key(first), Token)
    if token is not None and token.royalty is not UNSET:
        return token.royalty.rate_ppm
    seen = facts_for(ledger, tx.height, tx.time_ms, asset, "sale", None, asset.creator, {})["asset"]
    facts = {"asset": {name: value for name, value in seen.items() if name != "owner"}}
    clauses = clauses_by(ledger, tx, terms_for(ledger, asset, token), SECONDARY_SALE, facts)
    return min(0 if clause is None else clause.rate_ppm for clause in clauses)


def _licences(ledger: Ledger, said: Derivation) -> dict[str, Licence]:
    """The licences under which something was made, by parent. LICENCE_UNFIT unless each is for one of its own."""
    found: dict[str, Licence] = {}
    for licence in (licence_named(ledger, name) for name in said.licences):
        if licence.asset not in said.parents or licence.asset in found:
            fault = f"licence {licence.id[:16]}… is for asset {licence.asset[:16]}…"
            raise LedgerError(Code.LICENCE_UNFIT, f"{fault}; name one licence for each parent that needs one")
        found[licence.asset] = licence
    return found


def _ask_parent(
    ledger: Ledger, tx: Context, parent: Asset, made: Asset, said: Derivation, licence: Licence | None
) -> tuple[PaymentIn, ...]:
    """Have a parent's policy decide, for its owner if that account signed, and pay what its royalty asks."""
    giver, owner = ledger.owner(parent), ledger.owner(made)
    if licence is not None:
        licence = licence_for(ledger, tx, licence.id, parent, said.asker, "derive")
    value = None if isinstance(said.value, UnsetType) else said.value
    about: dict[str, Any] = {} if value is None else {"price": value.amount, "currency": value.currency}
    asker, asked = giver if giver in said.signed else said.asker, Asked(licence, derivative=made)
    rule = decide(ledger, tx, parent, "derive", None, asker, asked=asked, to=owner, **about)
    if licence is not None:
        count_use(ledger, licence)
        tx.emit(LicenceUsed(licence=licence.id, asset=parent.id, account=said.asker, use="derive", rule=rule))
    occasion = Occasion("derivative_mint", giver, owner)
    if value is not None:
        ledger.currency(value.currency)
        occasion = Occasion("derivative_mint", giver, owner, value.amount, value.currency)
    return pay_apart(ledger, owner, due(ledger, tx, parent, None, occasion, said.terms.get(parent.id, UNSET)), giver)


def _check_open(ledger: Ledger, asset: Asset) -> None:
    for closed, why in (
        (asset.depth > 0, "it was said already"),
        (asset.token is not UNSET or asset.editions is not UNSET, "the asset is minted"),
        (ledger.lineage(asset.id).derivatives > 0, "others were made from the asset"),
    ):
        if closed:
            raise LedgerError(Code.LINEAGE_FIXED, f"{why}; lineage is said once, before both")


def _owed(rate: int) -> dict[str, int]:
    return {"direct_ppm": rate, "stacked_ppm": rate}


def _add(vector: dict[str, Ancestor], one: Ancestor) -> None:
    """Add an ancestor; one that is reached along several ways is owed along each."""
    before = vector.get(one.asset, Ancestor(asset=one.asset, depth=one.depth, stacked_ppm=0))
    vector[one.asset] = Ancestor(
        asset=one.asset,
        depth=min(before.depth, one.depth),
        direct_ppm=before.direct_ppm + one.direct_ppm,
        stacked_ppm=before.stacked_ppm + one.stacked_ppm,
    )


def _check_size(ledger: Ledger, depth: int, ancestors: tuple[Ancestor, ...]) -> None:
    payees = {share.account for one in ancestors[:ANCESTORS_MAX] for share in ledger.asset(one.asset).creators}
    for what, count, most in (
        ("generations", depth, DEPTH_MAX),
        ("ancestors", len(ancestors), ANCESTORS_MAX),
        ("payees", len(payees), PAYEES_MAX),
        ("ppm owed to ancestors", sum(one.stacked_ppm for one in ancestors), STACK_PPM_MAX),
    ):
        if count > most:
            raise LedgerError(Code.LINEAGE_TOO_LARGE, f"there would be {count} {what}, at most {most} are allowed")
