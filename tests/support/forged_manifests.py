"""Manifest stores taken apart, changed and signed again: what somebody writes who has a key and wants to deceive.

JUMBF after ISO/IEC 19566-5, claims and their signatures after C2PA 2.4, 11 and 13.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import cbor2
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from pictures.credentials.certificates import chain_of


@dataclass
class JumbfBox:
    """A box, with others in it or with bytes."""

    kind: bytes
    body: bytes = b""
    inner: list[JumbfBox] = field(default_factory=list)

    @property
    def label(self) -> str:
        return self.inner[0].body[17:].split(b"\0")[0].decode() if self.kind == b"jumb" else ""

    @property
    def content(self) -> bytes:
        return b"".join(one.whole for one in self.inner) if self.kind == b"jumb" else self.body

    @property
    def whole(self) -> bytes:
        return struct.pack(">I", 8 + len(self.content)) + self.kind + self.content

    def named(self, label: str) -> JumbfBox:
        return next(one for one in self.inner if one.label == label)

    def copy(self) -> JumbfBox:
        return next(boxes_in(self.whole))

    @property
    def cbor(self) -> Any:
        return cbor2.loads(self.inner[1].body)

    @cbor.setter
    def cbor(self, value: Any) -> None:
        self.inner[1].body = cbor2.dumps(value)

    def rename(self, label: str) -> None:
        head = self.inner[0].body
        rest = head[17:].split(b"\0", 1)[1]
        self.inner[0].body = head[:17] + label.encode() + b"\0" + rest


def boxes_in(data: bytes) -> Iterator[JumbfBox]:
    at = 0
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        kind, body = data[at + 4 : at + 8], data[at + 8 : at + size]
        yield JumbfBox(kind, inner=list(boxes_in(body))) if kind == b"jumb" else JumbfBox(kind, body)
        at += size


class ForgedStore:
    """A store whose last manifest is changed and signed again, at the same length."""

    def __init__(self, store: bytes) -> None:
        self.size = len(store)
        self.root = next(boxes_in(store))
        self.active = self.root.inner[-1]

    @property
    def assertions(self) -> JumbfBox:
        return self.active.named("c2pa.assertions")

    @property
    def claim(self) -> JumbfBox:
        return self.active.named("c2pa.claim.v2")

    def told_anew(self) -> None:
        """Let the claim name the digests that its assertions have now."""
        claim = self.claim.cbor
        for entry in claim["created_assertions"] + claim.get("gathered_assertions", []):
            label = entry["url"].rsplit("/", 1)[1]
            entry["hash"] = hashlib.sha256(self.assertions.named(label).content).digest()
        self.claim.cbor = claim

    def signed(self, key: ec.EllipticCurvePrivateKey, chain: tuple[str, ...], payload: bytes | None = None) -> bytes:
        """The store signed again; with a payload of its own in the signature, if one is given, and over that."""
        protected = cbor2.dumps({1: -7, 33: [one.public_bytes(serialization.Encoding.DER) for one in chain_of(chain)]})
        message = cbor2.dumps(["Signature1", protected, b"", payload or self.claim.inner[1].body])
        first, second = decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
        signature = first.to_bytes(32, "big") + second.to_bytes(32, "big")
        box = self.active.named("c2pa.signature")
        for _ in range(2):
            pad = bytes(max(0, self._missing(box)))
            box.cbor = cbor2.CBORTag(18, [protected, {"pad": pad}, payload, signature])
        for less in range(8):  # the length of the padding's own length differs
            box.cbor = cbor2.CBORTag(18, [protected, {"pad": pad[less:]}, payload, signature])
            if len(self.root.whole) == self.size:
                return self.root.whole
        raise AssertionError("no padding gives the length there was")

    def _missing(self, box: JumbfBox) -> int:
        pads = box.cbor.value[1].get("pad", b"")
        return len(pads) + self.size - len(self.root.whole)
