"""`python -m simulator.mutating`: plant each bug of `mutants.py` in a copy, and see what notices it.

What is asked, one layer after the other until one fails: the simulator, seed by seed; the conversations of
`tests/consensus`; the tests of the unit; the stories of `tests/simulation`. What was found is written into
`docs/mutants.md` at once, so a run can be ended and gone on with.
"""

from __future__ import annotations

import argparse
import compileall
import faulthandler
import os
import platform
import re
import resource
import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path
from py_compile import PycInvalidationMode
from tempfile import TemporaryDirectory
from typing import NamedTuple

from simulator.mutants import ARGUMENTS, MUTANTS, TESTS, Mutant
from simulator.running import ran

SEEDS = 30
SEED_SECONDS = 60
"""A seed that takes longer hangs: by itself it takes a second at most."""
TESTS_SECONDS = 300
BYTES_MAX = 4 << 30
"""Of memory for the simulator, lest a bug that grows without end takes all."""
ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "docs" / "mutants.md"
COPIED = (
    "consensus", "contracts_vm", "devnet", "docs", "generator", "ledger", "node", "pictures", "remarque", "scripts",
    "simulator", "tests", "threshold", "pyproject.toml",
)  # fmt: skip
UNASKED, GAP = "not asked yet", "survives: a gap"
STORIES = "not every_kind and not hashes and not many_more and 0"
"""The tests of `tests/simulation/test_simulator.py` that are not just seeds, with seed 0."""


class Killed(NamedTuple):
    """What noticed a mutant."""

    layer: str
    by: str
    """The seed or the test."""
    reason: str


class NotApplicable(Exception):
    """The text that a mutant replaces does not stand exactly once in its file."""


def mutated(mutant: Mutant, text: str) -> str:
    """The text of its file with the bug. NotApplicable if its place is not found, or found twice."""
    if (count := text.count(mutant.old)) != 1:
        raise NotApplicable(f"{mutant.name}: what it replaces stands {count} times in {mutant.file}")
    return text.replace(mutant.old, mutant.new)


class Copy:
    """A copy of the packages and tests, in which one mutant after the other lives."""

    def __init__(self, place: Path) -> None:
        self._place = place
        for name in COPIED:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, place / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(ROOT / name, place / name)
        # Checked by what is in a file, for one that is changed twice in a second has the same time.
        compileall.compile_dir(place, quiet=2, invalidation_mode=PycInvalidationMode.CHECKED_HASH)

    def killed(self, mutant: Mutant, layers: Iterable[str]) -> Killed | None:
        """Let a mutant live until a layer notices it."""
        file = self._place / mutant.file
        text = file.read_text(encoding="utf-8")
        file.write_text(mutated(mutant, text), encoding="utf-8")
        try:
            asked = ((layer, LAYERS[layer](mutant)) for layer in layers)
            return next(filter(None, (self.fails(layer, arguments) for layer, arguments in asked if arguments)), None)
        finally:
            file.write_text(text, encoding="utf-8")

    def fails(self, layer: str, arguments: Arguments) -> Killed | None:
        """What fails of a layer."""
        seeds = arguments[0] == "-c"
        command = [sys.executable, *arguments]
        env = os.environ | {"PYTHONPATH": str(self._place), "PYTHONDONTWRITEBYTECODE": "1", "PYTHONHASHSEED": "0"}
        limit = SEEDS * SEED_SECONDS if seeds else TESTS_SECONDS
        try:
            done = subprocess.run(
                command, cwd=self._place, env=env, capture_output=True, text=True, timeout=limit, check=False
            )
        except subprocess.TimeoutExpired:
            return Killed(layer, " ".join(arguments), f"it hangs: {limit} s are over")
        if done.returncode == -signal.SIGTERM:
            raise KeyboardInterrupt
        if not done.returncode:
            return None
        return _failed_seed(layer, done) if seeds else _failed_test(layer, done)


def _failed_seed(layer: str, done: subprocess.CompletedProcess[str]) -> Killed:
    *_, last = ("\n" + done.stdout).split("\nseed ")
    seed, _, violation = last.partition("\n")
    told = violation.strip()
    if "Timeout (" in done.stderr:
        told = f"it hangs: {SEED_SECONDS} s are over"
    elif not told:
        told = f"it breaks: {(done.stderr.strip().splitlines() or [f'exit {done.returncode}'])[-1]}"
    return Killed(layer, f"seed {seed.strip()}", told.splitlines()[0])


def _failed_test(layer: str, done: subprocess.CompletedProcess[str]) -> Killed:
    failed = re.search(r"^(?:FAILED|ERROR) (\S+?(?:\[\w+\])?)(?:\[.*?\])?(?: - (.*))?$", done.stdout, re.MULTILINE)
    if failed is None:
        return Killed(layer, "all", f"pytest ends with {done.returncode}: {done.stdout[-200:]}")
    return Killed(layer, failed[1].rpartition("::")[2], failed[2] or "")


Arguments = tuple[str, ...]
"""Of Python."""
_PYTEST = ("-m", "pytest", "-q", "-x", "--tb=no", "-p", "no:cacheprovider")


def _seeds(mutant: Mutant) -> Arguments:
    return ("-c", f"from simulator.mutating import run_seeds; run_seeds({SEEDS})") if mutant.simulated else ()


def _stories(mutant: Mutant) -> Arguments:
    return (*_PYTEST, "tests/simulation/test_simulator.py", "-k", STORIES) if mutant.simulated else ()


def _conversations(mutant: Mutant) -> Arguments:
    return (*_PYTEST, "tests/consensus") if mutant.file.startswith("consensus/") else ()


def _unit(mutant: Mutant) -> Arguments:
    tests = sorted({test for part in TESTS if mutant.file.startswith(part) for test in TESTS[part]})
    return (*_PYTEST, *tests) if tests else ()


LAYERS: dict[str, Callable[[Mutant], Arguments]] = {
    "simulator": _seeds,
    "conversations": _conversations,
    "unit": _unit,
    "stories": _stories,
}
"""What is asked about a mutant, in this order; nothing where a layer has nothing to say."""


def run_seeds(count: int) -> None:
    """In the copy: run seeds until one fails. Ends the process with status 1 if one does, or hangs."""
    resource.setrlimit(resource.RLIMIT_AS, (BYTES_MAX, BYTES_MAX))
    for seed in range(count):
        print(f"seed {seed}", flush=True)
        faulthandler.dump_traceback_later(SEED_SECONDS, exit=True)
        if violation := ran(seed).violation:
            print(violation, flush=True)
            sys.exit(1)
        faulthandler.cancel_dump_traceback_later()


def main() -> int:
    """Run what the command line says. Exit status 1 if a mutant survives for which there is no argument."""
    parser = argparse.ArgumentParser(prog="python -m simulator.mutating", description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--only", action="append", metavar="NAME", help="this mutant; may be given several times")
    parser.add_argument("--rest", action="store_true", help="those that the page says nothing of, or that they survive")
    parser.add_argument("--layer", choices=LAYERS, help="this layer alone")
    options = parser.parse_args()
    told = rows(PAGE.read_text(encoding="utf-8")) if options.rest and PAGE.exists() else {}
    mutants = [
        mutant
        for mutant in MUTANTS
        if (not options.only or mutant.name in options.only) and told.get(mutant.name, UNASKED) in (UNASKED, GAP)
    ]
    layers = [options.layer] if options.layer else list(LAYERS)
    for mutant in mutants:
        mutated(mutant, (ROOT / mutant.file).read_text(encoding="utf-8"))
    with TemporaryDirectory() as place:
        copy = Copy(Path(place))
        for layer in layers:
            asked = [LAYERS[layer](mutant) for mutant in mutants]
            arguments = tuple(dict.fromkeys(part for one in asked for part in one))
            if arguments and (fault := copy.fails(layer, arguments)) is not None:
                print(f"without any mutant {fault.by} of {layer} fails: {fault.reason}")
                return 2
        survivors = 0
        for mutant in mutants:
            killed = copy.killed(mutant, layers)
            survivors += killed is None and mutant.name not in ARGUMENTS
            fate = "SURVIVES" if killed is None else f"{killed.layer}, {killed.by}: {killed.reason}"
            print(f"{mutant.file}, {mutant.name}: {fate[:300]}", flush=True)
            if not options.layer:
                renew({mutant.name: _told(mutant.name, killed)})
    print(f"{len(mutants)} mutants, {survivors} survive without an argument")
    return 1 if survivors else 0


HEAD = """\
# Mutants

Written by `python -m simulator.mutating`; do not edit. A mutant is a bug, planted in a copy of the code. Each is one
that an implementation of consensus had, or one that a hand slips into, and the question is what notices it. Asked are,
one after the other until one fails: seeds 0 to {seeds} of the simulator; the conversations of `tests/consensus` with
one replica; the tests of the unit; and the stories of `tests/simulation`, which are runs of the simulator with faults
of their choice. A seed that takes more than {limit} s hangs, and to hang is to fail.

Some are not shown to the simulator: those of what does not run in it, streams between nodes and what is done to nodes
that do not run; and those that nobody there would meet, for nobody proposes what does not hold, thins, joins or
recovers.

`--only NAME` asks about one mutant and renews its row, `--rest` about those that have none, or that are a gap,
and `--layer LAYER` asks one layer alone and writes nothing. This was run with Python {version}.

"""


def renew(told: dict[str, str]) -> None:
    """Write the page anew, with what was found now; of the other mutants it says what it said before."""
    before = PAGE.read_text(encoding="utf-8") if PAGE.exists() else ""
    PAGE.write_text(page(rows(before) | told), encoding="utf-8")


def rows(text: str) -> dict[str, str]:
    """What a page says of each mutant, by name."""
    found = re.findall(r"^\| ([^|]+) \| [^|]+ \| ([^|]+) \|$", text, re.MULTILINE)
    return {name: told for name, told in found if name != "mutant" and not told.endswith("%")}


def page(told: dict[str, str]) -> str:
    """The page that says so much of each mutant."""
    said = {mutant.name: told.get(mutant.name, UNASKED) for mutant in MUTANTS}
    counts = Counter(re.split("[,:]", one)[0] for one in said.values())
    met = sum(mutant.simulated for mutant in MUTANTS)
    inside = sum(mutant.file.startswith("consensus/") for mutant in MUTANTS)
    dead = sum(counts[layer] for layer in LAYERS)
    lines = [
        "| | mutants | share |",
        "|---|--:|--:|",
        *(
            f"| {what} | {count} | {count / len(said):.0%} |"
            for what, count in (
                ("all", len(said)),
                ("in `consensus/`", inside),
                ("elsewhere", len(said) - inside),
                ("shown to the simulator", met),
                ("killed", dead),
                *((f"killed by {layer}", counts[layer]) for layer in LAYERS),
                ("survive", counts["survives"]),
                (UNASKED, counts[UNASKED]),
            )
        ),
    ]
    for file in dict.fromkeys(mutant.file for mutant in MUTANTS):
        lines += ["", f"## {file}", "", "| mutant | what it breaks | killed by |", "|---|---|---|"]
        lines += [f"| {one.name} | {one.breaks} | {said[one.name]} |" for one in MUTANTS if one.file == file]
    version = ".".join(platform.python_version_tuple()[:2])
    return HEAD.format(seeds=SEEDS - 1, limit=SEED_SECONDS, version=version) + "\n".join(lines) + "\n"


def _told(name: str, killed: Killed | None) -> str:
    """What the page says of a mutant."""
    if killed is None:
        return f"survives: {ARGUMENTS[name]}" if name in ARGUMENTS else GAP
    if killed.layer == "simulator":
        return f"{killed.layer}, {killed.by}: {killed.reason.partition(':')[0]}"
    return f"{killed.layer}: `{killed.by}`"


if __name__ == "__main__":
    sys.exit(main())
