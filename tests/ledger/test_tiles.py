"""Names and contents of tiles, as tlog-tiles of C2SP has them."""

from __future__ import annotations

import hashlib
from base64 import b64decode

import pytest
from consortium import key_of
from hypothesis import given
from hypothesis import strategies as st

from ledger import note
from ledger.errors import InvariantBroken
from ledger.merkle_log import MerkleLog, leaf_hash
from ledger.tiles import Tile, bundle, parse_tile


@pytest.mark.parametrize(
    ("path", "tile"),
    [
        ("0/x001/x234/067", Tile(0, 1234067, 256)),
        ("0/000", Tile(0, 0, 256)),
        ("63/999.p/255", Tile(63, 999, 255)),
        ("entries/x001/000.p/1", Tile(None, 1000, 1)),
        ("1/x273/000.p/17", Tile(1, 273_000, 17)),
    ],
)
def test_a_tile_has_the_name_that_the_specification_gives_it(path: str, tile: Tile) -> None:
    assert parse_tile(path) == tile
    assert tile.path == path


@given(st.one_of(st.none(), st.integers(0, 63)), st.integers(0, 10**21 - 1), st.integers(1, 256))
def test_a_name_leads_back_to_its_tile(level: int | None, number: int, width: int) -> None:
    tile = Tile(level, number, width)

    assert parse_tile(tile.path) == tile


@pytest.mark.parametrize(
    "path",
    [
        "", "0", "0/", "0/1", "0/0001", "0/x000/001", "0/x001/x067", "0/001/x002", "00/001", "01/001",
        "64/001", "-1/001", "0/001.p/0", "0/001.p/256", "0/001.p/01", "0/001.p/1000", "0/001.p", "0/001.p/", "0/001\n",
        " 0/001", "0/X001/002", "entry/001", "Entries/001", "0/٠٠١", "0//001",
        "0/x001/x002/x003/x004/x005/x006/x007/008",
    ],
)  # fmt: skip
def test_a_tile_has_one_name_only(path: str) -> None:
    assert parse_tile(path) is None


@given(st.text(max_size=30))
def test_any_text_is_a_tiles_name_or_none(path: str) -> None:
    tile = parse_tile(path)

    assert tile is None or tile.path == path


def test_entries_stand_in_a_bundle_behind_their_lengths() -> None:
    assert bundle([b"abc", b"", b"x" * 300]) == b"\x00\x03abc\x00\x00\x01\x2c" + b"x" * 300


@pytest.mark.parametrize("size", [1, 255, 256, 257, 1_000])
def test_each_hash_of_a_tile_is_the_root_of_the_full_tile_below(size: int) -> None:
    leaves = [leaf_hash(str(number).encode()) for number in range(size)]
    log = MerkleLog()
    for leaf in leaves:
        log.append(leaf)

    assert log.subtree_roots(0, 0, size) == b"".join(leaves)
    for number in range(size // 256):
        below = MerkleLog()
        for leaf in leaves[256 * number : 256 * (number + 1)]:
            below.append(leaf)
        assert log.subtree_roots(8, number, number + 1) == below.root()
    with pytest.raises(InvariantBroken):
        log.subtree_roots(8, 0, size // 256 + 1)


def test_a_verifiers_key_says_name_id_and_key() -> None:
    public = key_of("node1").public

    name, key_id, encoded = note.verifier_key("devnet-01234567/node1", public).split("+", 2)

    assert b64decode(encoded) == b"\x01" + bytes.fromhex(public)
    assert key_id == hashlib.sha256(name.encode() + b"\n" + b64decode(encoded)).hexdigest()[:8]
