"""Manifest stores as bytes: found in a file, and the certificates of those who signed their claims.

The library does not say what a certificate may be used for, so this looks for itself. Sources: ISO/IEC 19566-5 (JUMBF);
RFC 9052 and 9360 (COSE, certificates); C2PA 2.4, 11, 13.2 and annex A.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

import cbor2
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from pictures.containers import isobmff, tiff_entry
from pictures.containers.jpeg_segments import jumbf_of
from pictures.credentials.certificates import TRUSTED_PURPOSES

STORE_TAG = 52545
STORE_BOX = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""The kind of a manifest store's box in AVIF and HEIF, behind `uuid`."""

_BOX_HEAD_BYTES = 16 + 4 + len(b"manifest\0") + 8
"""Before a store in such a box: its kind, version and flags, purpose, and the place of a further box."""
_CHAIN = 33
"""COSE's header for certificates; older files have it by its name."""
_CHAIN_NAMES = (_CHAIN, "x5chain")
_BOXES_MAX = 4096
_NOT_WITH_CLAIMS = frozenset({ExtendedKeyUsageOID.TIME_STAMPING, ExtendedKeyUsageOID.OCSP_SIGNING})


def store_in(container: str, data: bytes) -> bytes:
    """The manifest store in a file; nothing if none is found where its container has it."""
    try:
        return _found_in(container, data)
    except (struct.error, IndexError, KeyError):
        return b""


def signers_in(store: bytes) -> dict[str, x509.Certificate]:
    """By its label, whose certificate each manifest of a store was signed with; none where it cannot be read."""
    found: dict[str, x509.Certificate] = {}
    try:
        for _, first, last in _superboxes(store, 0, len(store)):
            for label, start, end in _superboxes(store, first, last):
                for inner, at, stop in _superboxes(store, start, end):
                    if inner == "c2pa.signature":
                        found[label] = _certificate(store[at:stop])
    except MemoryError:
        raise
    except Exception:  # what decodes CBOR and certificates answers hostile bytes with almost any exception
        return found
    return found


def signature_at(store: bytes) -> tuple[int, int]:
    """Where the signature (CBOR) of the manifest in force, the last one, begins and ends; zeros if none is found."""
    try:
        _, first, last = next(_superboxes(store, 0, len(store)))
        _, start, end = list(_superboxes(store, first, last))[-1]
        at = next(at for label, at, _ in _superboxes(store, start, end) if label == "c2pa.signature")
        (size,) = struct.unpack_from(">I", store, at)
        return at + 8, at + size
    except (struct.error, IndexError, StopIteration):
        return 0, 0


def active_alone(store: bytes) -> bytes:
    """A store with the manifest in force, the last one, and no other; as it is where that cannot be told."""
    try:
        _, first, last = next(_superboxes(store, 0, len(store)))
        starts = [start for start, _ in _boxes(store, first, last)]
        kept = store[8:first] + store[starts[-1] : last]
    except (struct.error, IndexError, StopIteration):
        return store
    return struct.pack(">I4s", 8 + len(kept), b"jumb") + kept


def _boxes(data: bytes, at: int, end: int) -> Iterator[tuple[int, int]]:
    """Start and end of each box between two places."""
    for _ in range(_BOXES_MAX):
        if at + 8 > end:
            return
        (size,) = struct.unpack_from(">I", data, at)
        if size < 8:
            return
        yield at, min(at + size, end)
        at += size


def may_sign_claims(certificate: x509.Certificate) -> bool:
    """Whether its key purposes are those of a signer of claims, and not of time-stamps or of the state of others."""
    try:
        purposes = set(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except (x509.ExtensionNotFound, ValueError):
        return False
    wanted = {x509.ObjectIdentifier(one) for one in TRUSTED_PURPOSES.split()}
    return bool(purposes & wanted) and not purposes & _NOT_WITH_CLAIMS


def _found_in(container: str, data: bytes) -> bytes:
    if container == "PNG":
        return _chunk(data, 8, ">I4s", b"caBX")
    if container == "WEBP":
        return _chunk(data, 12, "<4sI", b"C2PA")
    if container == "TIFF":
        return tiff_entry.entry_value(data, STORE_TAG)
    if container in ("AVIF", "HEIF"):
        bodies = (data[body:end] for kind, _, body, end in isobmff.boxes(data, 0, len(data)) if kind == b"uuid")
        return next((body[_BOX_HEAD_BYTES:] for body in bodies if body.startswith(STORE_BOX)), b"")
    return jumbf_of(data) if container == "JPEG" else b""


def _chunk(data: bytes, at: int, head: str, wanted: bytes) -> bytes:
    """The body of the first chunk of a kind in a PNG or a RIFF file."""
    while at + 8 <= len(data):
        first, second = struct.unpack_from(head, data, at)
        kind, size = (first, second) if isinstance(first, bytes) else (second, first)
        if kind == wanted:
            return data[at + 8 : at + 8 + size]
        at += 12 + size if head.startswith(">") else 8 + size + size % 2
    return b""


def _superboxes(data: bytes, at: int, end: int) -> Iterator[tuple[str, int, int]]:
    """Label of each superbox among the boxes between two places, and where its content is, behind what labels it."""
    for _ in range(_BOXES_MAX):
        if at + 8 > end:
            return
        size, kind = struct.unpack_from(">I4s", data, at)
        if size < 8:
            return
        if kind == b"jumb":
            (head,) = struct.unpack_from(">I", data, at + 8)
            label = data[at + 8 + 8 + 17 : at + 8 + head].split(b"\0")[0]
            yield label.decode("utf-8", "replace"), at + 8 + head, min(at + size, end)
        at += size


def _certificate(signature: bytes) -> x509.Certificate:
    """Of the signer, out of the content of a signature's box."""
    (size,) = struct.unpack_from(">I", signature, 0)
    decoded: Any = cbor2.loads(signature[8:size])
    parts = decoded.value if isinstance(decoded, cbor2.CBORTag) else decoded
    for headers in (cbor2.loads(parts[0]), parts[1]):
        for name in _CHAIN_NAMES:
            if name in headers:
                chain = headers[name]
                return x509.load_der_x509_certificate(chain if isinstance(chain, bytes) else chain[0])
    raise KeyError("the signature names no certificate")
