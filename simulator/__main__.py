"""`python -m simulator`: run seeds, and say what they met. Exit status 1 if one fails."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections import Counter
from multiprocessing import Pool

from simulator.faults import ALL, COUNTED
from simulator.running import Ran, ran, replay
from simulator.world import SECONDS


def main() -> int:
    """Run what the command line says."""
    parser = argparse.ArgumentParser(prog="python -m simulator", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=300, help="how many seeds")
    parser.add_argument("--first", type=int, default=0, help="the first of them")
    parser.add_argument("--seed", type=int, help="this one alone")
    parser.add_argument("--seconds", type=float, default=SECONDS, help="simulated seconds with faults")
    parser.add_argument("--trace", action="store_true", help="say what happened last in each seed")
    parser.add_argument("--processes", type=int, default=os.cpu_count(), help="seeds run at the same time")
    options = parser.parse_args()
    first, count = (options.first, options.seeds) if options.seed is None else (options.seed, 1)
    faults: Counter[str] = Counter()
    checked: Counter[str] = Counter()
    started, failed, events, simulated = time.monotonic(), 0, 0, 0.0
    work = [(seed, options.seconds) for seed in range(first, first + count)]
    with Pool(min(options.processes, count)) as pool:
        for done in pool.imap_unordered(_ran, work):
            faults += done.faults
            checked += done.checked
            events += done.events
            simulated += done.seconds
            if done.violation or options.trace:
                print(done.trace)
            if done.violation:
                failed += 1
                print(f"seed {done.seed}: {done.violation}\n  {replay(done.seed, options.seconds)}", flush=True)
    for fault in (*ALL, *COUNTED):
        print(f"{faults[fault]:9} {fault}")
    for statement, times in checked.most_common():
        print(f"{times:9} times checked: {statement}")
    spent = time.monotonic() - started
    print(
        f"{count} seeds, {failed} failed; {simulated / 3600:.1f} simulated hours, {events} events in {spent:.0f} s "
        f"on {min(options.processes, count)} processes"
    )
    return 1 if failed else 0


def _ran(work: tuple[int, float]) -> Ran:
    return ran(*work)


if __name__ == "__main__":
    sys.exit(main())
