"""A picture that was decoded: its pixels, part by part, as they are and as they look.

What its decoder left lies in memory once; everything that is measured of it is measured in parts of a few million
bytes, so that a picture takes hardly more memory than its decoder does.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from PIL import Image

from pictures.colours import Colours

PART_PIXELS = 1 << 20
"""Pixels that are measured together."""

Box = tuple[int, int, int, int]
"""Left, upper, right and lower edge; the right and lower ones are the first that are not in it."""

_PIXELS_TAG = b"remarque/pixels/v1"
_COLOURED_TAG = b"remarque/pixels/v2"
_TURNS = {
    2: (Image.Transpose.FLIP_LEFT_RIGHT, False, True, False),
    3: (Image.Transpose.ROTATE_180, False, True, True),
    4: (Image.Transpose.FLIP_TOP_BOTTOM, False, False, True),
    5: (Image.Transpose.TRANSPOSE, True, False, False),
    6: (Image.Transpose.ROTATE_270, True, False, True),
    7: (Image.Transpose.TRANSVERSE, True, True, True),
    8: (Image.Transpose.ROTATE_90, True, True, False),
}
"""By EXIF orientation: what turns the picture upright, whether that exchanges its axes, and whether the left and the
upper edge of what is upright lie on the right and at the bottom of what is not."""


@dataclass(frozen=True)
class Picture:
    """A decoded picture, upright, in one of two pixel layouts."""

    decoded: Image.Image
    """As its decoder left it: in any mode, and not turned upright."""
    orientation: int
    """As EXIF counts it, 1 to 8."""
    mode: str
    """RGB, or RGBA where at least one pixel is not fully opaque."""
    format: str
    """The container it came in, one of `pictures.opening.FORMATS`."""
    colours: Colours | None = None
    """What its file says of its colours; None if they are those of sRGB."""

    @property
    def width(self) -> int:
        """Pixels across, after turning it upright."""
        return self.decoded.size[self._turned]

    @property
    def height(self) -> int:
        """Pixels down, after turning it upright."""
        return self.decoded.size[not self._turned]

    @property
    def box(self) -> Box:
        """All of it."""
        return 0, 0, self.width, self.height

    @property
    def image(self) -> Image.Image:
        """All of it, upright, in its mode."""
        return self.part(self.box)

    def part(self, box: Box) -> Image.Image:
        """What lies in a box of it, upright, in its mode. Under full transparency the colour is 0."""
        return _uniform(_upright(self.decoded, self.orientation, box), self.mode)

    def shown(self, box: Box) -> Image.Image:
        """What lies in a box as it looks on white: in mode RGB, by sRGB, after its colour profile."""
        part = self.part(box)
        looks = self._looks(part.convert("RGB"), box)
        if part.mode == "RGB":
            return looks
        white = Image.new("RGB", part.size, (255, 255, 255))
        white.paste(looks, mask=part.getchannel("A"))
        return white

    @property
    def in_srgb(self) -> Image.Image:
        """All of it, upright, as it looks by sRGB, as transparent as it is; nothing but pixels."""
        image = self.image
        looks = self._looks(image.convert("RGB"), self.box)
        if image.mode == "RGBA":
            looks.putalpha(image.getchannel("A"))
        looks.info = {}
        return looks

    def _looks(self, part: Image.Image, box: Box) -> Image.Image:
        """An opaque part as it looks. Inks and LAB are taken as they were decoded, before they were made RGB."""
        if self.colours is None:
            return part
        of_rgb = self.colours.mode in ("RGB", "L")
        pixels = part if of_rgb else _upright(self.decoded, self.orientation, box)
        return self.colours.shown(pixels.convert(self.colours.mode))

    @property
    def _turned(self) -> bool:
        return self.orientation in _TURNS and _TURNS[self.orientation][1]


def pixel_digest(picture: Picture) -> str:
    """Hex SHA-256 that is the same for the same pixels in any lossless container.

    Over `remarque/pixels/v1`, width and height as four bytes each (big-endian), one byte with the channels per pixel
    (3 or 4), and the pixels row by row, 8 bits a channel in the order R G B (A). Three channels if every pixel is
    opaque; under full transparency the colour counts as 0. Where the file says that the colours are not those of sRGB,
    the same pixels look otherwise: then it is over `remarque/pixels/v2` and the SHA-256 of what the file says, which is
    its colour profile, first. Other metadata does not count.
    """
    digest = hashlib.sha256(_PIXELS_TAG if picture.colours is None else _COLOURED_TAG + picture.colours.statement)
    digest.update(struct.pack(">IIB", picture.width, picture.height, len(picture.mode)))
    for strip in strips(picture.box):
        digest.update(picture.part(strip).tobytes())
    return digest.hexdigest()


def strips(box: Box, multiple: int = 1) -> Iterator[Box]:
    """A box in parts of its whole width, from the top; each but the last of a multiple of some rows."""
    left, top, right, bottom = box
    rows = max(1, PART_PIXELS // max(1, right - left) // multiple) * multiple
    for start in range(top, bottom, rows):
        yield left, start, right, min(start + rows, bottom)


def _upright(image: Image.Image, orientation: int, box: Box) -> Image.Image:
    """The part of an image that lies in a box of the upright picture."""
    if orientation not in _TURNS:
        return image.crop(box)
    turn, turned, from_right, from_bottom = _TURNS[orientation]
    left, top, right, bottom = (box[1], box[0], box[3], box[2]) if turned else box
    if from_right:
        left, right = image.width - right, image.width - left
    if from_bottom:
        top, bottom = image.height - bottom, image.height - top
    return image.crop((left, top, right, bottom)).transpose(turn)


def _uniform(image: Image.Image, mode: str) -> Image.Image:
    """In mode RGB, or RGBA with colour 0 under full transparency."""
    if image.mode.startswith("I;16"):
        if image.mode != "I;16":  # big-endian, as a TIFF may have it
            image = image.convert("I").convert("I;16")
        return image.point(lambda level: level * (1 / 256)).convert("L").convert("RGB")
    if not image.has_transparency_data:
        return image.convert("RGB")
    full = image.convert("RGBA")
    if mode == "RGB":
        return full.convert("RGB")
    visible = full.getchannel("A").point([0] + [255] * 255)
    return Image.composite(full, Image.new("RGBA", full.size, (0, 0, 0, 0)), visible)
