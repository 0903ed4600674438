"""The keys that sign claims and time-stamps, in the files that an operator puts into a node's folder for them.

They are read anew for each signature, so that renewed ones are taken up without a restart. A folder or a file that is
not there is no fault: then this node signs no such thing.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from node.ground.logs import logger
from pictures.credentials.certificates import chain_of
from remarque.errors import NodeCode, NodeError
from remarque.keys.files import check_not_exposed

CLAIM, STAMP = "claim", "stamp"
FILE_BYTES_MAX = 64 * 1024


class SigningLeaf(NamedTuple):
    """A key with its certificates."""

    key: ec.EllipticCurvePrivateKey
    chain: tuple[str, ...]
    """PEM, its own certificate first; without the root."""

    def sign(self, message: bytes) -> bytes:
        """ES256 over some bytes, DER."""
        return self.key.sign(message, ec.ECDSA(hashes.SHA256()))


class CredentialFolder:
    """The files of a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def _has(self, name: str) -> bool:
        """Whether there are a key and certificates of a name, `CLAIM` or `STAMP`."""
        return all((self._folder / f"{name}.{suffix}").exists() for suffix in ("key", "pem"))

    def leaf(self, name: str) -> SigningLeaf | None:
        """Key and certificates of a name; None if they are not there, or not in force now.

        KEY_UNREADABLE, KEY_EXPOSED or CONFIG_INVALID if the files are something else. It reads files, so it is done in
        a thread.
        """
        if not self._has(name):
            return None
        key = read_key(self._folder / f"{name}.key", ec.SECP256R1())
        chain = self._chain(name)
        first = chain_of(chain)[0]
        if first.public_key() != key.public_key():
            detail = f"{self._folder / name}.pem is of another key than {name}.key; issue both together"
            raise NodeError(NodeCode.CONFIG_INVALID, detail)
        in_force = first.not_valid_before_utc <= datetime.now(UTC) < first.not_valid_after_utc
        return SigningLeaf(key, chain) if in_force else None

    def usable(self, name: str) -> SigningLeaf | None:
        """The same, but that what is wrong with the files is logged, and refuses nothing."""
        try:
            return self.leaf(name)
        except NodeError as error:
            logger.error("credentials_unusable", reason=str(error))
            return None

    def _chain(self, name: str) -> tuple[str, ...]:
        file = self._folder / f"{name}.pem"
        try:
            with file.open("rb") as opened:
                certificates = chain_of([opened.read(FILE_BYTES_MAX).decode("ascii")])
        except (OSError, ValueError) as error:
            raise NodeError(NodeCode.CONFIG_INVALID, f"{file}: {error}; it must hold certificates in PEM") from None
        return tuple(one.public_bytes(serialization.Encoding.PEM).decode() for one in certificates)


def written_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A key as its file has it: PKCS 8, PEM, in clear."""
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption())


def read_key(file: Path, curve: ec.EllipticCurve) -> ec.EllipticCurvePrivateKey:
    """A key of a curve from its file. KEY_UNREADABLE, or KEY_EXPOSED if others may read it."""
    try:
        with file.open("rb") as opened:
            key = serialization.load_pem_private_key(opened.read(FILE_BYTES_MAX), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise NodeError(NodeCode.KEY_UNREADABLE, f"{file}: {error}; it must hold a key in PEM, in clear") from None
    if not isinstance(key, ec.EllipticCurvePrivateKey) or key.curve.name != curve.name:
        raise NodeError(NodeCode.KEY_UNREADABLE, f"{file} holds no key on {curve.name}; issue a new one")
    check_not_exposed(file)
    return key
