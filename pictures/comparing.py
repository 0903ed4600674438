"""Whether a brought picture is a recorded one, where it lies in it, and what was changed of it.

Three steps find a picture, each where another one fails: codes of wholes, codes of windows, and corners. A node's
indexes name recorded pictures by any of them; here each step is tried on the two pictures themselves and must be
confirmed by their pixels. The strongest that is confirmed counts, so that one that fails hides none that holds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pictures.addition import additions
from pictures.alignment import by_corners, by_window, refined
from pictures.alteration import Alterations, Box, alterations
from pictures.features import ASKED_MAX, Features, features_of
from pictures.overlay import laid_over
from pictures.reduction import Reduction
from pictures.sameness import (
    STRUCTURE_LEAST,
    STRUCTURE_OF_CORNERS,
    STRUCTURE_SAME,
    WHOLE_SAME,
    WINDOW_SAME,
    correlation,
    structure,
)
from pictures.transform import Transform
from pictures.windows import (
    ASKS_FOR_WINDOWS,
    WHOLES,
    AskedPart,
    Codes,
    Part,
    asks_of,
    bits_apart,
    window_codes,
    windows_of,
)

Step = Literal["whole", "window", "features"]
STEPS: tuple[Step, ...] = ("whole", "window", "features")
"""The strongest first."""

WINDOW_BITS_MAX = 80
"""Up to so many bits of 256 a window is tried; pixels confirm it or not."""
TRIED_MAX = 3
"""Windows and ways to ask that are tried."""
INLIERS_LEAST = 10
"""Corners at distinct places that must agree."""

_COMPARED_SIDE = 128


@dataclass(frozen=True)
class Seen:
    """What is known of a picture to compare it: made of its reduction, or kept from when it was recorded."""

    reduction: Reduction
    kept_codes: Codes | None = None
    kept_features: Features | None = None

    @cached_property
    def codes(self) -> Codes:
        """Of its windows; what others are found in."""
        return window_codes(self.reduction) if self.kept_codes is None else self.kept_codes

    @cached_property
    def features(self) -> Features:
        """What others are found by."""
        return features_of(self.reduction) if self.kept_features is None else self.kept_features

    @cached_property
    def windows(self) -> tuple[Part, ...]:
        """Where its windows lie."""
        return windows_of(self.reduction)

    @cached_property
    def asks(self) -> tuple[AskedPart, ...]:
        """The ways to look it up by a code."""
        return asks_of(self.reduction)

    @cached_property
    def asked_codes(self) -> Codes:
        """The codes of `asks`, of shape (n, 32)."""
        return np.stack([ask.code for ask in self.asks])

    @cached_property
    def asked_features(self) -> tuple[Features, Features]:
        """The corners to look it up by: as it is, and as in a mirror."""
        return (
            features_of(self.reduction, ASKED_MAX),
            features_of(self.reduction, ASKED_MAX, mirrored=True),
        )


@dataclass(frozen=True)
class Agreement:
    """How well two pictures agree."""

    correlation: float
    """Of their luma at 32 x 32 places of what they have in common, -1 to 1."""
    structure: float
    """Of what stands out at 64 x 64 places, -1 to 1."""
    bits: int | None = None
    """In how many of 256 the codes differ that led to it; None if none did."""
    inliers: int | None = None
    """How many corners agree; None if none were needed."""


@dataclass(frozen=True)
class PictureComparison:
    """That a brought picture is a recorded one, or a part of it, and how it was found."""

    step: Step
    transform: Transform
    agreement: Agreement
    alterations: Alterations
    added: tuple[Box, ...]
    """What stands around it in the brought picture."""


@dataclass(frozen=True)
class _Confirmed:
    step: Step
    transform: Transform
    agreement: Agreement


def compare(brought: Seen, recorded: Seen) -> PictureComparison | None:
    """Whether one picture is the other or a part of it, and what was changed; None if nothing confirms it."""
    found = _strongest(_by_codes(brought, recorded)) or _strongest(_by_features(brought, recorded))
    if found is None:
        return None
    altered = alterations(brought.reduction, recorded.reduction, found.transform)
    added = additions(brought.reduction, found.transform)
    return PictureComparison(found.step, found.transform, found.agreement, altered, added)


def _strongest(confirmed: Iterator[_Confirmed]) -> _Confirmed | None:
    """The one by the strongest step, and of those the one that agrees best."""
    return min(confirmed, key=lambda one: (STEPS.index(one.step), -one.agreement.structure), default=None)


def _by_codes(brought: Seen, recorded: Seen) -> Iterator[_Confirmed]:
    bits = bits_apart(brought.asked_codes, recorded.codes)
    wholes, windows = bits[:, :WHOLES], bits[:ASKS_FOR_WINDOWS, WHOLES:]
    places = [*_nearest(wholes, 0), *_nearest(windows, WHOLES)]
    for ask, window in places:
        transform = by_window(brought.asks[ask], recorded.windows[window], brought.reduction, recorded.reduction)
        if transform is not None:
            step: Step = "whole" if window < WHOLES else "window"
            fitted, agreement = fit(brought.reduction, recorded.reduction, transform)
            if confirms(step, agreement):
                yield _Confirmed(step, fitted, replace(agreement, bits=int(bits[ask, window])))


def _nearest(bits: NDArray[np.uint16], first: int) -> list[tuple[int, int]]:
    """The nearest ways to ask and windows, at most TRIED_MAX."""
    order = np.argsort(bits, axis=None, kind="stable")[:TRIED_MAX]
    return [
        (int(place) // bits.shape[1], first + int(place) % bits.shape[1])
        for place in order
        if bits.flat[place] <= WINDOW_BITS_MAX
    ]


def _by_features(brought: Seen, recorded: Seen) -> Iterator[_Confirmed]:
    for asked, mirrored in zip(brought.asked_features, (False, True), strict=True):
        found = by_corners(asked, recorded.features, brought.reduction, recorded.reduction, mirrored=mirrored)
        if found is not None and found.inliers >= INLIERS_LEAST:
            fitted, agreement = fit(brought.reduction, recorded.reduction, found.transform)
            if confirms("features", agreement):
                yield _Confirmed("features", fitted, replace(agreement, inliers=found.inliers))


def confirms(step: Step, agreement: Agreement) -> bool:
    """Whether the pixels confirm what a step found."""
    if step == "features":
        return agreement.structure >= STRUCTURE_OF_CORNERS
    if agreement.structure < STRUCTURE_LEAST:
        return False
    agreeing = agreement.correlation >= (WHOLE_SAME if step == "whole" else WINDOW_SAME)
    return agreeing or agreement.structure >= STRUCTURE_SAME


def fit(brought: Reduction, recorded: Reduction, transform: Transform) -> tuple[Transform, Agreement]:
    """A transform fitted to the pixels, or as it is where that agrees better, and how well the pictures agree by it."""
    fitted = refined(brought, recorded, transform)
    ways = [(way, _agreement(brought, recorded, way)) for way in (fitted, transform)]
    return max(ways, key=lambda way: way[1].structure)


def _agreement(brought: Reduction, recorded: Reduction, transform: Transform) -> Agreement:
    overlay = laid_over(brought, recorded, transform, _COMPARED_SIDE)
    return Agreement(0.0, 0.0) if overlay is None else Agreement(correlation(overlay), structure(overlay))
