"""All recorded image codes, searched for those near another: exactly, yet without a loop over the codes.

Codes lie in slabs, turned over: number j of a slab holds bit j of each of its 8,192 codes. The distances of all of them
to a searched code are added up together, as adders in hardware would, with every gate a whole number: about 20 ns a
code, where a loop over codes takes 100. A code takes 70 bytes, its asset's id included.
"""

from __future__ import annotations

from collections.abc import Iterator
from heapq import nsmallest

BITS = 256
SLAB = 8_192
"""Codes in a slab: searching one takes 0.2 ms, so a picture's twenty codes take 4 ms together."""
ID_BYTES = 32

Near = tuple[int, int]
"""How many bits a code differs in, and its place in the order of recording."""


class ImageCodes:
    """Codes with their assets, in the order of recording."""

    def __init__(self) -> None:
        self._assets = bytearray()
        self._slabs: list[list[int]] = []
        self._rest: list[int] = []
        """The newest codes, fewer than BITS, not yet in a slab."""

    def __len__(self) -> int:
        return len(self._assets) // ID_BYTES

    def add(self, code: int, asset: str) -> None:
        """Take the code of an asset."""
        self._assets += bytes.fromhex(asset)
        self._rest.append(code)
        if len(self._rest) == BITS:
            place = (len(self) - BITS) % SLAB
            if place == 0:
                self._slabs.append([0] * BITS)
            columns = zip(self._slabs[-1], turned_over(self._rest), strict=True)
            self._slabs[-1] = [column | new << place for column, new in columns]
            self._rest = []

    def near(self, searched: list[int], within: int, most: int) -> Iterator[list[tuple[int, str]]]:
        """The `most` nearest codes within a distance of any searched, as (distance, asset); of equals the oldest first.

        Answers after every piece of work with the nearest so far; the last answer is the whole one.
        """
        best: list[Near] = []
        for found in self._pieces(searched, within, most):
            nearest = {}
            for distance, place in sorted(best + found, reverse=True):
                nearest[place] = distance
            best = nsmallest(most, ((distance, place) for place, distance in nearest.items()))
            yield [(distance, self._asset(place)) for distance, place in best]

    def _pieces(self, searched: list[int], within: int, most: int) -> Iterator[list[Near]]:
        """What is near in each slab. The rest comes first: codes added meanwhile may move it into a slab."""
        turned = len(self) - len(self._rest)
        apart = [
            (min(((one ^ code).bit_count() for code in searched), default=BITS), place)
            for place, one in enumerate(self._rest, turned)
        ]
        yield [near for near in apart if near[0] <= within]
        slab = 0
        while slab < len(self._slabs):
            start, turned = slab * SLAB, len(self) - len(self._rest)
            valid = (1 << min(SLAB, turned - start)) - 1
            yield [
                (distance, start + place)
                for code in searched
                for distance, place in nearest_in(self._slabs[slab], valid, code, within, most)
            ]
            slab += 1

    def _asset(self, place: int) -> str:
        return self._assets[place * ID_BYTES : (place + 1) * ID_BYTES].hex()


def nearest_in(slab: list[int], valid: int, code: int, within: int, most: int) -> list[Near]:
    """The nearest codes of a slab, of those whose bit in `valid` is set: nearest first, of equals the oldest."""
    every = (1 << SLAB) - 1
    sums = added_up([column ^ every if code >> bit & 1 else column for bit, column in enumerate(slab)])
    digits = within.bit_length()
    for high in sums[digits:]:
        valid &= valid ^ high
    found: list[Near] = []
    for distance in range(within + 1 if valid else 0):
        equal = valid
        for digit, one in enumerate(sums[:digits]):
            equal &= one if distance >> digit & 1 else equal ^ one
        while equal and len(found) < most:
            lowest = equal & -equal
            found.append((distance, lowest.bit_length() - 1))
            equal ^= lowest
    return found


def added_up(columns: list[int]) -> list[int]:
    """For each place, how many of the columns have its bit set: in binary, a number per digit, the lowest first."""
    sums = []
    while columns:
        carries = []
        while len(columns) > 1:
            one, two, three = columns.pop(), columns.pop(), columns.pop() if columns else 0
            odd = one ^ two
            columns.append(odd ^ three)
            carries.append(one & two | odd & three)
        sums.append(columns[0])
        columns = carries
    return sums


def turned_over(codes: list[int]) -> list[int]:
    """The columns of a square of 256 codes of 256 bits: exchanges two of its quarters, then two of theirs, and so on.

    Source: Warren, Hacker's Delight, 7-3.
    """
    square = int.from_bytes(b"".join(code.to_bytes(ID_BYTES, "little") for code in codes), "little")
    for shift, mask in _EXCHANGES:
        changed = (square ^ square >> shift) & mask
        square ^= changed ^ changed << shift
    packed = square.to_bytes(BITS * ID_BYTES, "little")
    return [int.from_bytes(packed[at : at + ID_BYTES], "little") for at in range(0, len(packed), ID_BYTES)]


def _exchanges() -> Iterator[tuple[int, int]]:
    """For each size of the parts exchanged, how far apart they lie and which bits are the lower ones."""
    size = BITS // 2
    while size:
        row = sum(1 << column for column in range(BITS) if column & size)
        yield (BITS - 1) * size, sum(row << BITS * number for number in range(BITS) if not number & size)
        size //= 2


_EXCHANGES = tuple(_exchanges())
