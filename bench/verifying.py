"""Measures how long a node takes to verify a picture, by how it is found, beside decoding it with Pillow.

`python -m bench.verifying` starts one node, records pictures of 512 x 512, brings copies of them one after the other,
and prints medians. What the indexes of 100,000 pictures add is measured by `python -m bench.indexes`.
"""

from __future__ import annotations

import argparse
import io
import random
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from tempfile import TemporaryDirectory

from PIL import Image

from devnet.cluster import Cluster, free_ports
from devnet.story import CREATOR, plan_of
from remarque.client import Client
from remarque.errors import RemarqueError

SIDE = 512
RECORDED = 20
ROUNDS = 40

Change = Callable[[Image.Image], Image.Image]

COPIES: dict[str, tuple[Change, str]] = {
    "the very file": (lambda image: image, "PNG"),
    "JPEG q60": (lambda image: image, "JPEG"),
    "half the size": (lambda image: image.reduce(2), "JPEG"),
    "crop of a fifth": (lambda image: image.crop((51, 51, 461, 461)), "JPEG"),
    "turned by 20 degrees": (lambda image: image.rotate(20), "JPEG"),
    "altered": (lambda image: _altered(image), "JPEG"),
}


def main() -> None:
    """Start, record, verify, print."""
    parser = argparse.ArgumentParser(prog="python -m bench.verifying", description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    images = [a_picture(seed) for seed in range(RECORDED)]
    with TemporaryDirectory() as folder:
        cluster = Cluster.create(Path(folder) / "devnet", plan=plan_of(1, free_ports(2), generator=False))
        cluster.up()
        try:
            with Client(cluster.url("node1"), CREATOR, cluster.key(CREATOR)) as alice:
                for image in images:
                    alice.register(saved(image, "PNG"), similar=True)
                until_indexed(alice, saved(images[0], "PNG"))
                report(alice, images, rounds)
        finally:
            cluster.down()


def report(alice: Client, images: list[Image.Image], rounds: int) -> None:
    """Print a line for each way to find a picture, and for one that is not recorded."""
    stranger = a_picture(10_000)
    print(f"{RECORDED} pictures of {SIDE} x {SIDE} recorded; {rounds} questions each, one after the other; ms")
    print(f"{'copy':22} {'p50':>6} {'p95':>6}  {'Pillow':>6}  verdicts")
    for name, (change, kind) in {**COPIES, "not recorded": (lambda image: stranger, "JPEG")}.items():
        files = [saved(change(images[number % len(images)]), kind) for number in range(rounds)]
        verdicts: dict[str, int] = {}
        spent, decoded = [], []
        for data in files:
            decoded.append(milliseconds(partial(decode, data)))
            started = time.perf_counter()
            verdict = alice.verify(data).verdict
            spent.append(1_000 * (time.perf_counter() - started))
            verdicts[verdict] = verdicts.get(verdict, 0) + 1
        told = ", ".join(f"{verdict} {count}" for verdict, count in verdicts.items())
        print(f"{name:22} {median(spent):6.0f} {quantiles(spent, n=20)[-1]:6.0f}  {median(decoded):6.1f}  {told}")


def until_indexed(alice: Client, data: bytes) -> None:
    """Wait until windows and corners of all pictures are in."""
    for _ in range(600):
        try:
            if not alice.verify(data).searched.waiting:
                return
        except RemarqueError as error:
            if error.code != "INDEX_LOADING":
                raise
        time.sleep(0.1)
    raise TimeoutError("the pictures are not indexed after a minute")


def decode(data: bytes) -> None:
    """What comes of a file's pixels without anything else."""
    Image.open(io.BytesIO(data)).load()


def milliseconds(work: Callable[[], object]) -> float:
    """How long a work takes."""
    started = time.perf_counter()
    work()
    return 1_000 * (time.perf_counter() - started)


def a_picture(seed: int) -> Image.Image:
    """Shapes of many sizes, as photographs have."""
    found, chance = Image.new("RGB", (SIDE, SIDE)), random.Random(seed)
    for step in range(6):
        side = 4 << step
        noise = Image.frombytes("RGB", (side, side), chance.randbytes(3 * side**2))
        found = Image.blend(found, noise.resize(found.size, Image.Resampling.BICUBIC), 0.6 / (1 + 0.3 * step))
    return found


def saved(image: Image.Image, kind: str) -> bytes:
    """A picture's file."""
    out = io.BytesIO()
    image.save(out, kind, quality=60)
    return out.getvalue()


def _altered(image: Image.Image) -> Image.Image:
    copy = image.copy()
    copy.paste(a_picture(77_777).crop((0, 0, 120, 120)), (200, 150))
    return copy


if __name__ == "__main__":
    main()
