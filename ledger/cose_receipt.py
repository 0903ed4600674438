"""Receipts as COSE (RFC 9942): one node's signature on a root of the log, with the path to it.

The other form of a receipt, for those who have a COSE library and no code for ours: the same log, the same paths; in
place of a certificate one signature per node, each a receipt of its own. A node signs only roots of certified headers
that it holds. The payload is the root and always detached: whoever verifies computes it from the entry.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from ledger import cbor, cose
from ledger.cbor import CborRefused
from ledger.consistency import root_from_consistency
from ledger.cose import Claims, CoseRefused, Ed25519Key, Sign1, Verifying
from ledger.crypto import SigningKey
from ledger.errors import ensure
from ledger.merkle_log import HASH, leaf_hash, root_from_path

VDS, VDP = 395, 396
"""Labels: the kind of tree, among the signed headers; the proofs, among the unsigned ones."""
RFC9162_SHA256 = 1
INCLUSION, CONSISTENCY = -1, -2
"""Kinds of proofs within `VDP`."""
COSE_RECEIPT_BYTES_MAX = 16 * 1024
PROOFS_MAX = 16
PATH_MAX = 64
SIZE_MAX = 2**63

Proof = tuple[int, int, list[bytes]]
"""Size, index and path of an inclusion; first size, second size and path of a consistency."""

MemberKeys = Mapping[str, Verifying]
"""Keys of a chain's nodes, each by the issuer that its receipts name: made by `member_keys`."""


class Proven(msgspec.Struct, frozen=True, kw_only=True):
    """What a receipt proves: the sizes and the root that its signer stands for."""

    claims: Claims
    key_id: bytes | None
    size: int
    """Leaves of the log; of the later one for a consistency."""
    index: int
    """Index of the leaf; for a consistency, the number of leaves of the earlier log."""
    root: bytes
    """Of the log; of the later one for a consistency."""


def sign_inclusion(key: SigningKey, claims: Claims, entry: bytes, proof: Proof, root: bytes) -> bytes:
    """Receipt of an entry of the log whose root is `root`."""
    size, index, path = proof
    claims = replace(claims, log_size=size)
    ensure(root_from_path(leaf_hash(entry), index, size, path) == root, "a node signs roots it can prove")
    return _sign(key, claims, INCLUSION, proof, root)


def sign_consistency(key: SigningKey, claims: Claims, first_root: bytes, proof: Proof, root: bytes) -> bytes:
    """Receipt that the log whose root is `root` begins with the one whose root is `first_root`."""
    first, second, path = proof
    claims = replace(claims, log_size=second)
    ensure(root_from_consistency(first_root, first, second, path) == root, "a node signs roots it can prove")
    return _sign(key, claims, CONSISTENCY, proof, root)


def verify_inclusion(data: bytes, entry: bytes, key: Verifying) -> Proven:
    """What anybody's receipt proves of an entry, signed by a key one trusts; else CoseRefused."""
    receipt, proofs = _parse(data, INCLUSION)
    leaf = leaf_hash(entry)
    roots = [root_from_path(leaf, index, size, path) for size, index, path in proofs]
    return _proven(receipt, [(size, index) for size, index, _ in proofs], roots, key)


def verify_inclusion_by_any(data: bytes, entry: bytes, keys: Iterable[Verifying]) -> Proven:
    """What a receipt proves of an entry, signed by one of several keys under any name; else CoseRefused."""
    fault = CoseRefused("there is no key to verify it with")
    for key in keys:
        try:
            return verify_inclusion(data, entry, key)
        except CoseRefused as refused:
            fault = refused
    raise fault


def verify_consistency_receipt(data: bytes, first_root: bytes, key: Verifying) -> Proven:
    """What anybody's receipt proves of a log that begins with one whose root is known; else CoseRefused."""
    receipt, proofs = _parse(data, CONSISTENCY)
    roots = [root_from_consistency(first_root, first, second, path) for first, second, path in proofs]
    return _proven(receipt, [(second, first) for first, second, _ in proofs], roots, key)


def issuer_of(chain: str, node: str) -> str:
    """How a node calls itself in its receipts."""
    return f"urn:remarque:{chain}:{node}"


def member_keys(chain: str, nodes: Mapping[str, str]) -> MemberKeys:
    """Keys of a chain's nodes, from their public keys by name."""
    return {issuer_of(chain, node): Ed25519Key(public) for node, public in nodes.items()}


def verify_member_inclusion(data: bytes, entry: bytes, members: MemberKeys) -> Proven:
    """What a member's receipt proves of an entry, signed by the node of the chain that it names; else CoseRefused."""
    return verify_inclusion(data, entry, _member_key(data, members))


def verify_member_consistency(data: bytes, first_root: bytes, members: MemberKeys) -> Proven:
    """What a member's receipt proves of a later log, signed by the node that it names; else CoseRefused."""
    return verify_consistency_receipt(data, first_root, _member_key(data, members))


def _sign(key: SigningKey, claims: Claims, kind: int, proof: Proof, root: bytes) -> bytes:
    signed = cose.sign1(key, {cose.CLAIMS: claims.encoded(), VDS: RFC9162_SHA256}, root)
    return replace(signed, payload=None, unprotected={VDP: {kind: [cbor.encode(list(proof))]}}).encoded()


def _member_key(data: bytes, members: MemberKeys) -> Verifying:
    """The key of a receipt's issuer; refused too if it lacks a claim or is not spelled as a node spells it."""
    receipt = cose.parse_sign1(data, COSE_RECEIPT_BYTES_MAX)
    claims = receipt.claims()
    if cbor.encode(receipt.headers) != receipt.protected:
        raise CoseRefused("its signed headers are not in the order of RFC 8949, 4.2.1")
    if None in (claims.issuer, claims.subject, claims.issued_at, claims.log_size):
        raise CoseRefused("it does not say who signed, about what, when, and for a log of how many leaves")
    key = members.get(claims.issuer or "")
    if key is None:
        raise CoseRefused(f"its issuer {str(claims.issuer)[:200]!r} is no node of this chain")
    if receipt.headers.get(cose.KEY_ID) != key.thumbprint:
        raise CoseRefused("it is not signed by the key of the node that it names")
    return key


def _proven(receipt: Sign1, places: list[tuple[int, int]], roots: list[bytes | None], key: Verifying) -> Proven:
    """What is proven by the first of the proofs that the signature holds for; all of them must be well-formed."""
    reached = [root for root in roots if root is not None]
    if len(reached) < len(roots):
        raise CoseRefused("a path does not fit its sizes, or leads from elsewhere")
    faults = []
    claims = receipt.claims()
    for (size, index), root in zip(places, reached, strict=True):
        try:
            if claims.log_size not in (None, size):
                raise CoseRefused(f"a proof names {size} leaves, signed are {claims.log_size}")
            receipt.check(key, root)
        except CoseRefused as fault:
            faults.append(fault)
            continue
        key_id = receipt.headers.get(cose.KEY_ID)
        return Proven(claims=claims, key_id=key_id, size=size, index=index, root=root)
    raise faults[0]


def _parse(data: bytes, kind: int) -> tuple[Sign1, list[Proof]]:
    """A receipt and its proofs of one kind."""
    receipt = cose.parse_sign1(data, COSE_RECEIPT_BYTES_MAX)
    if receipt.payload is not None:
        raise CoseRefused("its payload is attached; a receipt's is the root, which the verifier computes")
    if receipt.headers.get(VDS) != RFC9162_SHA256:
        raise CoseRefused(f"its tree is of kind {receipt.headers.get(VDS)!r}; known is {RFC9162_SHA256}, RFC 9162")
    if not isinstance(receipt.headers.get(cose.KEY_ID, b""), bytes):
        raise CoseRefused("its key id is no bytes")
    receipt.claims()
    held = receipt.unprotected.get(VDP)
    if receipt.unprotected.keys() != {VDP} or not isinstance(held, dict) or held.keys() != {kind}:
        raise CoseRefused("its unsigned headers are not proofs of the one kind asked for")
    proofs = held[kind]
    if not isinstance(proofs, list) or not 1 <= len(proofs) <= PROOFS_MAX:
        raise CoseRefused(f"it brings no list of 1 to {PROOFS_MAX} proofs")
    return receipt, [_proof(proof) for proof in proofs]


def _proof(data: Any) -> Proof:
    try:
        value = cbor.decode(data) if isinstance(data, bytes) else None
    except CborRefused as error:
        raise CoseRefused(f"a proof: {error}") from None
    if not isinstance(value, list) or len(value) != 3 or not isinstance(value[2], list):
        raise CoseRefused("a proof is two numbers and a path")
    first, second, path = value
    if not all(type(number) is int and 0 <= number <= SIZE_MAX for number in (first, second)):
        raise CoseRefused(f"a proof's numbers lie from 0 to {SIZE_MAX}")
    if len(path) > PATH_MAX or not all(isinstance(one, bytes) and len(one) == HASH for one in path):
        raise CoseRefused(f"a path has at most {PATH_MAX} hashes of {HASH} bytes")
    return first, second, path
