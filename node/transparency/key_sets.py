"""COSE Key Sets: the keys that receipts are checked with, this chain's or a stranger's.

Strangers also sign with ECDSA over P-256 (ES256). That is verified here, outside the ledger, by the library that reads
the nodes' certificates; it is never used for anything on the chain.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from ledger import cbor, cose
from ledger.cbor import CborRefused
from ledger.cose import CoseRefused, Ed25519Key, Verifying, thumbprint
from ledger.crypto import is_strong_key

EC2, P256, Y = 2, 1, -3
KEY_SET_BYTES_MAX = 256 * 1024


class P256Key:
    """A stranger's ECDSA key. Satisfies `ledger.cose.Verifying`."""

    algorithm = cose.ES256

    def __init__(self, x: bytes, y: bytes) -> None:
        """CoseRefused if the coordinates are of no point of the curve."""
        try:
            self._key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), b"\x04" + x + y)
        except ValueError:
            raise CoseRefused("it is no point of P-256") from None
        self.thumbprint = thumbprint({cose.KEY_TYPE: EC2, cose.CURVE: P256, cose.X: x, Y: y})

    def verifies(self, structure: bytes, signature: bytes) -> bool:
        if len(signature) != 64:
            return False
        r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
        try:
            self._key.verify(encode_dss_signature(r, s), structure, ec.ECDSA(SHA256()))
        except InvalidSignature:
            return False
        return True


def key_set(publics: Iterable[str]) -> bytes:
    """COSE Key Set of Ed25519 keys."""
    return cbor.encode([Ed25519Key(public).cose_key() for public in publics])


def parse_key_set(data: bytes) -> dict[bytes, Verifying]:
    """Keys of a COSE Key Set by thumbprint. CoseRefused if one is of a kind not known here, or no key."""
    try:
        found = cbor.decode(data) if len(data) <= KEY_SET_BYTES_MAX else None
    except CborRefused as error:
        raise CoseRefused(str(error)) from None
    if not isinstance(found, list):
        raise CoseRefused(f"a key set is a list of keys, of at most {KEY_SET_BYTES_MAX} bytes")
    keys = [_key(one) for one in found]
    return {key.thumbprint: key for key in keys}


def _key(value: Any) -> Verifying:
    if not isinstance(value, dict):
        raise CoseRefused("a key is a map")
    kind, curve, x, y = (value.get(label) for label in (cose.KEY_TYPE, cose.CURVE, cose.X, Y))
    if (kind, curve) == (cose.OKP, cose.ED25519) and isinstance(x, bytes) and is_strong_key(x.hex()):
        return Ed25519Key(x.hex())
    if (kind, curve) == (EC2, P256) and isinstance(x, bytes) and isinstance(y, bytes) and len(x) == len(y) == 32:
        return P256Key(x, y)
    raise CoseRefused("a key is neither of Ed25519 nor of P-256")
