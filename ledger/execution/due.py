"""What is due when a token changes hands or is used: which royalty clause, who is paid, and how much.

Every action that moves money for a picture asks here. The broadest scope's clause for an occasion goes before the
others; a token's own terms say rate and payees of its resales, and the clause says the rest. A token keeps the terms it
was minted under: later ones count only if its consortium votes them, or its creators and holders sign them, and only
where they take less. So nobody else lowers what it owes, nobody raises it, and no later floor stops a sale that the
minted terms would settle. Nobody pays more than the action says, unless the action names the terms that ask for it.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, UnsetType

import contracts_vm
from ledger.errors import Code, LedgerError
from ledger.execution.beside import paid_apart, paid_beside, priced_beside
from ledger.execution.context import Context
from ledger.execution.policy import facts_for
from ledger.execution.scope import policies_named, policy_names, terms_for
from ledger.execution.view import Ledger
from ledger.records import Asset, Token

PRIMARY_SALE, SECONDARY_SALE = "primary_sale", "secondary_sale"
ANCESTOR_FUEL = 20
"""What looking up one ancestor's payees costs."""

UNSETTLED = (Code.CURRENCY_MISMATCH, Code.PRICE_TOO_LOW, Code.AMOUNT_OVERFLOW, Code.SOLD_TOGETHER)
"""Where later terms end in one of these refusals, those of the mint stand alone."""

GIFT, SWAP = "gift", "swap"
KIND_OF = {GIFT: "transfer", SWAP: "transfer", "licence": "grant", "rental": "rent", "derivative_mint": "derive"}
"""What the rules are asked about, by royalty trigger; all others are sales."""


class Occasion(msgspec.Struct, frozen=True):
    """What a royalty may be due on."""

    trigger: str
    giver: str
    """Who gives: seller, owner, or the parent's owner."""
    to: str
    """Empty while it is not known."""
    price: int = 0
    """What is paid; in a swap, the declared value, of which only the royalty is paid."""
    currency: str = ""
    """Empty where there is no price."""
    beside: int = 0
    """What else is asked for in the same transaction: royalties are parts of both together."""


class Due(msgspec.Struct, frozen=True):
    """How the money of an occasion moves."""

    split: contracts_vm.Settlement
    currency: str
    payer: str
    """`buyer` or `seller`, as the clause says."""
    refund: str


def due(
    ledger: Ledger,
    tx: Context,
    asset: Asset,
    token: Token | None,
    occasion: Occasion,
    terms: str | UnsetType = UNSET,
) -> Due:
    """What an occasion costs and whom it pays, by the terms that hold for this token."""
    beside = list(priced_beside(tx))
    if occasion.price and occasion.trigger != SWAP:
        together = sum(one.amount for one in beside if one.currency == occasion.currency)
        occasion = msgspec.structs.replace(occasion, beside=together)
    first, *later = clauses_for(ledger, tx, asset, token, occasion)
    found = _due_under(ledger, tx, first, asset, token, occasion)
    for clause in later:
        found = _lesser(found, _if_it_settles(ledger, tx, clause, asset, token, occasion))
    if beside and found.split.royalty:
        _check_together(ledger, tx, occasion, found, {one.currency for one in beside})
    more = found.split.buyer_pays - occasion.price
    if more and terms is UNSET:
        raise LedgerError(
            Code.TERMS_MISSING,
            f"{ledger.amount(more, found.currency)} are due beside what the action says; name the terms that "
            f"ask for it, now {' '.join(policy_names(ledger, asset))}",
        )
    return found


def _check_together(ledger: Ledger, tx: Context, occasion: Occasion, found: Due, currencies: set[str]) -> None:
    """Refuse what is priced with other things where a part could bear a royalty that another part owes."""
    for fault, why in (
        (currencies != {found.currency}, f"the others are priced in {', '.join(sorted(currencies))}"),
        (found.split.buyer_pays > occasion.price, "it is due on top of the price"),
        (occasion.giver not in tx.accounts, f"{occasion.giver}, who receives less by it, has not signed"),
    ):
        if fault:
            raise LedgerError(
                Code.SOLD_TOGETHER,
                f"a royalty of {ledger.amount(found.split.royalty, found.currency)} is due, and {why}; ask for it in a "
                "transaction of its own",
            )


def sale_of(token: Token, buyer: str, price: int, currency: str) -> Occasion:
    """The sale of a token by its owner: the creator's first one is primary."""
    primary = token.sales == 0 and token.owner == token.creator
    return Occasion(PRIMARY_SALE if primary else SECONDARY_SALE, token.owner, buyer, price, currency)


def check_terms(ledger: Ledger, asset: Asset, terms: str | UnsetType) -> None:
    """Refuse if a buyer saw other policies than those in force."""
    now = " ".join(policy_names(ledger, asset))
    if terms is not UNSET and terms != now:
        raise LedgerError(Code.TERMS_CHANGED, f"{now} is in force, the buyer saw {terms}; look at it again")


def check_currency(ledger: Ledger, tx: Context, asset: Asset, token: Token, price: int, currency: str) -> None:
    """Refuse a price in another currency than that of the floor of the sale's royalty.

    The buyer is not known yet, so a clause whose condition asks for one is seen at the sale.
    """
    occasion = sale_of(token, "", price, currency)
    clause = clauses_for(ledger, tx, asset, token, occasion)[0]
    if clause is not None and not clause.error:
        _check_least(clause, occasion)


def clauses_for(
    ledger: Ledger, tx: Context, asset: Asset, token: Token | None, occasion: Occasion
) -> list[contracts_vm.DueRoyalty | None]:
    """The clauses that may be due on an occasion, also those whose condition has no value: the minted terms' first."""
    about: dict[str, Any] = {"to": occasion.to} if occasion.to else {}
    if occasion.price:
        about |= {"price": occasion.price, "currency": occasion.currency}
    about |= {"paid": paid_beside(tx), "paid_apart": paid_apart(tx)}
    kind = KIND_OF.get(occasion.trigger, "sale")
    facts = facts_for(ledger, tx.height, tx.time_ms, asset, kind, token, occasion.giver, about)
    return clauses_by(ledger, tx, terms_for(ledger, asset, token), occasion.trigger, facts)


def clauses_by(
    ledger: Ledger, tx: Context, groups: tuple[tuple[str, ...], ...], trigger: str, facts: dict[str, dict[str, Any]]
) -> list[contracts_vm.DueRoyalty | None]:
    """The first clause of each group of policies that is due by given facts. A policy in two groups is asked once."""
    asked: dict[str, contracts_vm.DueRoyalty | None] = {}
    found = []
    for names in groups:
        for name in names:
            if name not in asked:
                asked[name] = _clause_of(ledger, tx, name, trigger, facts)
            if asked[name] is not None:
                break
        found.append(asked[name])
    return found


def _clause_of(
    ledger: Ledger, tx: Context, name: str, trigger: str, facts: dict[str, dict[str, Any]]
) -> contracts_vm.DueRoyalty | None:
    (policy,) = policies_named(ledger, (name,))
    fuel = tx.version.decision_fuel_max
    meter = [fuel]
    clause = policy.royalty_for(trigger, facts, meter)
    tx.spend(min(fuel, fuel - meter[0]))
    return clause


def _lesser(minted: Due, later: Due | None) -> Due:
    """The later terms if they take less. Amounts of two currencies are not compared, but to take nothing is less."""
    if later is None or later.split.royalty >= minted.split.royalty:
        return minted
    return later if later.currency == minted.currency or not later.split.royalty else minted


def _if_it_settles(
    ledger: Ledger,
    tx: Context,
    clause: contracts_vm.DueRoyalty | None,
    asset: Asset,
    token: Token | None,
    occasion: Occasion,
) -> Due | None:
    """What is due by later terms, or None where they cannot settle the occasion, and so do not take less."""
    try:
        return _due_under(ledger, tx, clause, asset, token, occasion)
    except LedgerError as refusal:
        if refusal.code not in UNSETTLED:
            raise
        return None


def _due_under(
    ledger: Ledger,
    tx: Context,
    clause: contracts_vm.DueRoyalty | None,
    asset: Asset,
    token: Token | None,
    occasion: Occasion,
) -> Due:
    rate, shares = 0 if clause is None else clause.rate_ppm, asset.creators
    if token is not None and token.royalty is not UNSET and occasion.trigger == SECONDARY_SALE:
        rate, shares = token.royalty.rate_ppm, token.royalty.payees
    payees = [(share.account, share.weight_ppm) for share in shares]
    if clause is None:
        return Due(_settled(ledger, occasion, rate, payees, "seller"), occasion.currency, "seller", "keep")
    if clause.error:
        raise LedgerError(Code.ROYALTY_INVALID, f"royalty {clause.id}: {clause.error}; ask for another policy")
    named = [(one.rate_ppm, [(one.payee, contracts_vm.PPM_WHOLE)]) for one in clause.named]
    others = [*named, *_ancestors(ledger, tx, asset, clause.upstream)]
    bounds = {"cap_ppm": contracts_vm.PPM_WHOLE if clause.cap_ppm is None else clause.cap_ppm}
    currency = occasion.currency
    swapped = occasion.trigger == SWAP and occasion.price > 0
    _check_least(clause, occasion)
    for money in _least(clause, occasion):
        currency = money.currency
        name, units = "floor" if occasion.price else "fallback", money.units(ledger.currency(currency).decimals) or 0
        bounds[name] = max(units, bounds.get(name, 0))
    split = _settled(ledger, occasion, rate, payees, "buyer" if swapped else clause.payer, others=others, **bounds)
    if occasion.trigger in (GIFT, SWAP):
        split = _to_others(split, occasion.to if clause.payer == "buyer" else occasion.giver)
    return Due(split, currency, clause.payer, clause.refund)


def _to_others(split: contracts_vm.Settlement, payer: str) -> contracts_vm.Settlement:
    """What is due besides a price, without what its payer would pay to itself: a sole creator's gift costs nothing."""
    own = sum(amount for payee, amount in split.payments if payee == payer)
    others = tuple(one for one in split.payments if one[0] != payer)
    return contracts_vm.Settlement(split.royalty - own, others, split.seller_receives, split.buyer_pays - own)


def _least(clause: contracts_vm.DueRoyalty, occasion: Occasion) -> list[contracts_vm.Money]:
    """What is due at least: the floor of a price, the fallback where there is none; of a declared value, both."""
    if not occasion.price:
        found = [clause.fallback]
    elif occasion.trigger == SWAP:
        found = [clause.floor, clause.fallback]
    else:
        found = [clause.floor]
    return [money for money in found if money is not None]


def _check_least(clause: contracts_vm.DueRoyalty, occasion: Occasion) -> None:
    """Refuse a price in another currency than what is due at least, for nothing is converted."""
    for money in _least(clause, occasion):
        if occasion.price and money.currency != occasion.currency:
            raise LedgerError(
                Code.CURRENCY_MISMATCH,
                f"royalty {clause.id} is at least {money.text}, the price is in {occasion.currency}; "
                f"ask for {money.currency}",
            )


def _ancestors(
    ledger: Ledger, tx: Context, asset: Asset, upstream: contracts_vm.Upstream | None
) -> list[tuple[int, list[tuple[str, int]]]]:
    """What an asset's ancestors are owed under a clause, each with its creators."""
    if upstream is None or not asset.depth:
        return []
    found = []
    for one in ledger.lineage(asset.id).ancestors:
        rate = one.stacked_ppm if upstream.mode == "lap" else one.direct_ppm
        if rate and one.depth <= upstream.max_depth:
            tx.spend(ANCESTOR_FUEL)
            found.append((rate, [(share.account, share.weight_ppm) for share in ledger.asset(one.asset).creators]))
    return found


def _settled(
    ledger: Ledger, occasion: Occasion, rate: int, payees: list[tuple[str, int]], payer: str, **terms: Any
) -> contracts_vm.Settlement:
    worth = occasion.price + occasion.beside
    try:
        split = contracts_vm.settle(occasion.price, rate, payees, payer, worth=worth, **terms)
    except contracts_vm.RoyaltyError as error:
        if error.code == "ROYALTY_OVER_PRICE":
            raise LedgerError(
                Code.SOLD_TOGETHER, f"{error}; what one transaction sells is valued together, so sell this by itself"
            ) from None
        raise LedgerError(
            Code.AMOUNT_OVERFLOW, f"the sale cannot be settled: {error}; list it at a lower price"
        ) from None
    stack = min(rate + sum(one for one, _ in terms.get("others", ())), terms.get("cap_ppm", contracts_vm.PPM_WHOLE))
    if occasion.price and stack and not split.royalty:
        least = -(-contracts_vm.PPM_WHOLE // stack)
        shown, lowest = (ledger.amount(units, occasion.currency) for units in (worth, least))
        raise LedgerError(Code.PRICE_TOO_LOW, f"{stack} ppm of {shown} round to nothing; {lowest} is the least price")
    return split
