"""TLS pinned to the ledger: each node's self-signed Ed25519 certificate stands in its record; nothing else is trusted.

A certificate's exact bytes are what is pinned; time is not checked at all, so no expiry can stop the chain.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Iterable

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from ledger.crypto import SigningKey
from node.ground.logs import logger

_NO_TIME_CHECK = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME."""


def server_context(key: SigningKey, certificate: bytes, members: Iterable[bytes]) -> ssl.SSLContext:
    """Context of the peer port: only members' certificates are let in."""
    context = _context(ssl.PROTOCOL_TLS_SERVER, key, certificate, members)
    context.num_tickets = 0
    return context


def client_context(key: SigningKey, certificate: bytes, peer: bytes) -> ssl.SSLContext:
    """Context for calling one peer: only its certificate is accepted."""
    return _context(ssl.PROTOCOL_TLS_CLIENT, key, certificate, [peer])


def trust(context: ssl.SSLContext, certificate: bytes) -> None:
    """Let a certificate in from the next handshake on; one that OpenSSL does not read is told of and left out."""
    try:
        context.load_verify_locations(cadata=certificate)
    except (ssl.SSLError, ValueError) as error:
        logger.error("certificate_unusable", reason=str(error))


def _context(protocol: int, key: SigningKey, certificate: bytes, trusted: Iterable[bytes]) -> ssl.SSLContext:
    context = ssl.SSLContext(protocol)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.verify_flags |= _NO_TIME_CHECK
    for anchor in trusted:
        trust(context, anchor)
    _load_own(context, key, certificate)
    return context


def _load_own(context: ssl.SSLContext, key: SigningKey, certificate: bytes) -> None:
    """Load certificate and key through memory: `ssl` wants a path, and the key must not touch a disk for it."""
    private = Ed25519PrivateKey.from_private_bytes(key.seed)
    pem = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem += ssl.DER_cert_to_PEM_cert(certificate).encode()
    memory = os.memfd_create("node-key")
    try:
        os.write(memory, pem)
        context.load_cert_chain(f"/proc/self/fd/{memory}")
    finally:
        os.close(memory)
