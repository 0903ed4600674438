"""The rules of execution in force at a height: a small frozen value, chosen by height, never edited once released.

Which version is in force is a record of the state, changed by vote only and some blocks ahead: so every node knows it
before the block that needs it, and one that does not know the rules says so in time, and stops rather than diverge.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from ledger.encoding import Value, decode_trusted

ACTIVATION_NOTICE_BLOCKS = 16
"""How many blocks at least lie between the vote that activates a version and its first block."""


class ProtocolVersion(msgspec.Struct, frozen=True):
    """What all nodes must do alike to reach the same state."""

    number: int
    """Announced by nodes to each other; a node that does not know the number in force stops."""
    decision_fuel_max: int
    """Fuel that one decision of the rules may spend: what a policy may cost, for each of the four scopes."""
    expired_ids_per_block: int
    """The least number of expired transaction ids that a block drops, to keep the window bounded without a stall."""


V1 = ProtocolVersion(number=1, decision_fuel_max=40_000, expired_ids_per_block=4)
NEWEST = V1

Versions = Mapping[int, ProtocolVersion]
KNOWN: Versions = {V1.number: V1}
"""The versions that this software can run, by number."""


class Activation(Value, frozen=True, kw_only=True):
    """From which block on a version is in force."""

    version: int
    height: int


class Protocol(Value, frozen=True, kw_only=True):
    """Every activation that was voted, by height. Before the first of them, version 1 is in force."""

    activations: tuple[Activation, ...] = ()

    def number_at(self, height: int) -> int:
        """Number of the version that is in force at a height."""
        return max((one.version for one in self.activations if one.height <= height), default=V1.number)

    def ahead_of(self, height: int) -> Activation | None:
        """The activation that lies ahead of a height; there is at most one."""
        return next((one for one in self.activations if one.height > height), None)


PROTOCOL = "protocol"
"""Key of the activations; absent until the first vote."""


class ProtocolUnknown(Exception):
    """The rules of a block are not known here. Run no block from its height on: newer software knows them."""

    def __init__(self, number: int, height: int) -> None:
        super().__init__(
            f"protocol version {number} is in force from block {height} on, this software does not know it; upgrade it"
        )
        self.number = number
        self.height = height


def protocol_in(get: Callable[[str], bytes | None]) -> Protocol:
    """The activations that a state holds."""
    data = get(PROTOCOL)
    return Protocol() if data is None else decode_trusted(data, Protocol)


def version_at(get: Callable[[str], bytes | None], height: int, versions: Versions = KNOWN) -> ProtocolVersion:
    """The rules for the block at a height, by the state below it. ProtocolUnknown if they are not known here."""
    number = protocol_in(get).number_at(height)
    if number not in versions:
        raise ProtocolUnknown(number, height)
    return versions[number]
