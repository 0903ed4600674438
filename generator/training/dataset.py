"""Draws the training set once and keeps it on disk, so that a training step costs no drawing."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from generator.training.compositions import draw_scene
from generator.training.grounds import SIDE
from generator.training.icons import Icons

CHUNK = 250
"""Scenes drawn per task of a drawing process."""


def draw_dataset(folder: Path, icons: Path, count: int, seed: int, processes: int = 2) -> None:
    """Write `images.npy` (count, 128, 128, 3 bytes) and `captions.txt` (one a line), unless they are there."""
    images_path, captions_path = folder / "images.npy", folder / "captions.txt"
    if captions_path.exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    images = np.lib.format.open_memmap(images_path, "w+", np.uint8, (count, SIDE, SIDE, 3))
    captions: list[str] = []
    starts = range(0, count, CHUNK)
    with ProcessPoolExecutor(processes) as pool:
        chunks: Iterator[tuple[NDArray[np.uint8], list[str]]] = pool.map(
            partial(_draw_chunk, icons),
            [seed * 10**9 + start for start in starts],
            [min(CHUNK, count - start) for start in starts],
        )
        for start, (pixels, sentences) in zip(starts, chunks, strict=True):
            images[start : start + len(pixels)] = pixels
            captions += sentences
    images.flush()
    captions_path.write_text("\n".join(captions) + "\n", encoding="utf-8")


def open_dataset(folder: Path) -> tuple[NDArray[np.uint8], list[str]]:
    """The images, mapped from disk, and their captions."""
    images: Any = np.load(folder / "images.npy", mmap_mode="r")
    return images, (folder / "captions.txt").read_text(encoding="utf-8").splitlines()


def _draw_chunk(folder: Path, first: int, count: int) -> tuple[NDArray[np.uint8], list[str]]:
    icons = Icons(folder)
    scenes = [draw_scene(icons, seed) for seed in range(first, first + count)]
    return np.stack([np.asarray(scene.image) for scene in scenes]), [scene.caption for scene in scenes]
