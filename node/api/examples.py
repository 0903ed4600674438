"""An example of any value: right in form, so that it can be read and decoded; true of no chain.

Every field has one by its name, which means the same everywhere, or by the one form that its text may have. Examples
are made of the types, so none goes out of date; a field that has none is found out by a test.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from msgspec import UNSET
from msgspec.inspect import (
    AnyType,
    BoolType,
    BytesType,
    CollectionType,
    DictType,
    Field,
    IntType,
    LiteralType,
    Metadata,
    NoneType,
    RawType,
    StrType,
    StructType,
    TupleType,
    Type,
    UnionType,
    type_info,
)

from ledger.actions import Pay, RegisterModel
from ledger.events import Paid
from ledger.governance import SetParameters
from ledger.records import Asset, Licence, LicenceOffer, Model, Token
from node.api.example_words import BY_PATTERN, HEX_DIGITS, MAPS, NUMBERS, OF_32_BYTES, TEXTS
from node.api.schemas import ENCODED
from remarque.api.assets import PolicyRoyalty
from remarque.api.explanations import ExplainedRule
from remarque.api.governance import ProposalView
from remarque.api.market import Trait
from remarque.api.transactions import TransactionView

CHOSEN = (Pay, Paid, SetParameters)
"""What stands for all actions, all events, and all changes."""
ELSEWHERE = {
    (Asset, "id"): "asset",
    (Token, "id"): "token",
    (ProposalView, "id"): "proposal",
    (TransactionView, "id"): "transaction",
    (PolicyRoyalty, "id"): "rule",
    (ExplainedRule, "id"): "rule",
    (Licence, "id"): "licence",
    (LicenceOffer, "id"): "offer",
    (Model, "licence"): "model_licence",
    (RegisterModel, "licence"): "model_licence",
    (Trait, "value"): "creator",
}
"""Fields that are elsewhere called otherwise."""


def example(kind: Any, *, whole: bool = False) -> Any:
    """An example of a type as JSON has it; of a value without what may be absent, unless the whole is wanted."""
    return _of(type_info(kind), "", whole)


def example_named(name: str, kind: Any) -> Any:
    """An example of a type for a field or parameter of a name."""
    return _of(type_info(kind), name, False)


def _of(one: Type, name: str, whole: bool) -> Any:
    if isinstance(one, Metadata):
        return _of(one.type, name, whole)
    if isinstance(one, StructType):
        return _of_struct(one, whole)
    if isinstance(one, UnionType):
        return _of(_chosen(one), name, whole)
    if isinstance(one, DictType):
        return MAPS[name]
    if isinstance(one, TupleType):
        return [_of(item, name, False) for item in one.item_types]
    if isinstance(one, CollectionType):
        return [_of(one.item_type, name, False)] * max(1, one.min_length or 0)
    if isinstance(one, LiteralType):
        return one.values[0]
    return _of_plain(one, name)


def _of_struct(one: StructType, whole: bool) -> dict[str, Any]:
    found = {} if one.tag is None else {str(one.tag_field): one.tag}
    for field in one.fields:
        if _is_there(one, field) or (whole and not _may_be_null(field)):
            encoded = ENCODED.get((one.cls, field.name))
            kind = field.type if encoded is None else type_info(encoded)
            name = ELSEWHERE.get((one.cls, field.name), field.encode_name)
            found[field.encode_name] = _of(kind, name, False)
    return found


def _is_there(one: StructType, field: Field) -> bool:
    """Whether a value's JSON always has a field."""
    return field.required or (not one.cls.__struct_config__.omit_defaults and field.default is not UNSET)


def _may_be_null(field: Field) -> bool:
    return isinstance(field.type, UnionType) and any(isinstance(one, NoneType) for one in field.type.types)


def _chosen(union: UnionType) -> Type:
    """What stands for a union: the one chosen for all its kind, else the first that is something."""
    found = [one for one in union.types if not isinstance(one, NoneType)]
    chosen = [one for one in found if isinstance(one, StructType) and one.cls in CHOSEN]
    text = [one for one in found if isinstance(one, StrType)]
    return [*chosen, *text, *found][0]


def _of_plain(one: Type, name: str) -> Any:
    if isinstance(one, BoolType):
        return True
    if isinstance(one, IntType):
        number = NUMBERS.get(name, 1)
        return min(max(number, one.ge or 0), number if one.le is None else one.le)
    if isinstance(one, RawType | AnyType):
        return NUMBERS["amount"]
    if isinstance(one, StrType):
        return _of_text(one, name)
    if isinstance(one, BytesType):
        return TEXTS[name]  # in base64
    raise TypeError(f"no example of {one} for {name!r}")


def _of_text(one: StrType, name: str) -> str:
    digits = HEX_DIGITS.get(one.pattern or "")
    if digits is not None or (one.pattern is None and name in OF_32_BYTES):
        return hashlib.sha512(name.encode()).hexdigest().ljust(digits or 64, "0")[: digits or 64]
    text = TEXTS.get(name)
    if text is not None and (one.pattern is None or re.search(one.pattern, text)):
        return text
    return BY_PATTERN[one.pattern or name]
