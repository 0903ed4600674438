"""Measures whether fingerprints tell the default model's pictures apart, and know them again after re-encoding.

`python -m bench.pairs` draws 1,000 pictures (250 prompts, four seeds each), compares all 499,500 pairs, and prints
what the thresholds of `pictures.fingerprint` rest on: unrelated pairs must lie above them, re-encoded copies below.
"""

from __future__ import annotations

import argparse
import io
import time
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

from PIL import Image

from generator.models import default_model_folder
from generator.pipeline import Pipeline
from generator.png import encode_png
from generator.settings import Settings
from generator.training.scenes import draw_scene
from pictures.fingerprint import (
    DIFFERENCE_SAME,
    DISTANCE_SURE,
    difference,
    distance,
    image_code,
    is_featureless,
    miniature,
    nearest,
    search_codes,
)
from pictures.opening import open_picture
from pictures.picture import Picture
from pictures.reduction import reduce

BATCH = 20
PROMPT_SEED = 10**15
"""Prompts are captions of scenes far outside the training set."""


def main() -> None:
    """Generate, compare, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.pairs", description=__doc__.splitlines()[0])
    parser.add_argument("--pictures", type=int, default=1000)
    parser.add_argument("--steps", type=int, default=20, help="sampling steps of each picture")
    parser.add_argument("--model", type=Path, default=default_model_folder())
    arguments = parser.parse_args()
    started = time.monotonic()
    pictures = list(generate(arguments.model, arguments.pictures, arguments.steps))
    spent = time.monotonic() - started
    print(f"{len(pictures)} pictures, {arguments.steps} steps, batches of {BATCH}: {spent / len(pictures):.2f} s each")
    codes = [image_code(picture) for picture in pictures]
    print(f"featureless: {sum(map(is_featureless, codes))}")
    report_pairs(pictures, codes)
    report_copies(pictures, codes)


def generate(folder: Path, count: int, steps: int) -> Iterator[Picture]:
    """Pictures of varied prompts; each prompt is used four times with different seeds."""
    pipeline = Pipeline(folder)
    wanted = [
        Settings(prompt=draw_scene(PROMPT_SEED + number // 4).caption, seed=number, steps=steps)
        for number in range(count)
    ]
    for start in range(0, count, BATCH):
        for image in pipeline.generate_batch(wanted[start : start + BATCH], lambda step, steps: None):
            yield open_picture(encode_png(image))


def report_pairs(pictures: list[Picture], codes: list[str]) -> None:
    """Print how near any two different pictures come."""
    gaps = [(distance(one, other), i, j) for (i, one), (j, other) in combinations(enumerate(codes), 2)]
    small = [miniature(reduce(picture)) for picture in pictures]
    near = [(difference(small[i], small[j]), bits) for bits, i, j in gaps if bits <= DISTANCE_SURE]
    sample = [difference(small[i], small[j]) for _, i, j in gaps[:: max(1, len(gaps) // 5000)]]
    print(f"pairs: {len(gaps)}, smallest distance {min(gaps)[0]} of 256 bits, {len(near)} at most {DISTANCE_SURE}")
    if near:
        print(f"smallest difference among those: {min(near)[0]:.1f}, at most {DIFFERENCE_SAME}: {_count_same(near)}")
    print(f"smallest difference in a sample of {len(sample)} pairs: {min(sample):.1f}")


def report_copies(pictures: list[Picture], codes: list[str]) -> None:
    """Print how far re-encoded copies stray, and how many are still found."""
    for name in COPIES:
        copies = [copy_of(picture.image, name) for picture in pictures]
        bits = [distance(code, image_code(copy)) for code, copy in zip(codes, copies, strict=True)]
        found = [
            nearest(code, search_codes(reduce(copy), image_code(copy)))
            for code, copy in zip(codes, copies, strict=True)
        ]
        gaps = [
            difference(miniature(reduce(picture)), miniature(reduce(copy)))
            for picture, copy in zip(pictures, copies, strict=True)
        ]
        print(
            f"{name:10} distance mean {sum(bits) / len(bits):.1f}, over {DISTANCE_SURE}: {_over(bits)}, "
            f"with search codes: {_over(found)}; largest difference {max(gaps):.1f}"
        )


COPIES: dict[str, tuple[str, dict[str, Any], float]] = {
    "jpeg q30": ("JPEG", {"quality": 30}, 1.0),
    "jpeg q60": ("JPEG", {"quality": 60}, 1.0),
    "jpeg q95": ("JPEG", {"quality": 95}, 1.0),
    "webp q50": ("WEBP", {"quality": 50}, 1.0),
    "half size": ("PNG", {}, 0.5),
}
"""Container, options, and scale of each way to copy a picture."""


def copy_of(image: Image.Image, name: str) -> Picture:
    """The picture after one of COPIES."""
    container, options, scale = COPIES[name]
    size = (int(image.width * scale), int(image.height * scale))
    file = io.BytesIO()
    image.resize(size, Image.Resampling.LANCZOS).save(file, container, **options)
    return open_picture(file.getvalue())


def _count_same(near: list[tuple[float, int]]) -> int:
    return sum(gap <= DIFFERENCE_SAME for gap, _ in near)


def _over(bits: list[int]) -> int:
    return sum(count > DISTANCE_SURE for count in bits)


if __name__ == "__main__":
    main()
