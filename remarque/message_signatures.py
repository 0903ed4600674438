"""How a request is signed: our profile of HTTP Message Signatures (RFC 9421), one for the node and the SDK.

    Content-Digest: sha-256=:…:
    Signature-Input: remarque=("@method" "@authority" "@path" "@query" "content-digest");
        created=1764000000;keyid="alice@studio/<public key>";nonce="…";tag="remarque"
    Signature: remarque=:…:

The signature covers all that decides what is asked. `@target-uri` would say the same in one component, but holds the
scheme, and a node behind a proxy that ends TLS does not see the one the client used. A body is covered by its digest
(RFC 9530). http-sf reads and writes the fields (RFC 9651); the bytes that are signed are put together here, because
their signatures are to be made and checked by the one Ed25519 of `ledger.crypto`.
"""

from __future__ import annotations

import secrets
from collections.abc import Container, Mapping
from typing import Annotated, Any, Literal, cast

import http_sf
import msgspec
from msgspec import Meta

from ledger.crypto import SigningKey, sha256

TAG = "remarque"
TARGET = ("@method", "@authority", "@path", "@query")
DECISIVE_FIELDS = ("content-digest", "last-event-id")
"""Header fields that change what is answered: covered wherever a request has them."""
BODILESS = ("GET", "HEAD")
"""Methods of requests without a body; all others cover the digest of theirs, even of an empty one."""
FIELD_CHARACTERS_MAX = 4_096

Member = tuple[list[tuple[str, dict[str, Any]]], dict[str, Any]]
"""A member of `Signature-Input` as http-sf gives it: covered components, and the signature's parameters."""


class SignatureParameters(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """SignatureParameters of a signature, all covered by it."""

    created: int
    """Seconds since 1970."""
    keyid: Annotated[str, Meta(pattern=r"^[a-z0-9][a-z0-9@._-]{0,64}/[0-9a-f]{64}\Z")]
    """Account and public key: `alice@studio/<64 hex digits>`."""
    nonce: Annotated[str, Meta(min_length=16, max_length=128)]
    """Never the same twice."""
    tag: Literal["remarque"]
    """Whose signature this is; signatures with other tags are for others."""
    alg: Literal["ed25519"] = "ed25519"
    expires: int | None = None
    """Seconds since 1970, if it shall not hold for as long as the node would take it."""


class RequestSignature(msgspec.Struct, frozen=True):
    """A request's signature with what it says of itself; nothing is verified yet."""

    member: Member
    parameters: SignatureParameters
    value: bytes

    @property
    def covered(self) -> list[str]:
        """Names of the covered components."""
        return [name for name, _ in self.member[0]]


def parse_signature(signature_input: str, signature: str) -> RequestSignature:
    """The one signature with our tag from a request's two fields; ValueError or ValidationError if there is none."""
    ours = {label: member for label, member in parse_dictionary(signature_input).items() if member[1].get("tag") == TAG}
    if len(ours) != 1:
        raise ValueError(f'{len(ours)} signatures have tag="{TAG}", one must')
    [(label, member)] = ours.items()
    value = parse_dictionary(signature).get(label, (None,))[0]
    if not isinstance(value, bytes):
        raise ValueError(f"Signature has no bytes for {label}")
    if not isinstance(member[0], list) or not all(isinstance(name, str) and not more for name, more in member[0]):
        raise ValueError("what is covered must be a list of component names, without parameters")
    return RequestSignature(member, msgspec.convert(member[1], SignatureParameters), value)


def needed(method: str, fields: Container[str]) -> tuple[str, ...]:
    """Components that the signature of a request with such header fields must cover."""
    digest = () if method in BODILESS else ("content-digest",)
    return TARGET + digest + tuple(name for name in DECISIVE_FIELDS if name in fields and name not in digest)


def target(method: str, authority: str, path: str, query: str) -> dict[str, str]:
    """Values of a request's derived components (RFC 9421, 2.2); path and query percent-encoded as they are sent."""
    return {"@method": method, "@authority": authority, "@path": path, "@query": "?" + query}


def signature_base(member: Member, values: Mapping[str, str]) -> bytes:
    """The bytes that are signed (RFC 9421, 2.5). ValueError if a component is absent, twice there, or not a line."""
    lines: dict[str, str] = {}
    for name, _ in member[0]:
        if name in lines:
            raise ValueError(f"{name} is covered twice")
        if name not in values:
            raise ValueError(f"it covers {name[:80]!r}, which the request has not")
        if "\n" in values[name] or "\r" in values[name]:
            raise ValueError(f"{name} has more than one line")
        lines[name] = f'"{name}": {values[name]}'
    parameters = f'"@signature-params": {http_sf.ser([cast(Any, member)])}'
    return "\n".join([*lines.values(), parameters]).encode("ascii")


def sign(
    sent: dict[str, str], fields: Mapping[str, str], body: bytes, *, account: str, key: SigningKey, created: int
) -> dict[str, str]:
    """Header fields that sign a request to the `target` it is sent to, for an account."""
    method = sent["@method"]
    added = {} if method in BODILESS else {"Content-Digest": http_sf.ser({"sha-256": sha256(body)})}
    values = {name.lower(): value for name, value in (*fields.items(), *added.items())} | sent
    parameters = {"created": created, "keyid": f"{account}/{key.public}", "nonce": secrets.token_hex(16), "tag": TAG}
    member: Member = [(name, {}) for name in needed(method, values)], parameters
    signature = key.sign_request(signature_base(member, values))
    return added | {
        "Signature-Input": http_sf.ser({TAG: cast(Any, member)}),
        "Signature": http_sf.ser({TAG: signature}),
    }


def parse_content_digest(field: str) -> bytes:
    """SHA-256 from a `Content-Digest` field; ValueError if it holds none."""
    digest = parse_dictionary(field).get("sha-256", (None,))[0]
    if not isinstance(digest, bytes) or len(digest) != 32:
        raise ValueError("Content-Digest needs sha-256 with 32 bytes")
    return digest


def parse_dictionary(field: str) -> dict[str, tuple[Any, dict[str, Any]]]:
    """A dictionary of structured fields; ValueError if it is none, is too long, or names anything twice."""
    if len(field) > FIELD_CHARACTERS_MAX:
        raise ValueError(f"the field has {len(field)} characters, at most {FIELD_CHARACTERS_MAX}")
    parsed = http_sf.parse(field.encode("ascii"), tltype="dictionary", on_duplicate_key=_refuse_twice)
    return cast(dict[str, tuple[Any, dict[str, Any]]], parsed)


def _refuse_twice(name: str, _: str) -> None:
    raise ValueError(f"{name} is given twice")
