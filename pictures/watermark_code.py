"""The error correction of the watermark's 40-bit ids: how they are spread over signs, and read from noisy ones.

A convolutional code of rate 1/6 and constraint length 9, ended by eight zeros: 288 signs for 40 bits. Any two ids
differ in 37 signs at least (a test counts them), and what is read is weighed softly: a sign that lies in doubt counts
little. The most likely id is found by Viterbi's algorithm (IEEE Trans. Inf. Theory 13, 1967), exactly.
"""

from __future__ import annotations

from functools import cache

import numpy as np
import numpy.typing as npt

ID_BITS = 40
TAIL_BITS = 8
"""Zeros that bring the encoder back to where it began."""
GENERATORS = (0o457, 0o755, 0o551, 0o637, 0o625, 0o727)
"""Which of the last nine bits each of six signs is the parity of; the lowest bit is the newest."""
SIGNS = (ID_BITS + TAIL_BITS) * len(GENERATORS)

Floats = npt.NDArray[np.float32]

_STATES = 1 << TAIL_BITS


def encode(number: int) -> Floats:
    """The signs of an id below 2**40: 288 numbers, each 1 or -1."""
    state, found = 0, []
    for at in reversed(range(ID_BITS + TAIL_BITS)):
        bit = number >> (at - TAIL_BITS) & 1 if at >= TAIL_BITS else 0
        found.append(_signs()[bit, state])
        state = (state << 1 | bit) % _STATES
    return np.concatenate(found)


def decode(soft: Floats) -> tuple[npt.NDArray[np.int64], Floats]:
    """The likeliest id of each of some readings, and its score.

    `soft` has the shape (readings, 288); a score is the sum of a reading's numbers, each times the sign it should have.
    """
    steps = soft.reshape(len(soft), ID_BITS + TAIL_BITS, len(GENERATORS))
    scores = np.full((len(soft), _STATES), -np.inf, np.float32)
    scores[:, 0] = 0
    chosen = []
    for at in range(steps.shape[1]):
        scores, better = _step(scores, steps[:, at])
        chosen.append(better)
    return _traced(chosen), scores[:, 0]


def _step(scores: Floats, soft: Floats) -> tuple[Floats, npt.NDArray[np.bool_]]:
    """The best score of each state after one more bit, and whether the upper one of its two forerunners leads there.

    States s and s + 128 lead to the states 2 s and 2 s + 1 (of 256), by a bit 0 or 1.
    """
    gains = np.einsum("rg,bsg->rbs", soft, _signs(), optimize=True)
    reached = scores[:, None, :] + gains
    lower, upper = reached[..., : _STATES // 2], reached[..., _STATES // 2 :]
    better = upper > lower
    joined = np.where(better, upper, lower).transpose(0, 2, 1).reshape(len(soft), _STATES)
    return joined, better.transpose(0, 2, 1).reshape(len(soft), _STATES)


def _traced(chosen: list[npt.NDArray[np.bool_]]) -> npt.NDArray[np.int64]:
    """The bits that led to the state 0, as a number each; so the last eight of them are zeros."""
    rows = np.arange(len(chosen[0]))
    state = np.zeros(len(rows), np.int64)
    number = np.zeros(len(rows), np.int64)
    for at in reversed(range(len(chosen))):
        if at < ID_BITS:
            number |= (state & 1) << (ID_BITS - 1 - at)
        state = state >> 1 | chosen[at][rows, state].astype(np.int64) << (TAIL_BITS - 1)
    return number


@cache
def _signs() -> Floats:
    """By the new bit and the state, which is the last eight bits: the six signs; shape (2, 256, 6)."""
    found = np.empty((2, _STATES, len(GENERATORS)), np.float32)
    for bit in range(2):
        for state in range(_STATES):
            window = state << 1 | bit
            found[bit, state] = [1 - 2 * ((window & one).bit_count() & 1) for one in GENERATORS]
    return found
