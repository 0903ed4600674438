"""What the Raft paper promises of every cluster (its figure 3), and what commits by signatures need besides."""

from __future__ import annotations

from consensus.quorum import majority
from consensus.raft_log import RaftEntry

Logs = dict[str, list[RaftEntry]]
"""What is on the disks, by node."""


class Promises:
    """What was seen of a cluster so far, and what it must agree with."""

    def __init__(self) -> None:
        self.leaders: dict[int, str] = {}
        """Who led which term."""
        self._final: dict[int, RaftEntry] = {}
        self._hard: dict[str, tuple[int, str]] = {}
        self._endorsed: dict[tuple[str, int, int], bytes] = {}
        self._led: dict[tuple[str, int], list[RaftEntry]] = {}

    def leads(self, name: str, term: int, log: list[RaftEntry]) -> None:
        """Election safety: at most one leads a term. Leader completeness: it holds all that is final."""
        assert self.leaders.setdefault(term, name) == name, f"two leaders in term {term}"
        assert all(log[index - 1 : index] == [entry] for index, entry in self._final.items()), "a leader lacks an entry"

    def led(self, name: str, term: int, log: list[RaftEntry]) -> None:
        """Leader append-only: it replaces and drops nothing of its own log."""
        before = self._led.get((name, term), [])
        assert log[: len(before)] == before, "a leader only appends"
        self._led[name, term] = list(log)

    def match(self, logs: Logs, name: str) -> None:
        """Log matching: if two logs hold an entry of one place and term, they agree up to it."""
        for other in logs.values():
            both = list(zip(logs[name], other, strict=False))
            last = max((place for place, (ours, theirs) in enumerate(both) if ours.term == theirs.term), default=-1)
            assert all(ours == theirs for ours, theirs in both[: last + 1]), "logs that agree at a place agree below it"

    def delivered(self, logs: Logs, name: str, index: int, voters: tuple[str, ...]) -> None:
        """State machine safety: one entry is final at a place. And it is on most voters' disks, so that it survives."""
        for entry in logs[name][:index]:
            assert self._final.setdefault(entry.index, entry) == entry, f"two final entries at {entry.index}"
        lacking = [voter for voter in voters if voter in logs and len(logs[voter]) < index]
        assert len(voters) - len(lacking) >= majority(len(voters)), "what is final is on most disks"

    def written(self, name: str, term: int, vote: str) -> None:
        """On disk a term never falls, and a vote of a term never changes."""
        known_term, known_vote = self._hard.get(name, (0, ""))
        assert term >= known_term, "a term never falls"
        assert term > known_term or not known_vote or vote == known_vote, f"{name} votes twice in term {term}"
        self._hard[name] = term, vote

    def endorsed(self, name: str, index: int, term: int, history: bytes) -> None:
        """Nobody endorses two histories of one height and term: that would convict an honest node."""
        assert self._endorsed.setdefault((name, index, term), history) == history, f"{name} endorses two {index}"
