"""What the world does to a picture: the ways of copying it that `bench.finding` measures, each as a file comes out.

Each takes an RGB picture and a source of chance, and gives the bytes of a file. What is drawn around a picture (pages,
telephones) is drawn here, of no one else's screenshots.
"""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFont, ImageOps

Change = Callable[[Image.Image, random.Random], Image.Image]
Copy = Callable[[Image.Image, random.Random], bytes]

WORDS = [
    "this",
    "is",
    "what",
    "they",
    "do",
    "not",
    "want",
    "you",
    "to",
    "see",
    "today",
    "in",
    "the",
    "city",
    "hall",
    "of",
    "our",
    "town",
    "says",
    "everybody",
]


SEPIA = np.array([[0.393, 0.349, 0.272], [0.769, 0.686, 0.534], [0.189, 0.168, 0.131]])


def saved(image: Image.Image, container: str = "PNG", **options: Any) -> bytes:
    """A picture as a file."""
    file = io.BytesIO()
    image.save(file, container, **options)
    return file.getvalue()


def jpeg(quality: int) -> Copy:
    return lambda image, chance: saved(image, "JPEG", quality=quality)


def resized(part: float, quality: int = 90) -> Copy:
    def copy(image: Image.Image, chance: random.Random) -> bytes:
        sides = max(1, round(image.width * part)), max(1, round(image.height * part))
        return saved(image.resize(sides, Image.Resampling.LANCZOS), "JPEG", quality=quality)

    return copy


def resaved(image: Image.Image, chance: random.Random) -> bytes:
    """Three times, each time otherwise."""
    for quality in (85, 75, 80):
        image = Image.open(io.BytesIO(saved(image, "JPEG", quality=quality))).convert("RGB")
    return saved(image, "WEBP", quality=80)


def after(change: Change, quality: int = 85) -> Copy:
    """A change, and what comes out of it as a JPEG."""
    return lambda image, chance: saved(change(image, chance), "JPEG", quality=quality)


def screenshot(container: str) -> Copy:
    """Scaled to some width, in a page of one colour."""

    def copy(image: Image.Image, chance: random.Random) -> bytes:
        width = chance.randint(420, 760)
        shown = image.resize((width, max(1, round(image.height * width / image.width))), Image.Resampling.BICUBIC)
        around = [chance.randint(8, 120) for _ in range(4)]
        page = Image.new(
            "RGB", (shown.width + around[0] + around[1], shown.height + around[2] + around[3]), _paper(chance)
        )
        page.paste(shown, (around[0], around[2]))
        return saved(page, container, **({"quality": 80} if container == "JPEG" else {}))

    return copy


def border(part: float) -> Change:
    def change(image: Image.Image, chance: random.Random) -> Image.Image:
        return ImageOps.expand(image, round(part * max(image.size)), _paper(chance))

    return change


def brightness(factor: float) -> Change:
    return lambda image, chance: ImageEnhance.Brightness(image).enhance(factor)


def saturation(factor: float) -> Change:
    return lambda image, chance: ImageEnhance.Color(image).enhance(factor)


def contrast(factor: float) -> Change:
    return lambda image, chance: ImageEnhance.Contrast(image).enhance(factor)


def gray(image: Image.Image, chance: random.Random) -> Image.Image:
    return image.convert("L").convert("RGB")


def filtered(image: Image.Image, chance: random.Random) -> Image.Image:
    """As in a telephone's gallery: warmer, a curve of tones, faded blacks, darker corners."""
    levels = np.asarray(image, np.float32) / 255
    levels = 0.08 + 0.9 * levels ** np.array([0.85, 1.0, 1.2], np.float32)
    down, across = np.mgrid[-1 : 1 : image.height * 1j, -1 : 1 : image.width * 1j]
    shade = 1 - 0.15 * (down**2 + across**2) / 2
    return Image.fromarray(np.uint8(np.clip(levels * shade[..., None], 0, 1) * 255))


def sepia(image: Image.Image, chance: random.Random) -> Image.Image:
    mixed = np.asarray(image, np.float32) @ SEPIA.astype(np.float32)
    return Image.fromarray(np.uint8(np.clip(mixed, 0, 255)))


def cropped(part: float) -> Change:
    """So much of both sides is cut off, half on each side of it."""
    return lambda image, chance: _cut(image, part, part, 0.5, 0.5)


def cropped_anywhere(part: float) -> Change:
    return lambda image, chance: _cut(image, part, part, chance.random(), chance.random())


def one_sided(part: float) -> Change:
    def change(image: Image.Image, chance: random.Random) -> Image.Image:
        across, down = chance.choice([(0, None), (1, None), (None, 0), (None, 1)])
        return _cut(image, part if across is not None else 0, part if down is not None else 0, across or 0, down or 0)

    return change


def rotated(degrees: float) -> Change:
    """Corners are black, and the sides stay."""
    return lambda image, chance: image.rotate(chance.choice((-1, 1)) * degrees, Image.Resampling.BICUBIC)


def straightened(degrees: float) -> Change:
    """Rotated, and what has no corners of it cut out."""

    def change(image: Image.Image, chance: random.Random) -> Image.Image:
        sine, cosine = np.sin(np.radians(degrees)), np.cos(np.radians(degrees))
        least = min(image.size) / max(image.size)
        part = least / (least * cosine + sine)
        part = min(part, 1 / (cosine + sine * max(image.size) / min(image.size)))
        return _cut(rotated(degrees)(image, chance), 1 - part, 1 - part, 0.5, 0.5)

    return change


def turned(quarters: int) -> Change:
    return lambda image, chance: image.rotate(90 * quarters, expand=True)


def mirrored(image: Image.Image, chance: random.Random) -> Image.Image:
    return ImageOps.mirror(image)


def meme_bar(image: Image.Image, chance: random.Random) -> Image.Image:
    """White bars above, below or both, with words."""
    tall = round(image.height * chance.uniform(0.1, 0.2))
    above, below = chance.choice([(tall, 0), (0, tall), (tall, tall)])
    page = Image.new("RGB", (image.width, image.height + above + below), "white")
    page.paste(image, (0, above))
    for top, height in ((0, above), (above + image.height, below)):
        if height:
            write(page, (0, top, image.width, top + height), "black", chance)
    return page


def collage(others: list[Image.Image]) -> Change:
    """One of four in a square."""

    def change(image: Image.Image, chance: random.Random) -> Image.Image:
        page = Image.new("RGB", (1000, 1000), "white")
        place = chance.randrange(4)
        shown = chance.sample(others, 4)
        shown[place] = image
        for number, one in enumerate(shown):
            fitted = ImageOps.contain(one, (495, 495), Image.Resampling.BICUBIC)
            left, top = 500 * (number % 2) + (500 - fitted.width) // 2, 500 * (number // 2) + (500 - fitted.height) // 2
            page.paste(fitted, (left, top))
        return page

    return change


def phone_screen(image: Image.Image, chance: random.Random) -> Image.Image:
    """In a telephone's feed, at full width."""
    page = Image.new("RGB", (720, 1440), chance.choice(["white", "black", "#15202b"]))
    ink = "black" if page.getpixel((0, 0)) == (255, 255, 255) else "white"
    shown = ImageOps.contain(image, (720, 1000), Image.Resampling.BICUBIC)
    top = chance.randint(200, 1440 - 200 - shown.height)
    page.paste(shown, ((720 - shown.width) // 2, top))
    draw = ImageDraw.Draw(page)
    draw.text((20, 10), "12:41", ink, ImageFont.load_default(28))
    draw.rectangle((640, 14, 690, 36), outline=ink, width=3)
    draw.ellipse((20, top - 90, 90, top - 20), "#3a7bd5")
    draw.text((110, top - 75), "somebody in our town", ink, ImageFont.load_default(32))
    for number in range(4):
        draw.ellipse(
            (30 + 90 * number, top + shown.height + 20, 80 + 90 * number, top + shown.height + 70), outline=ink, width=4
        )
    write(page, (20, top + shown.height + 90, 700, top + shown.height + 170), ink, chance)
    draw.rectangle((0, 1380, 720, 1440), "#888888")
    return page


def photo_of_a_screen(image: Image.Image, chance: random.Random) -> Image.Image:
    """Seen at an angle, with the grid of its pixels, noise, another gamma, and the dark around it."""
    shown = np.asarray(ImageOps.contain(image, (900, 900), Image.Resampling.BICUBIC), np.float32)
    height, width = shown.shape[:2]
    grid = (
        1 + 0.06 * np.sin(np.arange(width) * 2.1)[None, :, None] + 0.06 * np.sin(np.arange(height) * 2.3)[:, None, None]
    )
    lit = 255 * (np.clip(shown * grid, 0, 255) / 255) ** chance.uniform(0.8, 1.25)
    margin = 70
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
    moves = [[chance.uniform(-0.04, 0.04) * side for side in (width, height)] for _ in range(4)]
    seen = corners + margin + np.array(moves, np.float32)
    warp = cv2.getPerspectiveTransform(corners, seen)
    photo = cv2.warpPerspective(lit, warp, (width + 2 * margin, height + 2 * margin), borderValue=(24, 22, 20))
    noise = np.random.default_rng(chance.randrange(1 << 30)).normal(0, 6, photo.shape)
    return Image.fromarray(np.uint8(np.clip(cv2.GaussianBlur(photo, (0, 0), 0.8) + noise, 0, 255)))


def write(page: Image.Image, box: tuple[int, int, int, int], ink: str, chance: random.Random) -> None:
    """Words that fill a box."""
    left, top, right, bottom = box
    size = max(8, (bottom - top) // 2)
    font = ImageFont.load_default(size)
    letters = max(4, int((right - left) / (0.55 * size)))
    text = " ".join(chance.sample(WORDS, 10))[:letters].upper()
    ImageDraw.Draw(page).text((left + size // 3, top + size // 3), text, ink, font)


def _cut(image: Image.Image, across: float, down: float, left: float, top: float) -> Image.Image:
    width, height = max(1, round(image.width * (1 - across))), max(1, round(image.height * (1 - down)))
    x, y = round((image.width - width) * left), round((image.height - height) * top)
    return image.crop((x, y, x + width, y + height))


def _paper(chance: random.Random) -> str:
    return chance.choice(["white", "black", "#f4f4f4", "#202124", "#d8e4ee"])


def copies(others: list[Image.Image]) -> dict[str, Copy]:
    """All of them by name, in the order of the table."""
    return {
        "JPEG q95": jpeg(95),
        "JPEG q75": jpeg(75),
        "JPEG q50": jpeg(50),
        "JPEG q30": jpeg(30),
        "WebP q50": lambda image, chance: saved(image, "WEBP", quality=50),
        "3 re-saves": resaved,
        "resize 50 %": resized(0.5),
        "resize 25 %": resized(0.25),
        "q30 + resize 50 %": resized(0.5, 30),
        "screenshot PNG": screenshot("PNG"),
        "screenshot JPEG": screenshot("JPEG"),
        "border 5 %": after(border(0.05)),
        "border 10 %": after(border(0.1)),
        "brightness +20 %": after(brightness(1.2)),
        "brightness -20 %": after(brightness(0.8)),
        "saturation +40 %": after(saturation(1.4)),
        "contrast +20 %": after(contrast(1.2)),
        "grayscale": after(gray),
        "filter": after(filtered),
        "sepia": after(sepia),
        "crop 5 %": after(cropped(0.05)),
        "crop 10 %": after(cropped(0.1)),
        "crop 20 %": after(cropped(0.2)),
        "crop 20 % anywhere": after(cropped_anywhere(0.2)),
        "one-sided 10 %": after(one_sided(0.1)),
        "rotate 1°": after(rotated(1)),
        "rotate 2°": after(rotated(2)),
        "rotate 5°": after(rotated(5)),
        "straightened 2°": after(straightened(2)),
        "straightened 5°": after(straightened(5)),
        "rotate 90°": after(turned(1)),
        "rotate 180°": after(turned(2)),
        "mirror": after(mirrored),
        "crop 40 %": after(cropped(0.4)),
        "crop 40 % anywhere": after(cropped_anywhere(0.4)),
        "meme bar": after(meme_bar),
        "collage of 4": after(collage(others)),
        "phone screen": after(phone_screen),
        "photo of a screen": after(photo_of_a_screen),
    }
