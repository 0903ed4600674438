"""How long a picture takes here, and how much memory, beside the same pipeline called plainly in the same run.

The plain call is diffusers alone: the same loaded weights, the same settings and noise, no progress told and nothing
checked. They take turns, either of them first as often, and the first turn of each, which warms caches, is not counted.
"""

from __future__ import annotations

import resource
import statistics
import time
from collections.abc import Callable
from importlib import import_module

import msgspec
from msgspec.structs import replace

from generator.devices import CPU, Placement, chosen_device, device_name
from generator.pipeline import Pipeline
from generator.settings import Settings


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What a run found, with its conditions."""

    device: str
    precision: str
    width: int
    height: int
    steps: int
    batch: int
    rounds: int
    """Turns of each that were counted."""
    seconds: float
    """For a picture, the median over the rounds."""
    plain_seconds: float
    """The same by diffusers alone."""
    ratio: float
    """How many times as long as diffusers alone."""
    peak_bytes: int
    """On a GPU, the most that PyTorch held on it; else the most that this process held, libraries included."""


def measure(pipeline: Pipeline, settings: Settings, rounds: int, placement: Placement) -> Measured:
    """Make `batch` pictures of these settings `rounds` times by each way. SETTINGS_INVALID, OUT_OF_MEMORY."""
    device = chosen_device(placement)
    together = [replace(settings, index=index) for index in range(settings.batch)]
    _forget_peak(device)
    ways = (lambda: pipeline.generate_batch(together, lambda step, steps: None), lambda: pipeline.plainly(together))
    times: tuple[list[float], list[float]] = ([], [])
    for turn in range(rounds + 1):
        for way in (0, 1) if turn % 2 else (1, 0):
            times[way].append(_timed(device, ways[way]))
    seconds, alone = (statistics.median(each[1:]) / settings.batch for each in times)
    return Measured(
        device=device_name(placement),
        precision=settings.precision,
        width=settings.width,
        height=settings.height,
        steps=settings.steps,
        batch=settings.batch,
        rounds=rounds,
        seconds=round(seconds, 4),
        plain_seconds=round(alone, 4),
        ratio=round(seconds / alone, 3),
        peak_bytes=_peak(device),
    )


def _timed(device: str, work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    if device != CPU:
        import_module("torch").cuda.synchronize(device)
    return time.perf_counter() - started


def _forget_peak(device: str) -> None:
    if device != CPU:
        import_module("torch").cuda.reset_peak_memory_stats(device)


def _peak(device: str) -> int:
    if device != CPU:
        return int(import_module("torch").cuda.max_memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
