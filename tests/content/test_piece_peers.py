"""Piece CIDs as Filecoin's own programs find them."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
from ipfs_programs import said_by

from remarque.pieces import STEP, PieceHasher

pytestmark = pytest.mark.peers

SIZES = (65, 127, 128, 1_000, 65_536, 1_000_000, STEP, STEP + 1, 3 * STEP, 10_000_000)


def test_synapse_finds_the_same_pieces(tmp_path: Path) -> None:
    files, ours = [], []
    for size in SIZES:
        data, hasher = random.Random(size).randbytes(size), PieceHasher()
        hasher.update(data)
        files.append(tmp_path / str(size))
        files[-1].write_bytes(data)
        ours.append(hasher.piece())

    said = said_by("piece.mjs", *map(str, files)).splitlines()

    assert said == [f"{one.cid} {one.cid_v1}" for one in ours]
