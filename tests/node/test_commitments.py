"""Piece commitments: equal to known ones, to a plain reading of the specification, and however the bytes come."""

from __future__ import annotations

import random
from hashlib import sha256

import pytest

from remarque.pieces import STEP, Piece, PieceHasher

ZEROS = {
    127: "baga6ea4seaqdomn3tgwgrh3g532zopskstnbrd2n3sxfqbze7rxt7vqn7veigmy",
    254: "baga6ea4seaqgiktap34inmaex4wbs6cghlq5i2j2yd2bb2zndn5ep7ralzphkdy",
    508: "baga6ea4seaqfpirydiugkk7up5v666wkm6n6jlw6lby2wxht5mwaqekerdfykjq",
    1016: "baga6ea4seaqb66wjlfkrbye6uqoemcyxmqylwmrm235uclwfpsyx3ge2imidoly",
}
"""Piece CIDs, version 1, of as many zeros: from the test data of go-fil-commp-hashhash."""


def piece_of(data: bytes, part: int = 100_000) -> Piece:
    hasher = PieceHasher()
    for at in range(0, len(data), part):
        hasher.update(data[at : at + part])
    return hasher.piece()


def plain_commitment(data: bytes) -> bytes:
    """The same, a bit after the other and a level after the other."""
    bits = "".join(f"{byte:08b}"[::-1] for byte in data.ljust(max(127, len(data)), b"\0"))
    level = [_node(bits[at : at + 254].ljust(256, "0")) for at in range(0, len(bits), 254)]
    while len(level) & (len(level) - 1) or len(level) < 4:
        level.append(bytes(32))
    while len(level) > 1:
        digests = [sha256(left + right).digest() for left, right in zip(level[::2], level[1::2], strict=True)]
        level = [digest[:31] + bytes((digest[31] & 0x3F,)) for digest in digests]
    return level[0]


def _node(bits: str) -> bytes:
    return bytes(int(bits[at : at + 8][::-1], 2) for at in range(0, 256, 8))


@pytest.mark.parametrize("size", ZEROS)
def test_pieces_of_zeros_are_the_known_ones(size: int) -> None:
    found = piece_of(bytes(size))

    assert (found.cid_v1, found.padded) == (ZEROS[size], size // 127 * 128)
    smaller = piece_of(bytes(size - 20))
    assert (smaller.commitment, smaller.padded) == (found.commitment, found.padded)
    assert smaller.cid != found.cid


def test_a_piece_of_another_program_is_ours_as_well() -> None:
    found = piece_of(b"\x07" * (1 << 20))  # by @filoz/synapse-core 0.5.2

    assert found.cid == "bafkzcibeqcad6ehjcg72bmpl6v437vvnuqscg5wk3xsomi3tzxd6gyzjf5sywnobby"
    assert (found.height, found.padded) == (16, 2 << 20)


@pytest.mark.parametrize("size", [0, 1, 32, 126, 127, 128, 254, 255, 381, 509, 5_000, 40_000])
def test_a_commitment_is_what_a_plain_reading_of_the_specification_makes(size: int) -> None:
    data = random.Random(size).randbytes(size)

    assert piece_of(data).commitment == plain_commitment(data)


@pytest.mark.parametrize("steps", [1, 2, 3])
@pytest.mark.parametrize("beyond", [-1, 0, 1])
def test_it_does_not_matter_in_what_parts_the_bytes_come_nor_where_a_step_ends(steps: int, beyond: int) -> None:
    data = random.Random(steps).randbytes(steps * STEP + beyond)
    whole = piece_of(data, len(data))

    assert piece_of(data, 77_777) == whole
    filled = data.ljust(STEP << (-(-len(data) // STEP) - 1).bit_length(), b"\0")
    assert whole.commitment == piece_of(filled, len(filled)).commitment
    halves = [piece_of(filled[at : at + len(filled) // 2]).commitment for at in (0, len(filled) // 2)]
    root = bytearray(sha256(b"".join(halves)).digest())
    root[31] &= 0x3F
    assert whole.commitment == root
