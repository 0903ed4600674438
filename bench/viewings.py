"""Whether a picture that was shown at a node still names its request, after what a leak goes through.

    python -m bench.viewings FOLDER [--side 1024]

Photographs are those of `bench/photographs.txt` that lie below FOLDER, every second, as `bench.finding` has it. Each
has a record's mark already, as generated pictures have, and is shown to two readers. Of what one of them passes on it
is counted how often it names that reader, another viewing, or nobody; and what of two copies that were averaged. A name
counts as another's if it is that of any of the first million viewings.
"""

from __future__ import annotations

import argparse
import io
import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from bench.copies import jpeg, resized, saved
from bench.finding import photographs
from ledger.viewing import MARK_BITS, SPREAD, viewing_mark
from pictures.marking import mark_viewing
from pictures.watermark import MarkedPixels, embed, read
from pictures.watermark_patterns import Pixels

KEY = bytes(range(32))
VIEWINGS = 1_000_000
COUNTED = pow(SPREAD, -1, 1 << MARK_BITS)
"""Times a mark, modulo 2**40, the number of its viewing."""
Change = Callable[[Image.Image], bytes]


def main() -> None:
    """Mark, show, pass on, read, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.viewings", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--side", type=int, default=1024, help="pixels of the longer side")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    opened = [one.image for one in photographs(arguments.folder)][1::2]
    for image in opened:
        image.thumbnail((arguments.side, arguments.side), Image.Resampling.LANCZOS)
    pictures = [_recorded(image, number) for number, image in enumerate(opened)]
    shown = [(at, _shown(one, 2 * at + 1), _shown(one, 2 * at + 2)) for at, one in enumerate(pictures)]
    pairs = [(at, one, other) for at, one, other in shown if one is not None and other is not None]
    quality = [cv2.PSNR(np.asarray(pictures[at]), np.asarray(one)) for at, one, _ in pairs]
    print(f"{len(pictures)} pictures, {len(pairs)} shown; PSNR {min(quality):.1f} dB at least, {np.mean(quality):.1f}")
    print(f"{'after':34} {'named':>7} {'another':>8} {'nobody':>7}")
    for name, change in CHANGES.items():
        _print(name, [_said(change(one), (2 * at + 1,)) for at, one, _ in pairs])
    both = ((at, _averaged(one, other)) for at, one, other in pairs)
    _print(
        "two copies averaged, JPEG 90", [_said(jpeg(90)(mean, CHANCE), (2 * at + 1, 2 * at + 2)) for at, mean in both]
    )
    _print("never shown", [_said(saved(one), ()) for one in opened])


def _recorded(image: Image.Image, number: int) -> Image.Image:
    """A picture with the mark that its generator put in."""
    found = embed(np.asarray(image), (number << 20) + 12_345, KEY)
    return Image.fromarray(found.rgb) if isinstance(found, MarkedPixels) else image


def _shown(image: Image.Image, number: int) -> Image.Image | None:
    data = mark_viewing(image, "PNG", int(viewing_mark(number), 16), KEY)
    return None if data is None else Image.open(io.BytesIO(data)).convert("RGB")


def _said(data: bytes, readers: Sequence[int]) -> str:
    """Whom a file names, of the readers that it comes from."""
    found = read(_pixels(data), KEY)
    number = 0 if found is None else found.id * COUNTED % (1 << MARK_BITS)
    if number in readers:
        return "named"
    return "another" if 1 <= number <= VIEWINGS else "nobody"


def _pixels(data: bytes) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def _averaged(one: Image.Image, other: Image.Image) -> Image.Image:
    return Image.blend(one, other, 0.5)


def _cropped(image: Image.Image) -> bytes:
    """Without a tenth of each side, half of it at each end."""
    across, down = image.width // 20, image.height // 20
    return saved(image.crop((across, down, image.width - across, image.height - down)), "JPEG", quality=90)


def _print(name: str, said: Iterable[str]) -> None:
    count = Counter(said)
    shares = (100 * count[one] / max(1, count.total()) for one in ("named", "another", "nobody"))
    print(f"{name:34} {' '.join(f'{share:7.1f}%' for share in shares)}", flush=True)


CHANCE = random.Random(0)
CHANGES: dict[str, Change] = {
    "nothing": saved,
    "JPEG 90": lambda image: jpeg(90)(image, CHANCE),
    "JPEG 70": lambda image: jpeg(70)(image, CHANCE),
    "JPEG 50": lambda image: jpeg(50)(image, CHANCE),
    "half the size, JPEG 90": lambda image: resized(0.5)(image, CHANCE),
    "half the size, JPEG 50": lambda image: resized(0.5, 50)(image, CHANCE),
    "a quarter of the size, JPEG 30": lambda image: resized(0.25, 30)(image, CHANCE),
    "JPEG 10": lambda image: jpeg(10)(image, CHANCE),
    "crop 10 %, JPEG 90": _cropped,
}

if __name__ == "__main__":
    main()
