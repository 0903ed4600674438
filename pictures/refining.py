"""Lays a copy on a picture more exactly than a look-up does, so that what is within the pixels can be read from it.

A look-up that finds a crop or a turn knows it to one or two pixels in a few hundred; a watermark wants a tenth of that.
Source: Evangelidis and Psarakis, Parametric Image Alignment using Enhanced Correlation Coefficient Maximization, IEEE
Trans. PAMI 30 (2008), as OpenCV has it.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from pictures.watermark_patterns import Pixels

_ROUNDS_MAX, _ENOUGH = 60, 1e-5
_BLUR = 5
"""Pixels of the filter under which both are compared."""


def laid_on(copy: Pixels, picture: Pixels, start: npt.NDArray[np.float32]) -> Pixels | None:
    """A copy (h, w, 3) where it lies in a picture of other sides; None if that cannot be found out.

    `start` (2, 3) takes a point (x, y, 1) of the picture to the copy, and may be some hundredths of the sides wrong.
    What the copy does not have is filled with its edge.
    """
    one, other = (cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) for rgb in (picture, copy))
    criteria = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, _ROUNDS_MAX, _ENOUGH)
    turn, whole = start.astype(np.float32), np.full(copy.shape[:2], 255, np.uint8)
    try:
        _, found = cv2.findTransformECC(one, other, turn, cv2.MOTION_AFFINE, criteria, whole, _BLUR)
    except cv2.error:  # nothing in common, or nothing to hold on to
        return None
    sides = picture.shape[1], picture.shape[0]
    how = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    return np.asarray(cv2.warpAffine(copy, found, sides, flags=how, borderMode=cv2.BORDER_REPLICATE), np.uint8)
