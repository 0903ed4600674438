"""Measures the watermark: after which changes it is read, how often where there is none, and what removes it.

`python -m bench.watermark FOLDER` takes every second picture of a folder, in the order of their names; the others are
those that strengths and bands were chosen on. They are marked at several sizes, the default model's pictures at theirs.
Rates are of marked pictures, exact ids only.
"""

from __future__ import annotations

import argparse
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
from PIL import Image

from bench.finding import generated
from pictures.refining import laid_on
from pictures.watermark import SCORE_READ, STEPS_TRIED, MarkedPixels, chance_of, embed, read
from pictures.watermark_code import SIGNS, Floats
from pictures.watermark_patterns import Pixels

Transform = npt.NDArray[np.float32]

KEY = bytes(range(32))
SIDES = (1024, 512, 256)
"""Pixels of the longer side at which pictures are marked."""
INLIERS_MIN = 10
"""Features that must agree on where a copy lies."""
DECODED = 12
"""Steps of the lattice that a reading decodes."""


def main() -> None:
    """Mark, change, read, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.watermark", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="with PNG, JPEG or WebP files")
    parser.add_argument("--generated", type=int, default=60, help="pictures of the default model")
    parser.add_argument("--keys", type=int, default=20_000, help="wrong keys tried on each of five arrays")
    parser.add_argument("--tuned", action="store_true", help="the half of the folder that the choices were made on")
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    files = sorted(
        one for one in arguments.folder.iterdir() if one.suffix.lower() in (".png", ".jpg", ".jpeg", ".webp")
    )
    opened = [Image.open(one).convert("RGB") for one in files[0 if arguments.tuned else 1 :: 2]]
    for side in SIDES:
        report(
            f"{len(opened)} pictures of {arguments.folder.name}, {side} pixels", [_array(one, side) for one in opened]
        )
    if arguments.generated:
        made = generated(arguments.folder / "generated", arguments.generated)
        report("the default model's pictures", [np.asarray(one.image) for one in made])
    pictures = [_array(one, 512) for one in opened]
    report_removal(pictures)
    report_false(pictures[:5], arguments.keys)


def report(name: str, pictures: Sequence[Pixels]) -> None:
    """Print how many are marked, how, and how many of those are read after each change."""
    marked = list(_marked(pictures))
    psnr = [one.psnr for _, one in marked]
    strengths = sorted({one.strength for _, one in marked})
    counts = ", ".join(f"{sum(one.strength == each for _, one in marked)} at {each:.0f}" for each in strengths)
    quality = f"PSNR {min(psnr):.1f} at least, {np.mean(psnr):.1f} on average"
    print(f"{name}: {len(marked)} of {len(pictures)} marked; {quality}")
    print(f"  strengths: {counts}")
    for change, function in CHANGES.items():
        found = sum(_reads(function(one.rgb), number) for number, one in marked)
        print(f"  {change:28} {100 * found / len(marked):6.1f} %")


def report_removal(pictures: Sequence[Pixels]) -> None:
    """Print what is left of the mark after what somebody does who wants it gone, or elsewhere."""
    marked = list(_marked(pictures))
    print(f"deliberate removal, {len(marked)} pictures of 512 pixels: still read, and PSNR against the marked picture")
    for change, function in REMOVALS.items():
        copies = [(number, one.rgb, function(one.rgb)) for number, one in marked]
        found = sum(_reads(copy, number) for number, _, copy in copies)
        psnr = np.mean([cv2.PSNR(rgb, copy) for _, rgb, copy in copies])
        print(f"  {change:44} {100 * found / len(copies):6.1f} %  {psnr:5.1f} dB")
    for count in (2, 3, 5):
        found = sum(_reads_any(_mean_of_marks(rgb, count), count) for rgb in pictures)
        print(f"  {f'{count} marks of one picture averaged: any read':44} {100 * found / len(pictures):6.1f} %")
    residue = _mean_residue([one.rgb for _, one in marked])
    found = sum(_reads(_added(one.rgb, -_fitted(residue, one.rgb)), number) for number, one in marked)
    print(f"  {f'mean residue of {len(marked)} marked ones taken away':44} {100 * found / len(marked):6.1f} %")
    others = [(number, one.rgb, pictures[at - 1]) for at, (number, one) in enumerate(marked)]
    found = sum(_reads(_added(other, _fitted(_residue(rgb), other)), number) for number, rgb, other in others)
    print(f"  {'residue put on another picture (transplant)':44} {100 * found / len(others):6.1f} %")
    known = ((number, _lumas(rgb, pictures[at]), pictures[at - 1]) for at, (number, rgb) in enumerate(_arrays(marked)))
    found = sum(_reads(_added(other, _fitted(luma, other)), number) for number, luma, other in known)
    print(f"  {'the same by who has the original':44} {100 * found / len(others):6.1f} %")
    again = [(number, embed(one.rgb, 1, bytes(32))) for number, one in marked]
    kept = [(number, one.rgb) for number, one in again if isinstance(one, MarkedPixels)]
    found = sum(_reads(rgb, number) for number, rgb in kept)
    print(f"  {'marked again under another key':44} {100 * found / len(kept):6.1f} %")


def report_false(pictures: Sequence[Pixels], keys: int) -> None:
    """Print how near wrong keys come to what is read, on marked arrays, an unmarked one, noise and a flat one."""
    noise = np.random.default_rng(7).integers(0, 256, (256, 256, 3), dtype=np.uint8)
    arrays = [one.rgb for _, one in _marked(pictures[:2])] + [pictures[2], noise, np.full_like(noise, 200)]
    small = [np.asarray(cv2.resize(one, (256, 256), interpolation=cv2.INTER_AREA), np.uint8) for one in arrays]
    false = 0
    for number in range(keys):
        key = number.to_bytes(8, "big") * 4
        false += sum(read(one, key) is not None for one in small)
    count = keys * len(small)
    tried = f"{count * DECODED:,} decodings, {count * len(STEPS_TRIED):,} steps"
    print(f"wrong keys: {count:,} readings ({tried}): {false} false")
    print(f"bound of a reading: {chance_of(SCORE_READ):.1e}, from a score of {SCORE_READ / SIGNS:.3f} on")


def _jpeg(rgb: Pixels, quality: int) -> Pixels:
    return _saved(rgb, "JPEG", quality)


def _saved(rgb: Pixels, container: str, quality: int) -> Pixels:
    out = io.BytesIO()
    Image.fromarray(rgb).save(out, container, quality=quality)
    return np.asarray(Image.open(out).convert("RGB"))


def _scaled(rgb: Pixels, part: float) -> Pixels:
    sides = [max(8, round(side * part)) for side in (rgb.shape[1], rgb.shape[0])]
    return np.asarray(Image.fromarray(rgb).resize((sides[0], sides[1]), Image.Resampling.LANCZOS))


def _cropped(rgb: Pixels, part: float) -> Pixels:
    """Without a part of each side, half of it at each end."""
    down, across = (round(side * part / 2) for side in rgb.shape[:2])
    return rgb[down : rgb.shape[0] - down, across : rgb.shape[1] - across]


def _turned(rgb: Pixels, degrees: float) -> Pixels:
    height, width = rgb.shape[:2]
    turn = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
    return np.asarray(cv2.warpAffine(rgb, turn, (width, height), flags=cv2.INTER_LINEAR), np.uint8)


def _aligned(change: Callable[[Pixels], Pixels]) -> Callable[[Pixels], Pixels]:
    """A change, then JPEG at quality 80, then laid on the picture again, as a look-up does that found it."""

    def job(rgb: Pixels) -> Pixels:
        copy = _jpeg(change(rgb), 80)
        found = laid_on(copy, rgb, _by_features(copy, rgb))
        return copy if found is None else found

    return job


def _by_features(copy: Pixels, rgb: Pixels) -> Transform:
    """Where a picture lies in its copy by ORB features; where they do not tell, all of it, a bit smaller."""
    orb = cv2.ORB.create(1000)
    points, found = orb.detectAndCompute(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), None)
    others, seen = orb.detectAndCompute(cv2.cvtColor(copy, cv2.COLOR_RGB2GRAY), None)
    if found is not None and seen is not None:
        pairs = cv2.BFMatcher(cv2.NORM_HAMMING, crossCheck=True).match(found, seen)
        start = np.array([points[one.queryIdx].pt for one in pairs], np.float32)
        end = np.array([others[one.trainIdx].pt for one in pairs], np.float32)
        if len(pairs) >= INLIERS_MIN:
            turn, held = cv2.estimateAffinePartial2D(start, end, method=cv2.RANSAC, ransacReprojThreshold=2)
            if turn is not None and int(held.sum()) >= INLIERS_MIN:
                return np.asarray(turn, np.float32)
    across, down = copy.shape[1] / rgb.shape[1], copy.shape[0] / rgb.shape[0]
    rough = [[1.03 * across, 0, -0.015 * copy.shape[1]], [0, 1.03 * down, -0.015 * copy.shape[0]]]
    return np.array(rough, np.float32)


def _bright(rgb: Pixels, gain: float) -> Pixels:
    return np.asarray(np.clip(rgb * gain, 0, 255), np.uint8)


def _grey(rgb: Pixels) -> Pixels:
    return np.repeat(np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY), np.uint8)[..., None], 3, axis=2)


def _noisy(rgb: Pixels, sigma: float) -> Pixels:
    noise = np.random.default_rng(rgb.shape[0]).normal(0, sigma, rgb.shape)
    return np.asarray(np.clip(rgb + noise, 0, 255), np.uint8)


def _blurred(rgb: Pixels, sigma: float) -> Pixels:
    return np.asarray(cv2.GaussianBlur(rgb, (0, 0), sigma), np.uint8)


CHANGES: dict[str, Callable[[Pixels], Pixels]] = {
    "nothing": lambda rgb: rgb,
    "JPEG 50": lambda rgb: _jpeg(rgb, 50),
    "JPEG 30": lambda rgb: _jpeg(rgb, 30),
    "JPEG 10": lambda rgb: _jpeg(rgb, 10),
    "half the size": lambda rgb: _scaled(rgb, 0.5),
    "a quarter of the size": lambda rgb: _scaled(rgb, 0.25),
    "half the size, JPEG 50": lambda rgb: _jpeg(_scaled(rgb, 0.5), 50),
    "WebP 50": lambda rgb: _saved(rgb, "WEBP", 50),
    "screenshot (75 %, JPEG 60)": lambda rgb: _jpeg(_scaled(rgb, 0.75), 60),
    "brightness +20 %": lambda rgb: _bright(rgb, 1.2),
    "brightness -20 %": lambda rgb: _bright(rgb, 0.8),
    "grey": _grey,
    "noise of 8 levels": lambda rgb: _noisy(rgb, 8),
    "crop 10 %, aligned": _aligned(lambda rgb: _cropped(rgb, 0.1)),
    "crop 20 %, aligned": _aligned(lambda rgb: _cropped(rgb, 0.2)),
    "turned by 5°, aligned": _aligned(lambda rgb: _turned(rgb, 5)),
    "turned by 5°, not aligned": lambda rgb: _turned(rgb, 5),
}
REMOVALS: dict[str, Callable[[Pixels], Pixels]] = {
    "blur 1.5, noise 8, JPEG 10": lambda rgb: _jpeg(_noisy(_blurred(rgb, 1.5), 8), 10),
    "blur 3, noise 8, JPEG 10": lambda rgb: _jpeg(_noisy(_blurred(rgb, 3), 8), 10),
    "a tenth of the size and back": lambda rgb: _back(_scaled(rgb, 0.1), rgb),
    "a twentieth of the size and back": lambda rgb: _back(_scaled(rgb, 0.05), rgb),
    "shifted by 2 % and turned by 1°": lambda rgb: _turned(np.roll(rgb, rgb.shape[1] // 50, axis=1), 1),
}


def _back(small: Pixels, rgb: Pixels) -> Pixels:
    return np.asarray(Image.fromarray(small).resize((rgb.shape[1], rgb.shape[0]), Image.Resampling.BICUBIC))


def _marked(pictures: Iterable[Pixels]) -> Iterable[tuple[int, MarkedPixels]]:
    """Ids, and pictures with them; those that are too smooth are left out."""
    for at, rgb in enumerate(pictures):
        number = int(np.random.default_rng(at).integers(0, 1 << 40))
        found = embed(rgb, number, KEY)
        if isinstance(found, MarkedPixels):
            yield number, found


def _reads(rgb: Pixels, number: int) -> bool:
    found = read(rgb, KEY)
    return found is not None and found.id == number


def _reads_any(rgb: Pixels, count: int) -> bool:
    return any(_reads(rgb, number) for number in range(count))


def _mean_of_marks(rgb: Pixels, count: int) -> Pixels:
    """The mean of a picture with so many ids."""
    found = (embed(rgb, number, KEY) for number in range(count))
    arrays = [one.rgb.astype(np.float32) for one in found if isinstance(one, MarkedPixels)]
    return np.asarray(np.round(np.mean(arrays, axis=0)), np.uint8) if arrays else rgb


def _residue(rgb: Pixels) -> Floats:
    """What is left of a picture's luma without its smooth part: an estimate of the mark by who has no original."""
    luma = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32)
    return np.asarray(luma - cv2.GaussianBlur(luma, (0, 0), 12), np.float32)


def _mean_residue(pictures: Sequence[Pixels]) -> Floats:
    return np.asarray(np.mean([cv2.resize(_residue(one), (512, 512)) for one in pictures], axis=0), np.float32)


def _arrays(marked: Sequence[tuple[int, MarkedPixels]]) -> list[tuple[int, Pixels]]:
    return [(number, one.rgb) for number, one in marked]


def _lumas(rgb: Pixels, other: Pixels) -> Floats:
    """The difference of two pictures' lumas."""
    one, another = (cv2.cvtColor(each, cv2.COLOR_RGB2GRAY).astype(np.float32) for each in (rgb, other))
    return np.asarray(one - another, np.float32)


def _fitted(residue: Floats, rgb: Pixels) -> Floats:
    return np.asarray(cv2.resize(residue, (rgb.shape[1], rgb.shape[0])), np.float32)


def _added(rgb: Pixels, luma: Floats) -> Pixels:
    return np.asarray(np.clip(rgb + luma[..., None], 0, 255), np.uint8)


def _array(image: Image.Image, side: int) -> Pixels:
    scale = min(1.0, side / max(image.size))
    sides = [max(64, round(one * scale)) for one in image.size]
    return np.asarray(image.resize((sides[0], sides[1]), Image.Resampling.LANCZOS))


if __name__ == "__main__":
    main()
