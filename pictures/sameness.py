"""Whether two pictures that lie over each other are the same one: how their light and dark agree, place by place.

A code says that two pictures may be the same. What confirms it is the correlation of their luma at 32 x 32 places: it
does not mind another brightness, contrast or colour, as a copy may have, which a mean difference does.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from pictures.overlay import Overlay, luma

PLACES = 32
"""A side."""
WHOLE_SAME = 0.95
"""From this correlation on two wholes are the same picture."""
WINDOW_SAME = 0.93
"""From this correlation on a part of one is a part of the other."""
FEATURES_SAME = 0.6
"""So much must agree beside corners: a letterhead or a logo has corners enough of its own."""


def correlation(overlay: Overlay) -> float:
    """Of luma at PLACES x PLACES places of what two pictures have in common: from -1 to 1, 0 where either is flat."""
    weight = _places(overlay.valid.astype(np.float32))
    inside = weight > 0.5
    if inside.sum() < PLACES:
        return 0.0
    valid = overlay.valid.astype(np.float32)
    one, other = (_places(luma(each) * valid)[inside] / weight[inside] for each in (overlay.brought, overlay.recorded))
    return correlated(one, other)


def correlated(one: NDArray[np.float32], other: NDArray[np.float32]) -> float:
    """Pearson's correlation of two arrays of one shape; 0 if either is the same everywhere."""
    ones, others = one.astype(np.float64) - one.mean(), other.astype(np.float64) - other.mean()
    norms = float(np.sqrt((ones**2).sum() * (others**2).sum()))
    return float((ones * others).sum() / norms) if norms > ones.size else 0.0


def _places(pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(cv2.resize(pixels, (PLACES, PLACES), interpolation=cv2.INTER_AREA), np.float32)
