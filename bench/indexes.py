"""How long a question to the indexes of recorded pictures takes, at a million wholes and a hundred thousand pictures.

    python -m bench.indexes [--folder FOLDER] [--pictures 100000]

Codes are drawn by chance; corners are those of pictures drawn from seeds, each seen again with an eighth of its bits
changed. Everything is on one core. For comparison stands what numpy takes for the same million codes in the same run.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from numpy.typing import NDArray

from bench.painted.scenes import draw_scene
from node.verification.code_index import CodeIndex
from node.verification.corner_index import CornerIndex
from pictures.features import FEATURES_MAX, Features, features_of
from pictures.reduction import Reduction
from pictures.windows import ASKS_FOR_WINDOWS, ASKS_MAX, ORIENTATIONS, WHOLES, WINDOWS

WITHIN = 72
NAMED_MAX = 20


def main() -> None:
    """Fill each index, ask it, open it again, and print what that took."""
    parser = argparse.ArgumentParser(prog="python -m bench.indexes", description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--pictures", type=int, default=100_000)
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    with TemporaryDirectory(dir=arguments.folder) as name:
        measure_codes("wholes", Path(name), 10 * arguments.pictures, WHOLES, (ORIENTATIONS, ASKS_MAX))
        measure_codes("windows", Path(name), arguments.pictures, WINDOWS, (ORIENTATIONS, ASKS_FOR_WINDOWS))
        measure_corners(Path(name), arguments.pictures)


def measure_codes(kind: str, folder: Path, count: int, each: int, asks: tuple[int, int]) -> None:
    """So many pictures with so many codes each."""
    chance = np.random.default_rng(1)
    index = CodeIndex(folder / kind, each)
    begun = time.perf_counter()
    for number in range(count):
        index.add(number, chance.integers(0, 256, (each, 32), dtype=np.uint8))
    told: dict[str, object] = {"index": kind, "pictures": count, "add_us": round(1e6 * _since(begun) / count, 1)}
    codes = chance.integers(0, 256, (max(asks), 32), dtype=np.uint8)
    for number in asks:
        told[f"{number}_asks_ms"] = _milliseconds(partial(index.near, codes[:number], WITHIN, NAMED_MAX))
    if kind == "wholes":
        some = chance.integers(0, 2**64, (count, 4), dtype=np.uint64)
        told["numpy_for_one_ask_ms"] = _milliseconds(lambda: np.bitwise_count(some ^ some[0]).sum(axis=1))
    index.close()
    begun = time.perf_counter()
    CodeIndex(folder / kind, each).close()
    print(json.dumps(told | {"open_ms": round(1000 * _since(begun)), "file_mb": _megabytes(folder / kind)}), flush=True)
    (folder / kind).unlink()


def measure_corners(folder: Path, count: int) -> None:
    """So many pictures with as many corners as are kept of one."""
    chance, drawn = np.random.default_rng(1), _corners(400)
    index = CornerIndex(folder)
    begun = time.perf_counter()
    for number in range(count):
        index.add(number, _again(drawn, number, chance))
    told: dict[str, object] = {"index": "corners", "pictures": count, "add_us": round(1e6 * _since(begun) / count, 1)}
    view = index.features(count // 2).descriptors
    other = drawn[chance.integers(0, len(drawn), FEATURES_MAX)]
    asked = (_flipped(view, chance), _flipped(other, chance))
    told["fresh_ms"] = _milliseconds(lambda: index.voted(asked, NAMED_MAX))
    begun = time.perf_counter()
    index.put_in_order()
    told["order_s"] = round(_since(begun), 1)
    told["ordered_ms"] = _milliseconds(lambda: index.voted(asked, NAMED_MAX))
    told["found"] = index.voted(asked, 1)[0] if index.voted(asked, 1) else None
    index.close()
    begun = time.perf_counter()
    CornerIndex(folder).close()
    files = {path.name: _megabytes(path) for path in sorted(folder.iterdir())}
    print(json.dumps(told | {"open_ms": round(1000 * _since(begun)), "files_mb": files}), flush=True)


def _corners(pictures: int) -> NDArray[np.uint8]:
    scenes = (np.asarray(draw_scene(seed).image) for seed in range(pictures))
    return np.concatenate([features_of(Reduction(rgb, 128, 128)).descriptors for rgb in scenes])


def _again(drawn: NDArray[np.uint8], number: int, chance: np.random.Generator) -> Features:
    start = number * FEATURES_MAX % (len(drawn) - FEATURES_MAX)
    points = np.zeros((FEATURES_MAX, 2), np.float32)
    return Features(points, _flipped(drawn[start : start + FEATURES_MAX], chance))


def _flipped(descriptors: NDArray[np.uint8], chance: np.random.Generator) -> NDArray[np.uint8]:
    """An eighth of the bits is changed."""
    flips = [chance.integers(0, 256, descriptors.shape, dtype=np.uint8) for _ in range(3)]
    return descriptors ^ (flips[0] & flips[1] & flips[2])


def _milliseconds(work: Callable[[], object], times: int = 7) -> float:
    spent = []
    for _ in range(times):
        begun = time.perf_counter()
        work()
        spent.append(1000 * _since(begun))
    return round(median(spent), 1)


def _since(begun: float) -> float:
    return time.perf_counter() - begun


def _megabytes(path: Path) -> int:
    return path.stat().st_size // 1_000_000


if __name__ == "__main__":
    main()
