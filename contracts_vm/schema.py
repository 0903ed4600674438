"""Which roots and fields rules can name, of which type and how large: the vocabulary that a policy is checked against.

The ledger owns the vocabulary, since it supplies the facts; this package only knows its shape. A schema is versioned
and grows by optional fields alone, so that a policy checked once stays right. Everything that can be long has a bound,
so that the cost of a rule has one.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from contracts_vm.errors import ensure
from contracts_vm.types import INT_MAX, INT_MIN

IDS: Final = ("AccountId", "AssetId", "LicenceId", "OrgId", "TokenId")
"""Strings that name things. Comparing names of different things is a mistake, which the checker finds."""
_TEXTS: Final = ("string", "bytes", *IDS)
_LISTS: Final = tuple(f"list<{text}>" for text in _TEXTS)
_TYPES: Final = ("bool", "int", "timestamp", "duration", "payees", *_TEXTS, *_LISTS)


class Field(msgspec.Struct, frozen=True):
    """One field of a root."""

    type: str
    """`bool`, `int`, `timestamp`, `duration`, `string`, `bytes`, one of IDS, a `list<...>` of texts, or `payees`:
    accounts with weights, which no expression reads and only `pay ... to` names."""
    optional: bool = False
    """Whether the facts may lack it; it is then read only where has(...) has made sure of it."""
    characters: int = 0
    """The most characters of a text, or of each text of a list."""
    items: int = 0
    """The most items of a list."""
    low: int = INT_MIN
    high: int = INT_MAX
    """The range of an int."""
    actions: tuple[str, ...] = ()
    """The actions whose transactions carry it. A permit for one of them gets a warning if no rule looks at it."""

    def __post_init__(self) -> None:
        ensure(self.type in _TYPES, f"{self.type} is not a type of a field")
        ensure(
            self.characters > 0 or self.type not in _TEXTS + _LISTS, f"a {self.type} needs a bound of its characters"
        )
        ensure(self.items > 0 or self.type not in _LISTS, f"a {self.type} needs a bound of its items")


class Schema(msgspec.Struct, frozen=True):
    """A versioned vocabulary. Every root must be among the facts of every decision, if need be without fields."""

    name: str
    version: int
    roots: Mapping[str, Mapping[str, Field]]

    @property
    def id(self) -> str:
        """`remarque@1`, as a policy names it."""
        return f"{self.name}@{self.version}"
