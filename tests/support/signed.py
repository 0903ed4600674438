"""Requests signed by another implementation of RFC 9421, to be sent to a node or shown to its code."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from http_message_signatures import HTTPMessageSigner, MappingKeyResolver, algorithms

from ledger.crypto import SigningKey
from remarque.message_signatures import TARGET

_nonces = (f"the-nonce-of-request-{number}" for number in count())


@dataclass
class Message:
    """A request as the other implementation wants it."""

    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def path(self) -> str:
        """Path and query."""
        return "/" + self.url.partition("://")[2].partition("/")[2]


def signed(
    message: Message,
    account: str,
    key: SigningKey,
    *,
    keyid: str | None = None,
    after_s: int = 0,
    expires_after_s: int | None = None,
    nonce: str | None = "",
    tag: str | None = "remarque",
    covered: Sequence[str] = TARGET,
    digested: bool = True,
    label: str = "any",
    now: float | None = None,
) -> Message:
    """The request with a signature that a node takes, but for what is given."""
    keyid = f"{account}/{key.public}" if keyid is None else keyid
    keys = MappingKeyResolver(public_keys={}, private_keys={keyid: Ed25519PrivateKey.from_private_bytes(key.seed)})
    created = int(time.time() if now is None else now) + after_s
    HTTPMessageSigner(signature_algorithm=algorithms.ED25519, key_resolver=keys).sign(
        message,
        key_id=keyid,
        created=datetime.fromtimestamp(created, UTC),
        expires=None if expires_after_s is None else datetime.fromtimestamp(created + expires_after_s, UTC),
        nonce=next(_nonces) if nonce == "" else nonce,
        label=label,
        tag=tag,
        covered_component_ids=covered,
        append_if_signature_exists=True,
        body=message.body if digested and message.method != "GET" else None,
    )
    return message
