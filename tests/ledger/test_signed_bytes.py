"""Every kind of signed or hashed bytes, against vectors in tests/vectors/signed_bytes.json.

The vectors are the protocol: another implementation in any language must reproduce them. If one changes, the chain
forks; `python tests/ledger/test_signed_bytes.py` writes them anew, and the diff is what is reviewed.
"""

from __future__ import annotations

import hashlib
import json
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from msgspec import UNSET
from nacl.signing import VerifyKey

from ledger import actions, crypto
from ledger.block import Certificate, Decision, Endorsement, Header, Outcome, Voter, Voters, endorse
from ledger.crypto import SigningKey
from ledger.encoding import encode
from ledger.errors import InvariantBroken
from ledger.events import Paid
from ledger.generation import SETTING_FIELDS, Attestation, GenerationRequest, Opening, Openings
from ledger.merkle_log import leaf_hash, previous_entry, transaction_entry
from ledger.node_certificate import make_certificate
from ledger.note import checkpoint_text
from ledger.transaction import Signer, Transaction, sign
from ledger.viewing import ViewerKey

VECTORS = Path(__file__).parent.parent / "vectors" / "signed_bytes.json"
KEY = SigningKey(bytes(range(32)))
REQUEST = (
    b'"@method": GET\n"@authority": node.example\n"@path": /v1/assets\n"@query": ?limit=2\n'
    b'"@signature-params": ("@method" "@authority" "@path" "@query");created=1700000000;'
    b'keyid="alice@studio/' + KEY.public.encode() + b'";nonce="00000000000000000000000000000000";tag="remarque"'
)
"""Signature base of an HTTP request (RFC 9421), as `remarque/message_signatures.py` puts it together."""
STRUCTURE = b"\x84\x6aSignature1\x43\xa1\x01\x27\x40\x58\x20" + bytes(range(32))
"""Sig_structure of a COSE_Sign1 (RFC 9052, 4.4) whose one header is the algorithm, over a detached root."""
CERTIFICATE_BODY = make_certificate(KEY)[4:-74]
"""The signed part of a node's certificate, which begins behind the length of the whole."""
NOTE = checkpoint_text("vectors-00000000", 15, bytes(range(32)))
H = ["%064x" % number for number in range(16)]  # noqa: UP031, as in the vectors' description


def a_transaction() -> Transaction:
    return Transaction(
        chain="vectors-00000000",
        signers=(Signer(account="alice@studio", key=KEY.public),),
        valid_until_ms=1_700_000_300_000,
        nonce="0" * 32,
        actions=(actions.Pay(to="bob@agency", currency="EUR", amount=125),),
        memo="for the picture “Dämmerung”",
    )


def a_header() -> Header:
    return Header(
        version=1, chain="vectors-00000000", height=7, term=3, previous=H[1], time_ms=1_700_000_000_000,
        proposer="node1", log_size=15, log_root=H[2], state_root=H[3], voters_digest=H[4], next_voters_digest=H[4],
    )  # fmt: skip


def an_outcome() -> Outcome:
    return Outcome(
        code="OK",
        decisions=(Decision(action=0, kind="view", code="PERMITTED", policy="p@1", rule="owner", digest=H[5]),),
        events=(Paid(sender="alice@studio", to="bob@agency", currency="EUR", amount=125),),
    )


def some_openings() -> Openings:
    values: dict[str, str | int] = {
        "prompt": "a lighthouse", "negative_prompt": "", "seed": 7, "steps": 20, "guidance_centi": 750,
        "width": 128, "height": 128,
    }  # fmt: skip
    return Openings(**{field: Opening(salt="ab" * 16, value=values[field]) for field in SETTING_FIELDS})


def a_request() -> GenerationRequest:
    return GenerationRequest(
        chain="vectors-00000000", creator="alice@studio", key=KEY.public, generator="studio", model=H[6], count=1,
        confidential=False,
        commitments=some_openings().commitments(), valid_until_ms=1_700_000_300_000, nonce="1" * 32,
    )  # fmt: skip


def an_attestation() -> Attestation:
    return Attestation(
        chain="vectors-00000000", generator="gen@studio", key=KEY.public, request=a_request().id, index=0, model=H[6],
        pixel_digest=H[7], file_digest=H[8], width=128, height=128, media_type="image/png", image_code=UNSET,
        time_ms=1_700_000_001_000,
    )  # fmt: skip


def a_viewer_key() -> ViewerKey:
    return ViewerKey(
        chain="vectors-00000000", node="node1", asset=H[7], account="bob@agency", reader_key="ab" * 32
    )  # fmt: skip


def vectors() -> dict[str, Any]:
    """All vectors, computed by this implementation."""
    signed = sign(a_transaction(), [KEY])
    header, outcome, request, attestation = a_header(), an_outcome(), a_request(), an_attestation()
    voters = Voters(voters=(Voter(node="node1", key=KEY.public),))
    entry = transaction_entry(7, signed.id, signed.signatures_digest, outcome.digest)

    def signed_kind(tag: bytes, payload: bytes) -> dict[str, str]:
        return {"tag": tag.decode(), "payload": payload.decode(), "signature": KEY.sign(tag, payload)}

    return {
        "key": {"seed": KEY.seed.hex(), "public": KEY.public},
        "transaction": {**signed_kind(crypto.TRANSACTION, signed.body), "id": signed.id},
        "signatures_digest": signed.signatures_digest.hex(),
        "outcome": {"payload": encode(outcome).decode(), "digest": outcome.digest.hex()},
        "header": {"payload": encode(header).decode(), "hash": header.hash},
        "proposal": signed_kind(crypto.PROPOSAL, header.hash.encode()),
        "endorsement": signed_kind(crypto.ENDORSEMENT, header.hash.encode()),
        "certificate": encode(
            Certificate(
                height=7,
                header=header.hash,
                endorsements=(Endorsement(node="node1", signature=endorse(KEY, header.hash)),),
            )
        ).decode(),
        "voters": {"payload": encode(voters).decode(), "digest": voters.digest},
        "generation_request": {**signed_kind(crypto.GENERATION_REQUEST, encode(request)), "id": request.id},
        "attestation": signed_kind(crypto.ATTESTATION, encode(attestation)),
        "session": signed_kind(
            crypto.SESSION,
            encode({"account": "alice@studio", "chain": "vectors-00000000", "challenge": H[9], "node": "node1"}),
        ),
        "viewer_key": signed_kind(crypto.VIEWER_KEY, encode(a_viewer_key())),
        "request": {"tag": "", "payload": REQUEST.decode(), "signature": KEY.sign_request(REQUEST).hex()},
        "cose": {"payload": STRUCTURE.hex(), "signature": KEY.sign_cose(STRUCTURE).hex()},
        "note": {"payload": NOTE.decode(), "signature": KEY.sign_note(NOTE).hex()},
        "node_certificate": make_certificate(KEY).hex(),
        "openings": encode(some_openings()).decode(),
        "commitments": encode(some_openings().commitments()).decode(),
        "log_entry_of_the_transaction": entry.hex(),
        "log_leaf_of_the_transaction": leaf_hash(entry).hex(),
        "log_leaf_of_the_header": leaf_hash(previous_entry(header.hash)).hex(),
    }  # fmt: skip


def test_the_signed_bytes_are_those_of_the_vectors() -> None:
    assert vectors() == json.loads(VECTORS.read_text())


def test_the_vectors_hold_without_our_code() -> None:
    found = json.loads(VECTORS.read_text())
    public = VerifyKey(bytes.fromhex(found["key"]["public"]))

    for name in (
        "transaction",
        "proposal",
        "endorsement",
        "generation_request",
        "attestation",
        "session",
        "request",
        "viewer_key",
    ):
        kind = found[name]
        public.verify((kind["tag"] + kind["payload"]).encode(), bytes.fromhex(kind["signature"]))
    for name, tag in (("transaction", "transaction"), ("generation_request", "generation-request")):
        tagged = f"remarque/{tag}/v1" + found[name]["payload"]
        assert hashlib.sha256(tagged.encode()).hexdigest() == found[name]["id"]
    header = "remarque/header/v1" + found["header"]["payload"]
    assert hashlib.sha256(header.encode()).hexdigest() == found["header"]["hash"]
    canonical = json.dumps(
        json.loads(found["transaction"]["payload"]), sort_keys=True, separators=(",", ":"), ensure_ascii=False
    )
    assert canonical == found["transaction"]["payload"]


def test_no_domain_tag_begins_another() -> None:
    assert not any(a.startswith(b) or b.startswith(a) for a, b in combinations(crypto.TAGS, 2))


def test_a_requests_signature_base_and_a_tagged_message_never_begin_alike() -> None:
    tagged, signature = crypto.TRANSACTION + b"{}", bytes.fromhex(KEY.sign(crypto.TRANSACTION, b"{}"))

    assert not any(tag.startswith(b'"') for tag in crypto.TAGS)
    assert crypto.verify_request(KEY.public, REQUEST, KEY.sign_request(REQUEST))
    assert not crypto.verify_request(KEY.public, tagged, signature)
    with pytest.raises(InvariantBroken):
        KEY.sign_request(tagged)


@pytest.mark.parametrize("payload", [b"", b"x", REQUEST, crypto.TRANSACTION + b"{}", b"remarque/x\n", b"\n", b"-\n"])
def test_what_is_signed_without_a_tag_is_told_from_all_else_by_how_it_begins(payload: bytes) -> None:
    """A key signs a Sig_structure, a note and a certificate as their standards want, and nothing else so."""
    for signing, verifies, right in (
        (KEY.sign_cose, crypto.verify_cose, STRUCTURE),
        (KEY.sign_note, crypto.verify_note, NOTE),
        (KEY.sign_certificate, crypto.verify_certificate, CERTIFICATE_BODY),
    ):
        signature = signing(right)
        assert verifies(KEY.public, right, signature)
        assert not verifies(KEY.public, right, signature[:-1])
        with pytest.raises(InvariantBroken):
            signing(payload)
        other = STRUCTURE if right is NOTE else NOTE
        with pytest.raises(InvariantBroken):
            signing(other)
        assert not verifies(KEY.public, other, signature)
    heads = (crypto.COSE_SIGN1, crypto.CERTIFICATE_HEAD)
    assert not any(crypto.is_note(tag + b"\n") or tag.startswith(heads) for tag in crypto.TAGS)
    assert not crypto.is_note(REQUEST)


def test_a_signature_for_one_purpose_serves_no_other() -> None:
    signature = KEY.sign(crypto.PROPOSAL, b"x")

    assert crypto.verify(KEY.public, crypto.PROPOSAL, b"x", signature)
    assert not any(crypto.verify(KEY.public, tag, b"x", signature) for tag in crypto.TAGS if tag != crypto.PROPOSAL)


def test_weak_keys_are_refused() -> None:
    small_order = ["00" * 32, "01" + "00" * 31, "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"]

    assert not any(crypto.is_strong_key(key) for key in [*small_order, "zz" * 32, "", "ff" * 32])
    assert crypto.is_strong_key(KEY.public)


def test_what_is_no_signature_does_not_verify() -> None:
    good = KEY.sign(crypto.SESSION, b"x")

    for bad in ("", "00", good[:-2], good + "00", "zz" * 64, good.upper() + "0"):
        assert not crypto.verify(KEY.public, crypto.SESSION, b"x", bad)
    assert not crypto.verify("nothex", crypto.SESSION, b"x", good)


if __name__ == "__main__":
    VECTORS.parent.mkdir(exist_ok=True)
    VECTORS.write_text(json.dumps(vectors(), indent=2, ensure_ascii=False) + "\n")
