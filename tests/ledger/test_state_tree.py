from __future__ import annotations

import hashlib
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from ledger.crypto import sha256
from ledger.state_tree import BUCKET_MAX, EMPTY, StateProof, apply_changes, proof_holds, prove, root_hash

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
