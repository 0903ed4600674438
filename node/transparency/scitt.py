"""The transparency service (RFC 9943): signed statements are checked here and registered on the chain.

The registration policy: a statement is a COSE_Sign1 in one spelling whose issuer is an enrolled account, signed by
EdDSA under a key of that account that is in force, which it names by thumbprint; neither account nor org is suspended.
The chain executes none of this. That it was done is the word of the registrar, who signs `statement.register`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from ledger import records
from ledger.actions import RegisterStatement
from ledger.block import OK, Outcome
from ledger.cose import CoseRefused, Ed25519Key
from ledger.crypto import SigningKey
from ledger.errors import Code, LedgerError
from ledger.statement import Statement, parse_statement, with_receipts
from ledger.transaction import SignedTransaction
from node.chain.chain import Chain
from node.chain.entries import Entries
from node.chain.finals import Final
from node.chain.reading import Reading
from node.content.blockstore import Blockstore
from node.ordering.own import own_transaction
from node.ordering.submitter import Submitter
from node.transparency.cose_receipts import CoseReceipts
from remarque.cid import cid_of_digest
from remarque.errors import NodeCode, NodeError

ANSWER_SECONDS = 5.0
"""How long a registration is waited for before the client is told to come back."""
VALID_MS = 60_000


class Registrar:
    """The account that registers statements at this node."""

    def __init__(self, account: str, key: SigningKey) -> None:
        self.account = account
        self._key = key

    def sign(self, chain: str, statement: Statement, now_ms: int) -> SignedTransaction:
        """The transaction that registers a statement."""
        ask = RegisterStatement(digest=statement.digest, issuer=statement.issuer, subject=statement.subject)
        return own_transaction(chain, self.account, self._key, ask, now_ms + VALID_MS)


class Statements:
    """Registers statements, and gives them back with their receipts."""

    def __init__(
        self,
        chain: Chain,
        reading: Reading,
        entries: Entries,
        receipts: CoseReceipts,
        submitter: Submitter,
        blockstore: Blockstore,
        registrar: Registrar | None,
        clock_ms: Callable[[], int],
    ) -> None:
        self._chain = chain
        self._reading = reading
        self._entries = entries
        self._receipts = receipts
        self._submitter = submitter
        self._blockstore = blockstore
        self._registrar = registrar
        self._clock_ms = clock_ms
        self._running: dict[str, SignedTransaction] = {}
        """Registrations under way, by digest."""

    def check(self, data: bytes) -> Statement:
        """The statement, if it may be registered. STATEMENT_INVALID says which rule of the policy it breaks."""
        try:
            statement = parse_statement(data)
            ledger = self._chain.ledger()
            account = ledger.find(records.account_key(statement.issuer), records.Account)
            if account is None:
                raise CoseRefused(
                    f"its issuer {statement.issuer!r} is no enrolled account; name the account that signs"
                )
            if ledger.is_suspended(account):
                raise CoseRefused(f"its issuer {account.name}, or that account's org, is suspended")
            keys = map(Ed25519Key, account.keys_in_force)
            key = next((key for key in keys if key.thumbprint == statement.key_id), None)
            if key is None:
                raise CoseRefused(f"its key is none of {account.name}'s in force; name one by its thumbprint")
            statement.check(key)
        except CoseRefused as error:
            raise NodeError(NodeCode.STATEMENT_INVALID, str(error)) from None
        return statement

    async def register(self, data: bytes) -> str:
        """Digest of a statement that is registered now, or was before. REGISTRATION_RUNNING if it takes longer."""
        if self._registrar is None:
            raise NodeError(
                NodeCode.REGISTRAR_ABSENT, "it has no [scitt] section; ask a node that registers statements"
            )
        statement = self.check(data)
        if self._entries.statement(statement.digest) is None:
            self._submitter.check_condition()
            await self._blockstore.aside(self._blockstore.take, statement.issuer, data)
            await self._commit(self._registrar, statement)
        record = self._entries.statement(statement.digest)
        if record is not None and (record.issuer, record.subject) != (statement.issuer, statement.subject):
            raise LedgerError(
                Code.STATEMENT_EXISTS, f"{record.registrant} registered it as {record.issuer}'s on {record.subject}"
            )
        return statement.digest

    async def receipt(self, digest: str, anchor: int | None = None) -> bytes:
        """This node's receipt of a registered statement."""
        self._check_running(digest)
        return await self._receipts.of_statement(digest, anchor)

    async def transparent(self, digest: str) -> bytes:
        """A registered statement with the receipts of all nodes that answer in time."""
        self._check_running(digest)
        receipts = await self._receipts.all_of_statement(digest)
        data = await self._blockstore.aside(self._blockstore.file, cid_of_digest(bytes.fromhex(digest)))
        return with_receipts(data, receipts)

    async def _commit(self, registrar: Registrar, statement: Statement) -> None:
        """Have the statement registered, in the transaction that is under way for it if there is one."""
        self._running = {one: signed for one, signed in self._running.items() if self._submitter.waits_for(signed)}
        signed = self._running.get(statement.digest)
        if signed is None:
            signed = registrar.sign(self._chain.name, statement, self._clock_ms())
            self._running[statement.digest] = signed
            await self._submitter.take([signed])
        try:
            place = await self._submitter.place(signed, asyncio.get_running_loop().time() + ANSWER_SECONDS)
        except NodeError as error:
            if error.code is not NodeCode.COMMIT_TIMEOUT:
                raise
            raise _running(statement.digest) from None
        outcome, detail = await self._reading.final(place[0], lambda final: _outcome(final, place[1]))
        if outcome.code not in (OK, Code.STATEMENT_EXISTS.name):
            raise LedgerError(Code[outcome.code], detail)

    def _check_running(self, digest: str) -> None:
        signed = self._running.get(digest)
        if self._entries.statement(digest) is None and signed is not None and self._submitter.waits_for(signed):
            raise _running(digest)


def _running(digest: str) -> NodeError:
    return NodeError(NodeCode.REGISTRATION_RUNNING, f"{digest} was taken; ask for /entries/{digest} again", 1)


def _outcome(final: Final, position: int) -> tuple[Outcome, str]:
    return final.results.outcomes[position], final.results.details[position]
