"""Which roots and fields rules can name, and of which type: the vocabulary that a policy is checked against.

The ledger owns the vocabulary, since it supplies the facts; this package only knows its shape. A schema is versioned
and grows by optional fields alone, so that a policy checked once stays right.
"""

from collections.abc import Mapping
from typing import Literal

import msgspec

from contracts_vm.errors import ensure

FieldType = Literal["bool", "int", "string", "timestamp", "duration", "list<string>", "payees"]
"""`payees` is a list of accounts with weights: no expression reads it, only `pay ... to` names it."""
_TYPES = ("bool", "int", "string", "timestamp", "duration", "list<string>", "payees")


class Field(msgspec.Struct, frozen=True):
    """One field of a root."""

    type: FieldType
    optional: bool = False
    """Whether the facts may lack it; it is then read only where has(...) has made sure of it."""

    def __post_init__(self) -> None:
        ensure(self.type in _TYPES, f"{self.type} is not a type of a field")


class Schema(msgspec.Struct, frozen=True):
    """A versioned vocabulary. Every root must be among the facts of every decision, if need be without fields."""

    name: str
    version: int
    roots: Mapping[str, Mapping[str, Field]]

    @property
    def id(self) -> str:
        """`remarque@1`, as a policy names it."""
        return f"{self.name}@{self.version}"
