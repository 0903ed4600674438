"""What a flood of hostile pictures does to a node's event loop and memory, and to a member who stores a small picture.

    python -m bench.pictures [--seconds 30] [FILE ...]

All that strangers may have decoded is asked for at once, again and again: files of 40 megapixels in 117 kB, JPEGs of
thousands of scans, what `bench/hostile.py` draws, and the files named. A stall is how late a loop that sleeps
for a millisecond comes back. Each figure stands beside the same one measured without the flood.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import json
import os
import time
from itertools import cycle
from pathlib import Path

from PIL import Image

from bench.hostile import hostile_files
from node.decoding.lanes import OPEN_MAX, Decoders
from remarque.errors import NodeError

AFTER_SECONDS = 5.0
MEMBER_EVERY_SECONDS = 0.25


class Figures:
    """How late the loop came back, and how long members' small pictures took, in milliseconds."""

    def __init__(self) -> None:
        self.stalls: list[float] = []
        self.small: list[float] = []

    async def measure(self, decoders: Decoders, seconds: float) -> None:
        """Fill it for some time."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch(seconds))
            group.create_task(self._store(decoders, seconds))

    def told(self) -> dict[str, float]:
        """The middle and the worst of both."""
        return {
            "stall_ms_median": _at(self.stalls, 0.5),
            "stall_ms_p99.9": _at(self.stalls, 0.999),
            "stall_ms_longest": _at(self.stalls, 1),
            "member_ms_median": _at(self.small, 0.5),
            "member_ms_longest": _at(self.small, 1),
        }

    async def _watch(self, seconds: float) -> None:
        end = time.perf_counter() + seconds
        while (now := time.perf_counter()) < end:
            await asyncio.sleep(0.001)
            self.stalls.append(1000 * (time.perf_counter() - now - 0.001))

    async def _store(self, decoders: Decoders, seconds: float) -> None:
        data, end = a_picture((1_000, 800)), time.perf_counter() + seconds
        while (now := time.perf_counter()) < end:
            with decoders.members.room(len(data), "member"):
                await decoders.members.facts(data)
            self.small.append(1000 * (time.perf_counter() - now))
            await asyncio.sleep(MEMBER_EVERY_SECONDS)


async def flood(decoders: Decoders, files: list[bytes]) -> None:
    """Have strangers bring files for ever, as many at a time as they may."""

    async def bring(who: str) -> None:
        for data in endless:
            with contextlib.suppress(NodeError), decoders.strangers.room(len(data), who):
                await decoders.strangers.facts(data)
            await asyncio.sleep(0)

    endless = cycle(files)
    async with asyncio.TaskGroup() as group:
        for number in range(OPEN_MAX):
            group.create_task(bring(f"10.0.0.{number}"))


async def measure(files: list[bytes], seconds: float) -> None:
    decoders = Decoders()
    await decoders.members.facts(a_picture((8, 8)))
    for name, data in (("40 megapixels", files[0]), ("12 megapixels", a_picture((4_000, 3_000), "JPEG"))):
        begun = time.perf_counter()
        await decoders.members.facts(data)
        print(json.dumps({"alone": name, "ms": round(1000 * (time.perf_counter() - begun))}))
    before, idle, flooded = memory_mib(), Figures(), Figures()
    await idle.measure(decoders, seconds)
    strangers = asyncio.create_task(flood(decoders, files))
    most, measured = before, asyncio.create_task(flooded.measure(decoders, seconds))
    while not measured.done():
        await asyncio.wait([measured], timeout=0.2)
        most = max(most, memory_mib())
    strangers.cancel()
    await asyncio.wait([strangers])
    await asyncio.sleep(AFTER_SECONDS)
    print(json.dumps({"without": idle.told()}))
    print(json.dumps({"with": flooded.told()}))
    print(json.dumps({"memory_mib": {"before": before, "most": most, f"{AFTER_SECONDS:.0f}_s_after": memory_mib()}}))
    decoders.close()


def memory_mib() -> int:
    """What this process and those below it hold in memory, what they share counted once."""
    waiting, held = [os.getpid()], 0
    while waiting:
        with contextlib.suppress(OSError):  # it has ended meanwhile
            pid = waiting.pop()
            waiting += map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            held += next(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return held // 1024


def a_picture(size: tuple[int, int], kind: str = "PNG") -> bytes:
    out = io.BytesIO()
    Image.effect_noise((60, 40), 90).resize(size, Image.Resampling.BICUBIC).convert("RGB").save(out, kind)
    return out.getvalue()


def a_flat_picture(size: tuple[int, int], kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, kind, **options)
    return out.getvalue()


def worst_files() -> list[bytes]:
    """Small files that take long."""
    scans = a_flat_picture((1_900, 1_900), "JPEG", progressive=True)
    return [
        a_flat_picture((8_000, 5_000), "PNG", compress_level=9),
        scans[:-2] + scans[scans.rindex(b"\xff\xda") : -2] * 9_000 + b"\xff\xd9",
    ]


def _at(values: list[float], part: float) -> float:
    return round(sorted(values)[min(len(values) - 1, int(part * len(values)))], 1)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("file", nargs="*", type=Path)
    arguments = parser.parse_args()
    drawn = [*worst_files(), *(path.read_bytes() for path in arguments.file), *(data for _, data in hostile_files())]
    asyncio.run(measure(drawn, arguments.seconds))
