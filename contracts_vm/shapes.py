"""What is known of a value before any facts are there: its type, its range and how long it can be.

Types alone find typing errors; the ranges show that an addition stays within 64 bits, that a divisor is not zero, that
an index is inside its list and what a comparison can cost. A shape may know too little, never too much.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from contracts_vm.schema import IDS, Field
from contracts_vm.types import (
    DURATION_MS_MAX,
    INT_MAX,
    INT_MIN,
    TIMESTAMP_MS_MAX,
    TIMESTAMP_MS_MIN,
    kind_of,
)

UNKNOWN: Final = "?"
LONG: Final = 2**40
"""Longer than anything that could be paid for: the size of what has no bound."""


class Shape(msgspec.Struct, frozen=True, gc=False):
    """A type and its bounds."""

    kind: str
    """The kind of a value, an id of the schema, or "?" for ANY and NEVER."""
    low: int = INT_MIN
    high: int = INT_MAX
    """The range of an int; of a bool, from 0 for false to 1 for true."""
    short: int = 0
    size: int = 0
    """The least and the most characters, items or entries."""
    item: Shape | None = None
    """Each item of a list, or each value of a map."""
    key: Shape | None = None
    """Each key of a map."""
    literal: bool = False
    """Whether it is a text as written, which may stand for any id. Ids are ASCII; other letters only look like them."""

    @property
    def name(self) -> str:
        """The type as the author would write it."""
        if self.kind == "list":
            return f"list<{self.item.name if self.item else UNKNOWN}>"
        return self.kind

    @property
    def inside(self) -> Shape:
        """Each item of a list or value of a map, even if there is none."""
        return self.item or (ANY if self == ANY else NEVER)

    @property
    def text(self) -> bool:
        """Whether it is text at run time."""
        return self.kind == "string" or self.kind in IDS

    @property
    def weight(self) -> int:
        """A bound on what it costs to walk through all of it."""
        inner = 1 + (self.item.weight if self.item else 0) + (self.key.weight if self.key else 0)
        return min(LONG, self.size * inner if self.item else self.size)


ANY: Final = Shape(UNKNOWN, size=LONG)
"""What has been reported already: nothing more is said of it."""
NEVER: Final = Shape(UNKNOWN)
"""What no facts give a value, such as the item of an empty list: it goes with everything and adds nothing to it."""
BOOL: Final = Shape("bool", 0, 1)
TRUE: Final = Shape("bool", 1, 1)
FALSE: Final = Shape("bool", 0, 0)
INT: Final = Shape("int")


RANGES: Final = {
    "int": (INT_MIN, INT_MAX),
    "timestamp": (TIMESTAMP_MS_MIN, TIMESTAMP_MS_MAX),
    "duration": (-DURATION_MS_MAX, DURATION_MS_MAX),
}
"""The ranges of the kinds that have one; those of instants and spans are in milliseconds."""


def of_field(field: Field) -> Shape:
    """The shape of a field of the schema."""
    if field.type.startswith("list<"):
        return Shape("list", size=field.items, item=Shape(field.type[5:-1], size=field.characters))
    if field.type == "bool":
        return BOOL
    low, high = RANGES.get(field.type, (field.low, field.high))
    return Shape(field.type, max(low, field.low), min(high, field.high), size=field.characters)


def of_literal(value: object) -> Shape:
    """The shape of a literal."""
    if isinstance(value, bool):
        return TRUE if value else FALSE
    if isinstance(value, int):
        return Shape("int", value, value)
    if isinstance(value, str | bytes):
        return Shape(kind_of(value), short=len(value), size=len(value), literal=value.isascii())
    return Shape(kind_of(value))


def fits(a: Shape, b: Shape) -> bool:
    """Whether two shapes may be compared or joined."""
    if UNKNOWN in (a.kind, b.kind):
        return True
    if a.kind != b.kind:
        literal = (a.literal and b.kind in IDS) or (b.literal and a.kind in IDS)
        return literal and a.text and b.text
    inside = ((a.item, b.item), (a.key, b.key))
    return all(fits(inner, other) for inner, other in inside if inner and other)


def either(a: Shape, b: Shape) -> Shape:
    """What is known of a value that has one shape or the other."""
    if NEVER in (a, b):
        return b if a == NEVER else a
    if ANY in (a, b):
        return ANY
    return Shape(
        b.kind if a.literal else a.kind,
        min(a.low, b.low),
        max(a.high, b.high),
        min(a.short, b.short),
        max(a.size, b.size),
        either(a.item, b.item) if a.item and b.item else a.item or b.item,
        either(a.key, b.key) if a.key and b.key else a.key or b.key,
        a.literal and b.literal,
    )


class Known(msgspec.Struct, frozen=True):
    """What guards have made sure of at some place: fields that are there, and ranges of what is read."""

    there: frozenset[str] = frozenset()
    ranges: Mapping[str, tuple[int, int]] = {}
    """By the text of a path, a variable or a size."""
    nonzero: frozenset[str] = frozenset()

    @classmethod
    def all_of(cls, parts: Sequence[Known]) -> Known:
        """What is known where all of these hold."""
        told = [part for part in parts if part is not NOTHING]
        if len(told) < 2:
            return told[0] if told else NOTHING
        ranges = dict(told[0].ranges)
        for part in told[1:]:
            for name, (low, high) in part.ranges.items():
                here = ranges.get(name, (low, high))
                ranges[name] = (max(low, here[0]), min(high, here[1]))
        there = frozenset().union(*[part.there for part in told])
        return cls(there, ranges, frozenset().union(*[part.nonzero for part in told]))

    def common(self, other: Known) -> Known:
        """What is known where at least one of the two holds."""
        ranges = {
            name: (min(low, other.ranges[name][0]), max(high, other.ranges[name][1]))
            for name, (low, high) in self.ranges.items()
            if name in other.ranges
        }
        return Known(self.there & other.there, ranges, self.nonzero & other.nonzero)

    def without(self, mark: str) -> Known:
        """What is known of what does not have the mark in its name."""
        if self is NOTHING:
            return self
        return Known(
            frozenset(name for name in self.there if mark not in name),
            {name: limits for name, limits in self.ranges.items() if mark not in name},
            frozenset(name for name in self.nonzero if mark not in name),
        )


NOTHING: Final = Known()
