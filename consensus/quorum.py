"""Majorities: how many voters decide, and which index enough of them have reached."""

from __future__ import annotations

from collections.abc import Iterable


def majority(count: int) -> int:
    """Smallest number of voters that is more than half."""
    return count // 2 + 1


def reached(values: Iterable[int]) -> int:
    """Largest value that a majority has reached or passed."""
    ordered = sorted(values, reverse=True)
    return ordered[majority(len(ordered)) - 1]
