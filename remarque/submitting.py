"""Signing what an account wants, alone or with others, and having it committed."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import msgspec

from ledger.actions import AnyAction
from ledger.receipt import Receipt, ReceiptRefused, parse_receipt
from ledger.transaction import SignedTransaction, Signer, Transaction, sign
from remarque.api.transactions import BatchOutcome, BatchOutcomes
from remarque.drafts import Draft, complete, draft_of, sign_draft
from remarque.errors import NodeCode, Pending, RemarqueError
from remarque.reading import QueryMethods
from remarque.requesting import Unanswered, now_ms, settles_nothing, value_of

T = TypeVar("T")

VALID_SECONDS = 300
"""For how long a transaction is valid unless told otherwise."""


NOT_TAKEN = frozenset(
    code.name
    for code in (
        NodeCode.NO_LEADER,
        NodeCode.OVERLOADED,
        NodeCode.MEMPOOL_FULL,
        NodeCode.ACCOUNT_BUSY,
        NodeCode.DISK_FULL,
    )
)
"""Refusals of a node that could not take what it was sent, so that nothing becomes of it."""


class SubmitMethods(QueryMethods):
    """An account's way to change the ledger. Keys never travel."""

    async def sign(
        self, *wanted: AnyAction, valid_s: int = VALID_SECONDS, memo: str | None = None
    ) -> SignedTransaction:
        """Sign actions as one transaction of this client's account, valid for so many seconds. Sends nothing."""
        account, key = self._signer()
        transaction = Transaction(
            chain=(await self.genesis()).chain,
            signers=(Signer(account=account, key=key.public),),
            valid_until_ms=now_ms() + valid_s * 1000,
            nonce=secrets.token_hex(16),
            actions=wanted,
            memo=msgspec.UNSET if memo is None else memo,
        )
        return sign(transaction, [key])

    async def draft(
        self, *wanted: AnyAction, signers: dict[str, str], valid_s: int = VALID_SECONDS, memo: str | None = None
    ) -> Draft:
        """Actions for several accounts to sign; the first of them is the one that acts.

        `signers` maps each account to the public key it will sign with; empty: its only key in force.
        """
        found = []
        for account, key in signers.items():
            found.append(Signer(account=account, key=key or await self._only_key(account)))
        transaction = Transaction(
            chain=(await self.genesis()).chain,
            signers=tuple(found),
            valid_until_ms=now_ms() + valid_s * 1000,
            nonce=secrets.token_hex(16),
            actions=wanted,
            memo=msgspec.UNSET if memo is None else memo,
        )
        return draft_of(transaction)

    async def draft_with(
        self, others: dict[str, str], *wanted: AnyAction, valid_s: int = VALID_SECONDS, memo: str | None = None
    ) -> Draft:
        """Actions that this client's account asks for and others have to agree to; signed by this client already.

        `others` maps each account to the public key it will sign with; empty: its only key in force.
        """
        account, own = self._signer()
        draft = await self.draft(*wanted, signers={account: own.public, **others}, valid_s=valid_s, memo=memo)
        return sign_draft(draft, own)

    async def _only_key(self, account: str) -> str:
        keys = (await self.account_record(account)).keys_in_force
        if len(keys) != 1:
            raise RemarqueError(
                "DRAFT_INVALID", f"{account} has {len(keys)} keys in force; name the one it will sign with"
            )
        return keys[0]

    async def submit(self, *wanted: AnyAction, memo: str | None = None) -> Receipt:
        """Sign actions as one transaction and have it committed: all are carried out, or none; the receipt.

        RemarqueError with the code of the refusal; where the chain itself refused, with the `receipt` of that. On
        COMMIT_TIMEOUT the transaction may still be committed: what must not happen twice is signed once with `sign`,
        and given to `send` until there is a receipt.
        """
        return await self.send(await self.sign(*wanted, memo=memo))

    async def send(self, signed: SignedTransaction) -> Receipt:
        """Have a signed transaction committed; the receipt, or RemarqueError. Safe to repeat, to any node.

        Pending says that it may be committed or not: then repeat it, until there is a receipt or a refusal.
        """
        receipt = await self._sent("/v1/transactions", signed.envelope(), (signed,), parse_receipt)
        self.height = max(self.height, receipt.header.height)
        if receipt.outcome.code != "OK":
            detail = ""
            if self.key is not None:
                detail = (await self.transaction(signed.id)).detail
            raise RemarqueError(receipt.outcome.code, detail, receipt=receipt)
        return receipt

    async def send_draft(self, draft: Draft) -> Receipt:
        """Commit a draft that all its signers have signed."""
        return await self.send(complete(draft, (await self.genesis()).chain))

    async def send_batch(self, batch: Sequence[SignedTransaction]) -> tuple[BatchOutcome, ...]:
        """Have up to 1,000 signed transactions committed; what became of each, in order, refused or not.

        Safe to repeat, to any node. Pending says that they may be committed or not: then repeat its `batch`.
        """
        body = b"[" + b",".join(signed.envelope() for signed in batch) + b"]"
        outcomes = partial(value_of, kind=BatchOutcomes)
        results = (await self._sent("/v1/transactions/batch", body, tuple(batch), outcomes)).results
        self.height = max((self.height, *(result.height for result in results)))
        return results

    async def _sent(
        self, path: str, body: bytes, signed: tuple[SignedTransaction, ...], read: Callable[[bytes], T]
    ) -> T:
        """The answer to signed transactions; Pending if they were sent and nothing says what became of them."""
        self.unsettled = signed
        try:
            answer = read(await self.request("POST", path, body, session=False))
        except RemarqueError as error:
            if not settles_nothing(error) or error.code in NOT_TAKEN:
                self.unsettled = ()
                raise
            raise Pending(signed, error.detail) from None
        except (Unanswered, ReceiptRefused) as error:
            raise Pending(signed, str(error)) from None
        except ConnectionError:
            self.unsettled = ()
            raise
        self.unsettled = ()
        return answer
