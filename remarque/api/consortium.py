"""Who runs the chain now, and whether it would go on if one of them failed."""

from __future__ import annotations

from msgspec import UNSET, UnsetType

from remarque.api.shapes import Answer


class NodeStanding(Answer, frozen=True, kw_only=True):
    """One node, as the node that was asked sees it."""

    node: str
    org: str
    votes: bool
    """Whether its endorsements count."""
    answers: bool
    """Whether it answered in time."""
    address: str | UnsetType = UNSET
    """Where its record says that it is reached."""
    height: int | UnsetType = UNSET
    """Of its newest final block, as it says."""
    reaches: tuple[str, ...] | UnsetType = UNSET
    """The voters to which it has a stream, as it says."""
    replaced_by: str | UnsetType = UNSET
    """The node that was voted to take its place."""


class ConsortiumStanding(Answer, frozen=True, kw_only=True):
    """The nodes of a consortium."""

    chain: str
    asked: str
    """The node that says so."""
    leader: str
    """Node that leads; empty while none is known."""
    height: int
    """Of the newest final block here."""
    needed: int
    """How many voters make a block final."""
    answering: int
    """How many voters answer."""
    changes: int
    """How often the voters have changed since the genesis."""
    nodes: tuple[NodeStanding, ...]
    """Voters first, each kind by name."""
