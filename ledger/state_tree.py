"""The authenticated state: a 16-ary radix tree over hashed keys, with proofs of presence and of absence.

Leaves are small sorted *buckets*, so that the tree has few nodes: a subtree is a bucket if and only if it holds at
most `BUCKET_MAX` entries. That rule makes the tree canonical: the same map has the same root in whatever order it was
built, and deletion merges back. An entry is the SHA-256 of its key and the SHA-256 of its value.

Trees are immutable and share structure: a block's tree is a new root above the old one, and truncation drops it.
Nodes are tuples of `bytes`, which the garbage collector stops tracking, so that a million of them cost it nothing.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Annotated, Any

from msgspec import Meta

from ledger.crypto import sha256
from ledger.encoding import Value
from ledger.names import Hex32

BUCKET_MAX = 8
HASH = 32
ENTRY = 2 * HASH
"""Bytes of a key's hash and its value's."""
_EMPTY_TAG, _BUCKET_TAG, _INNER_TAG = b"\x00", b"\x01", b"\x02"

Bucket = tuple[bytes, bytes]
"""(hash, entries): entries are 32 bytes of key hash and 32 of value hash each, sorted by key hash."""
Node = tuple[Any, ...]
"""A bucket, or an inner node (hash, the 16 hashes of its children joined, child 0, …, child 15)."""

EMPTY: Bucket = (sha256(_EMPTY_TAG), b"")


def apply_changes(root: Node, changes: Iterable[tuple[str, bytes | None]]) -> Node:
    """Tree after setting keys to values, or removing those whose value is None. About 10 µs a key."""
    wanted = {sha256(key.encode()): None if value is None else sha256(value) for key, value in changes}
    return _update(root, sorted(wanted.items()), 0, shrinks=None in wanted.values())


def root_hash(root: Node) -> bytes:
    """32 bytes that stand for the whole map."""
    digest: bytes = root[0]
    return digest


def _bucket(entries: bytes) -> Bucket:
    return (sha256(_BUCKET_TAG + entries), entries) if entries else EMPTY


def _inner(children: list[Node]) -> Node:
    hashes = b"".join([child[0] for child in children])
    return (sha256(_INNER_TAG + hashes), hashes, *children)


def _nibble(key: bytes, depth: int) -> int:
    byte = key[depth >> 1]
    return byte & 15 if depth & 1 else byte >> 4


def _update(node: Node, changes: list[tuple[bytes, bytes | None]], depth: int, *, shrinks: bool) -> Node:
    """Subtree after sorted changes. Only where something is removed (`shrinks`) may inner nodes become buckets."""
    if len(node) == 2:
        return _build(_merged(node[1], changes), depth)
    parts, hashes = list(node), bytearray(node[1])
    byte, shift = depth >> 1, 0 if depth & 1 else 4
    start, count = 0, len(changes)
    while start < count:
        nibble = changes[start][0][byte] >> shift & 15
        end = start + 1
        while end < count and changes[end][0][byte] >> shift & 15 == nibble:
            end += 1
        child = parts[2 + nibble] = _update(parts[2 + nibble], changes[start:end], depth + 1, shrinks=shrinks)
        hashes[HASH * nibble : HASH * nibble + HASH] = child[0]
        start = end
    if shrinks:
        return _collapsed(parts[2:])
    parts[0], parts[1] = sha256(_INNER_TAG + hashes), bytes(hashes)
    return tuple(parts)


def _merged(entries: bytes, changes: list[tuple[bytes, bytes | None]]) -> bytes:
    """A bucket's entries after changes to it, sorted."""
    if len(changes) == 1 and (only := changes[0])[1] is not None:
        return _with_one(entries, only[0], only[1])
    found = {entries[at : at + 32]: entries[at + 32 : at + ENTRY] for at in range(0, len(entries), ENTRY)}
    for key, value in changes:
        if value is None:
            found.pop(key, None)
        else:
            found[key] = value
    return b"".join([key + found[key] for key in sorted(found)])


def _with_one(entries: bytes, key: bytes, value: bytes) -> bytes:
    """A bucket's entries with one set: what most changes come to."""
    at = 0
    while at < len(entries) and entries[at : at + 32] < key:
        at += ENTRY
    rest = at + ENTRY if entries[at : at + 32] == key else at
    return entries[:at] + key + value + entries[rest:]


def _build(entries: bytes, depth: int) -> Node:
    """Subtree over sorted entries."""
    if len(entries) <= BUCKET_MAX * ENTRY:
        return _bucket(entries)
    parts: list[list[bytes]] = [[] for _ in range(16)]
    for at in range(0, len(entries), ENTRY):
        entry = entries[at : at + ENTRY]
        parts[_nibble(entry, depth)].append(entry)
    return _inner([_build(b"".join(part), depth + 1) for part in parts])


def _collapsed(children: list[Node]) -> Node:
    """Inner node over children, or a bucket if together they hold few enough entries."""
    total = 0
    for child in children:
        if len(child) != 2:
            return _inner(children)
        total += len(child[1])
        if total > BUCKET_MAX * ENTRY:
            return _inner(children)
    return _bucket(b"".join([child[1] for child in children]))


class StateProof(Value, frozen=True, kw_only=True):
    """Shows that a key has a value, or has none, under a state root.

    From the root down: the 16 child hashes of each inner node on the key's way, then the entries of the bucket it ends
    in. A bucket without the key proves its absence.
    """

    inner: Annotated[tuple[Annotated[tuple[Hex32, ...], Meta(min_length=16, max_length=16)], ...], Meta(max_length=64)]
    bucket: Annotated[tuple[tuple[Hex32, Hex32], ...], Meta(max_length=BUCKET_MAX)]


def prove(root: Node, key: str) -> StateProof:
    """Proof of presence or absence of a key."""
    wanted = sha256(key.encode())
    node, inner = root, []
    while len(node) != 2:
        inner.append(tuple(node[1][at : at + HASH].hex() for at in range(0, 16 * HASH, HASH)))
        node = node[2 + _nibble(wanted, len(inner) - 1)]
    entries: bytes = node[1]
    bucket = tuple(
        (entries[at : at + 32].hex(), entries[at + 32 : at + ENTRY].hex()) for at in range(0, len(entries), ENTRY)
    )
    return StateProof(inner=tuple(inner), bucket=bucket)


def proof_holds(state_root: bytes, key: str, value: bytes | None, proof: StateProof) -> bool:
    """Whether a proof shows that the key has exactly this value (None: no value) under the root."""
    wanted = sha256(key.encode())
    keys = [entry for entry, _ in proof.bucket]
    if keys != sorted(set(keys)):
        return False
    found = dict(proof.bucket).get(wanted.hex())
    if found != (None if value is None else sha256(value).hex()):
        return False
    current = _bucket(b"".join(bytes.fromhex(key_hash + value_hash) for key_hash, value_hash in proof.bucket))[0]
    for depth in range(len(proof.inner) - 1, -1, -1):
        hashes = [bytes.fromhex(child) for child in proof.inner[depth]]
        if hashes[_nibble(wanted, depth)] != current:
            return False
        current = sha256(_INNER_TAG + b"".join(hashes))
    return current == state_root
