"""Whether two pictures that lie over each other are the same one: how their light and dark agree, place by place.

A code says that two pictures may be the same; two figures confirm it. Correlation of luma does not mind another
brightness, contrast or colour, as copies have. But two skies over two meadows correlate as well as a copy does, and a
copy with another face in it does not. So structure counts first: the same correlation of what stands out from its
surroundings, each place measured by what is usual around it. A strange face spoils it where the face is and nowhere
else, and two meadows have none in common.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pictures.overlay import Overlay, luma

WHOLE_SAME = 0.95
"""From this correlation on two wholes agree."""
WINDOW_SAME = 0.93
"""From this correlation on a part of one agrees with a part of the other."""
STRUCTURE_LEAST = 0.66
"""So much structure must agree whatever else does: of different pictures at most .65 did."""
STRUCTURE_SAME = 0.7
"""From here on structure alone confirms: something else may have been put in."""
STRUCTURE_OF_CORNERS = 0.3
"""So much must agree beside corners: a letterhead or a logo has corners enough of its own."""

_PLACES = 32
_STRUCTURE_PLACES = 64
"""A side."""
_AROUND = 2.0
"""Places: how far around one lies what it stands out from; what is usual is measured over twice as far."""

_Places = NDArray[np.float32]


def correlation(overlay: Overlay) -> float:
    """Of luma at 32 x 32 places of what two pictures have in common: from -1 to 1, 0 where either is flat."""
    ones, others, inside = _both(overlay, _PLACES)
    return correlated(ones[inside], others[inside])


def structure(overlay: Overlay) -> float:
    """Of what stands out at 64 x 64 places, measured by what is usual around each: -1 to 1, 0 where either is flat."""
    ones, others, inside = _both(overlay, _STRUCTURE_PLACES)
    return correlated(_standing_out(ones)[inside], _standing_out(others)[inside])


def correlated(one: _Places, other: _Places) -> float:
    """Pearson's correlation of two arrays of one shape; 0 if either is the same everywhere."""
    if not one.size:
        return 0.0
    ones, others = one.astype(np.float64) - one.mean(), other.astype(np.float64) - other.mean()
    norms = float(np.sqrt((ones**2).sum() * (others**2).sum()))
    return float((ones * others).sum() / norms) if norms > 1e-4 * one.size else 0.0


def _both(overlay: Overlay, side: int) -> tuple[_Places, _Places, NDArray[np.bool_]]:
    """The luma of both at so many places a side, and at which of them there is enough of both."""
    valid = overlay.valid.astype(np.float32)
    weight = _averaged(valid, side)
    inside = weight > 0.5
    if inside.sum() < side:
        inside[:] = False
    weight = np.maximum(weight, np.float32(1e-3))
    one = np.asarray(_averaged(luma(overlay.brought) * valid, side) / weight, np.float32)
    other = np.asarray(_averaged(luma(overlay.recorded) * valid, side) / weight, np.float32)
    if inside.any():
        one[~inside], other[~inside] = one[inside].mean(), other[inside].mean()
    return one, other, inside


def _standing_out(places: _Places) -> _Places:
    above = places - cv2.GaussianBlur(places, (0, 0), _AROUND)
    usual = cv2.GaussianBlur(above * above, (0, 0), 2 * _AROUND)
    return np.asarray(above / np.sqrt(usual + 1), np.float32)


def _averaged(pixels: _Places, side: int) -> _Places:
    return np.asarray(cv2.resize(pixels, (side, side), interpolation=cv2.INTER_AREA), np.float32)
