"""The signed bytes of a request: the RFC's own vector, and another implementation that agrees with ours both ways."""

from __future__ import annotations

import base64
import json
import time
from pathlib import Path

import pytest
from consortium import key_of
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from http_message_signatures import HTTPMessageVerifier, InvalidSignature, MappingKeyResolver, algorithms
from signed import Message

from ledger import crypto
from remarque.message_signatures import (
    FIELD_CHARACTERS_MAX,
    needed,
    parse_content_digest,
    parse_dictionary,
    parse_signature,
    sign,
    signature_base,
    target,
)

ALICE = key_of("alice@studio")


def test_the_standards_vector_for_ed25519_holds() -> None:
    """RFC 9421, B.2.6, with the key of B.1.4."""
    member = parse_dictionary(
        'sig-b26=("date" "@method" "@path" "@authority" "content-type" "content-length")'
        ';created=1618884473;keyid="test-key-ed25519"'
    )["sig-b26"]
    fields = {
        "date": "Tue, 20 Apr 2021 02:07:55 GMT",
        "content-type": "application/json",
        "content-length": "18",
    }

    base = signature_base(member, fields | target("POST", "example.com", "/foo", "param=Value&Pet=dog"))

    assert base.decode() == (
        '"date": Tue, 20 Apr 2021 02:07:55 GMT\n'
        '"@method": POST\n'
        '"@path": /foo\n'
        '"@authority": example.com\n'
        '"content-type": application/json\n'
        '"content-length": 18\n'
        '"@signature-params": ("date" "@method" "@path" "@authority" "content-type" "content-length")'
        ';created=1618884473;keyid="test-key-ed25519"'
    )
    public = base64.urlsafe_b64decode("JrQLj5P_89iXES9-vFgrIy29clF9CC_oPPsw3c5D0bs=").hex()
    signature = base64.b64decode(
        "wqcAqbmYJ2ji2glfAMaRy4gruYYnx2nEFN2HN6jrnDnQCK1u02Gb04v9EDgwUPiu4A0w6vuQv5lIp5WPpBKRCw=="
    )
    assert crypto.verify_request(public, base, signature)
    assert not crypto.verify_request(public, base.replace(b"/foo", b"/bar"), signature)


@pytest.mark.parametrize(
    ("method", "path", "query", "fields", "body"),
    [
        ("GET", "/v1/assets", "", {}, b""),
        ("GET", "/v1/assets", "after=a%20b&limit=2", {}, b""),
        ("GET", "/v1/events", "", {"Last-Event-ID": "3.0.1"}, b""),
        ("POST", "/v1/content", "", {"Content-Type": "image/png"}, b"a picture"),
        ("POST", "/v1/generations", "", {}, b""),
    ],
)
def test_another_implementation_takes_what_ours_signs(
    method: str, path: str, query: str, fields: dict[str, str], body: bytes
) -> None:
    sent = target(method, "node.example", path, query)
    added = sign(sent, fields, body, account="alice@studio", key=ALICE, created=int(time.time()))
    message = Message(method, f"http://node.example{path}{'?' if query else ''}{query}", fields | added)
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(ALICE.public))
    keys = MappingKeyResolver(public_keys={f"alice@studio/{ALICE.public}": public}, private_keys={})
    verifier = HTTPMessageVerifier(signature_algorithm=algorithms.ED25519, key_resolver=keys)

    covered = [f'"{name}"' for name in needed(method, {name.lower() for name in fields})]
    [result] = verifier.verify(message, expect_tag="remarque", require_components=covered, body=body)

    assert result.parameters["keyid"] == f"alice@studio/{ALICE.public}"
    message.url = message.url.replace("/v1/", "/v2/")
    with pytest.raises(InvalidSignature):
        verifier.verify(message, expect_tag="remarque")


def test_no_two_requests_have_the_same_signature() -> None:
    sent = target("GET", "node.example", "/", "")

    first, second = (sign(sent, {}, b"", account="alice@studio", key=ALICE, created=1)["Signature"] for _ in range(2))

    assert first != second


@pytest.mark.parametrize("line_end", ["\n", "\r"])
def test_a_value_of_two_lines_is_not_signed(line_end: str) -> None:
    forged = {"x": f'a{line_end}"@method": POST'}

    with pytest.raises(ValueError, match="more than one line"):
        signature_base(([("x", {})], {}), forged)


@pytest.mark.parametrize(
    "field",
    [
        "sha-512=:AAAA:",
        "sha-256=:AAAA:",
        "sha-256",
        f"sha-256=:{'A' * 43}=:, sha-256=:{'A' * 43}=:",
        "",
        "sha-256=:" + "A" * FIELD_CHARACTERS_MAX + ":",
    ],
)
def test_what_holds_no_sha_256_is_no_content_digest(field: str) -> None:
    with pytest.raises(ValueError, match=r"sha-256|the field has"):
        parse_content_digest(field)


@pytest.mark.parametrize(
    ("signature_input", "reason"),
    [
        ('a=();tag="remarque", a=();tag="remarque"', "given twice"),
        ('a=();tag="remarque", b=();tag="remarque"', "2 signatures"),
        ('a=();tag="other"', "0 signatures"),
        ('b=();tag="remarque"', "no bytes for b"),
        ('a="@method";tag="remarque"', "must be a list"),
        ('a=("@method";req);tag="remarque"', "without parameters"),
    ],
)
def test_a_signature_that_is_not_one_of_ours_is_told_apart(signature_input: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_signature(signature_input, "a=:AAAA:")


def test_the_protocols_vector_of_a_request_is_put_together_here() -> None:
    vector = json.loads((Path(__file__).parent.parent / "vectors" / "signed_bytes.json").read_text())["request"]
    parameters = vector["payload"].rpartition("\n")[2].removeprefix('"@signature-params": ')

    member = parse_dictionary(f"remarque={parameters}")["remarque"]

    assert signature_base(member, target("GET", "node.example", "/v1/assets", "limit=2")).decode() == vector["payload"]
