"""One transaction while it runs: who signed it, when, what it has decided and emitted, and what fuel is left."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from ledger.actions import Action
from ledger.block import Decision
from ledger.errors import Code, LedgerError, ensure
from ledger.events import Event
from ledger.execution.view import Ledger
from ledger.names import org_of
from ledger.records import Account
from ledger.transaction import SignedTransaction
from ledger.version import ProtocolVersion

ACTION_FUEL = 100
"""What any action costs before its rules are counted."""
SIGNATURE_FUEL = 1_000
"""What checking a signature inside an action costs."""


class Context:
    """What an action may know of its transaction and block, and where it leaves what it did."""

    def __init__(
        self, signed: SignedTransaction, height: int, time_ms: int, version: ProtocolVersion, fuel: int
    ) -> None:
        self.transaction = signed.transaction
        self.transaction_id = signed.id
        self.height = height
        self.time_ms = time_ms
        self.version = version
        self.fuel_left = fuel
        self.action_index = 0
        self.accounts: dict[str, Account] = {}
        self.events: list[Event] = []
        self.decisions: list[Decision] = []
        self.explanations: list[dict[str, Any]] = []
        """Whole explanations of the decisions that have one, in order; kept beside the chain."""

    @property
    def signer(self) -> str:
        """The account that acts: the first signer."""
        return self.transaction.signers[0].account

    def check_signers(self, ledger: Ledger) -> None:
        """Refuse signers who are not enrolled, or keys that are not theirs any more."""
        for signer in self.transaction.signers:
            account = ledger.account(signer.account)
            key = next((key for key in account.keys if key.public == signer.key), None)
            if key is None:
                raise LedgerError(
                    Code.KEY_UNKNOWN, f"{signer.key[:16]}… is not a key of {signer.account}; sign with an enrolled key"
                )
            if key.revoked:
                raise LedgerError(
                    Code.KEY_REVOKED, f"key {signer.key[:16]}… of {signer.account} is revoked; use another"
                )
            _check_not_suspended(ledger, account)
            self.accounts[signer.account] = account

    def require_signer(self, account: str, code: Code = Code.SIGNER_MISSING) -> None:
        """Refuse unless the account signed."""
        if account not in self.accounts:
            signers = ", ".join(self.accounts)
            raise LedgerError(code, f"this needs the signature of {account}, it is signed by {signers}")

    def require_role(self, role: str) -> None:
        """Refuse unless the acting account holds a role."""
        if role not in self.accounts[self.signer].roles:
            raise LedgerError(
                Code.ROLE_MISSING,
                f"{self.signer} lacks the role {role}; its org or a vote gives it",
            )

    def spend(self, fuel: int) -> None:
        """Use fuel, or refuse when none is left."""
        self.fuel_left -= fuel
        if self.fuel_left < 0:
            raise LedgerError(Code.FUEL_EXHAUSTED, "ask for less in one transaction")

    def emit(self, event: Event) -> None:
        """State what was done."""
        self.events.append(event)


def _check_not_suspended(ledger: Ledger, account: Account) -> None:
    org = org_of(account.name)
    if account.suspended:
        raise LedgerError(Code.ACCOUNT_SUSPENDED, f"{account.name} is suspended; an administrator of {org} resumes it")
    if ledger.org(org).suspended:
        raise LedgerError(Code.ORG_SUSPENDED, f"{org} is suspended; a vote of the consortium resumes it")


A = TypeVar("A", bound=Action)
Handler = Callable[[Ledger, Context, Any], None]

HANDLERS: dict[type[Action], Handler] = {}
"""The function of each action."""


def action(kind: type[A]) -> Callable[[Callable[[Ledger, Context, A], None]], Callable[[Ledger, Context, A], None]]:
    """Make a function the one that carries out an action."""

    def register(handler: Callable[[Ledger, Context, A], None]) -> Callable[[Ledger, Context, A], None]:
        ensure(kind not in HANDLERS, f"{kind.__name__} has one handler")
        HANDLERS[kind] = handler
        return handler

    return register
