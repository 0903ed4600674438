"""The authenticated state: a 16-ary radix tree over hashed keys, with proofs of presence and of absence.

Leaves are small sorted *buckets*, so that the tree has few nodes: a subtree is a bucket if and only if it holds at
most `BUCKET_MAX` entries. That rule makes the tree canonical: the same map has the same root in whatever order it was
built, and deletion merges back. An entry is the SHA-256 of its key and the SHA-256 of its value.

Trees are immutable and share structure: a block's tree is a new root above the old one, and truncation drops it.
Nodes are tuples of `bytes`, which the garbage collector stops tracking, so that a million of them cost it nothing.

What lies below `PAGE_DEPTH` may be left where it is stored, as a *page*: its hash stands for it until it is needed. So
a tree of millions of entries is opened from 65,536 hashes at most.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Annotated, Any, NamedTuple

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
TreeNode = tuple[Any, ...]
"""A bucket; a page not loaded (hash, its number of entries as in `TreePage`, how to load them); or an inner node (hash,
the 16 hashes of its children joined, child 0, …, child 15)."""
HashedChange = tuple[bytes, bytes | None]
"""Hash of a key, and hash of its new value; None removes it."""

EMPTY: Bucket = (sha256(_EMPTY_TAG), b"")
PAGE_DEPTH = 4
PAGE_BYTES = PAGE_DEPTH // 2
"""Bytes of a key's hash that name its page."""


class PageDamaged(Exception):
    """The entries stored for a page are not those that its hash stands for. The store cannot be trusted."""


class TreePage(NamedTuple):
    """What stands for a page while it is not loaded."""

    prefix: bytes
    """PAGE_BYTES bytes that its keys' hashes begin with."""
    hash: bytes
    entries: int
    """How many, if they fit a bucket; BUCKET_MAX + 1 if they do not."""


def apply_changes(root: TreeNode, changes: Iterable[tuple[str, bytes | None]]) -> TreeNode:
    """Tree after setting keys to values, or removing those whose value is None. About 10 µs a key."""
    return apply_hashed(root, hashed(dict(changes).items()))


def hashed(changes: Iterable[tuple[str, bytes | None]]) -> list[HashedChange]:
    """The hashes of changes, in the order given, which must name each key once."""
    return [(sha256(key.encode()), None if value is None else sha256(value)) for key, value in changes]


def apply_hashed(root: TreeNode, changes: list[HashedChange]) -> TreeNode:
    """Tree after changes from `hashed`."""
    return _update(root, sorted(changes), 0, shrinks=any(value is None for _, value in changes))


def open_tree(pages: Iterable[TreePage], load: Callable[[bytes], bytes]) -> TreeNode:
    """Tree over stored pages, in order of their prefixes; `load` gives the entries of a prefix, joined and sorted."""
    return _opened([page for page in pages if page.entries], 0, load)


def page_from(prefix: bytes, entries: bytes) -> TreePage:
    """What stands for the entries of a prefix, joined and sorted."""
    return TreePage(prefix, _build(entries, PAGE_DEPTH)[0], min(len(entries) // ENTRY, BUCKET_MAX + 1))


def page_of(root: TreeNode, prefix: bytes) -> TreePage:
    """What stands for the part of a tree whose keys' hashes begin with a prefix."""
    node, depth = root, 0
    while depth < PAGE_DEPTH and len(node) > 3:
        node = node[2 + _nibble(prefix, depth)]
        depth += 1
    if len(node) == 3:
        node = _loaded(node)
    if len(node) > 2:
        return TreePage(prefix, node[0], BUCKET_MAX + 1)
    entries: bytes = node[1]
    if depth == PAGE_DEPTH:
        return TreePage(prefix, node[0], len(entries) // ENTRY)
    within = [entries[at : at + ENTRY] for at in range(0, len(entries), ENTRY) if entries.startswith(prefix, at)]
    return TreePage(prefix, _bucket(b"".join(within))[0], len(within))


def unloaded(node: TreeNode, prefix: int = 0, depth: int = 0) -> Iterator[bytes]:
    """Prefixes of the pages of a tree that are not loaded."""
    if len(node) == 3:
        yield prefix.to_bytes(PAGE_BYTES, "big")
    elif len(node) > 3 and depth < PAGE_DEPTH:
        for nibble in range(16):
            yield from unloaded(node[2 + nibble], prefix << 4 | nibble, depth + 1)


def with_page(node: TreeNode, prefix: bytes, depth: int = 0) -> TreeNode:
    """The same tree with a page loaded."""
    if len(node) == 3:
        return _loaded(node)
    if len(node) == 2 or depth == PAGE_DEPTH:
        return node
    parts, place = list(node), 2 + _nibble(prefix, depth)
    parts[place] = with_page(node[place], prefix, depth + 1)
    return tuple(parts)


def _opened(pages: list[TreePage], depth: int, load: Callable[[bytes], bytes]) -> TreeNode:
    if depth == PAGE_DEPTH and pages:
        (page,) = pages
        return (page.hash, page.entries, lambda: load(page.prefix))
    if sum(page.entries for page in pages) <= BUCKET_MAX:
        return _bucket(b"".join([load(page.prefix) for page in pages]))
    parts: list[list[TreePage]] = [[] for _ in range(16)]
    for page in pages:
        parts[_nibble(page.prefix, depth)].append(page)
    return _inner([_opened(part, depth + 1, load) for part in parts])


def _loaded(page: TreeNode) -> TreeNode:
    """A page's own node, from its stored entries. PageDamaged if they are others."""
    node = _build(page[2](), PAGE_DEPTH)
    if node[0] != page[0]:
        raise PageDamaged("the entries of a page of the state tree are not those of its hash: the disk is damaged")
    return node


def root_hash(root: TreeNode) -> bytes:
    """32 bytes that stand for the whole map."""
    digest: bytes = root[0]
    return digest


def _bucket(entries: bytes) -> Bucket:
    return (sha256(_BUCKET_TAG + entries), entries) if entries else EMPTY


def _inner(children: list[TreeNode]) -> TreeNode:
    hashes = b"".join([child[0] for child in children])
    return (sha256(_INNER_TAG + hashes), hashes, *children)


def _nibble(key: bytes, depth: int) -> int:
    byte = key[depth >> 1]
    return byte & 15 if depth & 1 else byte >> 4


def _update(node: TreeNode, changes: list[HashedChange], depth: int, *, shrinks: bool) -> TreeNode:
    """Subtree after sorted changes. Only where something is removed (`shrinks`) may inner nodes become buckets."""
    if len(node) == 3:
        node = _loaded(node)
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
    if shrinks and (bucket := _collapsed(parts[2:])) is not None:
        return bucket
    parts[0], parts[1] = sha256(_INNER_TAG + hashes), bytes(hashes)
    return tuple(parts)


def _merged(entries: bytes, changes: list[HashedChange]) -> bytes:
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
    """A bucket's entries with one of them set, which is all that most updates do."""
    at = 0
    while at < len(entries) and entries[at : at + 32] < key:
        at += ENTRY
    rest = at + ENTRY if entries[at : at + 32] == key else at
    return entries[:at] + key + value + entries[rest:]


def _build(entries: bytes, depth: int) -> TreeNode:
    """Subtree over sorted entries."""
    if len(entries) <= BUCKET_MAX * ENTRY:
        return _bucket(entries)
    column = entries[depth >> 1 :: ENTRY]
    first, step = (column[0] & 0xF0, 1) if depth & 1 else (0, 16)
    ends = [ENTRY * bisect_left(column, first + step * nibble) for nibble in range(1, 17)]
    return _inner([_build(entries[start:end], depth + 1) for start, end in pairwise((0, *ends))])


def _collapsed(children: list[TreeNode]) -> Bucket | None:
    """The bucket that an inner node becomes, if together its children hold few enough entries."""
    total = 0
    for child in children:
        if len(child) > 3 or (len(child) == 3 and child[1] > BUCKET_MAX):
            return None
        total += len(child[1]) if len(child) == 2 else child[1] * ENTRY
        if total > BUCKET_MAX * ENTRY:
            return None
    return _bucket(b"".join([(child if len(child) == 2 else _loaded(child))[1] for child in children]))


class StateProof(Value, frozen=True, kw_only=True):
    """Shows that a key has a value, or has none, under a state root.

    From the root down: the 16 child hashes of each inner node on the key's way, then the entries of the bucket it ends
    in. A bucket without the key proves its absence.
    """

    inner: Annotated[tuple[Annotated[tuple[Hex32, ...], Meta(min_length=16, max_length=16)], ...], Meta(max_length=64)]
    bucket: Annotated[tuple[tuple[Hex32, Hex32], ...], Meta(max_length=BUCKET_MAX)]


def prove(root: TreeNode, key: str) -> StateProof:
    """Proof of presence or absence of a key."""
    wanted = sha256(key.encode())
    node, inner = root, []
    while len(node := _loaded(node) if len(node) == 3 else node) != 2:
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
