"""An example of any value: right in form, so that it can be read and decoded; true of no chain.

Every field has one by its name, which means the same everywhere, or by the one form that its text may have. Examples
are made of the types, so none goes out of date; a field that has none is found out by a test.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from msgspec.inspect import (
    AnyType,
    BoolType,
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

from ledger.actions import Pay
from ledger.events import Paid
from ledger.governance import SetParameters
from ledger.records import Asset, Token
from node.api.schemas import ENCODED
from remarque.api.assets import PolicyRoyalty
from remarque.api.explanations import ExplainedRule
from remarque.api.governance import ProposalView
from remarque.api.market import Trait
from remarque.api.transactions import TransactionView

CHOSEN = (Pay, Paid, SetParameters)
"""What stands for all actions, all events, and all changes."""
ACCOUNT, CHAIN, NODE, TIME_MS = "alice@studio", "studio-3f1c22d0", "node1", 1_764_000_000_000
ELSEWHERE = {
    (Asset, "id"): "asset",
    (Token, "id"): "token",
    (ProposalView, "id"): "proposal",
    (TransactionView, "id"): "transaction",
    (PolicyRoyalty, "id"): "rule",
    (ExplainedRule, "id"): "rule",
    (Trait, "value"): "creator",
}
"""Fields that are elsewhere called otherwise."""
HEX_DIGITS = {
    r"^[0-9a-f]{32}\Z": 32,
    r"^[0-9a-f]{64}\Z": 64,
    r"^[0-9a-f]{128}\Z": 128,
    r"^[0-9a-f]{160}\Z": 160,
    r"^([0-9a-f]{2}){50,2000}\Z": 128,
    r"^([0-9a-f]{2})+\Z": 128,
}
"""Patterns of hex text, with the number of digits that an example has."""
OF_32_BYTES = {
    "asset",
    "token",
    "key",
    "public",
    "digest",
    "file_digest",
    "pixel_digest",
    "transaction",
    "transactions",
    "proposal",
    "proposals",
    "generation",
    "hash",
    "challenge",
    "reader_key",
    "model",
    "models",
    "parents",
    "request",
    "attested_in",
    "old",
    "new",
    "path",
    "assets",
}
"""Names of fields that hold 32 bytes as hex, whatever their type says."""
TEXTS = {
    "account": ACCOUNT,
    "action": "sale",
    "actions": "payment.transfer",
    "attested_by": "camera@studio",
    "basis": "answered by this member; provable through the receipts of the transactions named",
    "by": "camera@studio",
    "bidder": "carla@club",
    "buyer": "carla@club",
    "certificate": "3082014a",
    "chain": CHAIN,
    "cid": "bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    "code": "OK",
    "collection": "spring-2027@studio",
    "creator": ACCOUNT,
    "currency": "EUR",
    "decision": "PERMITTED",
    "description": "Recorded by alice@studio, 1024 x 768 pixels.",
    "detail": "",
    "disputed_by": "agency",
    "effect": "permit",
    "error": "the field is absent",
    "evidence": "declared",
    "for_terms": "house@1",
    "excerpt": "permit * as all_may when true;",
    "expr": "tx.price < 100",
    "generator": "camera@studio",
    "granted_by": ACCOUNT,
    "holder": "carla@club",
    "image": "ipfs://bafkreihdwdcefgh4dqkjv67uzcmw7ojee6xedzdetojuzjevtenxquvyku",
    "image_code": "ISCC:EEDRFYQHBMLMOFLBYZIGXBGQZ5LRZTSNZ4QVQXU5CE3XLTJOFQJ5KTY",
    "issuer": "treasury@club",
    "kind": "sale",
    "kinds": "sale",
    "leader": NODE,
    "left_out": "floors, caps, ancestors, buyers who pay on top, and conditions",
    "licence": "Apache-2.0",
    "lost": "node3",
    "media_type": "image/png",
    "memo": "for the cover",
    "message": "there is no field creaters",
    "mode": "lap",
    "name": "house",
    "names": "proposals_open_max",
    "next": "EUR",
    "node": NODE,
    "org": "studio",
    "orgs": "studio",
    "owner": ACCOUNT,
    "path": "0/000",
    "payer": "carla@club",
    "policy": "house@1",
    "proposer": ACCOUNT,
    "provider": "Studio",
    "publisher": ACCOUNT,
    "purpose": "fact check",
    "reason": "more room for proposals",
    "receiver": ACCOUNT,
    "recorded_evidence": "declared",
    "registrant": ACCOUNT,
    "requester": "carla@club",
    "revoked_by": ACCOUNT,
    "role": "leader",
    "roles": "fact-checker",
    "rule": "all_may",
    "scope": "consortium",
    "sealed": "5f" * 80,
    "seller": ACCOUNT,
    "sender": "carla@club",
    "severity": "error",
    "signature": "5f" * 64,
    "signatures": "5f" * 64,
    "signer": ACCOUNT,
    "source": "policy house version 1 schema remarque@1 { permit * as all_may when true; }",
    "state": "running",
    "status": "open",
    "subject": "press/2027/cover",
    "terms": "house@1",
    "text": "line 1, column 48: there is no field creaters",
    "title": "The studio",
    "to": "carla@club",
    "trait_type": "creator",
    "trigger": "secondary_sale",
    "type": "urn:remarque:error:NOT_FOUND",
    "user": "carla@club",
    "value": "a lighthouse by the sea at sunset",
    "version": "1",
    "why": "sold",
    "wording": "This very file is recorded on the chain.",
}
NUMBERS = {
    "block_transactions_max": 1_000,
    "block_bytes_max": 1_048_576,
    "clock_ahead_ms_max": 5_000,
    "decimals": 2,
    "editions": 10,
    "extension_ms": 300_000,
    "height": 42,
    "count": 4,
    "oldest": 0,
    "position": 0,
    "price": 120_000,
    "amount": 120_000,
    "proposal_ms_max": 2_592_000_000,
    "proposals_open_max": 8,
    "rate_ppm": 75_000,
    "rental_ms_max": 31_536_000_000,
    "reserve": 100_000,
    "sale_price": 120_000,
    "royalty_amount": 9_000,
    "size": 48_213,
    "status": 404,
    "time_ms": TIME_MS,
    "transaction_fuel_max": 1_000_000,
    "valid_ms_max": 600_000,
    "valid_until_ms": TIME_MS + 60_000,
    "until_ms": TIME_MS + 86_400_000,
    "weight_ppm": 1_000_000,
    "width": 1_024,
}
MAPS = {"balances": {"EUR": 120_000}, "fuel": {"all_may": 12}}
BY_PATTERN = {
    r"^[a-z0-9][a-z0-9-]{0,31}\Z": "studio",
    r"^[a-z0-9][a-z0-9-]{0,40}\Z": "studio",
    r"^[a-z0-9][a-z0-9._-]{0,31}@[a-z0-9][a-z0-9-]{0,31}\Z": ACCOUNT,
    r"^[a-z][a-z0-9_]{0,62}\Z": "house",
    r"^[A-Za-z0-9_-]{43}\Z": "wHNjIIrcBTHG3ZDtBFiwxvdMsFg8oOwGXNlTTDNxLqg",
    r"^[0-9]{1,15}\.[0-9]{1,9}\Z": "42.0",
    r"^[0-9]{1,15}(\.[0-9]{1,15}){0,2}\Z": "42.0.0",
    r"^[a-z][a-z0-9_]{0,62}/[0-9]{1,16}\Z": "house/1",
    r"^[A-Z]{3,8}\Z": "EUR",
}
"""Text of a form, where that of its name is of another."""


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
        if field.required or (whole and not _may_be_null(field)):
            encoded = ENCODED.get((one.cls, field.name))
            kind = field.type if encoded is None else type_info(encoded)
            name = ELSEWHERE.get((one.cls, field.name), field.encode_name)
            found[field.encode_name] = _of(kind, name, False)
    return found


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
    raise TypeError(f"no example of {one} for {name!r}")


def _of_text(one: StrType, name: str) -> str:
    digits = HEX_DIGITS.get(one.pattern or "")
    if digits is not None or (one.pattern is None and name in OF_32_BYTES):
        return hashlib.sha512(name.encode()).hexdigest().ljust(digits or 64, "0")[: digits or 64]
    text = TEXTS.get(name)
    if text is not None and (one.pattern is None or re.search(one.pattern, text)):
        return text
    return BY_PATTERN[one.pattern or name]
