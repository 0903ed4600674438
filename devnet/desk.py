"""Copies of a picture as they reach a news desk: cut, captured from a screen, stripped, altered."""

from __future__ import annotations

import asyncio
import io
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import NamedTuple

from PIL import Image, ImageDraw, ImageFilter

from node.credentials.key_files import SigningLeaf
from pictures.credentials.manifest import Claim, Program, Signing, seal
from pictures.embedded import stripped
from pictures.fingerprint import image_code
from pictures.opening import open_picture
from pictures.source_types import SourceType
from remarque.api.verification import Verdict
from remarque.async_client import AsyncClient


class Brought(NamedTuple):
    """A file that somebody brings, and what it should be found to be."""

    title: str
    name: str
    data: bytes
    verdict: Verdict


def brought_of(original: bytes, signer: SigningLeaf) -> Iterator[Brought]:
    """The original, copies of it, and a picture that has nothing to do with it. One copy has a manifest of an editing
    program, whose maker the desk's node trusts, and which says of it what is not so.
    """
    with Image.open(io.BytesIO(original)) as opened:
        image = opened.convert("RGB")
    width, height = image.size
    tenth = width // 10, height // 10
    yield Brought("the original", "original.png", original, "exact_file")
    yield Brought("the same, stripped of all that it says of itself", "stripped.png", stripped(original), "same_pixels")
    yield Brought("a half-size JPEG", "half-size.jpg", jpeg(image.reduce(2)), "near_duplicate")
    yield Brought("a crop", "crop.jpg", jpeg(image.crop((*tenth, width - tenth[0], height - tenth[1]))), "part")
    yield Brought("a screenshot", "screenshot.png", png(_screenshot(image)), "part")
    yield Brought("a copy with something painted out", "altered.jpg", jpeg(_altered(image)), "altered")
    camera = _as_from_a_camera(jpeg(image), signer)
    yield Brought("a copy signed as a camera's, by an editing program", "signed.jpg", camera, "near_duplicate")
    yield Brought("a stranger's picture", "stranger.jpg", jpeg(_stranger()), "not_recorded")


def jpeg(image: Image.Image) -> bytes:
    """A file as the web passes pictures on."""
    out = io.BytesIO()
    image.save(out, "JPEG", quality=80)
    return out.getvalue()


def png(image: Image.Image) -> bytes:
    """A file without loss."""
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def _as_from_a_camera(data: bytes, signer: SigningLeaf) -> bytes:
    """A file with a manifest that is sound and says that a camera took it."""
    claim = Claim(
        label=f"urn:c2pa:{uuid.uuid4()}",
        signer=Program("Darkroom", "4.2.0"),
        at=datetime.now(UTC),
        title="signed.jpg",
        image_code=image_code(open_picture(data)),
        source=SourceType.CAPTURED,
    )
    return seal(data, claim, Signing(signer.chain, signer.sign)).data


def _screenshot(image: Image.Image) -> Image.Image:
    """A page on a screen that shows the picture at three quarters more of its size."""
    shown = image.resize((image.width * 7 // 4, image.height * 7 // 4), Image.Resampling.BICUBIC)
    page = Image.new("RGB", (shown.width + 160, shown.height + 240), "white")
    ImageDraw.Draw(page).rectangle((0, 0, page.width, 48), fill="#dfe3e8")
    page.paste(shown, (80, 110))
    return page


def _altered(image: Image.Image) -> Image.Image:
    """A quarter of each side, in the middle of it, painted over."""
    side = image.width // 4
    box = (image.width // 2 - side // 2, image.height // 2 - side // 2)
    patch = image.resize((side, side)).transpose(Image.Transpose.ROTATE_180).filter(ImageFilter.SMOOTH)
    altered = image.copy()
    ImageDraw.Draw(patch).ellipse((4, 4, side - 4, side - 4), fill="#c02020", outline="white", width=2)
    altered.paste(patch, box)
    return altered


def _stranger() -> Image.Image:
    """A picture that nobody recorded."""
    image = Image.new("RGB", (320, 240), "white")
    draw = ImageDraw.Draw(image)
    for place in range(0, 320, 16):
        draw.line((place, 0, 320 - place, 240), fill=(place % 256, 90, 200 - place % 200), width=5)
    draw.ellipse((40, 60, 150, 190), fill=(220, 40, 60))
    return image


async def until_indexed(client: AsyncClient, data: bytes) -> None:
    """Wait until a node has taken in the windows and corners of all recorded pictures."""
    async with asyncio.timeout(60):
        while (await client.verify(data)).searched.waiting:
            await asyncio.sleep(0.1)
