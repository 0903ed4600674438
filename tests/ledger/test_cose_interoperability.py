"""Our COSE receipts in other people's libraries, and other people's receipts in ours."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import cwt
import pycose.headers
import pytest
import scitt_cose
from click.testing import CliRunner
from consortium import key_of
from cose_receipts import ENTRY, INDEX, KEYS, NODE, SIZE, STATEMENT, a_log, consistency, inclusion
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_public_key,
)
from pycose.keys import OKPKey
from pycose.keys.curves import Ed25519
from pycose.messages import Sign1Message

from ledger import cbor, cose
from ledger.cose import CoseRefused, Ed25519Key, Verifying
from ledger.cose_receipt import VDS, verify_inclusion, verify_member_consistency
from ledger.crypto import sha256
from ledger.statement import with_receipts
from node.cli.main import cli
from node.transparency.key_sets import P256Key, key_set, parse_key_set

FOLDER = Path(os.environ.get("REMARQUE_CONFORMANCE", "")) / "scitt"
RECEIPT, GROWTH = inclusion(), consistency()


def pem(public: str) -> bytes:
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def test_scitt_cose_accepts_our_receipt_and_our_statement() -> None:
    found = scitt_cose.verify_receipt(RECEIPT, leaf_entry_hex=ENTRY.hex(), log_public_key_pem=pem(NODE.public))

    assert found.ok, found.errors
    assert (found.root, found.tree_size, found.leaf_index) == (a_log().root().hex(), SIZE, INDEX)
    assert (found.issuer, found.subject, found.iat) == ("urn:remarque:test-00000000:node1", "picture 7", 1_700_000_000)
    parsed = scitt_cose.parse_signed_statement(STATEMENT, public_key_pem=pem(key_of("alice@studio").public))
    assert parsed["signature_verified"]
    assert (parsed["issuer"], parsed["subject"]) == ("alice@studio", "picture 7")


def test_scitt_cose_finds_the_receipts_of_our_transparent_statement() -> None:
    receipts = [inclusion(node=node) for node in ("node1", "node2", "node3")]

    assert scitt_cose.extract_receipts(with_receipts(STATEMENT, receipts)) == receipts
    assert with_receipts(STATEMENT, receipts) == scitt_cose.attach_receipts(STATEMENT, receipts)


@pytest.mark.parametrize("data", [RECEIPT, GROWTH], ids=["inclusion", "consistency"])
def test_pycose_accepts_the_signature(data: bytes) -> None:
    message = Sign1Message.decode(data)
    message.payload = a_log().root()
    message.key = OKPKey(crv=Ed25519, x=bytes.fromhex(NODE.public))

    assert message.verify_signature()
    assert message.phdr[pycose.headers.KID] == Ed25519Key(NODE.public).thumbprint
    message.payload = a_log().root(5)
    assert not message.verify_signature()


@pytest.mark.parametrize("data", [RECEIPT, GROWTH], ids=["inclusion", "consistency"])
def test_cwt_accepts_the_signature(data: bytes) -> None:
    """It names label 13 for the claims, which is 15: so they are read here by the number."""
    key = cwt.COSEKey.from_pem(pem(NODE.public), kid=Ed25519Key(NODE.public).thumbprint)

    protected, _, payload = cwt.COSE.new().decode_with_headers(data, key, detached_payload=a_log().root())

    assert payload == a_log().root()
    assert protected[15][1] == "urn:remarque:test-00000000:node1"
    with pytest.raises(cwt.VerifyError):
        cwt.COSE.new().decode(data, key, detached_payload=a_log().root(5))


def test_the_path_of_a_receipt_of_consistency_holds_for_scitt_cose() -> None:
    first, second, path = cbor.decode(cose.parse_sign1(GROWTH, 10_000).unprotected[396][-2][0])

    roots = a_log().root(first).hex(), a_log().root(second).hex()
    assert scitt_cose.verify_consistency(*roots, first, second, [one.hex() for one in path])
    assert verify_member_consistency(GROWTH, a_log().root(first), KEYS).root.hex() == roots[1]


def test_a_receipt_that_scitt_cose_builds_holds_here(tmp_path: Path) -> None:
    """With a key of P-256, as others use: verified here, also by the command; never made."""
    private = ec.generate_private_key(ec.SECP256R1())
    numbers = private.public_key().public_numbers()
    key = P256Key(numbers.x.to_bytes(32, "big"), numbers.y.to_bytes(32, "big"))
    entries = [sha256(STATEMENT) if number == 4 else bytes([number]) * 32 for number in range(9)]
    receipt = scitt_cose.build_receipt(
        leaf_entry_hex=entries[4].hex(),
        leaf_index=4,
        tree_entries_hex=[entry.hex() for entry in entries],
        alg="ES256",
        log_private_key_pem=private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    )

    assert verify_inclusion(receipt, entries[4], key).index == 4
    with pytest.raises(CoseRefused, match="algorithm"):
        verify_inclusion(receipt, entries[4], Ed25519Key(NODE.public))
    with pytest.raises(CoseRefused):
        verify_inclusion(receipt[:-1] + bytes([receipt[-1] ^ 1]), entries[4], key)
    stranger = {1: 2, -1: 1, -2: numbers.x.to_bytes(32, "big"), -3: numbers.y.to_bytes(32, "big")}
    ours = Ed25519Key(NODE.public).cose_key()
    arguments = ["statement", "check", str(tmp_path / "receipt"), "--statement", str(tmp_path / "statement")]
    (tmp_path / "statement").write_bytes(STATEMENT)
    (tmp_path / "keys").write_bytes(cbor.encode([ours, stranger]))
    for data, said in ((receipt, "entry 4 of 9"), (RECEIPT, f"entry {INDEX} of {SIZE}"), (receipt[:-1], "refused")):
        (tmp_path / "receipt").write_bytes(data)
        done = CliRunner().invoke(cli, [*arguments, "--keys", str(tmp_path / "keys")])
        assert said in done.output
        assert done.exit_code == (1 if said == "refused" else 0)


def test_a_key_set_gives_back_its_keys_by_the_thumbprint_of_the_standard() -> None:
    publics = [key_of(f"node{number}").public for number in (1, 2, 3)]

    keys = parse_key_set(key_set(publics))

    assert list(keys) == [key.thumbprint for key in KEYS.values()]
    for key_id, public in zip(keys, publics, strict=True):
        assert hashlib.sha256(b"\xa3\x01\x01\x20\x06\x21\x58\x20" + bytes.fromhex(public)).digest() == key_id
    for data in (b"", b"\x80\x00", cbor.encode([1]), cbor.encode([{1: 1, -1: 6, -2: b"\x00" * 32}]), cbor.encode({})):
        with pytest.raises(CoseRefused):
            parse_key_set(data)
    with pytest.raises(CoseRefused, match="P-256"):
        parse_key_set(cbor.encode([{1: 2, -1: 1, -2: b"\x01" * 32, -3: b"\x02" * 32}]))


def test_the_thumbprint_is_that_of_the_example_in_the_standard() -> None:
    """RFC 9679, 6."""
    x = bytes.fromhex("65eda5a12577c2bae829437fe338701a10aaa375e1bb5b5de108de439c08551d")
    y = bytes.fromhex("1e52ed75701163f7f9e40ddf9f341b3dc9ba860af7e0ca7ca7e9eecd0084d19c")

    expected = "496bd8afadf307e5b08c64b0421bf9dc01528a344a43bda88fadd1669da253ec"
    assert P256Key(x, y).thumbprint.hex() == expected
    assert parse_key_set(cbor.encode([{1: 2, -1: 1, -2: x, -3: y}])).keys() == {bytes.fromhex(expected)}


def published_key(path: Path) -> Verifying:
    """A vector's key. CoseRefused if it is of no kind that we verify with."""
    key: Any = load_pem_public_key(path.read_bytes())
    if isinstance(key, Ed25519PublicKey):
        return Ed25519Key(key.public_bytes(Encoding.Raw, PublicFormat.Raw).hex())
    numbers = key.public_numbers()
    return P256Key(numbers.x.to_bytes(key.key_size // 8, "big"), numbers.y.to_bytes(key.key_size // 8, "big"))


def _holds(check: Any) -> bool:
    try:
        check()
    except CoseRefused:
        return False
    return True


@pytest.mark.skipif(not FOLDER.is_dir(), reason="REMARQUE_CONFORMANCE names no folder with scitt/")
def test_every_published_receipt_has_the_published_verdict(record_property: Any) -> None:
    """One receipt is of a tree of another kind (CCF), which is out of our profile: refused here, and counted."""
    held, refused, foreign = 0, 0, []
    for path in sorted(FOLDER.glob("*/*/receipt*.cose")):
        said = json.loads((path.parent / "expected.json").read_text())
        entry = bytes.fromhex(said.get("leaf_entry") or said["leaf_entry_hex"])
        data, log_key = path.read_bytes(), path.parent / "log-key.pub"
        holds = _holds(lambda: verify_inclusion(data, entry, published_key(log_key)))  # noqa: B023, called at once
        if said.get("receipt_valid") and cbor.decode(cose.parse_sign1(data, 10_000).protected)[VDS] != 1:
            foreign.append(path.parent.name)
            assert not holds
            continue
        assert holds is said.get("receipt_valid", said.get("ok")), path
        held, refused = held + holds, refused + (not holds)
    record_property("verdicts", f"{held} hold, {refused} refused, out of profile: {foreign}")
    assert (held, refused, foreign) == (10, 14, ["valid-ccf-vds2"])


@pytest.mark.skipif(not FOLDER.is_dir(), reason="REMARQUE_CONFORMANCE names no folder with scitt/")
def test_every_published_statement_has_the_published_verdict() -> None:
    count = 0
    for path in sorted(FOLDER.glob("v1/*/statement.cose")):
        said, key = json.loads((path.parent / "expected.json").read_text()), path.parent / "issuer-key.pub"
        sign1 = cose.parse_sign1(path.read_bytes(), 10_000)
        holds = _holds(lambda: sign1.check(published_key(key), sign1.payload or b""))  # noqa: B023, called at once
        assert holds is said["statement_signature_valid"], path
        count += 1
    assert count == 8
