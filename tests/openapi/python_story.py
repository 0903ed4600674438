"""The story's first steps with a generated client: nothing here is Remarque's but what is generated.

python python_story.py URL ACCOUNT      the account's Ed25519 seed, as hex, on standard input
"""

from __future__ import annotations

import json
import secrets
import sys
import time
from http import HTTPStatus
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from remarque_api import AuthenticatedClient, Client
from remarque_api.api.ledger import get_assets, get_transactions_transaction_receipt
from remarque_api.api.open_ import get_genesis, get_status
from remarque_api.api.sessions import post_sessions, post_sessions_challenge
from remarque_api.api.transactions import post_transactions
from remarque_api.models import (
    AskChallenge,
    AssetsPage,
    Content,
    Envelope,
    Genesis,
    OpenSession,
    Receipt,
    RegisterAsset,
    RegisterAssetType,
    Session,
    Signer,
    Status,
    Transaction,
)


def canonical(value: Any) -> Any:
    """The same with sorted fields, as RFC 8785 writes them."""
    if isinstance(value, dict):
        return {key: canonical(value[key]) for key in sorted(value)}
    return [canonical(one) for one in value] if isinstance(value, list) else value


class CanonicalEnvelope(Envelope):
    """An envelope that is sent in its one spelling."""

    def to_dict(self) -> dict[str, Any]:
        return canonical(super().to_dict())


def main(url: str, account: str, seed: bytes) -> None:
    key = Ed25519PrivateKey.from_private_bytes(seed)
    public = key.public_key().public_bytes_raw().hex()

    def signed(tag: bytes, data: bytes) -> str:
        return key.sign(tag + data).hex()

    stranger = Client(url, raise_on_unexpected_status=True)
    status, genesis = get_status.sync(client=stranger), get_genesis.sync(client=stranger)
    assert isinstance(status, Status)
    assert isinstance(genesis, Genesis)
    assert status.chain.startswith(genesis.name)
    refused = get_assets.sync_detailed(client=stranger)
    assert refused.status_code == HTTPStatus.UNAUTHORIZED
    assert refused.parsed.code == "SESSION_REQUIRED"

    challenge = post_sessions_challenge.sync_detailed(client=stranger, body=AskChallenge(account))
    signature = signed(b"remarque/session/v1", challenge.content)
    opening = OpenSession(account, public, challenge.parsed.challenge, signature)
    session = post_sessions.sync(client=stranger, body=opening)
    assert isinstance(session, Session)
    member = AuthenticatedClient(url, session.token, raise_on_unexpected_status=True)
    assert isinstance(get_assets.sync(client=member, limit=10), AssetsPage)

    picture = secrets.token_hex(32)
    cid = "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku"
    content = Content(cid=cid, size=1, media_type="image/png")
    ask = RegisterAsset(
        type_=RegisterAssetType.ASSET_REGISTER,
        pixel_digest=picture,
        file_digest=secrets.token_hex(32),
        width=1,
        height=1,
        content=content,
        confidential=False,
    )
    transaction = Transaction(
        chain=status.chain,
        signers=[Signer(account, public)],
        valid_until_ms=int(time.time() * 1_000) + 60_000,
        nonce=secrets.token_hex(16),
        actions=[ask],
    )
    body = json.dumps(canonical(transaction.to_dict()), separators=(",", ":")).encode()
    envelope = CanonicalEnvelope([signed(b"remarque/transaction/v1", body)], transaction)
    receipt = post_transactions.sync(client=stranger, body=envelope)
    assert isinstance(receipt, Receipt)
    assert receipt.outcome.code == "OK"

    page = get_assets.sync(client=member, limit=100)
    (asset,) = (one for one in page.assets if one.id == picture)
    read = get_transactions_transaction_receipt.sync(asset.transaction, client=member)
    assert isinstance(read, Receipt)
    assert read.to_dict()["transaction"] == transaction.to_dict()
    print(asset.transaction)


main(sys.argv[1], sys.argv[2], bytes.fromhex(sys.stdin.read()))
