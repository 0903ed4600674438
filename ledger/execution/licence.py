"""Licences: giving, offering, ending and using them, and what the rules see of the one that somebody acts under.

A licence opens nothing by itself: it is a fact, and the policies say what it is worth. What is named in it binds all
the same: it serves whom it is for, for its uses, in its media and territories, until it ends or is used up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import UNSET, UnsetType
from msgspec.structs import replace

from ledger import crypto
from ledger.actions import BuyLicence, GrantLicence, OfferLicence, RevokeLicence, UseLicence, WithdrawLicenceOffer
from ledger.actions.licences import Licensed, Use
from ledger.errors import Code, LedgerError
from ledger.events import (
    LicenceGranted,
    LicenceOffered,
    LicenceOfferWithdrawn,
    LicenceRevoked,
    LicenceUsed,
    PaymentIn,
)
from ledger.execution.consent import check_stands, consenting_key, is_void
from ledger.execution.context import Context, action
from ledger.execution.due import check_terms
from ledger.execution.policy import Asked, decide
from ledger.execution.scope import HOLDER_FUEL, in_force
from ledger.execution.settlement import pay_licence
from ledger.execution.view import Ledger
from ledger.names import INTEGER_MAX, org_of
from ledger.prices import Price
from ledger.records import (
    Asset,
    Licence,
    LicenceOffer,
    exclusive_key,
    licence_key,
    licence_offer_key,
    licensed_key,
    licensee_key,
)
from ledger.times import moment


@action(GrantLicence)
def grant(ledger: Ledger, tx: Context, ask: GrantLicence) -> None:
    """License an asset; the policies decide whether its owner may, and what is due to its creators."""
    asset = ledger.asset(ask.asset)
    _check_licensee(ledger, ask.to)
    _check_later(tx, ask.until_ms)
    price = None if ask.price is UNSET else ask.price
    about: dict[str, Any] = {} if price is None else {"price": price.amount, "currency": price.currency}
    check_terms(ledger, asset, ask.terms)
    decide(ledger, tx, asset, "license", to=ask.to, **about)
    licence = Licence(
        **_what(ask),
        id=_new_id(ledger, tx, asset.id),
        to=ask.to,
        until_ms=ask.until_ms,
        exclusive=ask.exclusive,
        granted_by=tx.signer,
        key=consenting_key(tx, tx.signer),
        record=asset.transaction,
        height=tx.height,
    )
    if price is not None:
        licence = replace(licence, payer=_payer(ask), policies=in_force(ledger, asset))
    _give(ledger, tx, asset, licence, price, ask.terms)


@action(OfferLicence)
def offer(ledger: Ledger, tx: Context, ask: OfferLicence) -> None:
    """Offer licences of an asset; the policies decide now, and again whenever one is bought."""
    asset = ledger.asset(ask.asset)
    tx.require_signer(ledger.owner(asset), Code.NOT_OWNER)
    _check_later(tx, ask.until_ms)
    ledger.currency(ask.price.currency)
    decide(ledger, tx, asset, "license", price=ask.price.amount, currency=ask.price.currency)
    made = LicenceOffer(
        **_what(ask),
        id=_new_id(ledger, tx, asset.id),
        price=ask.price.amount,
        currency=ask.price.currency,
        until_ms=ask.until_ms,
        lasting_ms=ask.lasting_ms,
        offered_by=tx.signer,
        key=consenting_key(tx, tx.signer),
        record=asset.transaction,
    )
    ledger.put(licence_offer_key(asset.id, made.id), made)
    tx.emit(LicenceOffered(offer=made.id, asset=asset.id, offered_by=tx.signer))


@action(WithdrawLicenceOffer)
def withdraw(ledger: Ledger, tx: Context, ask: WithdrawLicenceOffer) -> None:
    """Take an offer of licences back; those that were bought stay."""
    asset, found = ledger.asset(ask.asset), _offered(ledger, ask.asset, ask.offer)
    if {found.offered_by, ledger.owner(asset)}.isdisjoint(tx.accounts):
        raise LedgerError(Code.NOT_OWNER, f"{found.offered_by} made the offer; have them withdraw it")
    ledger.remove(licence_offer_key(asset.id, found.id))
    tx.emit(LicenceOfferWithdrawn(offer=found.id, asset=asset.id))


@action(BuyLicence)
def buy(ledger: Ledger, tx: Context, ask: BuyLicence) -> None:
    """Take a licence that the owner offers: decided as the owner's act, paid by the signer."""
    asset, found = ledger.asset(ask.asset), _offered(ledger, ask.asset, ask.offer)
    owner = ledger.owner(asset)
    if found.until_ms <= tx.time_ms or found.record != asset.transaction or found.offered_by != owner:
        raise LedgerError(Code.OFFER_ENDED, f"offer {found.id[:16]}… has ended; ask {owner} for a licence")
    check_stands(ledger, found.offered_by, found.key)
    if (ask.price.amount, ask.price.currency) != (found.price, found.currency):
        shown = ledger.amount(found.price, found.currency)
        raise LedgerError(Code.PRICE_CHANGED, f"it costs {shown}; look at it again")
    check_terms(ledger, asset, ask.terms)
    to = org_of(tx.signer) if ask.for_org else tx.signer
    decide(ledger, tx, asset, "license", requester=owner, to=to, price=found.price, currency=found.currency)
    licence = Licence(
        asset=asset.id,
        uses=found.uses,
        media=found.media,
        territories=found.territories,
        times=found.times,
        text=found.text,
        id=_new_id(ledger, tx, asset.id),
        to=to,
        until_ms=UNSET if isinstance(found.lasting_ms, UnsetType) else min(tx.time_ms + found.lasting_ms, INTEGER_MAX),
        granted_by=owner,
        key=found.key,
        record=asset.transaction,
        height=tx.height,
        payer=tx.signer,
        policies=in_force(ledger, asset),
    )
    _give(ledger, tx, asset, licence, ask.price, ask.terms)


def _what(ask: Licensed) -> dict[str, Any]:
    """What a licence is for, as its record has it."""
    return {name: getattr(ask, name) for name in Licensed.__struct_fields__}


def _check_later(tx: Context, until_ms: int | UnsetType) -> None:
    if not isinstance(until_ms, UnsetType) and until_ms <= tx.time_ms:
        raise LedgerError(Code.END_INVALID, f"it would end at {moment(until_ms)}, block time is {moment(tx.time_ms)}")


def _give(
    ledger: Ledger, tx: Context, asset: Asset, licence: Licence, price: Price | None, terms: str | UnsetType
) -> None:
    """Put a licence on the chain, once it is paid for."""
    _check_others(ledger, tx, asset, licence)
    payments: tuple[PaymentIn, ...] = ()
    if price is not None and not isinstance(licence.payer, UnsetType):
        payments = pay_licence(ledger, tx, asset, licence.payer, price, terms)
    ledger.put(licence_key(licence.id), licence)
    for key in _places(licence):
        ledger.put(key, tx.height)
    tx.emit(
        LicenceGranted(
            licence=licence.id, asset=asset.id, to=licence.to, granted_by=licence.granted_by, payments=payments
        )
    )


def _offered(ledger: Ledger, asset: str, name: str) -> LicenceOffer:
    found = ledger.find(licence_offer_key(asset, name), LicenceOffer)
    if found is None:
        raise LedgerError(Code.OFFER_UNKNOWN, f"asset {asset[:16]}… has no offer {name[:16]}…, or it was withdrawn")
    return found


@action(RevokeLicence)
def revoke(ledger: Ledger, tx: Context, ask: RevokeLicence) -> None:
    """End a licence now, for all that is asked for from here on."""
    asset, licence = ledger.asset(ask.asset), licence_named(ledger, ask.licence)
    if licence.asset != asset.id:
        raise LedgerError(Code.LICENCE_UNFIT, f"licence {licence.id[:16]}… is for asset {licence.asset[:16]}…")
    paid = licence.payer is not UNSET and stands(ledger, licence, asset, tx.time_ms)
    if paid and licence.payer not in tx.accounts:
        raise LedgerError(
            Code.LICENCE_PAID, f"{licence.payer} has paid for licence {licence.id[:16]}…; have them sign too"
        )
    decide(ledger, tx, asset, "revoke", to=licence.to)
    for key in (licence_key(licence.id), *_places(licence)):
        ledger.remove(key)
    tx.emit(LicenceRevoked(licence=licence.id, asset=asset.id, to=licence.to, revoked_by=tx.signer))


@action(UseLicence)
def use(ledger: Ledger, tx: Context, ask: UseLicence) -> None:
    """Publish an asset under a licence."""
    asset = ledger.asset(ask.asset)
    licence = licence_for(ledger, tx, ask.licence, asset, tx.signer, "publish")
    for kind, said, named in (("medium", ask.medium, licence.media), ("territory", ask.territory, licence.territories)):
        if named and said not in named:
            raise LedgerError(Code.LICENCE_UNFIT, f"it names the {kind} {' '.join(named)}; say which of them it is")
    request = {"purpose": ask.purpose, "medium": ask.medium, "territory": ask.territory}
    rule = decide(ledger, tx, asset, "publish", asked=Asked(licence, request))
    count_use(ledger, licence)
    tx.emit(
        LicenceUsed(
            licence=licence.id,
            asset=asset.id,
            account=tx.signer,
            use="publish",
            rule=rule,
            purpose=ask.purpose,
            medium=ask.medium,
            territory=ask.territory,
        )
    )


def licence_id(signer: str, nonce: str, action_index: int) -> str:
    """Id of the licence, or the offer of some, that an action makes.

    It is known before the transaction is signed, so that one transaction buys a licence and asks for what it is for.
    """
    return crypto.digest(crypto.LICENCE, f"{signer}/{nonce}/{action_index}".encode())


def _new_id(ledger: Ledger, tx: Context, asset: str) -> str:
    made = licence_id(tx.signer, tx.transaction.nonce, tx.action_index)
    if ledger.holds(licence_key(made)) or ledger.holds(licence_offer_key(asset, made)):
        raise LedgerError(
            Code.LICENCE_EXISTS, f"{tx.signer} has used this nonce for licence {made[:16]}…; take another"
        )
    return made


def licence_named(ledger: Ledger, name: str) -> Licence:
    """A licence that was granted and not revoked; LICENCE_UNKNOWN."""
    found = ledger.find(licence_key(name), Licence)
    if found is None:
        raise LedgerError(Code.LICENCE_UNKNOWN, f"there is no licence {name[:16]}…, or it was revoked")
    return found


def licences_of(ledger: Ledger, tx: Context, prefix: str) -> Iterator[Licence]:
    """The licences whose ids stand under a prefix; whoever reads on pays for each."""
    for key in ledger.each_key(prefix):
        tx.spend(HOLDER_FUEL)
        yield licence_named(ledger, key.removeprefix(prefix))


def licence_for(ledger: Ledger, tx: Context, name: str, asset: Asset, account: str, wanted: Use) -> Licence:
    """The licence under which an account asks for a use of an asset; LICENCE_UNFIT unless it is for that."""
    licence = licence_named(ledger, name)
    for fits, why in (
        (licence.asset == asset.id, f"it is for asset {licence.asset[:16]}…"),
        (licence.to in (account, org_of(account)), f"it is {licence.to}'s, not {account}'s"),
        (wanted in licence.uses, f"it is for {' '.join(licence.uses)}, not for {wanted}"),
        (stands(ledger, licence, asset, tx.time_ms), "it has ended, or its asset has another record now"),
        (licence.left != 0, f"it has been used {licence.used} times, as often as it may"),
    ):
        if not fits:
            raise LedgerError(Code.LICENCE_UNFIT, f"licence {name[:16]}…: {why}; ask for another")
    return licence


def count_use(ledger: Ledger, licence: Licence) -> None:
    """Count a use of a licence."""
    ledger.put(licence_key(licence.id), replace(licence, used=licence.used + 1))


def stands(ledger: Ledger, licence: Licence, asset: Asset, time_ms: int) -> bool:
    """Whether a licence has not ended: nor its record, nor, if it was given for nothing, the key that gave it."""
    if licence.record != asset.transaction or (licence.until_ms is not UNSET and licence.until_ms <= time_ms):
        return False
    return licence.payer is not UNSET or not is_void(ledger, licence.granted_by, licence.key)


def _places(licence: Licence) -> list[str]:
    """Where a licence is found by its asset and by whose it is."""
    exclusive = [exclusive_key(licence.asset, licence.id)] if licence.exclusive else []
    return [licensed_key(licence.asset, licence.id), licensee_key(licence.to, licence.id), *exclusive]


def _check_licensee(ledger: Ledger, to: str) -> None:
    if "@" in to:
        ledger.account(to)
    else:
        ledger.org(to)


def _check_others(ledger: Ledger, tx: Context, asset: Asset, licence: Licence) -> None:
    """Refuse what somebody else has an exclusive licence for, and an exclusive licence for what others have one for."""
    prefix = (licensed_key if licence.exclusive else exclusive_key)(asset.id, "")
    for one in licences_of(ledger, tx, prefix):
        if one.to != licence.to and _overlap(one, licence) and stands(ledger, one, asset, tx.time_ms):
            raise LedgerError(
                Code.LICENCE_EXCLUSIVE,
                f"{one.to} has licence {one.id[:16]}… for some of it, and one of the two would be exclusive",
            )


def _overlap(one: Licence, other: Licence) -> bool:
    """Whether two licences are for a use in common, in a medium and a territory in common; none named means all."""
    return not set(one.uses).isdisjoint(other.uses) and all(
        not mine or not theirs or not set(mine).isdisjoint(theirs)
        for mine, theirs in ((one.media, other.media), (one.territories, other.territories))
    )


def _payer(ask: GrantLicence) -> str:
    if "@" in ask.to:
        return ask.to
    if isinstance(ask.payer, UnsetType) or org_of(ask.payer) != ask.to:
        raise LedgerError(Code.SIGNER_MISSING, f"name an account of {ask.to} as payer, which signs too")
    return ask.payer
