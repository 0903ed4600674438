"""The rules of execution in force at a height: a small frozen value, chosen by height, never edited once released."""

from __future__ import annotations

import msgspec


class ProtocolVersion(msgspec.Struct, frozen=True):
    """What all nodes must do alike to reach the same state."""

    number: int
    """Announced by nodes to each other; a node that does not know the number in force stops."""
    decision_fuel_max: int
    """Fuel that one decision of the rules may spend."""
    expired_ids_per_block: int
    """How many forgotten transaction ids a block drops at least, to keep the window bounded without a stall."""


V1 = ProtocolVersion(number=1, decision_fuel_max=10_000, expired_ids_per_block=64)
NEWEST = V1
