"""What an account of this node says by itself: a transaction of one action, which it alone signs."""

from __future__ import annotations

import secrets

from ledger.actions import AnyAction
from ledger.crypto import SigningKey
from ledger.transaction import SignedTransaction, Signer, Transaction, sign


def own_transaction(
    chain: str, account: str, key: SigningKey, action: AnyAction, valid_until_ms: int
) -> SignedTransaction:
    """A new transaction: no two are the same, whatever they ask for."""
    transaction = Transaction(
        chain=chain,
        signers=(Signer(account=account, key=key.public),),
        valid_until_ms=valid_until_ms,
        nonce=secrets.token_hex(16),
        actions=(action,),
    )
    return sign(transaction, [key])
