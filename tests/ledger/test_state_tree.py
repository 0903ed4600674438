from __future__ import annotations

import hashlib
from bisect import bisect_left
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger.crypto import sha256
from ledger.state_tree import (
    BUCKET_MAX,
    EMPTY,
    PageDamaged,
    StateProof,
    TreeNode,
    apply_changes,
    hashed,
    open_tree,
    page_from,
    page_of,
    proof_holds,
    prove,
    root_hash,
    unloaded,
    with_page,
)

KEYS = st.integers(0, 400).map(lambda number: f"asset/{number}")
MAPS = st.dictionaries(KEYS, st.binary(max_size=4), max_size=120)


def naive(entries: list[tuple[bytes, bytes]], depth: int = 0) -> bytes:
    """The definition: at most eight entries make a bucket, more an inner node of sixteen."""
    if not entries:
        return hashlib.sha256(b"\x00").digest()
    if len(entries) <= BUCKET_MAX:
        return hashlib.sha256(b"\x01" + b"".join(key + value for key, value in sorted(entries))).digest()
    parts: list[list[tuple[bytes, bytes]]] = [[] for _ in range(16)]
    for key, value in entries:
        parts[int(key.hex()[depth], 16)].append((key, value))
    return hashlib.sha256(b"\x02" + b"".join(naive(part, depth + 1) for part in parts)).digest()


def naive_root(values: dict[str, bytes]) -> bytes:
    return naive([(sha256(key.encode()), sha256(value)) for key, value in values.items()])


@given(MAPS)
def test_the_root_is_that_of_the_definition(values: dict[str, bytes]) -> None:
    assert root_hash(apply_changes(EMPTY, values.items())) == naive_root(values)


@settings(max_examples=200)
@given(st.lists(st.dictionaries(KEYS, st.none() | st.binary(max_size=4), max_size=40), max_size=8))
def test_the_root_depends_on_the_map_alone_however_it_came_about(steps: list[dict[str, Any]]) -> None:
    tree, values = EMPTY, {}
    for step in steps:
        tree = apply_changes(tree, step.items())
        values |= step
        values = {key: value for key, value in values.items() if value is not None}

        assert root_hash(tree) == naive_root(values)


def test_an_older_tree_stays_as_it_was() -> None:
    old = apply_changes(EMPTY, ((f"k{number}", b"1") for number in range(100)))
    before = root_hash(old)

    apply_changes(old, ((f"k{number}", None) for number in range(100)))

    assert root_hash(old) == before


@given(MAPS, KEYS)
def test_a_proof_shows_presence_or_absence_and_nothing_else(values: dict[str, bytes], key: str) -> None:
    tree = apply_changes(EMPTY, values.items())
    root, proof, value = root_hash(tree), prove(tree, key), values.get(key)

    assert proof_holds(root, key, value, proof)
    assert not proof_holds(root, key, b"another value", proof)
    assert value is None or not proof_holds(root, key, None, proof)
    assert not proof_holds(sha256(b"another root"), key, value, proof)


def test_a_proof_with_anything_changed_is_refused() -> None:
    values = {f"asset/{number}": b"v" for number in range(500)}
    tree = apply_changes(EMPTY, values.items())
    root = root_hash(tree)
    for key, value in (("asset/7", b"v"), ("asset/unknown", None)):
        proof = prove(tree, key)
        for changed in mutations(proof):
            assert not proof_holds(root, key, value, changed)


def mutations(proof: StateProof) -> list[StateProof]:
    flipped = "ff" * 32
    found = [replace(proof, inner=proof.inner[:-1]), replace(proof, inner=(*proof.inner, proof.inner[0]))]
    for level, hashes in enumerate(proof.inner):
        for place in range(16):
            changed = (*hashes[:place], flipped, *hashes[place + 1 :])
            found.append(replace(proof, inner=(*proof.inner[:level], changed, *proof.inner[level + 1 :])))
    for place, (key, _) in enumerate(proof.bucket):
        found.append(replace(proof, bucket=(*proof.bucket[:place], (key, flipped), *proof.bucket[place + 1 :])))
        found.append(replace(proof, bucket=(*proof.bucket[:place], *proof.bucket[place + 1 :])))
    found.append(replace(proof, bucket=(*proof.bucket, *proof.bucket[:1])))
    return found


CLOSE = [
    key for key in (f"asset/{number}" for number in range(250_000)) if sha256(key.encode()).hex().startswith("abc")
]
"""Keys so near to each other that their tree reaches below where pages begin."""


class Stored:
    """A map as a store holds it: entries by hash, and what stands for each page."""

    def __init__(self, values: dict[str, bytes]) -> None:
        self.tree = apply_changes(EMPTY, values.items())
        self.entries = dict(hashed(values.items()))
        self.loaded: list[bytes] = []

    def load(self, prefix: bytes) -> bytes:
        self.loaded.append(prefix)
        keys = sorted(self.entries)
        within = keys[bisect_left(keys, prefix) : bisect_left(keys, prefix + b"\xff" * 30)]
        return b"".join(key + (self.entries[key] or b"") for key in within)

    def opened(self) -> TreeNode:
        prefixes = sorted({key[:2] for key in self.entries})
        return open_tree([page_of(self.tree, prefix) for prefix in prefixes], self.load)


@settings(deadline=None)
@given(
    st.sets(st.sampled_from(CLOSE)),
    st.integers(0, 300),
    st.dictionaries(st.sampled_from(CLOSE) | KEYS, st.none() | st.binary(max_size=4), max_size=30),
)
def test_a_tree_opened_from_its_pages_is_the_same_tree(
    close: set[str], others: int, changes: dict[str, bytes | None]
) -> None:
    stored = Stored(dict.fromkeys([*close, *(f"asset/{number}" for number in range(others))], b"v"))

    opened = stored.opened()
    changed = apply_changes(opened, changes.items())

    assert root_hash(opened) == root_hash(stored.tree)
    whole = apply_changes(stored.tree, changes.items())
    assert root_hash(changed) == root_hash(whole)
    for key in changes:
        assert prove(opened, key) == prove(stored.tree, key)
        assert prove(changed, key) == prove(whole, key)
        assert page_of(changed, sha256(key.encode())[:2]) == page_of(whole, sha256(key.encode())[:2])


@given(st.sets(st.sampled_from(CLOSE)), st.integers(0, 300))
def test_a_tree_whose_pages_were_loaded_is_the_same_tree(close: set[str], others: int) -> None:
    stored = Stored(dict.fromkeys([*close, *(f"asset/{number}" for number in range(others))], b"v"))
    opened = stored.opened()

    for prefix in list(unloaded(opened)):
        assert page_from(prefix, stored.load(prefix)) == page_of(stored.tree, prefix)
        opened = with_page(opened, prefix)

    assert opened == stored.tree


def test_emptying_a_tree_that_was_opened_from_pages_merges_back_to_the_empty_one() -> None:
    values = dict.fromkeys(CLOSE, b"v")
    tree = Stored(values).opened()
    for key in values:
        tree = apply_changes(tree, [(key, None)])

    assert tree == EMPTY


def test_an_opened_tree_loads_only_what_is_asked_for() -> None:
    stored = Stored(dict.fromkeys(CLOSE, b"v"))
    opened = stored.opened()
    assert stored.loaded == []

    prove(opened, CLOSE[0])

    assert stored.loaded == [sha256(CLOSE[0].encode())[:2]]


def test_a_page_that_is_not_what_its_hash_stands_for_is_refused() -> None:
    stored = Stored(dict.fromkeys(CLOSE, b"v"))
    opened = stored.opened()
    stored.entries[sha256(CLOSE[0].encode())] = sha256(b"another value")

    with pytest.raises(PageDamaged):
        apply_changes(opened, [(CLOSE[0], b"w")])
