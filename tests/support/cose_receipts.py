"""COSE receipts that tests check and attack, by the key of a node over a log in memory."""

from __future__ import annotations

from consortium import key_of
from msgspec.structs import replace

from ledger.cose import Claims
from ledger.cose_receipt import issuer_of, member_keys, sign_consistency, sign_inclusion
from ledger.crypto import sha256
from ledger.merkle_log import MerkleLog, leaf_hash
from ledger.statement import sign_statement

NODE = key_of("node1")
CHAIN = "test-00000000"
KEYS = member_keys(CHAIN, {node: key_of(node).public for node in ("node1", "node2", "node3")})
STATEMENT = sign_statement(
    key_of("alice@studio"), "alice@studio", "picture 7", b'{"licence":"none"}', "application/json"
)
ENTRY = sha256(STATEMENT)
CLAIMS = Claims(issuer=issuer_of(CHAIN, "node1"), subject="picture 7", issued_at=1_700_000_000)
SIZE, INDEX = 11, 6


def a_log(size: int = SIZE) -> MerkleLog:
    log = MerkleLog()
    for number in range(size):
        log.append(leaf_hash(ENTRY if number == INDEX else str(number).encode()))
    return log


def inclusion(size: int = SIZE, node: str = "node1") -> bytes:
    log = a_log(size)
    claims = replace(CLAIMS, issuer=issuer_of(CHAIN, node))
    return sign_inclusion(key_of(node), claims, ENTRY, (size, INDEX, log.inclusion_path(INDEX, size)), log.root())


def consistency(first: int = 5, second: int = SIZE) -> bytes:
    log = a_log(second)
    return sign_consistency(
        NODE, CLAIMS, log.root(first), (first, second, log.consistency_path(first, second)), log.root()
    )
