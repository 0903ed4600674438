"""The search of image codes, held against a loop over all of them."""

from __future__ import annotations

from random import Random

import numpy as np
import pytest
from consortium import a_digest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from node.verification import image_codes
from node.verification.image_codes import BITS, ImageCodes

WITHIN = 56


def flipped(random: Random, code: int, bits: int) -> int:
    """The code with some of its bits changed."""
    for bit in random.sample(range(BITS), bits):
        code ^= 1 << bit
    return code


def by_a_loop(codes: list[int], searched: list[int], most: int) -> list[tuple[int, str]]:
    """The answer as its definition says."""
    apart = [(min((code ^ one).bit_count() for one in searched), place) for place, code in enumerate(codes)]
    return [(distance, a_digest(place)) for distance, place in sorted(apart) if distance <= WITHIN][:most]


def indexed(codes: list[int]) -> ImageCodes:
    found = ImageCodes()
    for place, code in enumerate(codes):
        found.add(code.to_bytes(32, "big"), a_digest(place))
    return found


def searched_for(index: ImageCodes, searched: list[int], most: int) -> list[tuple[int, str]]:
    *_, last = index.near(asked(searched), WITHIN, most)
    return last


def asked(searched: list[int]) -> NDArray[np.uint8]:
    return np.frombuffer(b"".join(code.to_bytes(32, "big") for code in searched), np.uint8).reshape(-1, 32)


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32), st.integers(0, 1_400), st.integers(1, 4), st.integers(1, 12))
def test_no_code_within_the_distance_is_passed_over(seed: int, count: int, looks: int, most: int) -> None:
    random = Random(seed)
    searched = [random.getrandbits(BITS) for _ in range(looks)]
    codes = [random.getrandbits(BITS) for _ in range(count)]
    for place in random.sample(range(count), count // 3):
        codes[place] = flipped(random, random.choice(searched), random.randrange(70))

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(image_codes, "PIECE", 512)
        assert searched_for(indexed(codes), searched, most) == by_a_loop(codes, searched, most)


@pytest.mark.parametrize("distance", [0, 1, 31, 32, 33, 55, 56, 57, 63, 64, 128, 255, 256])
def test_each_distance_is_told_exactly(distance: int) -> None:
    random = Random(distance)
    codes = [random.getrandbits(BITS) for _ in range(BITS)]
    searched = [flipped(random, codes[7], distance)]

    assert searched_for(indexed(codes), searched, 10) == ([(distance, a_digest(7))] if distance <= WITHIN else [])


def test_codes_of_two_whole_pieces_and_more_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(image_codes, "PIECE", 8_192)
    random = Random(1)
    codes = [random.getrandbits(BITS) for _ in range(2 * image_codes.PIECE + 300)]
    index = indexed(codes)

    for place in (0, 255, 256, 8_191, 8_192, 16_383, 16_384, 16_639, 16_640, 16_683):
        assert searched_for(index, [flipped(random, codes[place], 40)], 10) == [(40, a_digest(place))]


def test_nothing_is_near_to_nothing() -> None:
    assert searched_for(indexed([0] * 300), [], 10) == []
    assert searched_for(ImageCodes(), [0], 10) == []


def test_of_many_equal_codes_the_oldest_are_told() -> None:
    codes = [Random(1).getrandbits(BITS)] * 700

    assert searched_for(indexed(codes), codes[:1], 3) == [(0, a_digest(place)) for place in range(3)]


def test_codes_that_come_during_a_search_hide_none_that_were_there() -> None:
    random = Random(2)
    codes = [random.getrandbits(BITS) for _ in range(BITS - 1)]
    index = indexed(codes)
    search = index.near(asked([codes[100]]), WITHIN, 10)

    first = next(search)
    for number in range(300):
        index.add(random.randbytes(32), a_digest(f"late {number}"))
    *_, last = [first, *search]

    assert last == [(0, a_digest(100))]
