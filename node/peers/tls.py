"""TLS pinned to the ledger: each node's self-signed Ed25519 certificate stands in its record; nothing else is trusted.

The certificate is made from the node's key by a fixed template and is valid to the year 9999, so no expiry can stop the
chain; time is not checked at all. Its exact bytes are what is pinned.
"""

from __future__ import annotations

import os
import ssl
from datetime import UTC, datetime

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID

from ledger.crypto import SigningKey

_NO_TIME_CHECK = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME."""


def make_certificate(key: SigningKey) -> bytes:
    """The node's certificate, DER. The same key always gives the same bytes."""
    private = Ed25519PrivateKey.from_private_bytes(key.seed)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, key.public[:32])])
    builder = x509.CertificateBuilder(
        subject_name=name,
        issuer_name=name,
        public_key=private.public_key(),
        serial_number=1,
        not_valid_before=datetime(2026, 1, 1, tzinfo=UTC),
        not_valid_after=datetime(9999, 12, 31, tzinfo=UTC),
    )
    return builder.sign(private, None).public_bytes(serialization.Encoding.DER)


def server_context(key: SigningKey, certificate: bytes, members: list[bytes]) -> ssl.SSLContext:
    """Context of the peer port: only members' certificates are let in."""
    context = _context(ssl.PROTOCOL_TLS_SERVER, key, certificate, members)
    context.num_tickets = 0
    return context


def client_context(key: SigningKey, certificate: bytes, peer: bytes) -> ssl.SSLContext:
    """Context for calling one peer: only its certificate is accepted."""
    return _context(ssl.PROTOCOL_TLS_CLIENT, key, certificate, [peer])


def _context(protocol: int, key: SigningKey, certificate: bytes, trusted: list[bytes]) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= _NO_TIME_CHECK
    for anchor in trusted:
        context.load_verify_locations(cadata=anchor)
    _load_own(context, key, certificate)
    return context


def _load_own(context: ssl.SSLContext, key: SigningKey, certificate: bytes) -> None:
    """Load certificate and key through memory: `ssl` wants a path, and the key must not touch a disk for it."""
    private = Ed25519PrivateKey.from_private_bytes(key.seed)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem += x509.load_der_x509_certificate(certificate).public_bytes(serialization.Encoding.PEM)
    memory = os.memfd_create("node-key")
    try:
        os.write(memory, pem)
        context.load_cert_chain(f"/proc/self/fd/{memory}")
    finally:
        os.close(memory)
