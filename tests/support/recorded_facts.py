"""What a recording of etcd-io/raft says of its nodes: facts, whatever the lines between them say."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

SAID = re.compile(r"(?:> )?(\d+) handling Ready")
LED = re.compile(r"INFO (\d+) became leader at term (\d+)")
ENTRY = re.compile(r'(\d+)/(\d+) EntryNormal "(.*)"')
FOLLOWER = re.compile(r"(\d+): (State\w+) match=(\d+) next=(\d+)(?: paused)?(?: inactive)?(?: inflight=(\d+))?")


@dataclass
class Facts:
    """What a recording said last of a node. What it did not say is not compared."""

    hard: tuple[int, int, int] | None = None
    """Term, vote and commit."""
    role: tuple[str, int] | None = None
    """State, and who leads."""
    entries: dict[int, tuple[int, str]] = field(default_factory=dict)
    """Term and data by index."""


class Recorded:
    """What a recording has said so far."""

    def __init__(self) -> None:
        self.of: dict[str, Facts] = {}
        """Facts by node."""
        self.leaders: dict[int, str] = {}
        """Who led which term."""

    def learn(self, expected: tuple[str, ...], name: str = "") -> None:
        """Note what is said of nodes. `name` is the one that it speaks of first.

        Where a recording says no more than `ok`, what it said before may hold no longer.
        """
        if expected == ("ok",):
            self.of = {known: Facts() for known in self.of}
            return
        heading = ""
        for line in (line.strip() for line in expected):
            if said := SAID.fullmatch(line):
                name = said[1]
            elif led := LED.fullmatch(line):
                self.leaders[int(led[2])] = led[1]
            elif (entry := ENTRY.fullmatch(line)) and heading == "Entries:":
                self.of[name].entries[int(entry[2])] = int(entry[1]), entry[3]
            elif line.startswith("Lead:"):
                leader, state = re.findall(r"[^: ]+:(\S+)", line)
                self.of[name].role = state, int(leader)
            elif line.startswith("HardState"):
                values = {key: int(value) for key, value in re.findall(r"(\w+):(\d+)", line)}
                self.of[name].hard = values["Term"], values.get("Vote", 0), values["Commit"]
            elif line.endswith(":"):
                heading = line


def entries(expected: tuple[str, ...]) -> list[tuple[int, int, str]]:
    """Index, term and data of the entries of a log."""
    return [(int(index), int(term), data) for term, index, data in ENTRY.findall("\n".join(expected))]


def followers(expected: tuple[str, ...]) -> dict[str, tuple[bool, int, int, int]]:
    """Of each node, as its leader sees it: whether it is probed, match, next, and how much is in flight."""
    return {
        name: (state == "StateProbe", int(match), int(following), int(in_flight or 0))
        for name, state, match, following, in_flight in FOLLOWER.findall("\n".join(expected))
    }
