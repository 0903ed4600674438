"""The ledger as actions see it: typed records over raw state, with writes that are undone when a transaction fails.

Three layers: the state below the block, the block's writes so far, the current transaction's writes. Only the last is
dropped on a refusal. A record that is missing is a refusal with its own code, so that actions read like sentences.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol, TypeVar, cast

import contracts_vm
from ledger import records
from ledger.encoding import Value, decode_trusted, encode
from ledger.errors import Code, LedgerError
from ledger.names import INTEGER_MAX, org_of

R = TypeVar("R")
Stored = Value | int | str
"""What a key may hold."""


class StateReader(Protocol):
    """The state at a height."""

    def get(self, key: str) -> bytes | None:
        """Value of a key, or None."""

    def keys(self, prefix: str) -> Iterator[str]:
        """Keys that begin with a prefix, in ascending order."""


class Ledger:
    """Typed reading and writing above a state reader. Short-lived: what was read from below is not read again."""

    def __init__(self, state: StateReader) -> None:
        self._state = state
        self._below: dict[str, Stored | None] = {}
        """Records read from the state, by key."""
        self._block: dict[str, Stored | None] = {}
        self._transaction: dict[str, Stored | None] = {}

    # Keys

    def holds(self, key: str) -> bool:
        """Whether a key has a value, as of the current transaction."""
        for writes in (self._transaction, self._block, self._below):
            if key in writes:
                return writes[key] is not None
        if self._state.get(key) is not None:
            return True
        self._below[key] = None
        return False

    def find(self, key: str, kind: type[R]) -> R | None:
        """Record under a key, or None, as of the current transaction. A key only ever holds one kind of record."""
        for writes in (self._transaction, self._block):
            if key in writes:
                return cast("R | None", writes[key])
        return self.find_below(key, kind)

    def find_below(self, key: str, kind: type[R]) -> R | None:
        """Record under a key as it was below the block."""
        if key not in self._below:
            data = self._state.get(key)
            self._below[key] = None if data is None else cast("Stored", decode_trusted(data, kind))
        return cast("R | None", self._below[key])

    def put(self, key: str, value: Stored) -> None:
        """Set a key within the current transaction."""
        self._transaction[key] = value

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

    def kept(self) -> Iterator[tuple[str, Stored | None]]:
        """All kept writes, as records."""
        yield from self._block.items()

    def writes(self) -> tuple[tuple[str, bytes | None], ...]:
        """All kept writes in bytes, by key, so that what a block did has one order."""
        return tuple((key, None if (held := self._block[key]) is None else encode(held)) for key in sorted(self._block))

    def created(self) -> frozenset[str]:
        """Keys among the kept writes that were found to have no value below the block."""
        return frozenset(key for key in self._block if self._below.get(key, "") is None)

    def keys(self, prefix: str) -> list[str]:
        """Keys of a prefix as of the current transaction, in order. Only for kinds of which there are few records."""
        found = set(self._state.keys(prefix))
        for writes in (self._block, self._transaction):
            for key, value in writes.items():
                if key.startswith(prefix):
                    (found.discard if value is None else found.add)(key)
        return sorted(found)

    def each_key(self, prefix: str) -> Iterator[str]:
        """The same, one after the other, for kinds of which there may be many: whoever reads on pays for each."""
        written = {key for writes in (self._block, self._transaction) for key in writes if key.startswith(prefix)}
        yield from (key for key in self._state.keys(prefix) if key not in written)
        yield from (key for key in sorted(written) if self.holds(key))

    @contextmanager
    def undone(self) -> Iterator[None]:
        """A trial: what is written within is undone at its end, however it ends."""
        before = dict(self._transaction)
        try:
            yield
        finally:
            self._transaction = before

    @contextmanager
    def tried(self) -> Iterator[None]:
        """An attempt: what is written within stays, unless a refusal comes out of it."""
        before = dict(self._transaction)
        try:
            yield
        except LedgerError:
            self._transaction = before
            raise

    def keys_below(self, prefix: str) -> Iterator[str]:
        """Keys of a prefix as they were below the block."""
        return self._state.keys(prefix)

    # Records

    def parameters(self) -> records.Parameters:
        return self.find(records.parameters_key(), records.Parameters) or records.Parameters()

    def account(self, name: str) -> records.Account:
        found = self.find(records.account_key(name), records.Account)
        if found is None:
            raise LedgerError(Code.ACCOUNT_UNKNOWN, f"no account {name}; an administrator of its org enrols it")
        return found

    def org(self, name: str) -> records.Org:
        found = self.find(records.org_key(name), records.Org)
        if found is None:
            raise LedgerError(Code.ORG_UNKNOWN, f"{name} is not a member; its membership is voted on first")
        return found

    def is_suspended(self, account: records.Account) -> bool:
        """Whether an account may not act, by its own suspension or its org's."""
        return account.suspended or self.org(org_of(account.name)).suspended

    def key_fault(self, name: str, key: str) -> str:
        """Why an account may not act with a public key now, in words; empty if it may.

        That an account is suspended is said of its own keys only.
        """
        account = self.find(records.account_key(name), records.Account)
        if account is None or key not in account.keys_in_force:
            return f"{key[:16]}… is not a key of {name} in force; sign with one that is"
        if account.suspended:
            return f"{name} is suspended; an administrator of its org resumes it"
        return f"the org of {name} is suspended; a vote resumes it" if self.org(org_of(name)).suspended else ""

    def org_of_node(self, node: str) -> str:
        """Whose node this is; empty if there is none of this name."""
        found = self.find(records.node_key(node), records.NodeRecord)
        return found.org if found else ""

    def asset(self, asset: str) -> records.Asset:
        found = self.find(records.asset_key(asset), records.Asset)
        if found is None:
            raise LedgerError(Code.ASSET_UNKNOWN, f"no asset {asset[:16]}… is recorded; register it first")
        return found

    def disclosure(self, request: str) -> records.Disclosure:
        """Who may read the settings of a generation."""
        found = self.find(records.disclosure_key(request), records.Disclosure)
        if found is None:
            detail = f"no picture of generation {request[:16]}… is recorded; its record's `request` names it"
            raise LedgerError(Code.GENERATION_UNKNOWN, detail)
        return found

    def collection(self, name: str) -> records.Collection:
        found = self.find(records.collection_key(name), records.Collection)
        if found is None:
            raise LedgerError(Code.COLLECTION_UNKNOWN, f"there is no collection {name}; its owner creates it first")
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

    def amount(self, units: int, currency: str) -> str:
        """Minor units in words for people, in decimals of their currency: `1200.50 EUR`."""
        found = self.find(records.currency_key(currency), records.Currency)
        return contracts_vm.Money(units, found.decimals if found else 0, currency).text

    def policy(self, name: str, version: int) -> records.PolicyRecord:
        found = self.find(records.policy_key(name, version), records.PolicyRecord)
        if found is None:
            raise LedgerError(Code.POLICY_UNKNOWN, f"policy {name}@{version} is not published; publish it first")
        return found

    def lineage(self, asset: str) -> records.Lineage:
        """What an asset was made from, and how many were made from it."""
        return self.find(records.lineage_key(asset), records.Lineage) or records.Lineage(asset=asset)

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
                Code.INSUFFICIENT_FUNDS,
                f"{account} holds {self.amount(held, currency)}, {self.amount(amount, currency)} are needed; "
                "fund it first",
            )
        self._set_balance(account, currency, held - amount)

    def credit(self, account: str, currency: str, amount: int) -> None:
        """Give money to an account."""
        held = self.balance(account, currency)
        if held + amount > INTEGER_MAX:
            raise LedgerError(
                Code.AMOUNT_OVERFLOW, f"{account} would hold more than {self.amount(INTEGER_MAX, currency)}"
            )
        self._set_balance(account, currency, held + amount)

    def return_escrow(self, key: str, to: str, currency: str) -> int:
        """Give an account all that waits in the escrow of an offer or auction; how much it was."""
        held = self.balance(records.escrow_of(key), currency)
        if held:
            self.debit(records.escrow_of(key), currency, held)
            self.credit(to, currency, held)
        return held

    def _set_balance(self, account: str, currency: str, units: int) -> None:
        key = records.balance_key(account, currency)
        if units:
            self.put(key, units)
        else:
            self.remove(key)


def money_created(ledger: Ledger) -> dict[str, int]:
    """Units per currency that the block's balances gained beyond what was issued: zero each, or money was made."""
    gained: dict[str, int] = {}
    for key, value in ledger.kept():
        currency = key.rpartition("/")[2]
        if key.startswith(records.BALANCE_PREFIX):
            change = (cast("int", value) or 0) - (ledger.find_below(key, int) or 0)
            gained[currency] = gained.get(currency, 0) + change
        elif key.startswith("currency/"):
            change = _supply(value) - _supply(ledger.find_below(key, records.Currency))
            gained[currency] = gained.get(currency, 0) - change
    return gained


def _supply(currency: Stored | None) -> int:
    return currency.supply if isinstance(currency, records.Currency) else 0
