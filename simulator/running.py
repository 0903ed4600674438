"""Running one seed, and what is told of it."""

from __future__ import annotations

from collections import Counter
from typing import NamedTuple

from simulator.invariants import Violated
from simulator.world import SECONDS, World


class Ran(NamedTuple):
    """What one seed did."""

    seed: int
    violation: str
    trace: str
    faults: Counter[str]
    checked: Counter[str]
    events: int
    seconds: float
    """Simulated."""


def ran(seed: int, seconds: float = SECONDS) -> Ran:
    """Run a seed."""
    world, violation = World(seed, seconds), ""
    try:
        world.run()
    except Violated as error:
        violation = str(error)
    trace = "\n".join(world.trace)
    return Ran(seed, violation, trace, world.faults_met, world.invariants.checked, world.events, world.now())


def replay(seed: int, seconds: float) -> str:
    """The command that runs a seed again."""
    return f"python -m simulator --seed {seed} --seconds {seconds:g} --trace"
