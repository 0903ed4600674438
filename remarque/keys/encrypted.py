"""Key files under a passphrase: their format, and how the seed is sealed and opened.

A line of canonical JSON: the seed in libsodium's secret box under a key that argon2id makes of the passphrase. Public
key and certificate stand in it in clear, so that they can be shown, and an account's key be rotated, without the
passphrase. A checksum tells a damaged file from a wrong passphrase.
"""

from __future__ import annotations

import hashlib
import secrets
from pathlib import Path
from typing import Annotated, Literal

import nacl.exceptions
import nacl.pwhash.argon2id as argon2id
import nacl.secret
from msgspec import Meta
from msgspec.structs import replace

from ledger.crypto import SigningKey
from ledger.encoding import Value, decode, encode
from ledger.errors import LedgerError
from ledger.names import Hex16, Hex32
from ledger.node_certificate import make_certificate
from remarque.errors import NodeCode, NodeError

OPERATIONS_MAX = 2 * argon2id.OPSLIMIT_MODERATE
MEMORY_BYTES_MAX = 2 * argon2id.MEMLIMIT_MODERATE
"""Twice what our files ask for, 512 MiB: opening a hostile one must not take the machine's time or memory."""


class Cost(Value, frozen=True, kw_only=True):
    """What making a key of a passphrase costs whoever guesses (argon2id, version 1.3, one lane)."""

    operations: Annotated[int, Meta(ge=1, le=OPERATIONS_MAX)] = argon2id.OPSLIMIT_MODERATE
    """Passes over the memory."""
    memory_bytes: Annotated[int, Meta(ge=8 * 1024, le=MEMORY_BYTES_MAX)] = argon2id.MEMLIMIT_MODERATE


MODERATE = Cost()
"""Three passes over 256 MiB: most of a second for a node's start, and for every guess."""


class EncryptedKey(Value, frozen=True, kw_only=True):
    """An encrypted key file, format 1: canonical JSON. Every field is present."""

    remarque_key: Literal[1]
    """Version of this format."""
    public: Hex32
    certificate: Annotated[str, Meta(pattern=r"^[0-9a-f]{100,4000}\Z")]
    """That a node with this key has: self-signed X.509, DER, hex."""
    kdf: Literal["argon2id"]
    operations: Annotated[int, Meta(ge=1, le=OPERATIONS_MAX)]
    memory_bytes: Annotated[int, Meta(ge=8 * 1024, le=MEMORY_BYTES_MAX)]
    salt: Hex16
    cipher: Literal["xsalsa20-poly1305"]
    nonce: Annotated[str, Meta(pattern=r"^[0-9a-f]{48}\Z")]
    sealed: Annotated[str, Meta(pattern=r"^[0-9a-f]{96}\Z")]
    """The seed's 32 bytes and the 16 of the box's authenticator."""
    checksum: str
    """SHA-256 of this value with an empty checksum."""

    def digest(self) -> str:
        """What its checksum is to be."""
        return hashlib.sha256(encode(replace(self, checksum=""))).hexdigest()


def seal_key(key: SigningKey, passphrase: bytes, cost: Cost) -> bytes:
    """Bytes of an encrypted key file."""
    salt, nonce = secrets.token_bytes(argon2id.SALTBYTES), secrets.token_bytes(nacl.secret.SecretBox.NONCE_SIZE)
    sealed = _box(passphrase, salt, cost.operations, cost.memory_bytes).encrypt(key.seed, nonce).ciphertext
    file = EncryptedKey(
        remarque_key=1,
        public=key.public,
        certificate=make_certificate(key).hex(),
        kdf="argon2id",
        operations=cost.operations,
        memory_bytes=cost.memory_bytes,
        salt=salt.hex(),
        cipher="xsalsa20-poly1305",
        nonce=nonce.hex(),
        sealed=sealed.hex(),
        checksum="",
    )
    return encode(replace(file, checksum=file.digest())) + b"\n"


def open_key(path: Path, file: EncryptedKey, passphrase: bytes) -> SigningKey:
    """The key in an encrypted file. PASSPHRASE_WRONG if that is not its own, KEY_UNREADABLE without the memory."""
    box = _box(passphrase, bytes.fromhex(file.salt), file.operations, file.memory_bytes)
    try:
        key = SigningKey(box.decrypt(bytes.fromhex(file.sealed), bytes.fromhex(file.nonce)))
    except nacl.exceptions.CryptoError:
        raise NodeError(NodeCode.PASSPHRASE_WRONG, f"it does not open {path}; try again") from None
    if key.public != file.public:
        raise NodeError(NodeCode.KEY_UNREADABLE, f"{path} names another public key than it holds; restore the file")
    return key


def is_encrypted(data: bytes) -> bool:
    """Whether a key file's bytes are those of an encrypted one."""
    return data.startswith(b"{")


def parse_key(path: Path, data: bytes) -> EncryptedKey:
    """An encrypted key file, still closed. KEY_UNREADABLE if it is damaged."""
    try:
        file = decode(data.strip(), EncryptedKey)
    except LedgerError as error:
        raise NodeError(NodeCode.KEY_UNREADABLE, f"{path} is damaged, or of another format: {error.detail}") from None
    if file.checksum != file.digest():
        raise NodeError(NodeCode.KEY_UNREADABLE, f"{path} is damaged: its checksum differs; restore it from a backup")
    return file


def _box(passphrase: bytes, salt: bytes, operations: int, memory_bytes: int) -> nacl.secret.SecretBox:
    size = nacl.secret.SecretBox.KEY_SIZE
    try:
        key = argon2id.kdf(size, passphrase, salt, opslimit=operations, memlimit=memory_bytes)
    except nacl.exceptions.RuntimeError:
        detail = f"trying a passphrase takes {memory_bytes >> 20} MiB of memory, which is not to be had; make room"
        raise NodeError(NodeCode.KEY_UNREADABLE, detail) from None
    return nacl.secret.SecretBox(key)
