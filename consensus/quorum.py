"""Majorities: how many voters decide, and what a vote has come to."""

from __future__ import annotations

from collections.abc import Mapping


def majority(count: int) -> int:
    """Smallest number of voters that is more than half."""
    return count // 2 + 1


def decided(votes: Mapping[str, bool], voters: int) -> bool | None:
    """Whether a vote is won or lost, whatever the silent voters say; None while it is open."""
    granted = sum(votes.values())
    if granted >= majority(voters):
        return True
    return False if voters - (len(votes) - granted) < majority(voters) else None
