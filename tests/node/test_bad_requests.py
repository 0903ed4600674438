"""Bad requests against a real node: each gives its own stable code as problem+json, and changes nothing."""

from __future__ import annotations

import io
import json
import secrets
import struct
import zlib
from collections.abc import Iterator
from typing import Any

import pytest
from PIL import Image

from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR, SECOND_COLLECTOR
from ledger import actions, crypto
from ledger.crypto import SigningKey
from ledger.encoding import encode
from ledger.errors import Code
from ledger.transaction import Signer, Transaction, sign
from pictures.opening import PICTURE_BYTES_MAX
from remarque.client import Client
from remarque.errors import NodeCode, RemarqueError
from remarque.requesting import now_ms

OTHER_KEY = SigningKey(b"\x07" * 32)


@pytest.fixture(scope="module")
def alice(one_node: Cluster) -> Iterator[Client]:
    with Client(one_node.urls, CREATOR, one_node.key(CREATOR)) as client:
        yield client


@pytest.fixture(scope="module")
def carla(one_node: Cluster) -> Iterator[Client]:
    with Client(one_node.urls, COLLECTOR, one_node.key(COLLECTOR)) as client:
        yield client


def a_transaction(cluster: Cluster, *asks: Any, **changes: Any) -> bytes:
    """Envelope of a transaction by the creator, with changes."""
    key = changes.pop("key", None) or cluster.key(CREATOR)
    signatures = changes.pop("signatures", None)
    parts: dict[str, Any] = {
        "chain": cluster.genesis.chain,
        "signers": (Signer(account=CREATOR, key=cluster.key(CREATOR).public),),
        "valid_until_ms": now_ms() + 60_000,
        "nonce": secrets.token_hex(16),
        "actions": asks or (actions.Pay(to=COLLECTOR, currency="EUR", amount=1),),
    }
    signed = sign(Transaction(**(parts | changes)), [key])
    envelope = json.loads(signed.envelope())
    if signatures is not None:
        envelope["signatures"] = signatures(list(signed.signatures))
    return encode(envelope)


def refused(
    client: Client, method: str, path: str, body: bytes | None = None, *, session: bool = False
) -> RemarqueError:
    with pytest.raises(RemarqueError) as error:
        client.request(method, path, body, session=session)
    return error.value


BAD_BODIES = [
    ("MALFORMED", lambda cluster: b""),
    ("MALFORMED", lambda cluster: b"{"),
    ("MALFORMED", lambda cluster: b"\xff\x00\xfe"),
    ("MALFORMED", lambda cluster: b"[" * 60_000),
    ("MALFORMED", lambda cluster: b'{"signatures":[],"transaction":null}'),
    ("MALFORMED", lambda cluster: a_transaction(cluster).replace(b"payment.transfer", b"payment.unheard-of")),
    ("TOO_LARGE", lambda cluster: b" " * 70_000),
    ("NOT_CANONICAL", lambda cluster: a_transaction(cluster).replace(b":", b": ", 1)),
    ("NOT_CANONICAL", lambda cluster: a_transaction(cluster).replace(b'"amount":1', b'"amount" :1')),
    ("WRONG_CHAIN", lambda cluster: a_transaction(cluster, chain="other-00000000")),
    ("EXPIRED", lambda cluster: a_transaction(cluster, valid_until_ms=1)),
    ("VALID_TOO_LONG", lambda cluster: a_transaction(cluster, valid_until_ms=now_ms() + 3_600_000)),
    ("SIGNATURE_MISSING", lambda cluster: a_transaction(cluster, signatures=lambda given: [])),
    ("SIGNATURE_EXTRA", lambda cluster: a_transaction(cluster, signatures=lambda given: given * 2)),
    ("SIGNATURE_INVALID", lambda cluster: a_transaction(cluster, signatures=lambda given: ["00" * 64])),
    ("SIGNATURE_INVALID", lambda cluster: a_transaction(cluster, key=OTHER_KEY)),
    (
        "ACCOUNT_UNKNOWN",
        lambda cluster: a_transaction(
            cluster, signers=(Signer(account="eve@studio", key=OTHER_KEY.public),), key=OTHER_KEY
        ),
    ),
    (
        "KEY_UNKNOWN",
        lambda cluster: a_transaction(cluster, signers=(Signer(account=CREATOR, key=OTHER_KEY.public),), key=OTHER_KEY),
    ),
]


def test_that_a_transaction_has_expired_is_said_once_a_final_block_says_so(one_node: Cluster, alice: Client) -> None:
    until = now_ms() - 1
    height = alice.get("/v1/status")["height"]

    error = refused(alice, "POST", "/v1/transactions", a_transaction(one_node, valid_until_ms=until))

    assert error.code == "EXPIRED"
    assert alice.get(f"/v1/blocks/{height + 1}")["header"]["time_ms"] > until
    assert refused(alice, "POST", "/v1/transactions", a_transaction(one_node, valid_until_ms=until)).code == "EXPIRED"
    assert alice.get("/v1/status")["height"] == height + 1


@pytest.mark.parametrize(("code", "body"), BAD_BODIES, ids=[f"{code}-{n}" for n, (code, _) in enumerate(BAD_BODIES)])
def test_a_bad_transaction_is_refused_before_any_block(one_node: Cluster, alice: Client, code: str, body: Any) -> None:
    height = alice.get("/v1/status")["height"]

    error = refused(alice, "POST", "/v1/transactions", body(one_node))

    assert error.code == code
    assert error.status == (413 if code == "TOO_LARGE" else error.status)
    assert 400 <= error.status < 500
    assert alice.get("/v1/status")["height"] == height


@pytest.mark.parametrize("part", [b"[" * 60_000, b'{"a":' * 40_000, b'{"a":' + b"[" * 9_000 + b"]" * 9_000 + b"}"])
@pytest.mark.parametrize(
    ("path", "code"), [("/v1/transactions/batch", "MALFORMED"), ("/v1/sessions", "REQUEST_MALFORMED")]
)
def test_what_is_nested_too_deep_is_malformed(alice: Client, path: str, code: str, part: bytes) -> None:
    for body in (part, b"[" + part + b"]", b'{"more":' + part + b"}"):
        assert refused(alice, "POST", path, body).code == code


OUTCOMES: list[tuple[str, Any]] = [
    ("INSUFFICIENT_FUNDS", actions.Pay(to=COLLECTOR, currency="EUR", amount=10**9)),
    ("TOKEN_UNKNOWN", actions.TransferToken(token="ab" * 32, to=COLLECTOR)),
    ("ASSET_UNKNOWN", actions.MintToken(asset="ab" * 32)),
    ("CURRENCY_UNKNOWN", actions.Pay(to=COLLECTOR, currency="XYZ", amount=1)),
    ("MODEL_EXISTS", None),
]


@pytest.mark.parametrize(("code", "ask"), OUTCOMES[:-1], ids=[code for code, _ in OUTCOMES[:-1]])
def test_a_refusal_in_a_block_comes_with_a_receipt_and_says_what_to_do(alice: Client, code: str, ask: Any) -> None:
    with pytest.raises(RemarqueError) as error:
        alice.submit(ask)

    assert error.value.code == code
    assert ";" in error.value.detail
    assert error.value.receipt is not None
    assert error.value.receipt.outcome.code == code


def test_the_same_transaction_again_gives_the_same_receipt(one_node: Cluster, alice: Client) -> None:
    signed = alice.sign(registering())

    first, second = alice.send(signed), alice.send(signed)

    assert (first.header, first.outcome, first.path) == (second.header, second.outcome, second.path)


def registering() -> actions.RegisterAsset:
    return actions.RegisterAsset(
        pixel_digest=secrets.token_hex(32),
        file_digest=secrets.token_hex(32),
        width=1,
        height=1,
        content=actions.Content(
            cid="bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", size=1, media_type="image/png"
        ),
        confidential=False,
    )


def test_a_stranger_cannot_move_a_token_and_a_changed_price_is_not_paid(
    one_node: Cluster, alice: Client, carla: Client
) -> None:
    ask = registering()
    alice.submit(ask)
    token, _ = alice.mint(ask.pixel_digest)
    with pytest.raises(RemarqueError, match="NOT_OWNER"):
        carla.submit(actions.TransferToken(token=token, to=SECOND_COLLECTOR))
    alice.list_token(token, 100, "EUR")
    before = carla.balances()
    alice.list_token(token, 200, "EUR")

    with pytest.raises(RemarqueError, match="PRICE_CHANGED"):
        carla.buy(token, 100, "EUR")

    assert carla.balances() == before


@pytest.mark.parametrize("body", [b"", b"{}", b"[]", b"[1]", b"[{}]", b"null"])
def test_a_bad_batch_is_refused_whole(alice: Client, body: bytes) -> None:
    assert refused(alice, "POST", "/v1/transactions/batch", body).code in ("MALFORMED", "TOO_LARGE")


def test_one_bad_transaction_refuses_its_batch_and_is_named(one_node: Cluster, alice: Client) -> None:
    body = b"[" + a_transaction(one_node) + b"," + a_transaction(one_node, chain="other-00000000") + b"]"
    height = alice.get("/v1/status")["height"]

    assert refused(alice, "POST", "/v1/transactions/batch", body).code == "WRONG_CHAIN"
    assert alice.get("/v1/status")["height"] == height


def test_a_batch_answers_for_each_transaction(one_node: Cluster, alice: Client) -> None:
    batch = [alice.sign(registering()) for _ in range(40)] + [
        alice.sign(actions.Pay(to=COLLECTOR, currency="EUR", amount=9))
    ]

    results = alice.send_batch(batch)

    assert [row.code for row in results] == ["OK"] * 40 + ["INSUFFICIENT_FUNDS"]
    assert [row.transaction for row in results] == [signed.id for signed in batch]


def bomb() -> bytes:
    """A PNG whose header announces 50,000 x 50,000 pixels."""
    head = struct.pack(">IIBBBBB", 50_000, 50_000, 8, 2, 0, 0, 0)
    chunk = b"IHDR" + head
    data = b"IDAT" + zlib.compress(b"\x00" * 1_000)
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(part) - 4) + part + struct.pack(">I", zlib.crc32(part)) for part in (chunk, data, b"IEND")
    )


def png() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((64, 64), 90).save(out, "PNG")
    return out.getvalue()


@pytest.mark.parametrize(
    ("code", "data"),
    [
        ("IMAGE_UNREADABLE", b""),
        ("IMAGE_UNREADABLE", b"not a picture"),
        ("IMAGE_UNREADABLE", png()[:200]),
        ("IMAGE_TOO_LARGE", bomb()),
        ("BODY_TOO_LARGE", b"x" * (PICTURE_BYTES_MAX + 1)),
    ],
)
@pytest.mark.parametrize("path", ["/v1/verify", "/v1/content"])
def test_what_is_no_picture_is_refused(alice: Client, path: str, code: str, data: bytes) -> None:
    assert refused(alice, "POST", path, data, session=path != "/v1/verify").code == code


@pytest.mark.parametrize(
    ("method", "path", "code"),
    [
        ("GET", "/v1/nothing", "ROUTE_UNKNOWN"),
        ("GET", "/v1/blocks/999999", "NOT_FOUND"),
        ("GET", "/v1/blocks/-1", "REQUEST_MALFORMED"),
        ("GET", "/v1/blocks/x", "REQUEST_MALFORMED"),
        ("GET", "/v1/transactions/" + "00" * 32, "NOT_FOUND"),
        ("GET", "/v1/transactions/xyz", "REQUEST_MALFORMED"),
        ("GET", "/v1/transactions/" + "00" * 32 + "/receipt", "NOT_FOUND"),
        ("GET", "/v1/assets/xyz", "REQUEST_MALFORMED"),
        ("GET", "/v1/assets/" + "AB" * 32, "REQUEST_MALFORMED"),
        ("GET", "/v1/assets/" + "ab" * 32, "ASSET_UNKNOWN"),
        ("GET", "/v1/tokens/" + "ab" * 32, "TOKEN_UNKNOWN"),
        ("GET", "/v1/collections/x", "REQUEST_MALFORMED"),
        ("GET", "/v1/collections/x@studio", "COLLECTION_UNKNOWN"),
        ("GET", "/v1/proposals/xyz", "REQUEST_MALFORMED"),
        ("GET", "/v1/policies/A/1", "REQUEST_MALFORMED"),
        ("GET", "/v1/policies/asset_default/01", "REQUEST_MALFORMED"),
        ("GET", "/v1/accounts/nobody@studio", "NOT_FOUND"),
        ("GET", "/v1/accounts/nobody@studio/balances", "NOT_FOUND"),
        ("GET", "/v1/assets?creator=nobody", "REQUEST_MALFORMED"),
        ("GET", "/v1/assets?creator=nobody@studio", "NOT_FOUND"),
        ("GET", "/v1/tokens?owner=nobody@studio", "NOT_FOUND"),
        ("GET", "/v1/tokens/xyz", "REQUEST_MALFORMED"),
        ("GET", "/v1/accounts/nobody", "REQUEST_MALFORMED"),
        ("GET", "/v1/content/../../x", "REQUEST_MALFORMED"),
        ("GET", "/v1/content/xyz", "REQUEST_MALFORMED"),
        ("GET", "/v1/content/bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku", "CONTENT_MISSING"),
        ("GET", "/v1/events?after=x", "REQUEST_MALFORMED"),
        ("GET", "/v1/assets?limit=0", "REQUEST_MALFORMED"),
        ("GET", "/v1/assets?limit=101", "REQUEST_MALFORMED"),
        ("GET", "/v1/assets?limit=many", "REQUEST_MALFORMED"),
        ("GET", "/v1/assets?limit=%2B5", "REQUEST_MALFORMED"),
        ("GET", "/v1/assets?limit=05", "REQUEST_MALFORMED"),
        ("GET", "/v1/assets?limit=1_0", "REQUEST_MALFORMED"),
        ("GET", "/v1/assets?limit=5.0", "REQUEST_MALFORMED"),
        ("GET", "/v1/assets?limit=+5", "REQUEST_MALFORMED"),
        ("GET", "/v1/assets?limit=", "REQUEST_MALFORMED"),
        ("GET", "/v1/assets?limit=5&limit=5", "REQUEST_MALFORMED"),
        ("GET", "/v1/blocks/01", "REQUEST_MALFORMED"),
        ("GET", "/v1/blocks/%D9%A1", "REQUEST_MALFORMED"),
        ("GET", "/openapi.json?x=1", "REQUEST_MALFORMED"),
        ("GET", "/v1/assets?after=xyz", "REQUEST_MALFORMED"),
        ("GET", "/v1/assets?after=" + "AB" * 32, "REQUEST_MALFORMED"),
        ("GET", "/v1/orgs?after=No+Org", "REQUEST_MALFORMED"),
        ("GET", "/v1/nodes?after=node1/", "REQUEST_MALFORMED"),
        ("GET", "/v1/models?after=model", "REQUEST_MALFORMED"),
        ("GET", "/v1/currencies?after=eur", "REQUEST_MALFORMED"),
        ("GET", "/v1/policies?after=asset_default", "REQUEST_MALFORMED"),
        ("GET", "/v1/accounts/alice@studio/balances?after=eur", "REQUEST_MALFORMED"),
        ("GET", "/v1/assets/" + "ab" * 32 + "/history", "ASSET_UNKNOWN"),
        ("GET", "/v1/assets/xyz/history?limit=1000", "REQUEST_MALFORMED"),
        ("GET", "/v1/assets/xyz/history?after=7", "REQUEST_MALFORMED"),
        ("GET", "/v1/assets/xyz/history?after=-1.0", "REQUEST_MALFORMED"),
        ("GET", "/v1/assets/xyz/history?after=1.2.3", "REQUEST_MALFORMED"),
        ("GET", "/v1/assets/xyz/history?after=9999999999999999.1", "REQUEST_MALFORMED"),
        ("GET", "/v1/assets/" + "ab" * 32 + "/grants", "ASSET_UNKNOWN"),
        ("GET", "/v1/generations/" + "ab" * 32, "GENERATOR_ABSENT"),
        ("POST", "/v1/generations", "REQUEST_MALFORMED"),
        ("DELETE", "/v1/blocks/1", "METHOD_NOT_ALLOWED"),
        ("GET", "/v1/transactions/batch", "METHOD_NOT_ALLOWED"),
        ("GET", "/v1/orgs?Limit=2", "REQUEST_MALFORMED"),
        ("POST", "/v1/transactions?wait=no", "REQUEST_MALFORMED"),
        ("POST", "/v1/transactions/batch?wait=true&wait=false", "REQUEST_MALFORMED"),
        ("POST", "/v1/transactions?receipts=true", "REQUEST_MALFORMED"),
        ("GET", "/v1/orgs/", "ROUTE_UNKNOWN"),
    ],
)
def test_a_bad_query_is_refused(alice: Client, method: str, path: str, code: str) -> None:
    assert refused(alice, method, path, b"{" if method == "POST" else None, session=True).code == code


def test_reads_need_a_session_and_what_is_open_does_not(one_node: Cluster, alice: Client) -> None:
    with Client(one_node.urls) as stranger:
        for path in ("/v1/blocks/0", "/v1/assets", "/v1/accounts/alice@studio", "/v1/events", "/v1/generators"):
            assert refused(stranger, "GET", path).code == "SESSION_REQUIRED"
        for path in ("/v1/checkpoint", "/v1/genesis", "/v1/status", "/healthz", "/readyz", "/metrics"):
            assert stranger.request("GET", path, session=False)


@pytest.mark.parametrize("wrong", ["signature", "challenge", "account", "key"])
def test_a_session_needs_the_challenge_signed_by_the_accounts_key(one_node: Cluster, alice: Client, wrong: str) -> None:
    key = one_node.key(CREATOR)
    challenge = alice.request("POST", "/v1/sessions/challenge", encode({"account": CREATOR}), session=False)
    ask = {
        "account": CREATOR,
        "key": key.public,
        "challenge": json.loads(challenge)["challenge"],
        "signature": key.sign(crypto.SESSION, challenge),
    }
    bad = {"signature": "00" * 64, "challenge": "00" * 32, "account": COLLECTOR, "key": OTHER_KEY.public}

    assert refused(alice, "POST", "/v1/sessions", encode(ask | {wrong: bad[wrong]})).code == "SESSION_INVALID"


def test_a_challenge_is_good_for_one_session(one_node: Cluster, alice: Client) -> None:
    key = one_node.key(CREATOR)
    challenge = alice.request("POST", "/v1/sessions/challenge", encode({"account": CREATOR}), session=False)
    signature = key.sign(crypto.SESSION, challenge)
    ask = encode(
        {"account": CREATOR, "key": key.public, "challenge": json.loads(challenge)["challenge"], "signature": signature}
    )
    alice.request("POST", "/v1/sessions", ask, session=False)

    assert refused(alice, "POST", "/v1/sessions", ask).code == "SESSION_INVALID"


def test_every_code_has_a_meaning_and_a_status() -> None:
    names = [code.name for code in Code] + [code.name for code in NodeCode]

    assert len(names) == len(set(names))
    assert all(code.meaning for code in NodeCode)
    assert [code.name for code in NodeCode if not 400 <= code.status < 600] == ["REGISTRATION_RUNNING"]  # 302: not yet
