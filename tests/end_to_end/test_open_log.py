"""The log as strangers follow it, from three real nodes: statements, receipts of all, checkpoints, tiles."""

from __future__ import annotations

import hashlib
import json
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from base64 import b64decode, urlsafe_b64encode
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cbor2
import pytest
import scitt_cose
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from devnet.cluster import Cluster
from devnet.story import COLLECTOR, CREATOR, SECOND_COLLECTOR
from ledger import actions
from ledger.consistency import root_from_consistency
from ledger.merkle_log import MerkleLog
from ledger.statement import sign_statement
from remarque.client import Client
from remarque.errors import RemarqueError

COSE = {"Content-Type": "application/cose"}


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_: Any) -> None:
        return None


_opener = urllib.request.build_opener(_NoRedirect)


def ask(url: str, body: bytes | None = None, headers: dict[str, str] | None = None) -> tuple[int, Any, bytes]:
    """Status, header fields and body of an answer, whatever the status."""
    request = urllib.request.Request(url, data=body, headers=headers or {})
    try:
        with _opener.open(request, timeout=15) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    cluster = Cluster.create(tmp_path_factory.mktemp("open") / "devnet", 3)
    try:
        cluster.up()
        yield cluster
    finally:
        cluster.down()


def a_statement(cluster: Cluster, subject: str) -> bytes:
    return sign_statement(cluster.key(CREATOR), CREATOR, subject, b'{"made":"by hand"}', "application/json")


def pem(public: str) -> bytes:
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(public))
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def pay(cluster: Cluster, amount: int = 1) -> Any:
    with Client(cluster.urls, COLLECTOR, cluster.key(COLLECTOR)) as client:
        return client.submit(actions.Pay(to=SECOND_COLLECTOR, currency="EUR", amount=amount))


# Signed notes and tiles, read as their specifications say, with nothing of ours.


def read_note(data: bytes, keys: dict[str, str]) -> tuple[str, int, bytes, set[str]]:
    """Origin, size and root of a note, and which of the known keys signed it; fails if one of theirs does not hold."""
    text, _, lines = data.decode().rpartition("\n\n")
    signed_by = set()
    for line in lines.splitlines():
        dash, name, encoded = line.split(" ")
        assert dash == "—"
        signature, public = b64decode(encoded, validate=True), bytes.fromhex(keys[name])
        assert signature[:4] == hashlib.sha256(name.encode() + b"\n\x01" + public).digest()[:4]
        Ed25519PublicKey.from_public_bytes(public).verify(signature[4:], (text + "\n").encode())
        signed_by.add(name)
    origin, size, root = text.split("\n")
    return origin, int(size), b64decode(root, validate=True), signed_by


def tile_name(number: int) -> str:
    digits = f"{number:03d}"
    digits = digits.zfill(-(-len(digits) // 3) * 3)
    groups = [digits[at : at + 3] for at in range(0, len(digits), 3)]
    return "/".join([f"x{group}" for group in groups[:-1]] + groups[-1:])


def widths(size: int) -> Iterator[tuple[int, str]]:
    """Number and suffix of each tile over a level of so many hashes."""
    for number in range(-(-size // 256)):
        width = min(256, size - 256 * number)
        yield number, "" if width == 256 else f".p/{width}"


def follow(cluster: Cluster, name: str, size: int) -> tuple[list[bytes], bytes]:
    """All entries of a log, and the root over their hashes, as a monitor finds them; level 0 must agree."""
    entries: list[bytes] = []
    url = cluster.url(name)
    for number, suffix in widths(size):
        data = of_member(cluster, name, f"/v1/tlog/tile/entries/{tile_name(number)}{suffix}")
        while data:
            length = int.from_bytes(data[:2], "big")
            entries.append(data[2 : 2 + length])
            data = data[2 + length :]
    log, hashes = MerkleLog(), [hashlib.sha256(b"\x00" + entry).digest() for entry in entries]
    for leaf in hashes:
        log.append(leaf)
    told = b"".join(ask(f"{url}/v1/tlog/tile/0/{tile_name(n)}{suffix}")[2] for n, suffix in widths(size))
    assert told == b"".join(hashes)
    return entries, log.root()


def of_member(cluster: Cluster, name: str, path: str) -> bytes:
    """What a node answers a member."""
    with Client(cluster.url(name), COLLECTOR, cluster.key(COLLECTOR), signed_requests=True) as client:
        return client.request("GET", path)


def checkpoint(cluster: Cluster, name: str, *, beyond: int = 0) -> tuple[int, bytes, set[str]]:
    """Size, root and signers of a node's note; waits until it is of a log larger than so many leaves."""
    keys = {f"{cluster.genesis.chain}/{node.name}": node.key for node in cluster.genesis.nodes}
    deadline = time.monotonic() + 10
    while True:
        status, headers, data = ask(cluster.url(name) + "/v1/tlog/checkpoint")
        assert (status, headers["Content-Type"]) == (200, "text/plain; charset=utf-8")
        assert headers["Cache-Control"] == "no-cache"
        origin, size, root, signers = read_note(data, keys)
        assert origin == cluster.genesis.chain
        if size > beyond or time.monotonic() > deadline:
            assert size > beyond
            return size, root, signers


def test_a_statement_comes_back_with_receipts_of_three_nodes_that_a_stranger_accepts(cluster: Cluster) -> None:
    statement = a_statement(cluster, "picture 1")
    digest = hashlib.sha256(statement).hexdigest()
    url = cluster.url("node1")

    status, headers, receipt = ask(url + "/entries", statement, COSE)
    again = ask(url + "/entries", statement, COSE)
    status_of_all, kind, transparent = ask(url + f"/entries/{digest}?transparent=true")

    assert (status, headers["Location"]) == (201, f"/entries/{digest}")
    assert headers["Content-Type"] == kind["Content-Type"].replace("statement", "receipt")
    assert again[0] == 201
    assert again[2] == receipt == ask(url + headers["Location"])[2]
    assert status_of_all == 200
    receipts = scitt_cose.extract_receipts(transparent)
    assert len(receipts) == 3
    assert receipts[0] == receipt
    keys = {node.name: node.key for node in cluster.genesis.nodes}
    key_set = {key[2]: key[-2] for key in cbor2.loads(ask(url + "/.well-known/scitt-keys")[2])}
    found = set()
    for one in receipts:
        key = key_set[cbor2.loads(cbor2.loads(one).value[0])[4]].hex()
        accepted = scitt_cose.verify_receipt(one, leaf_entry_hex=digest, log_public_key_pem=pem(key))
        assert accepted.ok, accepted.errors
        assert accepted.subject == "picture 1"
        node = accepted.issuer.rpartition(":")[2]
        assert keys[node] == key
        found.add(node)
    assert found == {"node1", "node2", "node3"}
    assert scitt_cose.parse_signed_statement(transparent, public_key_pem=pem(cluster.key(CREATOR).public))


def test_every_node_gives_the_statement_back_and_the_keys_one_by_one(cluster: Cluster) -> None:
    statement = a_statement(cluster, "picture 2")
    digest = hashlib.sha256(statement).hexdigest()
    assert ask(cluster.url("node1") + "/entries", statement, COSE)[0] == 201
    for name in ("node2", "node3"):
        deadline = time.monotonic() + 10
        while (answer := ask(cluster.url(name) + f"/entries/{digest}?transparent=true"))[0] != 200:
            assert time.monotonic() < deadline, answer  # it is fetched from the others once the block is final
        assert len(scitt_cose.extract_receipts(answer[2])) == 3
    for key in cbor2.loads(ask(cluster.url("node2") + "/.well-known/scitt-keys")[2]):
        named = urlsafe_b64encode(key[2]).decode().rstrip("=")
        assert cbor2.loads(ask(cluster.url("node3") + f"/.well-known/scitt-keys/{named}")[2]) == key


def test_a_transaction_has_a_cose_receipt_of_each_node(cluster: Cluster) -> None:
    receipt = pay(cluster)
    keys = {node.name: node.key for node in cluster.genesis.nodes}
    path = f"/v1/transactions/{receipt.signed.id}"
    entry = (
        b"remarque/leaf/v1" + receipt.header.height.to_bytes(8, "big") + bytes.fromhex(receipt.signed.id)
        + receipt.signed.signatures_digest + receipt.outcome.digest
    )  # fmt: skip

    status, headers, data = ask(cluster.url("node2") + path + "/receipts.cose")

    assert (status, headers["Content-Type"]) == (200, "application/cbor")
    receipts = cbor2.loads(data)
    assert len(receipts) == 3
    for name, key in keys.items():
        check = {"leaf_entry_hex": entry.hex(), "log_public_key_pem": pem(key)}
        verdicts = [scitt_cose.verify_receipt(one, **check).ok for one in receipts]
        assert sum(verdicts) == 1, name
    assert ask(cluster.url("node2") + path + "/receipt.cose")[1]["Content-Type"] == "application/scitt-receipt+cose"


def test_a_monitor_follows_the_log_by_notes_and_tiles_alone(cluster: Cluster) -> None:
    for amount in range(1, 6):
        pay(cluster, amount)
    size, root, signers = checkpoint(cluster, "node1", beyond=5)
    assert signers == {f"{cluster.genesis.chain}/node{number}" for number in (1, 2, 3)}

    entries, found = follow(cluster, "node2", size)

    assert found == root
    assert len(entries) == size
    assert {52, 120} <= {len(entry) for entry in entries} <= {32, 52, 120}


def test_between_two_checkpoints_the_log_only_grew(cluster: Cluster) -> None:
    pay(cluster)
    first = checkpoint(cluster, "node1")
    for _ in range(3):
        receipt = pay(cluster)
    second = checkpoint(cluster, "node2", beyond=receipt.header.log_size - 1)
    with Client(cluster.urls) as client:
        heights = {}
        for height in range(1, receipt.header.height + 1):
            proof = _certified(client, height)
            if proof is not None:
                heights[proof.first.header.log_size] = height
        proof = client.consistency(heights[first[0]], heights[second[0]], genesis=cluster.genesis)
        asked = {"from": str(heights[first[0]]), "to": str(heights[second[0]])}
        data = client.request("GET", "/v1/log/consistency.cose", session=False, params=asked)

    assert (proof.first.header.log_root, proof.second.header.log_root) == (first[1].hex(), second[1].hex())
    inner = cbor2.loads(cbor2.loads(data).value[1][396][-2][0])
    assert root_from_consistency(first[1], *inner) == second[1]
    path = [bytes.fromhex(value) for value in proof.path]
    assert inner == [first[0], second[0], path]


def _certified(client: Client, height: int) -> Any:
    try:
        return client.consistency(height, height)
    except Exception as error:
        assert "HEIGHT_UNCERTIFIED" in str(error)
        return None


def test_a_receipt_is_anchored_where_one_wants_it(cluster: Cluster) -> None:
    early = pay(cluster)
    late = pay(cluster)
    with Client([cluster.url("node1")], COLLECTOR, cluster.key(COLLECTOR)) as client:
        newest = client.get("/v1/checkpoint", session=False)["header"]["height"]
        anchored = client.receipt(early.signed.id, anchor=newest)
        with pytest.raises(RemarqueError, match=f"HEIGHT_UNCERTIFIED.*{newest}"):
            client.receipt(early.signed.id, anchor=999_999)

    assert newest >= late.header.height
    assert anchored.certificate.height == newest


TILES_THAT_ARE_NOT = [
    "0/000", "0/001", "0/x000/000", "0/0", "0/0000", "00/000.p/1", "64/000.p/1", "-1/000.p/1", "entries/000",
    "0/000.p/0", "0/000.p/01", "0/000.p/256", "0/000.p/255", "0/x001/000.p/1", "1/000.p/1",
    "0/x999/x999/x999/x999/x999/x999/999", "entries/x001/000.p/1", "data/000", "0/000.p/1/", "0/٠٠٠.p/1", "",
]  # fmt: skip


def test_what_is_no_tile_of_this_log_is_not_found(one_node: Cluster) -> None:
    for path in TILES_THAT_ARE_NOT:
        with pytest.raises(RemarqueError) as refused:
            of_member(one_node, "node1", f"/v1/tlog/tile/{urllib.parse.quote(path)}")

        assert (refused.value.status, refused.value.code) == (404, "NOT_FOUND"), path


def test_a_tile_that_is_full_is_kept_for_ever(one_node: Cluster) -> None:
    with Client(one_node.urls, COLLECTOR, one_node.key(COLLECTOR)) as client:
        batch = [client.sign(actions.Pay(to=SECOND_COLLECTOR, currency="EUR", amount=1)) for _ in range(600)]
        assert {result.code for result in client.send_batch(batch)} == {"OK"}
    size, root, _ = checkpoint(one_node, "node1", beyond=600)

    assert follow(one_node, "node1", size)[1] == root
    full, partial = (ask(f"{one_node.url('node1')}/v1/tlog/tile/{path}") for path in ("0/001", "1/000.p/2"))
    assert "immutable" in full[1]["Cache-Control"]
    assert "immutable" not in partial[1]["Cache-Control"]
    assert (len(full[2]), len(partial[2])) == (8_192, 64)
    assert partial[2][32:] == MerkleLogOf(full[2]).root()


class MerkleLogOf(MerkleLog):
    """The tree over the hashes of a tile."""

    def __init__(self, hashes: bytes) -> None:
        super().__init__()
        for at in range(0, len(hashes), 32):
            self.append(hashes[at : at + 32])


def remarque(*arguments: str) -> Any:
    """What a command prints as JSON; fails if it refuses."""
    command = [sys.executable, "-m", "node", "--json", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


def test_the_command_signs_registers_and_checks_a_statement(cluster: Cluster, tmp_path: Path) -> None:
    genesis = str(cluster.root / "genesis.json")
    said, signed, whole = (tmp_path / name for name in ("said.json", "signed.cose", "whole.cose"))
    said.write_text('{"taken":"2026-11-24"}')
    identity = ["--account", CREATOR, "--key", str(cluster.root / "accounts" / f"{CREATOR}.key")]

    remarque(*identity, "statement", "sign", str(said), "--subject", "picture 9", "--out", str(signed))
    remarque("--node", cluster.url("node1"), "statement", "register", str(signed), "--out", str(whole))
    found = remarque("statement", "verify", str(whole), "--genesis", genesis)

    assert found["registered_by"] == ["node1", "node2", "node3"]
    assert (found["issuer"], found["subject"], found["payload"]) == (CREATOR, "picture 9", said.read_text())
    changed = whole.read_bytes().replace(b"2026-11-24", b"2026-11-23")
    whole.write_bytes(changed)
    with pytest.raises(AssertionError, match="CoseRefused"):
        remarque("statement", "verify", str(whole), "--genesis", genesis)


def test_the_command_proves_that_the_log_only_grew_and_names_its_keys(cluster: Cluster, tmp_path: Path) -> None:
    genesis, file = str(cluster.root / "genesis.json"), str(tmp_path / "proof.json")
    first, second = pay(cluster), pay(cluster)
    at = [str(receipt.certificate.height) for receipt in (first, second)]
    kept = ["--genesis", genesis, "--out", file]

    asked = remarque("--node", cluster.url(cluster.wait_leader()), "log", "consistency", *at, *kept)

    assert remarque("log", "verify", file, "--genesis", genesis) == asked
    keys = remarque("log", "keys", "--genesis", genesis)
    assert keys["origin"] == cluster.genesis.chain
    assert [key.partition("+")[0] for key in keys["keys"]] == [f"{cluster.genesis.chain}/node{n}" for n in (1, 2, 3)]


def test_a_chain_with_statements_passes_an_audit(cluster: Cluster) -> None:
    assert ask(cluster.url("node1") + "/entries", a_statement(cluster, "picture 3"), COSE)[0] == 201
    identity = ["--account", CREATOR, "--key", str(cluster.root / "accounts" / f"{CREATOR}.key")]

    report = remarque(*identity, "audit", cluster.url("node2"), "--genesis", str(cluster.root / "genesis.json"))

    assert "finding" not in report
    assert report["transactions"] > 0


def test_a_node_without_a_registrar_says_so(cluster: Cluster) -> None:
    status, _, body = ask(cluster.url("node2") + "/entries", a_statement(cluster, "picture 4"), COSE)

    assert (status, cbor2.loads(body)["urn:remarque:error"]["code"]) == (503, "REGISTRAR_ABSENT")


def test_a_registration_without_a_majority_is_told_where_to_ask_again(three_nodes: Cluster) -> None:
    url, statement = three_nodes.url("node1"), a_statement(three_nodes, "picture 5")
    pay(three_nodes)
    for name in ("node2", "node3"):
        three_nodes.kill(name)

    status, headers, body = ask(url + "/entries", statement, COSE)
    place = headers["Location"]
    running = ask(url + place)
    note = ask(url + "/v1/tlog/checkpoint")[2].decode()
    for name in ("node2", "node3"):
        three_nodes.start(name)
    three_nodes.wait_ready()

    assert (status, place, headers["Retry-After"]) == (303, f"/entries/{hashlib.sha256(statement).hexdigest()}", "1")
    assert cbor2.loads(body)["urn:remarque:error"]["code"] == "REGISTRATION_RUNNING"
    assert (running[0], running[1]["Location"]) == (302, place)
    assert note.count("—") == 1
    deadline = time.monotonic() + 15
    while (answer := ask(url + place))[0] == 302:
        assert time.monotonic() < deadline
    assert answer[0] == 200
    assert ask(url + "/entries", statement, COSE)[2] == answer[2]
