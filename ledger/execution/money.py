"""Money: integers of minor units with their currency. Nothing is converted, rounded away or made from nothing."""

from __future__ import annotations

from msgspec.structs import replace

from ledger.actions import CreateCurrency, IssueCurrency, Pay, RedeemCurrency
from ledger.errors import Code, LedgerError
from ledger.events import CurrencyCreated, CurrencyIssued, CurrencyRedeemed, Paid
from ledger.execution.context import Context, action
from ledger.execution.view import Ledger
from ledger.names import INTEGER_MAX
from ledger.records import Currency, currency_key

ISSUER = "issuer"


@action(CreateCurrency)
def create(ledger: Ledger, tx: Context, ask: CreateCurrency) -> None:
    """Name a currency; the signer becomes its issuer."""
    tx.require_role(ISSUER)
    if ledger.holds(currency_key(ask.currency)):
        raise LedgerError(Code.CURRENCY_EXISTS, f"{ask.currency} exists; choose another code")
    ledger.put(currency_key(ask.currency), Currency(currency=ask.currency, decimals=ask.decimals, issuer=tx.signer))
    tx.emit(CurrencyCreated(currency=ask.currency, issuer=tx.signer))


@action(IssueCurrency)
def issue(ledger: Ledger, tx: Context, ask: IssueCurrency) -> None:
    """Make units of a currency, for an account."""
    currency = ledger.currency(ask.currency)
    tx.require_signer(currency.issuer)
    ledger.account(ask.to)
    if currency.supply + ask.amount > INTEGER_MAX:
        raise LedgerError(Code.AMOUNT_OVERFLOW, f"the supply would exceed {ledger.amount(INTEGER_MAX, ask.currency)}")
    ledger.put(currency_key(ask.currency), replace(currency, supply=currency.supply + ask.amount))
    ledger.credit(ask.to, ask.currency, ask.amount)
    tx.emit(CurrencyIssued(currency=ask.currency, to=ask.to, amount=ask.amount))


@action(RedeemCurrency)
def redeem(ledger: Ledger, tx: Context, ask: RedeemCurrency) -> None:
    """Take units that the signer holds out of circulation."""
    currency = ledger.currency(ask.currency)
    ledger.debit(tx.signer, ask.currency, ask.amount)
    ledger.put(currency_key(ask.currency), replace(currency, supply=currency.supply - ask.amount))
    tx.emit(CurrencyRedeemed(currency=ask.currency, holder=tx.signer, amount=ask.amount))


@action(Pay)
def pay(ledger: Ledger, tx: Context, ask: Pay) -> None:
    """Move money from the signer to another account."""
    ledger.currency(ask.currency)
    ledger.account(ask.to)
    if ask.to == tx.signer:
        raise LedgerError(Code.SELF_PAYMENT, f"{ask.to} would pay itself; name another payee")
    ledger.debit(tx.signer, ask.currency, ask.amount)
    ledger.credit(ask.to, ask.currency, ask.amount)
    tx.emit(Paid(sender=tx.signer, to=ask.to, currency=ask.currency, amount=ask.amount))
