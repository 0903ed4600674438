"""Requests signed by another implementation, against a real node: what is taken, and what is refused and why."""

from __future__ import annotations

import asyncio
import http.client
import io
import json
import secrets
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any
from urllib.parse import urlsplit

import pytest
from PIL import Image
from signed import Message, signed

from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR
from ledger import actions
from ledger.crypto import SigningKey
from remarque.api.chain import ChainEvent
from remarque.async_client import AsyncClient
from remarque.client import Client
from remarque.dag import import_file
from remarque.errors import RemarqueError
from remarque.message_signatures import FIELD_CHARACTERS_MAX, TARGET

OTHER_KEY = SigningKey(b"\x07" * 32)
BALANCES = f"/v1/accounts/{CREATOR}/balances"


def send(cluster: Cluster, message: Message, *, chunked: bool = False) -> tuple[int, Any]:
    """Status and JSON of a node's answer to a request, sent as it is."""
    connection = http.client.HTTPConnection(urlsplit(cluster.url("node1")).netloc, timeout=10)
    body: Any = iter([message.body[:10], message.body[10:]]) if chunked else message.body or None
    try:
        connection.request(message.method, message.path, body, message.headers)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def to_node(cluster: Cluster, path: str = BALANCES, method: str = "GET", body: bytes = b"", **fields: str) -> Message:
    headers = {name.replace("_", "-"): value for name, value in fields.items()}
    return Message(method, cluster.url("node1") + path, headers, body)


def png() -> bytes:
    out = io.BytesIO()
    Image.effect_noise((64, 64), 90).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def alice(one_node: Cluster) -> Iterator[Client]:
    with Client(one_node.urls, CREATOR, one_node.key(CREATOR), signed_requests=True) as client:
        yield client


# What is taken


@pytest.mark.parametrize(
    "path",
    [
        BALANCES,
        "/v1/assets?limit=3&after=",
        "/v1/state?key=a%20b%2Bc&key=token/x",
        "/v1/assets?",
        "/v1/accounts/alice%40studio",
        "/v1/generators",
    ],
)
def test_a_signed_read_needs_no_session(one_node: Cluster, path: str) -> None:
    status, _ = send(one_node, signed(to_node(one_node, path), CREATOR, one_node.key(CREATOR)))

    assert status == 200


@pytest.mark.parametrize("chunked", [False, True])
def test_a_signed_body_is_taken_with_its_digest(one_node: Cluster, chunked: bool) -> None:
    message = to_node(one_node, "/v1/content", "POST", png())

    status, stored = send(one_node, signed(message, CREATOR, one_node.key(CREATOR)), chunked=chunked)

    assert (status, stored["media_type"]) == (201, "image/png")


def test_more_may_be_covered_and_others_may_sign_too(one_node: Cluster) -> None:
    message = to_node(one_node, Date="Tue, 20 Apr 2021 02:07:55 GMT")
    signed(message, "proxy", OTHER_KEY, tag="of-a-proxy", label="proxy")
    signed(message, CREATOR, one_node.key(CREATOR), covered=(*TARGET, "date"), expires_after_s=30)

    assert send(one_node, message)[0] == 200


def test_a_route_that_asks_twice_who_reads_takes_the_nonce_once(one_node: Cluster) -> None:
    message = to_node(one_node, f"/v1/assets/{'ab' * 32}/openings")

    _, problem = send(one_node, signed(message, CREATOR, one_node.key(CREATOR)))

    assert problem["code"] == "ASSET_UNKNOWN"


def test_the_sdk_signs_reads_bodies_and_streams(one_node: Cluster, alice: Client) -> None:
    asset, receipt = alice.register(png())

    assert alice.balances() == alice.get(BALANCES)["balances"]
    assert alice.get("/v1/state", key="ä b+c&d=e/?%")["entries"][0]["key"] == "ä b+c&d=e/?%"
    assert alice.picture(asset)
    assert alice._waiting._tokens == {}

    async def first_event() -> tuple[str, ChainEvent]:
        async with AsyncClient(one_node.urls, CREATOR, one_node.key(CREATOR), signed_requests=True) as client:
            return await anext(client.events(after=str(receipt.header.height)))

    assert asyncio.run(first_event())[1].transaction == receipt.signed.id


def test_a_key_signs_from_its_block_on_until_it_is_revoked(one_node: Cluster, alice: Client) -> None:
    key = SigningKey(secrets.token_bytes(32))
    codes = []
    for ask in (None, actions.AddKey(key=key.public), actions.RevokeKey(account=CREATOR, key=key.public)):
        if ask is not None:
            alice.submit(ask)
        codes.append(send(one_node, signed(to_node(one_node), CREATOR, key))[1].get("code", "taken"))

    assert codes == ["REQUEST_SIGNATURE_INVALID", "taken", "REQUEST_SIGNATURE_INVALID"]


# What is refused


def changed(message: Message, **changes: Any) -> Message:
    """A signed request that somebody changed on its way."""
    return replace(message, **changes)


def with_field(message: Message, name: str, value: str) -> Message:
    return replace(message, headers=message.headers | {name: value})


REFUSED: dict[str, tuple[str, Callable[[Cluster, SigningKey], Message]]] = {
    "a component is not covered": (
        "does not cover @query",
        lambda node, key: signed(to_node(node), CREATOR, key, covered=("@method", "@authority", "@path")),
    ),
    "only the target URI is covered": (
        "it covers '@target-uri'",
        lambda node, key: signed(to_node(node), CREATOR, key, covered=("@method", "@target-uri")),
    ),
    "a place to resume from is not covered": (
        "does not cover last-event-id",
        lambda node, key: signed(to_node(node, "/v1/events", Last_Event_ID="1"), CREATOR, key),
    ),
    "a place to resume from is changed": (
        "does not hold",
        lambda node, key: with_field(
            signed(
                to_node(node, "/v1/events", **{"last-event-id": "1"}), CREATOR, key, covered=(*TARGET, "last-event-id")
            ),
            "last-event-id",
            "2",
        ),
    ),
    "stale": ("it was created at", lambda node, key: signed(to_node(node), CREATOR, key, after_s=-62)),
    "from the future": ("it was created at", lambda node, key: signed(to_node(node), CREATOR, key, after_s=62)),
    "expired": ("it expired at", lambda node, key: signed(to_node(node), CREATOR, key, expires_after_s=-2)),
    "for another node": (
        "does not hold for this request to 127.0.0.1",
        lambda node, key: signed(Message("GET", "http://node2.example" + BALANCES), CREATOR, key),
    ),
    "for another node, replayed with its Host": (
        "does not hold for this request to 127.0.0.1",
        lambda node, key: signed(
            Message("GET", "http://node2.example" + BALANCES, {"Host": "node2.example"}), CREATOR, key
        ),
    ),
    "unknown account": (
        "is not a key of eve@studio in force",
        lambda node, key: signed(to_node(node), "eve@studio", OTHER_KEY),
    ),
    "another account's key": (
        f"is not a key of {COLLECTOR} in force",
        lambda node, key: signed(to_node(node), COLLECTOR, key),
    ),
    "by a key that is not the one named": (
        "does not hold",
        lambda node, key: signed(to_node(node), CREATOR, OTHER_KEY, keyid=f"{CREATOR}/{key.public}"),
    ),
    "key named otherwise": (
        "keyid",
        lambda node, key: signed(to_node(node), CREATOR, key, keyid=key.public),
    ),
    "no nonce": ("nonce", lambda node, key: signed(to_node(node), CREATOR, key, nonce=None)),
    "a short nonce": ("nonce", lambda node, key: signed(to_node(node), CREATOR, key, nonce="1")),
    "no tag": ("0 signatures have", lambda node, key: signed(to_node(node), CREATOR, key, tag=None)),
    "two signatures": (
        "2 signatures have",
        lambda node, key: signed(signed(to_node(node), CREATOR, key, label="a"), CREATOR, key, label="b"),
    ),
    "changed query": (
        "does not hold",
        lambda node, key: changed(
            signed(to_node(node, "/v1/assets?limit=1"), CREATOR, key), url=node.url("node1") + "/v1/assets?limit=2"
        ),
    ),
    "changed path": (
        "does not hold",
        lambda node, key: changed(
            signed(to_node(node), CREATOR, key), url=node.url("node1") + f"/v1/accounts/{COLLECTOR}/balances"
        ),
    ),
    "changed method": (
        "does not cover content-digest",
        lambda node, key: changed(signed(to_node(node, "/v1/generations"), CREATOR, key), method="POST"),
    ),
    "a body without digest": (
        "does not cover content-digest",
        lambda node, key: signed(to_node(node, "/v1/content", "POST", png()), CREATOR, key, digested=False),
    ),
    "a digest that is not covered": (
        "does not cover content-digest",
        lambda node, key: with_field(
            signed(to_node(node, "/v1/content", "POST", png()), CREATOR, key, digested=False),
            "Content-Digest",
            f"sha-256=:{'A' * 43}=:",
        ),
    ),
    "a digest that is changed": (
        "does not hold",
        lambda node, key: with_field(
            signed(to_node(node, "/v1/content", "POST", png()), CREATOR, key),
            "Content-Digest",
            f"sha-256=:{'A' * 43}=:",
        ),
    ),
    "an algorithm of another kind": (
        "alg",
        lambda node, key: with_field(
            signed(to_node(node), CREATOR, key),
            "Signature-Input",
            signed(to_node(node), CREATOR, key).headers["Signature-Input"].replace("ed25519", "hmac-sha256"),
        ),
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_not_signed_for_here_and_now_is_refused(one_node: Cluster, case: str) -> None:
    fact, make = REFUSED[case]

    status, problem = send(one_node, make(one_node, one_node.key(CREATOR)))

    assert (status, problem["code"]) == (401, "REQUEST_SIGNATURE_INVALID")
    assert fact in problem["detail"]
    assert ";" in problem["detail"]


COVERED = '("@method" "@authority" "@path" "@query")'
NAMED = f';created=1;keyid="{CREATOR}/{OTHER_KEY.public}";nonce="{"n" * 16}";tag="remarque"'
LONG = "A" * FIELD_CHARACTERS_MAX


@pytest.mark.parametrize(
    ("signature_input", "signature", "fact"),
    [
        ("", "a=:AAAA:", "0 signatures"),
        ("a", "a=:AAAA:", "0 signatures"),
        ("a=(", "a=:AAAA:", "End of inner list"),
        ('a=1;tag="remarque"', "a=:AAAA:", "must be a list"),
        (f'a={COVERED};tag="remarque"', "a=:AAAA:", "missing required field"),
        (f'a={COVERED};created=1.5;tag="remarque"', "a=:AAAA:", "Expected `int`"),
        (f"a={COVERED};created=1;tag=remarque", "a=:AAAA:", "Expected `str`"),
        (f'a={COVERED};tag="remarque"', "", "no bytes for a"),
        (f'a={COVERED};tag="remarque"', "a=:AA", "ending ':'"),
        (f'a={COVERED};tag="remarque"', "a=1", "no bytes for a"),
        (f'a={COVERED};tag="remarque"', "b=:AAAA:", "no bytes for a"),
        (f'a={COVERED};tag="remarque";tag="remarque"', "a=:AAAA:", "tag is given twice"),
        (f'a={COVERED};tag="remarque", a={COVERED};tag="remarque"', "a=:AAAA:", "a is given twice"),
        (f'a=("@method" "@method"){NAMED}', "a=:AAAA:", "@method is covered twice"),
        (f'a=("no-such-field"){NAMED}', "a=:AAAA:", "which the request has not"),
        (f'a=("Signature"){NAMED}', "a=:AAAA:", "which the request has not"),
        (f'a=("@method";req){NAMED}', "a=:AAAA:", "without parameters"),
        (f'a={COVERED}{NAMED};new="x"', "a=:AAAA:", "unknown field"),
        (f'a={COVERED};tag="ümlaut"', "a=:AAAA:", "ascii"),
        (f'a={COVERED}{NAMED};x="{LONG}"', "a=:AAAA:", f"at most {FIELD_CHARACTERS_MAX}"),
        (f"a={COVERED}{NAMED}", f"a=:{LONG}:", f"at most {FIELD_CHARACTERS_MAX}"),
    ],
)
def test_fields_that_are_malformed_or_too_long_are_refused(
    one_node: Cluster, signature_input: str, signature: str, fact: str
) -> None:
    fields = {"Signature-Input": signature_input, "Signature": signature}

    status, problem = send(one_node, Message("GET", one_node.url("node1") + BALANCES, fields))

    assert (status, problem["code"]) == (401, "REQUEST_SIGNATURE_INVALID")
    assert fact in problem["detail"]


def test_a_request_is_answered_once(one_node: Cluster) -> None:
    message = signed(to_node(one_node), CREATOR, one_node.key(CREATOR))

    assert send(one_node, message)[0] == 200
    status, problem = send(one_node, message)

    assert (status, problem["code"]) == (401, "REQUEST_SIGNATURE_INVALID")
    assert "nonce was used before" in problem["detail"]


@pytest.mark.parametrize("chunked", [False, True])
def test_a_body_that_is_not_the_signed_one_is_refused(one_node: Cluster, alice: Client, chunked: bool) -> None:
    message = signed(to_node(one_node, "/v1/content", "POST", png()), CREATOR, one_node.key(CREATOR))
    other = png()

    status, problem = send(one_node, changed(message, body=other), chunked=chunked)

    assert (status, problem["code"]) == (400, "CONTENT_DIGEST_INVALID")
    with pytest.raises(RemarqueError, match="CONTENT_MISSING"):
        alice.content(import_file(other)[0])


@pytest.mark.parametrize("digest", ["", "sha-512=:AAAA:", "sha-256=:AAAA:", "sha-256=(", f"sha-256=:{'A' * 43}=:"])
def test_a_content_digest_is_held_to_whoever_sends_it(one_node: Cluster, digest: str) -> None:
    message = Message("POST", one_node.url("node1") + "/v1/verify", {"Content-Digest": digest}, png())

    assert send(one_node, message)[1]["code"] == "CONTENT_DIGEST_INVALID"


def test_a_request_with_a_token_is_judged_by_the_token(one_node: Cluster) -> None:
    message = signed(to_node(one_node, Authorization="Bearer no-such-token"), CREATOR, one_node.key(CREATOR))

    assert send(one_node, message)[1]["code"] == "SESSION_INVALID"


def test_the_sdk_without_a_key_says_what_it_needs(one_node: Cluster) -> None:
    with (
        Client(one_node.urls, signed_requests=True) as stranger,
        pytest.raises(RemarqueError, match="SESSION_REQUIRED"),
    ):
        stranger.get(BALANCES)
