"""What a file says of its colours, and its pixels as a viewer shows them for it: in sRGB.

The same numbers look otherwise under another colour profile; a profile may even invert a picture. So what a picture
looks like is measured after its profile, and a profile other than sRGB is part of what its pixels are
(`pictures.picture.pixel_digest`). A profile that cannot be used is ignored for looks, as browsers do.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

from PIL import Image, ImageCms

from pictures.containers import png
from pictures.containers.parts import is_profile

PLAIN_LEVELS = 2
"""Up to so many levels of 255 a profile may move any colour and still count as sRGB: there are many spellings of it."""

_GAMMA_PLAIN = (0.43, 0.48)
"""What PNG's gAMA says of pictures that are as good as sRGB; it writes 0.45455."""
_PRIMARIES = (0.3127, 0.329, 0.64, 0.33, 0.3, 0.6, 0.15, 0.06)
"""White, red, green and blue of sRGB, as PNG's cHRM has them."""
_PRIMARIES_OFF_MAX = 0.01
_SPACES = {"RGB ": "RGB", "GRAY": "L", "CMYK": "CMYK", "LAB ": "LAB"}
"""By the colour space of a profile: the mode of the pixels that it is for."""
_PROBE_LEVELS = range(0, 256, 17)


@dataclass(frozen=True)
class Colours:
    """Colours that are not those of sRGB."""

    statement: bytes
    """SHA-256 of what the file says of them."""
    mode: str
    """Of pixels as `shown` takes them: RGB, L, CMYK or LAB."""
    shown: Callable[[Image.Image], Image.Image]
    """Pixels in that mode as they look: in RGB, by sRGB."""


def colours_of(image: Image.Image, data: bytes) -> Colours | None:
    """What the file of an opened image says of its colours; None if they are those of sRGB, or nothing is said."""
    profile = image.info.get("icc_profile") or b""
    if is_profile(profile):
        return _of_profile(profile[: int.from_bytes(profile[:4], "big")], image.mode)
    if image.format != "PNG" or "srgb" in image.info:
        return None
    code_points = png.body_of(data, b"cICP")
    gamma, chromaticity = image.info.get("gamma"), image.info.get("chromaticity")
    if not (code_points and code_points[:2] != b"\x01\x0d") and _is_plain(gamma, chromaticity):
        return None
    statement = hashlib.sha256(repr((code_points, gamma, chromaticity)).encode()).digest()
    return Colours(statement, "RGB", _by_gamma(gamma) if gamma and not code_points else _as_it_is)


def _of_profile(profile: bytes, mode: str) -> Colours | None:
    statement = hashlib.sha256(profile).digest()
    try:
        opened = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        space = _SPACES[opened.profile.xcolor_space]
        transform = ImageCms.buildTransform(opened, _srgb(), space, "RGB")
    except (ImageCms.PyCMSError, KeyError, OSError, ValueError):
        return Colours(statement, "RGB", _as_it_is)
    if space != _mode_for_profiles(mode):
        return Colours(statement, "RGB", _as_it_is)

    def shown(image: Image.Image) -> Image.Image:
        managed = ImageCms.applyTransform(image, transform)
        if managed is None:
            raise ValueError("a colour profile gave no picture")
        return managed

    return None if _moves_nothing(shown, space) else Colours(statement, space, shown)


def _moves_nothing(shown: Callable[[Image.Image], Image.Image], space: str) -> bool:
    """Whether colours all over the space look the same under a profile as under none."""
    if space not in ("RGB", "L"):
        return False
    levels = [(r, g, b) for r in _PROBE_LEVELS for g in _PROBE_LEVELS for b in _PROBE_LEVELS]
    probe = Image.new("RGB", (len(levels), 1))
    probe.putdata(levels)
    probe = probe.convert(space)
    before, after = probe.convert("RGB").tobytes(), shown(probe).tobytes()
    return all(abs(one - other) <= PLAIN_LEVELS for one, other in zip(before, after, strict=True))


def _mode_for_profiles(mode: str) -> str:
    """The mode that a decoder's pixels have for a colour profile: transparency and palettes stand beside it."""
    if mode in ("CMYK", "LAB"):
        return mode
    return "L" if mode in ("1", "L", "LA", "I;16", "I;16B", "I;16L") else "RGB"


def _is_plain(gamma: float | None, chromaticity: tuple[float, ...] | None) -> bool:
    if gamma is not None and not _GAMMA_PLAIN[0] <= gamma <= _GAMMA_PLAIN[1]:
        return False
    off = (abs(one - other) for one, other in zip(chromaticity or _PRIMARIES, _PRIMARIES, strict=True))
    return max(off) <= _PRIMARIES_OFF_MAX


def _by_gamma(gamma: float) -> Callable[[Image.Image], Image.Image]:
    """Pixels that were encoded with an exponent, in sRGB's own encoding. Source: PNG, 4.3 and 13.13; IEC 61966-2-1."""
    linear = [(level / 255) ** (1 / gamma) for level in range(256)]
    encoded = [12.92 * one if one <= 0.0031308 else 1.055 * one ** (1 / 2.4) - 0.055 for one in linear]
    table = [round(255 * one) for one in encoded] * 3
    return lambda image: image.point(table)


def _as_it_is(image: Image.Image) -> Image.Image:
    return image


@cache
def _srgb() -> ImageCms.ImageCmsProfile:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
