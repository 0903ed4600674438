"""The invisible watermark: an id of 40 bits within a picture's pixels, put in and read by whoever has the key.

It survives what files are put through: re-encoding, scaling, screenshots; and a crop or a turn once the picture has
been laid where it lay. What it says proves nothing by itself, for whoever has two pictures can carry it from one to the
other: it leads to a record, with which the picture is then compared.

Putting in moves each pattern of `watermark_patterns` to the nearest point of a lattice that stands for its sign, in
lattices of a few strengths, the weakest first. A strength is enough if the id can be read again, with much to spare,
after JPEG at quality 20 and at a quarter of the size. No picture goes further than 40 dB from what it was: where the
strongest lattice within them cannot even be read after JPEG at quality 50 and at half the size, the picture is too
smooth, or too small, and is left as it is.

Reading knows neither strength nor how a copy's contrast was changed: it tries a hundred steps of the lattice. What
that makes of a picture without a mark, or with another key's, is bounded without a word about pictures: the lattice's
shifts are uniform for whoever lacks the key, so each of 288 readings is the cosine of a uniform angle, and the chance
that any of 2**40 ids at any step scores over a bound is at most `2**40 * steps * min_x exp(288 log I0(x) - x bound)`
(Chernoff). `SCORE_READ` is where that is 1e-10, so that a hundred readings of one picture stay below 1e-8.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import cv2
import numpy as np

from pictures.watermark_code import ID_BITS, SIGNS, Floats, decode, encode
from pictures.watermark_patterns import Patterns, Pixels, luma_of, patterns_of

PSNR_MIN = 40.0
"""Decibels within which every marked picture stays of what it was."""
SIDE_MIN = 64
"""Pixels of the shorter side of what can be marked."""
STRENGTHS = (60.0, 70.0, 80.0, 90.0, 100.0, 112.0, 125.0, 140.0, 160.0)
"""Steps of the lattice, in units of a canonical coefficient, of which the weakest sufficient one is taken."""
STEPS_TRIED = tuple(float(step) for step in 40.0 * 1.02 ** np.arange(100))
"""Steps of the lattice that are read by, each 2 % over the one before: copies of more or of less contrast too."""
FALSE_READ_MAX = 1e-10
"""Chance that an array without a mark of the key is read as one, at most; over keys, for any array whatever."""

_HASTE = 1.4
_PASSES = 4
"""Times that what is missing is added: windows overlap, values end at 0 and 255, and pixels are whole numbers."""
_WORKING_SIDE_MAX = 384
"""Pixels of a side of the reduction on which a mark is tried."""
_SPARE, _SPARE_LEAST = 1.35, 1.1
"""By what the score after a trial is over the least that is read: for a strength to be enough, and for any mark."""
_PSNR_SPARE = 0.1
"""By what a reduction stays over the least PSNR: the whole picture's may differ as much."""
_DECODED = 12
"""Steps that are decoded of those that are tried: the most promising ones."""


@dataclass(frozen=True)
class Mark:
    """A watermark that was read."""

    id: int
    """Below 2**40."""
    score: float
    """How well it agrees, from 0 to 1; what is read has `SCORE_READ / 288` at least."""
    chance: float
    """Upper bound of the chance that a picture without this key's mark agrees as well; far below 1e-10 as a rule."""
    step: float
    """The lattice step at which it was read: the strength, times what became of the contrast."""


@dataclass(frozen=True)
class MarkedPixels:
    """A picture with a watermark in it."""

    rgb: Pixels
    strength: float
    psnr: float
    """Decibels."""


@dataclass(frozen=True)
class TooSmooth:
    """No watermark was put in: none that stays invisible would be read again."""

    psnr: float
    """Of the strongest one tried, in decibels."""


def embed(rgb: Pixels, number: int, key: bytes) -> MarkedPixels | TooSmooth:
    """Put an id below 2**40 into an array (h, w, 3) of at least 64 pixels a side.

    ValueError for another id, array or key.
    """
    _check(rgb)
    if not 0 <= number < 1 << ID_BITS or min(rgb.shape[:2]) < SIDE_MIN:
        raise ValueError(f"an id has {ID_BITS} bits, and a marked picture {SIDE_MIN} pixels a side at least")
    patterns, signs = patterns_of(key), encode(number)
    work = _reduced(rgb)
    best: tuple[float, Floats] | None = None
    psnr = math.inf
    for strength in STRENGTHS:
        amounts, tried, psnr = _tried(work, patterns, signs, strength)
        if psnr < PSNR_MIN + _PSNR_SPARE:
            break
        best = strength, amounts
        trial = _Trial(tried, patterns, signs, strength)
        if min(trial.score(quality=20), trial.score(scale=4)) >= _SPARE * SCORE_READ:
            break
    return TooSmooth(psnr) if best is None else _finished(rgb, patterns, signs, *best)


def read(rgb: Pixels, key: bytes) -> Mark | None:
    """The id in an array (h, w, 3) of any sides, if it has a mark of this key. ValueError for another array or key."""
    _check(rgb)
    patterns = patterns_of(key)
    soft = _soft(patterns.measured(luma_of(rgb)), patterns, np.array(STEPS_TRIED, np.float32))
    promising = np.argsort(-_clarity(soft))[:_DECODED]
    numbers, scores = decode(soft[promising])
    at = int(np.argmax(scores))
    if scores[at] < SCORE_READ:
        return None
    score = float(scores[at])
    return Mark(int(numbers[at]), score / SIGNS, chance_of(score), STEPS_TRIED[promising[at]])


def chance_of(score: float) -> float:
    """Upper bound of the chance that an array without the key's mark scores so much at any step for any id."""
    x = np.linspace(0, 12, 1201)
    exponent = float(np.min(SIGNS * np.log(np.i0(x)) - x * score))
    return min(1.0, math.exp(min(0.0, exponent + math.log(2.0**ID_BITS * len(STEPS_TRIED)))))


def _least_score() -> float:
    """The least score whose chance is FALSE_READ_MAX."""
    low, high = 0.0, float(SIGNS)
    while high - low > 1e-6:
        middle = (low + high) / 2
        low, high = (middle, high) if chance_of(middle) > FALSE_READ_MAX else (low, middle)
    return high


SCORE_READ = _least_score()
"""Of 288: from here on an id counts as read."""


def _tried(work: Pixels, patterns: Patterns, signs: Floats, strength: float) -> tuple[Floats, Pixels, float]:
    """How much of each pattern has to be added at a strength, the reduction with it, and its PSNR."""
    wanted = _nearest_point(patterns.measured(luma_of(work)), patterns, signs, strength)
    amounts = np.zeros(SIGNS, np.float32)
    tried = work
    for _ in range(_PASSES):
        amounts += _HASTE * (wanted - patterns.measured(luma_of(tried)))
        tried = _added(work, patterns.drawn(amounts, work.shape[1], work.shape[0]))
    return amounts, tried, cv2.PSNR(work, tried)


def _nearest_point(amounts: Floats, patterns: Patterns, signs: Floats, step: float) -> Floats:
    """The nearest points of the lattices that stand for the signs: a quarter of a step on either side of the dither."""
    shift = patterns.dither + signs / 4
    return np.asarray((np.round(amounts / step - shift) + shift) * step, np.float32)


def _soft(amounts: Floats, patterns: Patterns, steps: Floats) -> Floats:
    """What each amount says of its sign at each step, from -1 to 1; shape (steps, 288)."""
    turns = amounts[None] / steps[:, None] - patterns.dither[None]
    return np.asarray(np.sin(2 * np.pi * turns), np.float32)


def _clarity(soft: Floats) -> Floats:
    """How near readings are to either sign, whichever it is."""
    return np.asarray((2 * soft * soft - 1).sum(axis=1), np.float32)


@dataclass(frozen=True)
class _Trial:
    """A reduction with signs in it, to be put through what copies go through."""

    work: Pixels
    patterns: Patterns
    signs: Floats
    strength: float

    def score(self, quality: int = 0, scale: int = 1) -> float:
        """How well the signs are read, of 288, after a JPEG of a quality, or at a whole part of the size."""
        copy = self.work
        if scale > 1:
            sides = copy.shape[1] // scale, copy.shape[0] // scale
            copy = np.asarray(cv2.resize(copy, sides, interpolation=cv2.INTER_AREA), np.uint8)
        if quality:
            coded = cv2.imencode(".jpg", copy[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
            copy = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)[..., ::-1]
        steps = np.array([self.strength], np.float32)
        soft = _soft(self.patterns.measured(luma_of(copy)), self.patterns, steps)
        return float((soft[0] * self.signs).sum())


def _finished(
    rgb: Pixels, patterns: Patterns, signs: Floats, strength: float, amounts: Floats
) -> MarkedPixels | TooSmooth:
    """The whole picture with so much of each pattern, if it may pass for itself and is read again."""
    marked = _added(rgb, patterns.drawn(amounts, rgb.shape[1], rgb.shape[0]))
    psnr = cv2.PSNR(rgb, marked)
    trial = _Trial(_reduced(marked), patterns, signs, strength)
    if psnr < PSNR_MIN or min(trial.score(quality=50), trial.score(scale=2)) < _SPARE_LEAST * SCORE_READ:
        return TooSmooth(psnr)
    return MarkedPixels(marked, strength, psnr)


def _added(rgb: Pixels, luma: Floats) -> Pixels:
    """A picture with a luma added to every channel, in whole numbers and as far as they go."""
    whole = np.asarray(np.rint(luma), np.int16)
    return np.asarray(cv2.add(rgb, cv2.merge([whole, whole, whole]), dtype=cv2.CV_8U), np.uint8)


def _reduced(rgb: Pixels) -> Pixels:
    """The picture with no side over the working one."""
    scale = _WORKING_SIDE_MAX / max(rgb.shape[:2])
    if scale >= 1:
        return rgb
    sides = [max(SIDE_MIN // 2, round(side * scale)) for side in rgb.shape[:2]]
    return np.asarray(cv2.resize(rgb, (sides[1], sides[0]), interpolation=cv2.INTER_AREA), np.uint8)


def _check(rgb: Pixels) -> None:
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:
        raise ValueError("a picture here is an array (h, w, 3) of uint8")
