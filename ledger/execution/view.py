"""The ledger as actions see it: typed records over raw state, with writes that are undone when a transaction fails.

Three layers: the state below the block, the block's writes so far, the current transaction's writes. Only the last is
dropped on a refusal. A record that is missing is a refusal with its own code, so that actions read like sentences.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol, TypeVar

from ledger import records
from ledger.encoding import Value, decode_trusted, encode
from ledger.errors import Code, LedgerError
from ledger.names import INTEGER_MAX

R = TypeVar("R")


class StateReader(Protocol):
    """The state at a height."""

    def get(self, key: str) -> bytes | None:
        """Value of a key, or None."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys that begin with a prefix, in ascending order."""


class Ledger:
    """Typed reading and writing above a state reader."""

    def __init__(self, state: StateReader) -> None:
        self._state = state
        self._block: dict[str, bytes | None] = {}
        self._transaction: dict[str, bytes | None] = {}

    # Raw keys

    def get(self, key: str) -> bytes | None:
        """Value as of the current transaction."""
        if key in self._transaction:
            return self._transaction[key]
        if key in self._block:
            return self._block[key]
        return self._state.get(key)

    def before_block(self, key: str) -> bytes | None:
        """Value below the block."""
        return self._state.get(key)

    def put(self, key: str, value: Value | int | str) -> None:
        """Set a key within the current transaction."""
        self._transaction[key] = encode(value)

    def remove(self, key: str) -> None:
        """Remove a key within the current transaction."""
        self._transaction[key] = None

    def keep_transaction(self) -> None:
        """Make the current transaction's writes part of the block's."""
        self._block.update(self._transaction)
        self._transaction.clear()

    def drop_transaction(self) -> None:
        """Undo the current transaction's writes."""
        self._transaction.clear()

    def block_writes(self) -> dict[str, bytes | None]:
        """All kept writes."""
        return self._block

    def keys_below(self, prefix: str) -> Iterator[str]:
        """Keys of a prefix as they were below the block."""
        return self._state.keys(prefix)

    # Records

    def find(self, key: str, kind: type[R]) -> R | None:
        """Record under a key, or None."""
        data = self.get(key)
        return None if data is None else decode_trusted(data, kind)

    def parameters(self) -> records.Parameters:
        return self.find(records.parameters_key(), records.Parameters) or records.Parameters()

    def account(self, name: str) -> records.Account:
        found = self.find(records.account_key(name), records.Account)
        if found is None:
            raise LedgerError(Code.ACCOUNT_UNKNOWN, f"no account {name}; an administrator of its org enrols it")
        return found

    def asset(self, asset: str) -> records.Asset:
        found = self.find(records.asset_key(asset), records.Asset)
        if found is None:
            raise LedgerError(Code.ASSET_UNKNOWN, f"no asset {asset[:16]}… is recorded; register it first")
        return found

    def token(self, token: str) -> records.Token:
        found = self.find(records.token_key(token), records.Token)
        if found is None:
            raise LedgerError(Code.TOKEN_UNKNOWN, f"no token {token[:16]}… has been minted; mint it from its asset")
        return found

    def currency(self, currency: str) -> records.Currency:
        found = self.find(records.currency_key(currency), records.Currency)
        if found is None:
            raise LedgerError(Code.CURRENCY_UNKNOWN, f"no currency {currency}; its issuer creates it first")
        return found

    def policy(self, name: str, version: int) -> records.PolicyRecord:
        found = self.find(records.policy_key(name, version), records.PolicyRecord)
        if found is None:
            raise LedgerError(Code.POLICY_UNKNOWN, f"policy {name}@{version} is not published; publish it first")
        return found

    def owner(self, asset: records.Asset) -> str:
        """Who owns an asset: its token's owner, or, before it is minted, its creator."""
        return asset.owner if not isinstance(asset.token, str) else self.token(asset.token).owner

    # Money

    def balance(self, account: str, currency: str) -> int:
        """Units of a currency that an account holds."""
        return self.find(records.balance_key(account, currency), int) or 0

    def debit(self, account: str, currency: str, amount: int) -> None:
        """Take money from an account."""
        held = self.balance(account, currency)
        if held < amount:
            raise LedgerError(
                Code.INSUFFICIENT_FUNDS, f"{account} holds {held} {currency}, {amount} are needed; fund it first"
            )
        self._set_balance(account, currency, held - amount)

    def credit(self, account: str, currency: str, amount: int) -> None:
        """Give money to an account."""
        held = self.balance(account, currency)
        if held + amount > INTEGER_MAX:
            raise LedgerError(Code.AMOUNT_OVERFLOW, f"{account} would hold more than {INTEGER_MAX} {currency}")
        self._set_balance(account, currency, held + amount)

    def _set_balance(self, account: str, currency: str, units: int) -> None:
        key = records.balance_key(account, currency)
        if units:
            self.put(key, units)
        else:
            self.remove(key)


def money_created(ledger: Ledger) -> dict[str, int]:
    """Units per currency that the block's balances gained beyond what was issued: zero each, or money was made."""
    gained: dict[str, int] = {}
    for key, value in ledger.block_writes().items():
        if key.startswith(records.BALANCE_PREFIX):
            currency = key.rpartition("/")[2]
            gained[currency] = gained.get(currency, 0) + _units(value) - _units(ledger.before_block(key))
        elif key.startswith("currency/"):
            currency = key.rpartition("/")[2]
            gained[currency] = gained.get(currency, 0) - _supply(value) + _supply(ledger.before_block(key))
    return gained


def _units(value: bytes | None) -> int:
    return 0 if value is None else decode_trusted(value, int)


def _supply(value: bytes | None) -> int:
    return 0 if value is None else decode_trusted(value, records.Currency).supply


def sorted_writes(writes: Iterable[tuple[str, bytes | None]]) -> tuple[tuple[str, bytes | None], ...]:
    """Writes by key, so that what a block did has one order."""
    return tuple(sorted(writes))
